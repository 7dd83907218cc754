"""Which remedy a defect and an order value earn. Pure: what is wrong, what was paid, what is proven.

The ladder climbs by proven damage. How hard a buyer presses, and what stands in a review, cannot be an
argument here: nothing in this module takes them. Defaults: callbacks/defaults/policy.json.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from callbacks.remedy_kinds import KINDS, CostRule, RemedyKind

USUAL_BANDS = (0, 50, 200, 500)  # lower edges of the order value, yuan
MOST_BANDS = 6
FEN = Decimal("0.01")
DEAREST = Decimal(99999)


class Proof(models.TextChoices):
    """What shows the damage, from the weakest to the strongest."""

    STATEMENT = "statement", gettext_lazy("Buyer's statement")
    PHOTO = "photo", gettext_lazy("Photo proof")
    JUDGEMENT = "judgement", gettext_lazy("Manager's judgement")


PROOFS = tuple(Proof)


class PolicyError(ValueError):
    """A step or band that cannot stand in a policy; the message says why."""


@dataclass(frozen=True, slots=True)
class Step:
    """One remedy of one rung: a fixed `amount` in yuan, or a `share` of the order value in percent."""

    band: int
    proof: Proof
    kind: str
    amount: Decimal | None = None
    share: int | None = None

    def cost(self, value: Decimal | None) -> Decimal | None:
        """What it comes to for an order of `value` yuan; None when that has to be known and is not."""
        if self.amount is not None:
            return self.amount
        if self.share is not None:
            return None if value is None else (value * self.share / 100).quantize(FEN, ROUND_HALF_UP)
        return value if KINDS[self.kind].cost == CostRule.WHOLE else Decimal(0)

    @property
    def label(self) -> str:
        """In words: Part refund 20 %."""
        words = str(RemedyKind(self.kind).label)
        if self.share is not None:
            return f"{words} {self.share}%"
        return f"{words} ¥{plain(self.amount)}" if self.amount else words

    def as_row(self) -> dict[str, Any]:
        """As it is stored."""
        row: dict[str, Any] = {"from": self.band, "proof": self.proof.value, "kind": self.kind}
        if self.amount is not None:
            row["amount"] = plain(self.amount)
        if self.share is not None:
            row["share"] = self.share
        return row


@dataclass(frozen=True, slots=True)
class Ladder:
    """All of one defect: `bands` are the lower edges of the order value in yuan, rising from 0."""

    bands: tuple[int, ...] = USUAL_BANDS
    steps: tuple[Step, ...] = ()

    def band_of(self, value: Decimal | None) -> int:
        """The band an order value falls into; unknown values fall into the lowest."""
        return max(edge for edge in self.bands if edge <= max(value or 0, 0))

    def fitted(self, bands: tuple[int, ...]) -> "Ladder":
        """With other bands: each begins with the steps of the band its lower edge falls into.

        Raises PolicyError.
        """
        steps = [
            replace(step, band=edge)
            for edge in checked_bands(bands)
            for step in self.steps
            if step.band == self.band_of(Decimal(edge))
        ]
        return Ladder(bands, tuple(steps))

    def as_rows(self) -> list[dict[str, Any]]:
        """The steps as they are stored."""
        return [step.as_row() for step in self.steps]


@dataclass(frozen=True, slots=True)
class Offer:
    """A remedy the policy gives, with its cost in yuan."""

    kind: str
    amount: Decimal
    step: Step


def plain(amount: Decimal | None) -> str:
    """An amount without needless zeros: 5, 12.50."""
    text = f"{amount or 0:.2f}"
    return text.removesuffix(".00")


def parse(rows: Iterable[Any], bands: Iterable[int] = USUAL_BANDS) -> Ladder:
    """Read stored rows. Raises PolicyError."""
    edges = checked_bands(tuple(bands))
    steps = tuple(parse_row(row) for row in rows)
    for step in steps:
        if step.band not in edges:
            raise PolicyError(_("The policy has no band from ¥%(band)s.") % {"band": step.band})
    return Ladder(edges, steps)


def checked_bands(bands: tuple[int, ...]) -> tuple[int, ...]:
    """The lower edges, if they make sense. Raises PolicyError."""
    if not bands or bands[0] != 0 or list(bands) != sorted(set(bands)) or bands[-1] > DEAREST:
        raise PolicyError(_("Bands rise from ¥0 to ¥99,999, and no two begin at the same value."))
    if len(bands) > MOST_BANDS:
        raise PolicyError(_("A policy has at most %(n)d bands.") % {"n": MOST_BANDS})
    return bands


def parse_row(row: Any) -> Step:
    """Read and check one row. Raises PolicyError."""
    try:
        step = Step(
            int(row.get("from", 0)),
            Proof(row["proof"]),
            RemedyKind(row["kind"]).value,
            Decimal(str(row["amount"])) if row.get("amount") not in (None, "") else None,
            int(row["share"]) if row.get("share") not in (None, "") else None,
        )
    except (AttributeError, KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise PolicyError(_("A step needs an order value, a proof and a remedy.")) from error
    return checked(step)


def checked(step: Step) -> Step:
    """The step, if it makes sense. Raises PolicyError."""
    rule = KINDS[step.kind].cost
    label = RemedyKind(step.kind).label
    if rule == CostRule.NAMED and (step.amount is None) == (step.share is None):
        raise PolicyError(_("%(remedy)s needs an amount (5) or a share (20%%).") % {"remedy": label})
    if rule == CostRule.WHOLE and (step.amount is not None or step.share is not None):
        raise PolicyError(_("%(remedy)s is what was paid: leave the amount empty.") % {"remedy": label})
    if rule == CostRule.OPTIONAL and step.share is not None:
        raise PolicyError(_("%(remedy)s takes an amount, no share.") % {"remedy": label})
    if step.share is not None and not 1 <= step.share <= 100:
        raise PolicyError(_("A share lies between 1% and 100%."))
    if step.amount is not None and not 0 <= step.amount <= DEAREST:
        raise PolicyError(_("An amount lies between ¥0 and ¥99,999."))
    if step.amount is not None and step.amount != step.amount.quantize(FEN):
        raise PolicyError(_("An amount has at most two decimals."))
    return step


def rungs(ladder: Ladder, value: Decimal | None) -> dict[Proof, list[Offer]]:
    """What each proof earns for an order of this value; shares of an unknown value are left out."""
    found: dict[Proof, list[Offer]] = {proof: [] for proof in PROOFS}
    for step in ladder.steps:
        cost = step.cost(value)
        if step.band == ladder.band_of(value) and cost is not None:
            found[step.proof].append(Offer(step.kind, cost, step))
    return found


def propose(ladder: Ladder, value: Decimal | None, proof: Proof) -> list[Offer]:
    """What the policy gives now: the highest rung this proof reaches; the first is the proposal."""
    earned = rungs(ladder, value)
    reached = [earned[one] for one in upto(proof) if earned[one]]
    return reached[-1] if reached else []


def upto(proof: Proof) -> tuple[Proof, ...]:
    """The rungs this proof reaches."""
    return PROOFS[: PROOFS.index(proof) + 1]


def allows(ladder: Ladder, value: Decimal | None, proof: Proof, kind: str, amount: Decimal) -> bool:
    """Whether the policy gives this remedy at this cost, or a dearer one of its kind."""
    earned = rungs(ladder, value)
    return any(
        offer.kind == kind and (amount <= offer.amount or _is_open(offer))
        for one in upto(proof)
        for offer in earned[one]
    )


def repeats(kind: str, given: Iterable[str]) -> bool:
    """Whether a case that has `given` would get the like again: the same kind, more money or more goods."""
    new = KINDS[kind]
    return any(
        one == kind or (new.needs_amount and KINDS[one].needs_amount) or (new.goods and KINDS[one].goods)
        for one in given
    )


def _is_open(offer: Offer) -> bool:
    """The policy names the remedy and leaves its cost (freight, goods) to what it turns out to be."""
    return KINDS[offer.kind].cost == CostRule.OPTIONAL and offer.step.amount is None
