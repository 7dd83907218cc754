"""Open the cases of complaints: each is dealt out at once, and the behaviour around it is looked at.

Inside the shop's lock, which intake takes as well: a review cannot change meanwhile.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from reviews.causes import Cause
from reviews.classification import Verdict
from reviews.dispatch import Roster
from reviews.models import Case, CaseEvent, Rating, Review, Shop, Status
from reviews.models.cases import EventKind
from reviews.signals import echo, find_signals, keep_signals, remember_looks


def complains(rating: str, verdict: Verdict) -> bool:
    """A mid or bad mark, or a good one whose text complains."""
    return rating != Rating.GOOD or verdict.cause != Cause.NONE


def cause_fields(verdict: Verdict) -> dict[str, object]:
    """What a case takes over from a verdict.

    Malicious is an accusation: the system proposes, a person confirms, however sure it is.
    """
    return {
        "cause": verdict.cause,
        "sub_cause": verdict.sub_cause,
        "also": [cause.value for cause in verdict.also],
        "confidence": verdict.confidence,
        "needs_decision": not verdict.decided or verdict.cause in (Cause.MALICIOUS, Cause.NONE),
    }


def open_cases(read: Sequence[tuple[Review, Verdict]], roster: Roster, now: datetime) -> dict[int, Case]:
    """Open a case for each complaint and deal it out; the cases by review."""
    due_at = roster.shop.first_contact_due(now)
    cases = []
    for review, verdict in read:
        order = review.order
        case = Case(
            review=review,
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


def look_at_behaviour(
    shop: Shop, complaints: Sequence[Review], known: Mapping[int, Case], opened: Mapping[int, Case]
) -> None:
    """Signs of malice besides the text, of many complaints in a constant number of queries.

    `known` and `opened` are the older and the new cases of these reviews, by review.
    """
    remember_looks(complaints)
    found = find_signals(shop, complaints)
    keep_signals(list(opened.values()), found, new=True)
    keep_signals([case for pk, case in known.items() if pk in found and case.is_open], found)
    echo(shop, found)
