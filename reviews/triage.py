"""From a waiting review to a verdict, a case and an agent: what the worker does.

The rows of reviews.models.outbox are the queue. A claim lasts one lease; reading happens outside any
transaction; verdict, case, dispatch and the removal of the queue row are committed together.
"""

import logging
from collections.abc import Mapping, Sequence

from django.db import transaction

from reviews import clock
from reviews.changes import ReviewChange, read_changes
from reviews.classification import Verdict, classify
from reviews.dispatch import Roster, lock_shop
from reviews.followups import heard_last
from reviews.models import Classification, ClassificationRequest, Shop
from reviews.opening import complains, look_at_behaviour, open_cases
from reviews.replies import draft_replies
from reviews.search import mark_stale
from reviews.second_reading import ask_again, text_of
from reviews.shop_reading import as_taught
from reviews.watching import follow_change, latest_cases, needs_case

log = logging.getLogger(__name__)


def read_waiting(limit: int) -> int:
    """Claim, read and settle up to `limit` reviews; how many were claimed (0: nothing waits)."""
    claimed = ClassificationRequest.objects.claim(limit, clock.now())
    if claimed:
        try:
            settle_requests(claimed)
        except Exception:
            log.exception("A batch of %d reviews failed; reading them one by one", len(claimed))
            _settle_one_by_one(claimed)
    return len(claimed)


def _settle_one_by_one(claimed: Sequence[ClassificationRequest]) -> None:
    """One row that cannot be read must not hold up the rest: it alone counts the failure."""
    for request in claimed:
        try:
            settle_requests([request])
        except Exception as error:
            log.exception("Review %s could not be read", request.review_id)
            request.fail(f"{type(error).__name__}: {error}", clock.now())


def settle_requests(claimed: Sequence[ClassificationRequest]) -> None:
    """Read claimed reviews; store verdicts, open and dispatch cases, take the rows off the queue."""
    reviews = [request.review for request in claimed]
    texts = [text_of(review) for review in reviews]
    taught = as_taught(classify(texts, engine="fast"), texts, [review.shop_id for review in reviews])
    verdicts = heard_last(reviews, taught)
    changes = read_changes(claimed)
    by_shop: dict[int, list[tuple[ClassificationRequest, Verdict]]] = {}
    for request, verdict in zip(claimed, verdicts, strict=True):
        by_shop.setdefault(request.review.shop_id, []).append((request, verdict))
    for shop_id, pairs in by_shop.items():
        with transaction.atomic():
            _settle_shop(lock_shop(shop_id), pairs, changes)


def _settle_shop(
    shop: Shop,
    pairs: Sequence[tuple[ClassificationRequest, Verdict]],
    changes: Mapping[int, ReviewChange],
) -> None:
    """Inside the shop's lock, which intake takes as well: a review cannot change meanwhile."""
    now = clock.now()
    # Gone: another worker was quicker. Another version: it changed and waits to be read again.
    current = set(
        ClassificationRequest.objects.filter(pk__in=[request.pk for request, _verdict in pairs]).values_list(
            "pk", "version"
        )
    )
    pairs = [(request, verdict) for request, verdict in pairs if (request.pk, request.version) in current]
    Classification.objects.bulk_create(
        [Classification.by_model(request.review, request.version, verdict, now) for request, verdict in pairs]
    )
    roster = Roster(shop)
    cases = latest_cases([request.review_id for request, _verdict in pairs])
    for request, verdict in pairs:
        case, change = cases.get(request.review_id), changes.get(request.pk)
        if case and change and not follow_change(request.review, verdict, case, change, roster, now):
            del cases[request.review_id]
    read = [(request.review, verdict) for request, verdict in pairs]
    new = [
        (request.review, verdict)
        for request, verdict in pairs
        if request.review_id not in cases and needs_case(request.review, verdict, changes.get(request.pk))
    ]
    opened = open_cases(new, roster, now)
    look_at_behaviour(shop, [one for one, verdict in read if complains(one.rating, verdict)], cases, opened)
    cases |= opened
    roster.remember(now)
    mark_stale([review.pk for review, _verdict in read])
    draft_replies(shop, [(review, cases.get(review.pk)) for review, _verdict in read])
    ask_again(read, [request.review for request, _verdict in pairs if _is_unsure(request, changes)])
    ClassificationRequest.objects.filter(pk__in=[request.pk for request, _verdict in pairs]).delete()


def _is_unsure(request: ClassificationRequest, changes: Mapping[int, ReviewChange]) -> bool:
    change = changes.get(request.pk)
    return bool(change and change.is_unsure)
