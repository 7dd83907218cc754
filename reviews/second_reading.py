"""The second reader: a slower, better reading of what the first was unsure of, in a queue of its own.

It corrects a case nobody has begun; of a begun one it is only a suggestion on the page. A complaint the first
reading took for praise gets its case. A person's decision stands. The rows of ReadingRequest are the queue;
they are written in the transaction that stored the first verdict, so that a file of 100,000 rows is dealt out
before the second reader has seen half of it.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from reviews import clock
from reviews.changes import ReviewChange, read_changes
from reviews.classification import ReviewText, Verdict, classify, read_again, wants_second_reading
from reviews.dispatch import Roster, lock_shop
from reviews.followups import heard_last
from reviews.models import Case, CaseEvent, Classification, ReadingRequest, Review, Shop, StaleCase, Status
from reviews.models.cases import WORK, EventKind
from reviews.opening import cause_fields, look_at_behaviour, open_cases
from reviews.replies import draft_replies
from reviews.shop_reading import as_taught
from reviews.watching import follow_change, is_overheard, latest_cases, needs_case

log = logging.getLogger(__name__)

# Somebody has begun: from then on the cause is theirs.
BEGUN = (EventKind.TAKE, *WORK)

Pairs = Sequence[tuple[ReadingRequest, Verdict]]


def text_of(review: Review) -> ReviewText:
    """The review as both readers take it."""
    return ReviewText(text=review.full_text, rating=review.rating)


def ask_again(pairs: Sequence[tuple[Review, Verdict]], changed: Sequence[Review] = ()) -> None:
    """Queue the reviews whose first reading wants a second one, and `changed`: those whose new words do.

    Inside the transaction that stores the first verdicts. An older request of the same review is replaced.
    """
    unsure = [review for review, first in pairs if wants_second_reading(text_of(review), first)]
    unsure += [review for review in changed if review not in unsure]
    ReadingRequest.objects.bulk_create(
        [ReadingRequest(review=review, version=review.version) for review in unsure],
        update_conflicts=True,
        update_fields=["version", "attempts", "claimed_until", "parked_at"],
        unique_fields=["review"],
    )


def read_waiting(limit: int) -> int:
    """Claim, read and settle up to `limit` reviews; how many were claimed (0: nothing waits)."""
    claimed = ReadingRequest.objects.claim(limit, clock.now())
    if claimed:
        try:
            settle(claimed)
        except Exception:
            log.exception("A second reading of %d reviews failed; reading them one by one", len(claimed))
            for request in claimed:
                _settle_alone(request)
    return len(claimed)


def _settle_alone(request: ReadingRequest) -> None:
    """One row that cannot be read must not hold up the rest: it alone counts the failure."""
    try:
        settle([request])
    except Exception as error:
        log.exception("Review %s could not be read again", request.review_id)
        request.fail(f"{type(error).__name__}: {error}", clock.now())


def settle(claimed: Sequence[ReadingRequest]) -> None:
    """Read claimed reviews again; correct or suggest, take the rows off the queue."""
    texts = [text_of(request.review) for request in claimed]
    again = read_again(texts, classify(texts, engine="fast"))
    taught = as_taught(again, texts, [request.review.shop_id for request in claimed])
    verdicts = heard_last([request.review for request in claimed], taught)
    changes = read_changes(claimed, again=True)
    by_shop: dict[int, list[tuple[ReadingRequest, Verdict]]] = {}
    for request, verdict in zip(claimed, verdicts, strict=True):
        by_shop.setdefault(request.review.shop_id, []).append((request, verdict))
    for shop_id, pairs in by_shop.items():
        with transaction.atomic():
            _settle_shop(lock_shop(shop_id), pairs, changes)


def _settle_shop(shop: Shop, pairs: Pairs, changes: Mapping[int, ReviewChange]) -> None:
    """Inside the shop's lock, which intake takes as well: a review cannot change meanwhile."""
    now = clock.now()
    asked = [request for request, _verdict in pairs]
    current = _still_asked(pairs)
    pairs = _left_to_machine(current)
    Classification.objects.bulk_create(
        [
            Classification.by_model(request.review, request.version, verdict, now, is_second=True)
            for request, verdict in pairs
        ]
    )
    cases = _untouched_cases([request.review_id for request, _verdict in pairs])
    roster = Roster(shop)
    corrected = [
        (request.review, cases[request.review_id])
        for request, verdict in pairs
        if request.review_id in cases and _correct(cases[request.review_id], verdict, roster, now)
    ]
    reopened, past_watch = _overheard(current, changes, roster, now)
    opened = open_cases([*_missed(pairs, changes), *past_watch], roster, now)
    look_at_behaviour(shop, [case.review for case in opened.values()], {}, opened)
    roster.remember(now)
    draft_replies(shop, [*corrected, *reopened, *((case.review, case) for case in opened.values())])
    _take_off(asked)


def _still_asked(pairs: Pairs) -> Pairs:
    """Leave out what another worker settled and what changed meanwhile."""
    rows = ReadingRequest.objects.filter(pk__in=[request.pk for request, _verdict in pairs])
    current = set(rows.values_list("pk", "version", "review__version"))
    return [pair for pair in pairs if (pair[0].pk, pair[0].version, pair[0].version) in current]


def _left_to_machine(pairs: Pairs) -> Pairs:
    """Leave out what a person has decided."""
    reviews = [request.review_id for request, _verdict in pairs]
    decided = set(
        Classification.objects.by_people().filter(review__in=reviews).values_list("review_id", flat=True)
    )
    return [(request, verdict) for request, verdict in pairs if request.review_id not in decided]


def _overheard(
    pairs: Pairs, changes: Mapping[int, ReviewChange], roster: Roster, now: datetime
) -> tuple[list[tuple[Review, Case]], list[tuple[Review, Verdict]]]:
    """Reopen closed cases whose review complains anew, as only the second reader hears; who decided the cause
    of what was said before does not matter. Also gives the complaints whose case is past its watch.
    """
    changed = [pair for pair in pairs if pair[0].pk in changes]
    cases = latest_cases([request.review_id for request, _verdict in changed])
    reopened, past_watch = [], []
    for request, verdict in changed:
        review, case, change = request.review, cases.get(request.review_id), changes[request.pk]
        if case is None or not is_overheard(case, request.version, change):
            continue
        if not follow_change(review, verdict, case, change, roster, now):
            past_watch.append((review, verdict))
        elif case.is_open:
            reopened.append((review, case))
    return reopened, past_watch


def _take_off(requests: Sequence[ReadingRequest]) -> None:
    """Take rows off the queue, but not one that meanwhile asks for a newer version."""
    asked = Q()
    for request in requests:
        asked |= Q(pk=request.pk, version=request.version)
    ReadingRequest.objects.filter(asked).delete()


def _missed(pairs: Pairs, changes: Mapping[int, ReviewChange]) -> list[tuple[Review, Verdict]]:
    """The complaints that have no case: the first reading took them, or what is new in them, for praise."""
    reviews = [request.review_id for request, _verdict in pairs]
    known = set(Case.objects.filter(review__in=reviews).values_list("review_id", flat=True))
    return [
        (request.review, verdict)
        for request, verdict in pairs
        if request.review_id not in known and needs_case(request.review, verdict, changes.get(request.pk))
    ]


def _untouched_cases(review_ids: Sequence[int]) -> Mapping[int, Case]:
    """The open cases of reviews that nobody has begun yet, by review."""
    waiting = Case.objects.filter(review__in=review_ids, status__in=(Status.NEW, Status.ASSIGNED))
    cases = {case.pk: case for case in waiting.select_related("assignee", "shop")}
    begun = set(
        CaseEvent.objects.filter(case__in=cases, kind__in=BEGUN).order_by().values_list("case_id", flat=True)
    )
    return {case.review_id: case for pk, case in cases.items() if pk not in begun}


def _correct(case: Case, verdict: Verdict, roster: Roster, now: datetime) -> bool:
    """Take over the second reading, unless an agent begins at this very moment; whether the cause changed."""
    before = case.sub_cause
    if not case.take_over(cause_fields(verdict)) or case.sub_cause == before:
        return False
    case.log(EventKind.CAUSE, before=before, after=case.sub_cause)
    if case.assignee_id and not roster.suits(case.assignee_id, case.cause):
        try:
            roster.deal(case, now)
        except StaleCase:
            log.info("Case %s was begun while it was read again", case.pk)
    return True
