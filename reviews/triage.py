"""From a waiting review to a verdict, a case and an agent: what the worker does.

The rows of reviews.models.outbox are the queue. A claim lasts one lease; reading happens outside any
transaction; verdict, case, dispatch and the removal of the queue row are committed together.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from reviews import clock
from reviews.causes import Cause
from reviews.changes import ReviewChange, read_changes
from reviews.classification import Verdict, classify
from reviews.dispatch import Roster, lock_shop
from reviews.models import (
    Case,
    CaseEvent,
    Classification,
    ClassificationRequest,
    Outcome,
    Rating,
    Review,
    Shop,
    Status,
)
from reviews.models.cases import EventKind
from reviews.replies import draft_replies
from reviews.second_reading import ask_again, cause_fields, text_of
from reviews.shop_reading import as_taught
from reviews.signals import echo, find_signals, keep_signals, remember_looks
from reviews.watch_rule import ALARMING, Change, alarms, is_watched

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
    verdicts = as_taught(classify(texts, engine="fast"), texts, [review.shop_id for review in reviews])
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
    Classification.objects.bulk_create([_judgement(request, verdict, now) for request, verdict in pairs])
    roster = Roster(shop)
    cases = _latest_cases([request.review_id for request, _verdict in pairs])
    for request, verdict in pairs:
        case, change = cases.get(request.review_id), changes.get(request.pk)
        if case and change and not _follow_change(request.review, verdict, case, change, roster, now):
            del cases[request.review_id]
    complaints = [pair for pair in pairs if pair[0].review_id not in cases and _needs_case(pair, changes)]
    opened = _open_cases(complaints, roster, now)
    _look_at_behaviour(shop, pairs, cases, opened)
    cases |= opened
    roster.remember(now)
    draft_replies(shop, [(request.review, cases.get(request.review_id)) for request, _verdict in pairs])
    ask_again([(one.review, verdict) for one, verdict in pairs if one.review_id in cases])
    ClassificationRequest.objects.filter(pk__in=[request.pk for request, _verdict in pairs]).delete()


def _look_at_behaviour(
    shop: Shop,
    pairs: Sequence[tuple[ClassificationRequest, Verdict]],
    known: dict[int, Case],
    opened: dict[int, Case],
) -> None:
    """Signs of malice besides the text, of every complaint of the batch, in a constant number of queries."""
    reviews = [one.review for one, verdict in pairs if complains(one.review.rating, verdict)]
    remember_looks(reviews)
    found = find_signals(shop, reviews)
    keep_signals(list(opened.values()), found, new=True)
    keep_signals([case for pk, case in known.items() if pk in found and case.is_open], found)
    echo(shop, found)


def _judgement(request: ClassificationRequest, verdict: Verdict, now: datetime) -> Classification:
    return Classification(
        review=request.review,
        version=request.version,
        cause=verdict.cause,
        sub_cause=verdict.sub_cause,
        also=[cause.value for cause in verdict.also],
        confidence=verdict.confidence,
        decided=verdict.decided,
        words=list(verdict.words),
        marks=[list(mark) for mark in verdict.marks],
        model=verdict.model,
        made_at=now,
    )


def _latest_cases(review_ids: Sequence[int]) -> dict[int, Case]:
    return {case.review_id: case for case in Case.objects.filter(review__in=review_ids).order_by("id")}


def complains(rating: str, verdict: Verdict) -> bool:
    """A mid or bad mark, or a good one whose text complains."""
    return rating != Rating.GOOD or verdict.cause != Cause.NONE


def _needs_case(pair: tuple[ClassificationRequest, Verdict], changes: Mapping[int, ReviewChange]) -> bool:
    """A complaint as a whole, or one in what is new: a bad follow-up under words of praise."""
    request, verdict = pair
    change = changes.get(request.pk)
    return complains(request.review.rating, verdict) or bool(change and change.change in ALARMING)


def _open_cases(
    pairs: Sequence[tuple[ClassificationRequest, Verdict]], roster: Roster, now: datetime
) -> dict[int, Case]:
    """Open a case for each complaint and deal it out at once; the cases by review."""
    due_at = roster.shop.first_contact_due(now)
    cases = []
    for request, verdict in pairs:
        order = request.review.order
        case = Case(
            review=request.review,
            shop=roster.shop,
            value=order.amount if order else None,
            opened_at=now,
            due_at=due_at,
            **cause_fields(verdict),
        )
        case.assignee = roster.choose(case, now)
        case.status = Status.ASSIGNED if case.assignee else Status.NEW
        cases.append(case)
    Case.objects.bulk_create(cases)
    CaseEvent.objects.bulk_create(event for case in cases for event in _birth(case, now))
    return {case.review_id: case for case in cases}


def _birth(case: Case, now: datetime) -> list[CaseEvent]:
    """A case is born new; if somebody was there for it, its assignment follows in the same breath."""
    events = [CaseEvent(case=case, kind=EventKind.OPENED, to_status=Status.NEW, at=now)]
    if case.assignee_id:
        move = {"from_status": Status.NEW, "to_status": Status.ASSIGNED, "data": {"to": case.assignee_id}}
        events.append(CaseEvent(case=case, kind=EventKind.ASSIGN, at=now, **move))
    return events


def _follow_change(
    review: Review, verdict: Verdict, case: Case, change: ReviewChange, roster: Roster, now: datetime
) -> bool:
    """What a changed review means for its case: reopen, close by itself, read anew, or nothing.

    False: the case is past its watch, and what the buyer says now is a new one.
    """
    if case.is_open:
        _note_change(case, review, change)
        if change.change != Change.SAME:
            _follow_in_open_case(review, verdict, case)
        return True
    alarming = alarms(change.change, change.before, change.after, malicious=case.outcome == Outcome.MALICIOUS)
    if alarming and not is_watched(case.closed_at or now, now, roster.shop.watch_days):
        return False
    _note_change(case, review, change)
    if alarming:
        had_it = case.assignee_id
        case.reopen(by=None, reason=_("The review changed or got a bad follow-up."))
        _read_anew(case, verdict)
        roster.deal(case, now, had_it=had_it)
    return True


def _note_change(case: Case, review: Review, change: ReviewChange) -> None:
    """A fact of the case's past. Nothing counts these: a better mark is nobody's merit or aim."""
    case.log(
        EventKind.REVIEW_CHANGED,
        version=review.version,
        rating=review.rating,
        before=change.number,
        change=change.change,
    )


def _follow_in_open_case(review: Review, verdict: Verdict, case: Case) -> None:
    untouched = case.status in (Status.NEW, Status.ASSIGNED) and not case.was_worked_on
    if untouched and not complains(review.rating, verdict):
        case.close(Outcome.NO_ACTION, by=None, note=_("The changed review no longer complains."))
    elif untouched:
        _read_anew(case, verdict)


def _read_anew(case: Case, verdict: Verdict) -> None:
    """Take over the new reading, unless a person has decided the cause."""
    if case.review.classifications.by_people().exists():
        return
    fields = cause_fields(verdict)
    Case.objects.filter(pk=case.pk).update(**fields)
    for name, value in fields.items():
        setattr(case, name, value)
