"""Changing the compensation policy: one ladder at a time, every version kept, with who changed what."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from callbacks.models import RemedyPolicy
from callbacks.policy import PROOFS, Ladder, Proof, parse, rungs
from callbacks.remedy_card import offer_words
from callbacks.shop_policy import band_words
from reviews import colliding
from reviews.causes import COMPLAINTS, SUB_CAUSES, Cause, SubCause
from reviews.models import Shop, User


@dataclass(frozen=True, slots=True)
class Cell:
    """One band of one defect: `span` columns wide, the rungs as (proof, remedies) in words."""

    span: int
    rungs: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Said:
    """A remedy of a rung in words; `alone`: within what an agent gives alone in a case."""

    words: str
    alone: bool


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One sub-cause of the table; `is_own`: the shop's own row."""

    sub_cause: SubCause
    is_own: bool
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Version:
    """One version in words, shaped for the list of versions."""

    history_id: int
    history_user: Any
    history_date: datetime
    history_type: str
    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """The whole policy: `bands` in words are the columns, every edge of any defect begins one."""

    edges: list[int]
    bands: list[str]
    groups: Sequence[tuple[Cause, list[PolicyRow]]]


def table(shop: Shop | None) -> Table:
    """The whole policy as it is in force in a shop (None: the common one)."""
    rows = RemedyPolicy.objects.in_force(shop)
    edges = sorted({0, *(edge for row in rows.values() for edge in row.ladder.bands)})
    groups = [
        (cause, [_row(sub, rows.get(sub.value), shop, edges) for sub in SUB_CAUSES[cause]])
        for cause in COMPLAINTS
        if cause != Cause.MALICIOUS
    ]
    return Table(edges, [band_words(edge, edges) for edge in edges], groups)


def _row(sub: SubCause, row: RemedyPolicy | None, shop: Shop | None, edges: list[int]) -> PolicyRow:
    ladder = row.ladder if row else Ladder()
    own = bool(row and shop and row.shop_id == shop.pk)
    ends = [*ladder.bands[1:], edges[-1] + 1]
    spans = [sum(band <= edge < end for edge in edges) for band, end in zip(ladder.bands, ends, strict=True)]
    cells = [Cell(span, _rungs(ladder, band)) for band, span in zip(ladder.bands, spans, strict=True)]
    return PolicyRow(sub, own, cells)


def _rungs(ladder: Ladder, band: int) -> list[tuple[str, str]]:
    """(proof, remedies) for each rung of the band that has any."""
    found = []
    for proof in PROOFS:
        words = [step.label for step in ladder.steps if step.band == band and step.proof == proof]
        if words:
            found.append((str(proof.label), "、".join(words)))
    return found


def said(ladder: Ladder, value: Decimal, shop: Shop | None) -> list[tuple[str, list[Said]]]:
    """What an order of `value` yuan gets by this ladder, rung by rung, in words with amounts."""
    limit = shop.remedy_limit_per_case if shop else None
    return [
        (
            str(proof.label),
            [
                Said(offer_words(one), proof != Proof.JUDGEMENT and (limit is None or one.amount <= limit))
                for one in offers
            ],
        )
        for proof, offers in rungs(ladder, value).items()
        if offers
    ]


def in_force(shop: Shop | None, sub_cause: str) -> Ladder:
    """The ladder a shop reads for a sub-cause."""
    row = RemedyPolicy.objects.holding(shop.pk if shop else None, sub_cause)
    return row.ladder if row else Ladder()


def stored(ladder: Ladder) -> dict[str, Any]:
    """A ladder as it is stored, for its mark."""
    return {"bands": list(ladder.bands), "steps": ladder.as_rows()}


def own_row(shop: Shop | None, sub_cause: str) -> RemedyPolicy | None:
    """The row of just this shop, if there is one."""
    return RemedyPolicy.objects.filter(shop=shop, sub_cause=sub_cause).first()


def save_ladder(shop: Shop | None, sub_cause: str, ladder: Ladder, *, by: User, mark: str = "") -> bool:
    """Keep a ladder; a shop that reads the common one gets a row of its own. False: nothing changed.

    Raises Collision when the ladder has changed since a form with this mark was opened.
    """
    with transaction.atomic():
        row = RemedyPolicy.objects.select_for_update().filter(shop=shop, sub_cause=sub_cause).first()
        before = row.ladder if row else in_force(shop, sub_cause)
        words = "\n".join(sorted(_named(before)))
        latest = RemedyPolicy.history.filter(shop=shop, sub_cause=sub_cause).order_by("-history_id").first()
        who = latest.history_user if latest else ""
        colliding.check(mark, stored(before), stored(ladder), words=words, who=who)
        if before == ladder:
            return False
        if row is None:
            row = RemedyPolicy(shop=shop, sub_cause=sub_cause)
        row.bands, row.steps = list(ladder.bands), ladder.as_rows()
        row._history_user = by  # type: ignore[attr-defined]
        row.save()
    return True


@transaction.atomic
def set_bands(shop: Shop | None, bands: tuple[int, ...], *, by: User) -> int:
    """Give every defect these bands, each beginning with what held there; how many ladders changed.

    Raises PolicyError.
    """
    rows = RemedyPolicy.objects.in_force(shop)
    return sum(save_ladder(shop, sub, row.ladder.fitted(bands), by=by) for sub, row in rows.items())


def reset_ladder(shop: Shop, sub_cause: str, *, by: User) -> bool:
    """Read the common ladder again."""
    row = own_row(shop, sub_cause)
    if row is None:
        return False
    row._history_user = by  # type: ignore[attr-defined]
    row.delete()
    return True


def versions(shop: Shop | None, sub_cause: str) -> list[Version]:
    """The latest first, each with what it changed against the one before."""
    rows = RemedyPolicy.history.filter(shop=shop, sub_cause=sub_cause).select_related("history_user")
    found = list(rows.order_by("-history_id")[:31])
    pairs = zip(found, [*found[1:], None], strict=False)
    return [
        Version(one.history_id, one.history_user, one.history_date, one.history_type, _change(before, one))
        for one, before in pairs
    ][:30]


def restore(shop: Shop | None, sub_cause: str, history_id: int, *, by: User) -> bool:
    """Bring back an older ladder. Raises LookupError when this row has no such version."""
    old = RemedyPolicy.history.filter(shop=shop, sub_cause=sub_cause, history_id=history_id).first()
    if old is None:
        raise LookupError(history_id)
    return save_ladder(shop, sub_cause, parse(old.steps, old.bands), by=by)


def _change(before: Any, after: Any) -> str:
    """What is new and what is gone, in words."""
    old = _named(parse(before.steps, before.bands)) if before else set()
    new = _named(parse(after.steps, after.bands))
    gone, come = sorted(old - new), sorted(new - old)
    if before is None:
        return _("First version, %(n)d steps") % {"n": len(after.steps)}
    parts = [*(f"+ {words}" for words in come), *(f"− {words}" for words in gone)]
    return "\n".join(parts) or _("Nothing changed")


def _named(ladder: Ladder) -> set[str]:
    return {
        f"{band_words(step.band, ladder.bands)} · {step.proof.label} · {step.label}" for step in ladder.steps
    }
