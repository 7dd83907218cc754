"""What a changed review means for the cases its reviewer has already: reopen, close by itself, read anew.

Inside the shop's lock, which intake takes as well, and with the cases locked: nobody closes one meanwhile.
"""

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from reviews.changes import ReviewChange
from reviews.classification import Verdict
from reviews.dispatch import Roster
from reviews.models import Case, CaseEvent, Outcome, Review, Status
from reviews.models.cases import EventKind
from reviews.opening import cause_fields, complains
from reviews.watch_rule import ALARMING, Change, alarms, is_watched


def latest_cases(review_ids: Sequence[int]) -> dict[int, Case]:
    """The latest case of each review that has one, locked until the transaction ends."""
    cases = Case.objects.select_for_update().filter(review__in=review_ids).order_by("id")
    return {case.review_id: case for case in cases}


def needs_case(review: Review, verdict: Verdict, change: ReviewChange | None) -> bool:
    """A complaint as a whole, or one in what is new: a bad follow-up under words of praise."""
    return complains(review.rating, verdict) or bool(change and change.change in ALARMING)


def follow_change(
    review: Review, verdict: Verdict, case: Case, change: ReviewChange, roster: Roster, now: datetime
) -> bool:
    """Take up a change in the review's locked case.

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


def is_overheard(case: Case, version: int, change: ReviewChange) -> bool:
    """Whether the second reader hears a complaint in a change of a closed case that the first took for calm.

    What a person closed after the change had come is settled: they have seen it.
    """
    if case.is_open or change.change not in ALARMING:
        return False
    noted = case.events.filter(kind=EventKind.REVIEW_CHANGED, data__version=version).order_by("id").last()
    if noted is None or noted.data["change"] != Change.CALM:
        return False
    since = CaseEvent.objects.filter(case=case, kind=EventKind.CLOSE, id__gt=noted.pk)
    return not since.exclude(by=None).exists()


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
