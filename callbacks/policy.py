"""Which remedy a defect and an order value earn. Pure: what is wrong, what was paid, what is proven.

The ladder climbs by proven damage. How hard a buyer presses, and what stands in a review, cannot be an
argument here: nothing in this module takes them. Defaults: callbacks/defaults/policy.json.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from callbacks.remedy_kinds import KINDS, CostRule, RemedyKind

BANDS = (0, 50, 200, 500)  # lower edges of the order value, yuan
FEN = Decimal("0.01")
DEAREST = Decimal(99999)


class Proof(models.TextChoices):
    """What shows the damage, from the weakest to the strongest."""

    STATEMENT = "statement", gettext_lazy("Buyer's statement")
    PHOTO = "photo", gettext_lazy("Photo proof")
    JUDGEMENT = "judgement", gettext_lazy("Manager's judgement")


LADDER = tuple(Proof)


class PolicyError(ValueError):
    """A step that cannot stand in a policy; the message says why."""


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
class Offer:
    """A remedy the policy gives, with its cost in yuan."""

    kind: str
    amount: Decimal
    step: Step


def plain(amount: Decimal | None) -> str:
    """An amount without needless zeros: 5, 12.50."""
    text = f"{amount or 0:.2f}"
    return text.removesuffix(".00")


def parse(rows: Iterable[Any]) -> list[Step]:
    """Read stored rows. Raises PolicyError."""
    return [parse_row(row) for row in rows]


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
    if step.band not in BANDS:
        raise PolicyError(_("The policy has no band from ¥%(band)s.") % {"band": step.band})
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


def band_of(value: Decimal | None) -> int:
    """The band an order value falls into; unknown values fall into the lowest."""
    return max(edge for edge in BANDS if edge <= max(value or 0, 0))


def rungs(steps: Sequence[Step], value: Decimal | None) -> dict[Proof, list[Offer]]:
    """What each proof earns for an order of this value; shares of an unknown value are left out."""
    found: dict[Proof, list[Offer]] = {proof: [] for proof in LADDER}
    for step in steps:
        cost = step.cost(value)
        if step.band == band_of(value) and cost is not None:
            found[step.proof].append(Offer(step.kind, cost, step))
    return found


def propose(steps: Sequence[Step], value: Decimal | None, proof: Proof) -> list[Offer]:
    """What the policy gives now: the highest rung this proof reaches; the first is the proposal."""
    ladder = rungs(steps, value)
    reached = [ladder[one] for one in upto(proof) if ladder[one]]
    return reached[-1] if reached else []


def upto(proof: Proof) -> tuple[Proof, ...]:
    """The rungs this proof reaches."""
    return LADDER[: LADDER.index(proof) + 1]


def allows(steps: Sequence[Step], value: Decimal | None, proof: Proof, kind: str, amount: Decimal) -> bool:
    """Whether the policy gives this remedy at this cost, or a dearer one of its kind."""
    ladder = rungs(steps, value)
    return any(
        offer.kind == kind and (amount <= offer.amount or _is_open(offer))
        for one in upto(proof)
        for offer in ladder[one]
    )


def _is_open(offer: Offer) -> bool:
    """The policy names the remedy and leaves its cost (freight, goods) to what it turns out to be."""
    return KINDS[offer.kind].cost == CostRule.OPTIONAL and offer.step.amount is None
