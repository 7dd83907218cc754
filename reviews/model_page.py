"""What the model page shows of one shop: versions, figures, machine against people. Read only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q
from django.utils.translation import gettext as _

from reviews.causes import Cause, SubCause
from reviews.classification.network import PLAIN_SAMPLE, shipped_card
from reviews.learning import LEAST_LESSONS, decisions_of
from reviews.models import Case, Classification, DriftAlarm, ModelVersion, Shop
from reviews.models.drift import Measure
from reviews.shop_reading import base_version

DAYS = 90  # what machine and people said is compared over so long
VERSIONS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One cause as people decided it: what the machine had said, cell by cell in the order of the causes."""

    cause: Cause
    cells: Sequence[tuple[Cause, int]]

    @property
    def count(self) -> int:
        return sum(count for _cause, count in self.cells)

    @property
    def found(self) -> float | None:
        """The share the machine had named as people did."""
        right = sum(count for cause, count in self.cells if cause == self.cause)
        return right / self.count if self.count else None


@dataclass(frozen=True, slots=True)
class Shares:
    """Cases of the last days: read by the machine alone, decided by a person, still to decide."""

    cases: int
    by_people: int
    to_decide: int

    @property
    def by_machine(self) -> int:
        return self.cases - self.by_people - self.to_decide

    @property
    def machine_share(self) -> float | None:
        return self.by_machine / self.cases if self.cases else None

    @property
    def people_share(self) -> float | None:
        return self.by_people / self.cases if self.cases else None


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version in words and figures."""

    version: ModelVersion

    @property
    def why_not(self) -> str:
        """Why it was not put in use by itself; empty when nothing spoke against it."""
        return hindrance_words(self.version.hindrance)

    @property
    def held_out(self) -> Mapping[str, Any]:
        """Unseen decisions: how many, and how many the shipped model and this one read right."""
        found: Mapping[str, Any] = self.version.figures.get("held_out", {})
        return found

    @property
    def before(self) -> float | None:
        return self._share("base")

    @property
    def after(self) -> float | None:
        return self._share("new")

    def _share(self, whose: str) -> float | None:
        number = self.held_out.get("decisions")
        return self.held_out[whose]["cause"] / number if number else None

    @property
    def words(self) -> list[tuple[SubCause, list[str], list[str]]]:
        """The words that gained and lost, by sub-cause."""
        rows = self.version.figures.get("words", [])
        return [(SubCause(row["sub_cause"]), row["gained"], row["lost"]) for row in rows]

    @property
    def moves(self) -> list[tuple[Cause, Cause, int]]:
        """Of the decisions learnt from: from which cause to which this version moves how many."""
        rows = self.version.figures.get("changed", [])
        return [(Cause(row["from"]), Cause(row["to"]), row["count"]) for row in rows]


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """A drift alarm in words: what moved most."""

    alarm: DriftAlarm

    @property
    def what(self) -> str:
        words = {
            Measure.CAUSES: _("Buyers complain of other things than in the weeks before."),
            Measure.CONFIDENCE: _("The machine is no longer as sure as in the weeks before."),
            Measure.VOCABULARY: _("Reviews use other words than in the weeks before: new goods, perhaps."),
        }
        return words[Measure(self.alarm.measure)]

    @property
    def moves(self) -> list[tuple[str, float, float]]:
        """The kinds that moved most: name, share before, share now."""
        figures = self.alarm.figures
        rows = zip(figures.get("kinds", []), figures.get("before", []), figures.get("now", []), strict=False)
        named = [(self._name(kind), before, now) for kind, before, now in rows]
        return sorted(named, key=lambda row: -abs(row[2] - row[1]))[:3]

    def _name(self, kind: str) -> str:
        if self.alarm.measure == Measure.CAUSES:
            return str(Cause(kind).label)
        if self.alarm.measure == Measure.CONFIDENCE:
            return _("sure %(band)s") % {"band": kind}
        return _("unknown words %(band)s") % {"band": kind}


@dataclass(frozen=True, slots=True)
class Shipped:
    """How right both shipped readers together are on reviews they were never fitted on, from the card."""

    version: str
    plain: Mapping[str, Any]
    malicious: Mapping[str, Any]

    @classmethod
    def read(cls) -> "Shipped":
        """The plain random sample, and of the others the part that holds most malicious reviews."""
        card = shipped_card()
        parts = card["figures"]["both, rating untold"]
        plain = next(part for name, part in parts.items() if name.endswith(PLAIN_SAMPLE))
        return cls(card["version"], plain, max(parts.values(), key=_malicious_in))


def _malicious_in(part: Mapping[str, Any]) -> int:
    return sum(part["confusion"][Cause.MALICIOUS].values())


@dataclass
class ModelPage:
    """One shop's model as it stands now."""

    shop: Shop
    now: datetime

    days = DAYS
    least_lessons = LEAST_LESSONS

    @property
    def base(self) -> str:
        return base_version()

    @cached_property
    def shipped(self) -> Shipped:
        return Shipped.read()

    @cached_property
    def versions(self) -> list[VersionRow]:
        """The newest first; the one in use among them, however old."""
        rows = ModelVersion.objects.without_artifact().filter(shop=self.shop).select_related("promoted_by")
        kept = [one for place, one in enumerate(rows) if place < VERSIONS_SHOWN or one.is_current]
        return [VersionRow(one) for one in kept]

    @cached_property
    def current(self) -> VersionRow | None:
        return next((row for row in self.versions if row.version.is_current), None)

    @property
    def is_outdated(self) -> bool:
        """Learnt on another shipped model: not applied until the shop has learnt anew."""
        return self.current is not None and self.current.version.base != self.base

    @property
    def latest(self) -> ModelVersion | None:
        return self.versions[0].version if self.versions else None

    @cached_property
    def decisions(self) -> Mapping[str, int]:
        """How many decisions there are, and how many no version knows yet."""
        known = self.latest.last_decision if self.latest else 0
        return decisions_of(self.shop.pk).aggregate(
            all=Count("pk"), waiting=Count("pk", filter=Q(pk__gt=known))
        )

    @cached_property
    def shares(self) -> Shares:
        decided = Classification.objects.by_people().filter(review=OuterRef("review"))
        found = (
            Case.objects.filter(shop=self.shop, opened_at__gte=self._since)
            .annotate(decided=Exists(decided))
            .aggregate(
                cases=Count("pk"),
                by_people=Count("pk", filter=Q(decided=True)),
                to_decide=Count("pk", filter=Q(decided=False, needs_decision=True, closed_at=None)),
            )
        )
        return Shares(**found)

    @cached_property
    def confusion(self) -> list[Row]:
        """Machine against people, from the decisions of the last days."""
        rows = decisions_of(self.shop.pk).filter(made_at__gte=self._since).by_proposal()
        counts = {(cause, proposed): count for cause, proposed, count in rows}
        found = (Row(one, [(said, counts.get((one, said), 0)) for said in Cause]) for one in Cause)
        return [row for row in found if row.count]

    @cached_property
    def alarms(self) -> list[AlarmRow]:
        """What left its base and nobody has acknowledged."""
        return [AlarmRow(one) for one in DriftAlarm.objects.ringing().filter(shop=self.shop)]

    @property
    def causes(self) -> list[Cause]:
        return list(Cause)

    @property
    def compared(self) -> int:
        return sum(row.count for row in self.confusion)

    @property
    def agreed(self) -> float | None:
        right = sum(count for row in self.confusion for said, count in row.cells if said == row.cause)
        return right / self.compared if self.compared else None

    @property
    def _since(self) -> datetime:
        return self.now - timedelta(days=DAYS)


def hindrance_words(hindrance: Mapping[str, Any]) -> str:
    """Say why a version was not put in use by itself."""
    code = hindrance.get("code")
    if code == "rolled_back":
        return _("An earlier version was rolled back by a person: new ones wait for one.")
    if code == "cause_lost":
        names = {"cause": Cause(hindrance["cause"]).label, **hindrance}
        return (
            _("%(cause)s would lose: %(new)s instead of %(base)s of %(reviews)s test reviews right.") % names
        )
    if code == "held_out_worse":
        if hindrance["than"] == "base":
            return _("Unseen decisions: %(after)s instead of %(before)s of %(decisions)s right.") % hindrance
        return (
            _("Newest decisions: %(after)s right; the version in use %(before)s of %(decisions)s.")
            % hindrance
        )
    return ""
