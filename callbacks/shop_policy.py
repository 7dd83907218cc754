"""The policy as it stands for one case: the shop's rows, the case's defect, value and proof."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from callbacks.models import ProofPhoto, RemedyPolicy
from callbacks.policy import Ladder, Offer, Proof, allows, propose, rungs
from reviews.causes import SubCause
from reviews.models import Case


@dataclass(frozen=True, slots=True)
class Standing:
    """What policy says to one case, read from `row`."""

    cause: str
    sub_cause: str
    value: Decimal | None
    proof: Proof
    ladder: Ladder
    row: RemedyPolicy | None = None

    @property
    def version(self) -> int | None:
        """The history id of the row as it stands: the version the remedy is measured by."""
        history = self.row.history.order_by("-history_id") if self.row else None
        return history.values_list("history_id", flat=True).first() if history is not None else None

    @property
    def offers(self) -> list[Offer]:
        """What is given now; the first is the proposal."""
        return propose(self.ladder, self.value, self.proof)

    @property
    def higher(self) -> list[tuple[Proof, list[Offer]]]:
        """What a stronger proof would earn."""
        earned = rungs(self.ladder, self.value)
        order = list(earned)
        return [(one, earned[one]) for one in order[order.index(self.proof) + 1 :] if earned[one]]

    def allows(self, kind: str, amount: Decimal, proof: Proof | None = None) -> bool:
        return allows(self.ladder, self.value, proof or self.proof, kind, amount)

    @property
    def words(self) -> str:
        """The offers in one line."""
        return "；".join(offer.step.label for offer in self.offers)

    @property
    def why(self) -> str:
        """From what the proposal follows: defect, order value, proof. Nothing else can be in it."""
        return " · ".join((str(SubCause(self.sub_cause).label), self.value_words, str(self.proof.label)))

    @property
    def value_words(self) -> str:
        if self.value is None:
            return _("order value unknown")
        return _("order %(band)s") % {"band": band_words(self.ladder.band_of(self.value), self.ladder.bands)}


def band_words(band: int, bands: Sequence[int]) -> str:
    """A band as people read it: under ¥50, ¥50–200, from ¥500; with one band alone: any value."""
    if len(bands) == 1:
        return _("any value")
    if band == bands[0]:
        return _("under ¥%(edge)s") % {"edge": bands[1]}
    if band == bands[-1]:
        return _("from ¥%(edge)s") % {"edge": band}
    return f"¥{band}–{bands[bands.index(band) + 1]}"


def proof_of(case: Case) -> Proof:
    """What is proven so far: a picture, else the buyer's word. The third rung is a manager's decision."""
    return Proof.PHOTO if ProofPhoto.objects.filter(case=case).exists() else Proof.STATEMENT


def standing_of(case: Case, proof: Proof | None = None) -> Standing:
    """What policy says to this case now. A suspicion of malice nobody confirmed changes nothing."""
    cause, sub_cause = case.heard_as
    row = RemedyPolicy.objects.holding(case.shop_id, sub_cause)
    return Standing(
        cause,
        sub_cause,
        case.value,
        proof or proof_of(case),
        row.ladder if row else Ladder(),
        row,
    )
