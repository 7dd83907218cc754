"""What to mind next time: kept on the buyer, shown at the next call, corrected and deleted on record."""

from django.db import transaction
from django.utils.translation import gettext as _

from callbacks.holding import NotAllowed, check_hold, noted
from callbacks.judgement import NoFact, check_facts_only
from callbacks.models import BuyerFact
from callbacks.models.facts import writer_of
from reviews import clock, colliding
from reviews.models import AuditEntry, Case, StaleCase, User
from reviews.models.audit import Action
from reviews.prepared import Asked, Prepared

MOST = 10


def facts_about(case: Case) -> list[BuyerFact]:
    """What this shop keeps about the buyer of the case, the oldest first."""
    return _FACTS(**writer_of(case.review))


_FACTS = Prepared(
    lambda: BuyerFact.objects.written_by(Asked("shop"), Asked("buyer"), Asked("number")).select_related("by")
)


def keep_fact(case: Case, text: str, *, by: User) -> BuyerFact:
    """Keep one fact. Raises NotAllowed for a judgement of the person, OffendingText for unlawful words."""
    _check_right(case, by)
    order, buyer = case.review.order, case.review.buyer
    number = order.phone_index if order and not buyer else ""
    if buyer is None and not number:
        raise NotAllowed(_("The buyer of this case is not known: there is nobody to keep a fact about."))
    _check_words(text)
    with noted(text, case=case, by=by):
        if BuyerFact.objects.about(case.review).count() >= MOST:
            raise NotAllowed(_("Ten facts are kept already. Delete what no longer holds."))
        fact = BuyerFact.objects.create(
            shop=case.shop, buyer=buyer, phone_index=number, text=text, case=case, by=by, at=clock.now()
        )
        _record(fact, case, by, "kept")
    return fact


def correct_fact(case: Case, fact: BuyerFact, text: str, *, by: User, mark: str = "") -> None:
    """Put it right; the old words are gone, that they were changed stays on record. Raises Collision."""
    _check_right(case, by)
    _check_words(text)
    with noted(text, case=case, by=by):
        stands = BuyerFact.objects.select_for_update().filter(pk=fact.pk).first()
        if stands is None:
            raise StaleCase(_("This fact has been deleted meanwhile."))
        colliding.check(mark, stands.text, text, who=stands.by, at=stands.corrected_at)
        fact.text, fact.by, fact.corrected_at = text, by, clock.now()
        fact.save(update_fields=["text", "by", "corrected_at"])
        _record(fact, case, by, "corrected")


@transaction.atomic
def delete_fact(case: Case, fact: BuyerFact, *, by: User) -> None:
    """Delete it for good; only that it was deleted stays."""
    _check_right(case, by)
    _record(fact, case, by, "deleted")
    fact.delete()


def _check_right(case: Case, by: User) -> None:
    if not by.manages(case.shop_id):
        check_hold(case, by)


def _check_words(text: str) -> None:
    try:
        check_facts_only(text)
    except NoFact as refusal:
        raise NotAllowed(str(refusal)) from refusal


def _record(fact: BuyerFact, case: Case, by: User, done: str) -> None:
    """Without the words: the audit outlives them."""
    AuditEntry.note(Action.BUYER_FACT, fact, user=by, shop=case.shop, done=done, case=case.pk)
