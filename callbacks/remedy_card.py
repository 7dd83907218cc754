"""What the case page shows of remedies: proof, what the policy gives, what was agreed, what is left."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import Model

from callbacks.limits import Room, room
from callbacks.models import Payout, PayoutMethod, ProofPhoto, Remedy, RemedyKind, RemedyStatus
from callbacks.models.remedies import GONE
from callbacks.photos import Reuse, photos_of, reused_in
from callbacks.policy import Offer, Proof, plain, repeats
from callbacks.remedy_kinds import KINDS, Doer
from callbacks.shop_policy import Standing, standing_of
from reviews.causes import Cause
from reviews.models import Case, User

USUAL_WAY = {
    Doer.PLATFORM: PayoutMethod.PLATFORM,
    Doer.WAREHOUSE: PayoutMethod.PARCEL,
    Doer.SHOP: PayoutMethod.BACK_END,
    Doer.FINANCE: PayoutMethod.ALIPAY,
}


@dataclass(frozen=True, slots=True)
class OfferButton:
    """One proposal as a form: `amount` as it is sent, `key` of this submission."""

    offer: Offer
    label: str
    icon: str
    amount: str
    key: uuid.UUID


@dataclass(frozen=True, slots=True)
class RemedyLine:
    """One remedy with what this reader may do about it."""

    remedy: Remedy
    payout: Payout | None
    may_decide: bool
    may_answer: bool
    may_cancel: bool
    may_pay: bool
    may_reverse: bool
    usual_way: str
    key: uuid.UUID


@dataclass
class RemedyCard:
    case: Case
    user: User
    now: datetime
    holds: bool
    parts: Collection[type[Model]]  # what the case has at all (callbacks.case_parts)

    @cached_property
    def remedies(self) -> list[Remedy]:
        if Remedy not in self.parts:
            return []
        found = self.case.remedies.select_related("agreed_by", "decided_by")
        return list(found.prefetch_related("payouts__paid_by"))

    @property
    def lines(self) -> list[RemedyLine]:
        manages = self.user.manages(self.case.shop_id)
        return [self._line(remedy, manages=manages) for remedy in self.remedies]

    def _line(self, remedy: Remedy, *, manages: bool) -> RemedyLine:
        agreed, mine = remedy.status == RemedyStatus.APPROVED, self.case.assignee_id == self.user.pk
        waits = remedy.status in (RemedyStatus.OFFERED, RemedyStatus.TO_APPROVE)
        return RemedyLine(
            remedy,
            next((one for one in remedy.payouts.all() if one.reversed_at is None), None),
            may_decide=manages and remedy.status == RemedyStatus.TO_APPROVE,
            may_answer=self.holds and remedy.status == RemedyStatus.OFFERED,
            may_cancel=(self.holds or manages) and (agreed or waits),
            may_pay=agreed and (manages or (mine and not KINDS[remedy.kind].bank)),
            may_reverse=manages and remedy.status == RemedyStatus.PAID,
            usual_way=USUAL_WAY[remedy.facts.doer].value,
            key=uuid.uuid4(),
        )

    @property
    def is_empty(self) -> bool:
        return not (self.remedies or self.holds or self.photos)

    # --- proof ---

    @cached_property
    def photos(self) -> list[ProofPhoto]:
        return photos_of(self.case) if ProofPhoto in self.parts else []

    @cached_property
    def reuses(self) -> list[Reuse]:
        return reused_in(self.case) if self.photos else []

    # --- what may be offered ---

    @cached_property
    def standing(self) -> Standing:
        return standing_of(self.case, Proof.PHOTO if self.photos else Proof.STATEMENT)

    @property
    def is_barred(self) -> bool:
        """Malicious, confirmed by a person: nothing is put right there."""
        return self.standing.cause == Cause.MALICIOUS

    @property
    def buttons(self) -> list[OfferButton]:
        """The proposals of the policy that the case has not had in one form or another."""
        given = [one.kind for one in self.remedies if one.status not in GONE]
        return [
            OfferButton(offer, offer_words(offer), KINDS[offer.kind].icon, plain(offer.amount), uuid.uuid4())
            for offer in self.standing.offers
            if not repeats(offer.kind, given)
        ]

    @property
    def higher(self) -> list[tuple[str, str]]:
        """What a stronger proof would earn: the proof, the remedies."""
        return [
            (str(proof.label), "、".join(offer_words(offer) for offer in offers))
            for proof, offers in self.standing.higher
        ]

    @cached_property
    def room(self) -> Room:
        return room(self.case, self.user, self.now)

    @property
    def methods(self) -> list[tuple[str, object]]:
        return [(one.value, one.label) for one in PayoutMethod]


def offer_words(offer: Offer) -> str:
    """Part refund ¥25.80; without an amount where it costs nothing yet."""
    words = str(RemedyKind(offer.kind).label)
    return f"{words} ¥{plain(offer.amount)}" if offer.amount else words
