"""Reuse of good reviews in marketing: only with the buyer's recorded consent, and without a name."""

import csv
import io
import re
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from reviews import clock
from reviews.compliance import Kind, find_offences
from reviews.importers.refusals import guarded
from reviews.masking import HIDDEN, without_personal
from reviews.models import AuditEntry, InvalidTransition, MarketingConsent, Rating, Review, User
from reviews.models.audit import Action
from reviews.models.praise import MarketingConsentQuerySet


def record_consent(
    review: Review, *, version: int, agreed_at: datetime, how: str, words: str, by: User
) -> MarketingConsent:
    """Keep that the buyer agreed: when, how and in which words. It holds for the text of this version, the
    one on the page it was recorded from, and takes the place of a consent to an earlier one."""
    _check_agreed(review, version, agreed_at)
    try:
        with transaction.atomic():
            earlier = MarketingConsent.objects.filter(review=review, version__lt=version).standing()
            earlier.update(withdrawn_at=clock.now())
            consent = MarketingConsent.objects.create(
                review=review, version=version, agreed_at=agreed_at, how=how, words=words, recorded_by=by
            )
            AuditEntry.note(Action.CONSENT, review, user=by, shop=review.shop, given=True, how=how)
    except IntegrityError:
        raise InvalidTransition(_("A consent for this review is recorded already.")) from None
    return consent


def _check_agreed(review: Review, version: int, agreed_at: datetime) -> None:
    """Raise InvalidTransition when the buyer cannot have agreed to these words then."""
    if review.rating != Rating.GOOD:
        raise InvalidTransition(_("Only good reviews are shown elsewhere."))
    if version != review.version:
        raise InvalidTransition(
            _("The review has changed since you read it. Ask the buyer about the new text.")
        )
    if agreed_at > clock.now():
        raise InvalidTransition(_("The buyer cannot have agreed in the future."))
    if agreed_at < review.created_at:
        raise InvalidTransition(_("The buyer cannot have agreed before writing the review."))
    # The first version stood as it was written, whenever it came in; when a later one was written is known no
    # better than by its coming in.
    changed = review.versions.filter(number=version).first() if version > 1 else None
    if changed and agreed_at < changed.recorded_at:
        raise InvalidTransition(
            _("The review was changed after that day: the buyer has not agreed to this text.")
        )


def withdraw_consent(review: Review, *, by: User) -> None:
    """The buyer no longer agrees: from this moment the review is in no list and no file. Twice is once."""
    with transaction.atomic():
        standing = MarketingConsent.objects.filter(review=review).standing()
        if standing.update(withdrawn_at=clock.now(), withdrawn_by=by):
            AuditEntry.note(Action.CONSENT, review, user=by, shop=review.shop, given=False)


def reusable(user: User) -> MarketingConsentQuerySet:
    """What may be shown elsewhere: consent stands, and the review is still the one agreed to, and good."""
    found = MarketingConsent.objects.visible_to(user).standing()
    return found.filter(review__rating=Rating.GOOD, version=F("review__version")).select_related(
        "review__shop", "review__product", "review__buyer", "review__order", "recorded_by"
    )


def shown_text(review: Review) -> str:
    """The buyer's words without names, numbers and addresses."""
    text = review.full_text
    for name in (review.buyer.nick if review.buyer else "", review.order.buyer_name if review.order else ""):
        if len(name) > 1:
            text = text.replace(name, HIDDEN)
    text = without_personal(text, whole=True)
    for found in reversed([one for one in find_offences(text, Kind.PUBLIC_REPLY) if one.rule == "R6"]):
        text = text[: found.start] + HIDDEN + text[found.end :]
    return re.sub(r"\d{5,}", HIDDEN, text)


def export(user: User) -> bytes:
    """The reusable reviews of the shops somebody manages, as CSV for Excel: shop, product, text, month. No
    nick, no order, no key."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([_("Shop"), _("Product"), _("Text"), _("Month")])
    for one in reusable(user).filter(user.managed_shop_filter("review__shop")):
        review = one.review
        title = review.product.title if review.product else ""
        month = f"{review.created_at.astimezone(review.shop.zone):%Y-%m}"
        writer.writerow([guarded(cell) for cell in (review.shop.name, title, shown_text(review), month)])
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8", errors="replace")
