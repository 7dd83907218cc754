"""What an agent works on next, in which order and why.

Order: a promise that is due, one's own before one a colleague left; then what can be called now but soon
no more, since the shop's calling hours end; then the deadline of first contact; then how upset the buyer
is; then the order's value; then age. What no call is permitted for now comes after what can be called, and
what only waits for its end comes last. The same input gives the same order.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, FloatField, IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Coalesce
from django.utils.translation import gettext as _

from callbacks.models import CallbackPromise, CallLog, RemedyStatus
from callbacks.promising import PROMISE_LEAD, TO_THE_TEAM, take_over
from callbacks.work_order import (
    ANY_HOUR,
    CLOSING_SOON,
    DUE,
    SHUT,
    TO_CONTACT,
    TO_END,
    CallingHours,
    Work,
    own_in_order,
)
from reviews import team
from reviews.models import Case, StaleCase, Status, User
from reviews.models.cases import CaseQuerySet
from reviews.prepared import Asked, Prepared
from reviews.templatetags.ui import when

VERY_UPSET = 0.9
CANDIDATES = 20  # looked at before others are; somebody else may be quicker for each
FREE_ORDER = ("due_at", "-upset_rank", "-value_rank", "id")


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """A case at its place in the queue, with the reason for it in words."""

    case: Case
    reason: str


def _ranks() -> dict[str, Any]:
    # Whole yuan: SQLite cannot compare decimals exactly.
    value = Coalesce(Cast("value", IntegerField()), Value(-1))
    return {"upset_rank": Coalesce(F("upset"), Value(-1.0), output_field=FloatField()), "value_rank": value}


def agent_queue(user: User, now: datetime, limit: int = 50) -> list[QueueEntry]:
    """The agent's own due cases in order; what is to take has its own view."""
    hours = CallingHours.at(now, user)
    work = own_in_order(user, now, hours)
    return [QueueEntry(case, reason(case, now, hours)) for case in work.rows(work.places[:limit])]


def reason(case: Case, now: datetime, hours: CallingHours = ANY_HOUR) -> str:
    """Why the case stands where it does; the case comes from `in_order`, `_free` or `_left_to_the_team`."""
    words = _due_reason(case, now, hours)
    if status := getattr(case, "decided_remedy", ""):
        words = _("%(reason)s · the manager has decided: %(status)s") % {
            "reason": words,
            "status": RemedyStatus(status).label,
        }
    if case.upset is not None and case.upset >= VERY_UPSET:
        return _("%(reason)s · very upset") % {"reason": words}
    return words


def _due_reason(case: Case, now: datetime, hours: CallingHours) -> str:
    promised_at: datetime | None = getattr(case, "promised_at", None)
    if promised_at and getattr(case, "is_left", False):
        words = _("%(name)s promised to call back at %(hour)s and nobody has called")
        return words % {"name": case.assignee, "hour": when(promised_at, case.shop, now)}
    if promised_at and promised_at <= now + PROMISE_LEAD:
        return _("Promised call-back is due")
    if case.status == Status.WAITING:
        later = case.wait_until and case.wait_until > now + PROMISE_LEAD
        if later:
            return _("Waits for its hour")
        is_shut = case.shop_id in hours.shut
        return _("To try again when calling hours begin") if is_shut else _("Time for the next try")
    if promised_at:
        return _("A call-back is promised")
    if complaint_due := getattr(case, "complaint_due", None):
        return _complaint_reason(complaint_due, now)
    return _contact_reason(case, now, hours)


def _complaint_reason(due: datetime, now: datetime) -> str:
    days = (due - now).days
    if due < now:
        return _("The deadline of the platform's complaint is over")
    if days < 1:
        return _("The platform's complaint has to be filed today")
    return _("The platform's complaint has to be filed within %(days)d days") % {"days": days}


def _contact_reason(case: Case, now: datetime, hours: CallingHours) -> str:
    if case.first_contact_at:
        return _("In progress: bring it to an end")
    words = _deadline_reason(case, now)
    closes = hours.closing.get(case.shop_id)
    if closes is None:
        return words
    minutes = max(1, int((closes - now).total_seconds() // 60))
    return _("%(reason)s · calling hours end in %(minutes)d min") % {"reason": words, "minutes": minutes}


def _deadline_reason(case: Case, now: datetime) -> str:
    if case.due_at < now:
        return _("First contact is overdue")
    minutes = int((case.due_at - now).total_seconds() // 60)
    if minutes < 60:
        return _("First contact due in %(minutes)d min") % {"minutes": minutes}
    return _("Waits for first contact")


def next_case(user: User, now: datetime, *, but: int | None = None) -> Case | None:
    """Take the next case: the agent's own first, then the best one nobody has. None: nothing to do.

    `but` is the case the agent comes from. What has been contacted and only waits for its end comes
    after what nobody has called yet. Two agents who ask at once never get the same case: taking
    compares-and-sets, the loser tries the next.
    """
    entry = next_entry(user, now, but=but)
    return entry.case if entry else None


def next_entry(user: User, now: datetime, *, but: int | None = None) -> QueueEntry | None:
    """`next_case` with its reason in words, as it was before it was taken."""
    hours = CallingHours.at(now, user)
    own = own_in_order(user, now, hours, but=but)
    is_left = _nobody_keeps_one(user, now)
    return (
        _first_own(own, [DUE], user, now, hours)
        or (_first_left(user, now, hours) if is_left else None)
        or _first_own(own, [CLOSING_SOON, TO_CONTACT, SHUT], user, now, hours)
        or _first_free(_free(user, now, hours, with_promised=is_left), user, now, hours)
        or _first_own(own, [TO_END], user, now, hours)
    )


def _nobody_keeps_one(user: User, now: datetime) -> bool:
    """Whether a promise is due in a case nobody has, or was left by a colleague: mostly not, and then two
    long questions are spared."""
    shops = [shop.pk for shop in user.shops]
    return bool(_LEFT_BEHIND(soon=now + PROMISE_LEAD, late=now - TO_THE_TEAM, shops=shops))


def _left_behind() -> QuerySet[CallbackPromise, tuple[int]]:
    is_late = Q(due_at__lte=Asked("late"), case__status__in=[Status.ASSIGNED, Status.WAITING])
    due = CallbackPromise.objects.pending().filter(due_at__lte=Asked("soon"), case__shop__any=Asked("shops"))
    return due.filter(Q(case__status=Status.NEW) | is_late).order_by().values_list("pk")[:1]


_LEFT_BEHIND = Prepared(_left_behind)


def _first_own(
    own: Work, turns: list[int], user: User, now: datetime, hours: CallingHours
) -> QueueEntry | None:
    places = [place for place in own.places if place.turn in turns]
    for case in own.rows(places[:CANDIDATES]) if places else []:
        why = reason(case, now, hours)
        if case.status == Status.IN_PROGRESS or _took(case, user):
            return QueueEntry(case, why)
    return None


def _first_left(user: User, now: datetime, hours: CallingHours) -> QueueEntry | None:
    """Take over the oldest promise a colleague has left, where one is at work oneself."""
    left = _left_to_the_team(user, now, hours)
    if not user.on_duty or not left.exists():
        return None
    for case in left.filter(shop__in=team.at_work_in(user, now))[:CANDIDATES]:
        why = reason(case, now, hours)
        with suppress(StaleCase), transaction.atomic():
            # What a colleague is just taking over is passed over, as in `_first_free`.
            if Case.objects.select_for_update(skip_locked=True).filter(pk=case.pk).first():
                take_over(case, by=user)
                return QueueEntry(case, why)
    return None


def _left_to_the_team(user: User, now: datetime, hours: CallingHours) -> CaseQuerySet:
    """Colleagues' cases whose promised hour is over by two minutes and nobody has called, oldest first."""
    late = CallbackPromise.objects.due(now - TO_THE_TEAM)
    hour = Subquery(late.filter(case=OuterRef("pk")).values("due_at")[:1])
    calls = CallLog.objects.filter(case=OuterRef("pk"), ended_at=None)
    return (
        Case.objects.visible_to(user)
        .filter(pk__in=late.values("case"), status__in=[Status.ASSIGNED, Status.WAITING])
        .exclude(assignee=user)
        .exclude(released_by=user)
        .exclude(Q(shop__in=hours.shut))
        .exclude(Exists(calls))
        .select_related("shop", "assignee")
        .annotate(promised_at=hour, is_left=Value(True), **_ranks())
        .order_by("promised_at", *FREE_ORDER)
    )


# A turn gives the best case of its kind that nobody is just taking, and locks it; without those of a list.
Turn = Callable[[list[int]], Case | None]


def _first_free(turns: Iterator[Turn], user: User, now: datetime, hours: CallingHours) -> QueueEntry | None:
    for best in turns:
        lost: list[int] = []
        while len(lost) < CANDIDATES:
            with transaction.atomic():
                case = best(lost)
                if case is None:
                    break
                why = reason(case, now, hours)
                if _took(case, user):
                    return QueueEntry(case, why)
                lost.append(case.pk)
    return None


def _free(user: User, now: datetime, hours: CallingHours, *, with_promised: bool) -> Iterator[Turn]:
    """What nobody has, turn by turn, each a walk along an index however many cases are open."""
    if with_promised:
        yield partial(_free_promised, user, now)
    shops = [shop.pk for shop in user.shops]
    if hours.closing:
        yield partial(_free_in, list(hours.closing), user)
    yield partial(_free_in, [shop for shop in shops if shop not in hours.shut], user)
    if hours.shut:
        yield partial(_free_in, sorted(hours.shut), user)
    yield partial(_free_in, shops, user, is_contacted=True)


def _free_promised(user: User, now: datetime, lost: list[int]) -> Case | None:
    promised = CallbackPromise.objects.due(now + PROMISE_LEAD).filter(case__status=Status.NEW)
    hour = Subquery(promised.filter(case=OuterRef("pk")).values("due_at")[:1])
    cases = Case.objects.visible_to(user).exclude(released_by=user).exclude(pk__in=lost)
    free: Any = _in_line(cases).filter(pk__in=promised.values("case")).annotate(promised_at=hour)
    best: Case | None = free.order_by("promised_at", *FREE_ORDER).first()
    return best


def _free_in(shops: list[int], user: User, lost: list[int], *, is_contacted: bool = False) -> Case | None:
    if len(shops) == 1:  # the index by shop is in order then
        return _OF_ONE_SHOP[is_contacted].first(shop=shops[0], user=user.pk, lost=lost)
    return _OF_SHOPS[is_contacted].first(shops=shops, user=user.pk, lost=lost) if shops else None


def _in_line(cases: CaseQuerySet) -> CaseQuerySet:
    """The first of what nobody has; what others are just taking is passed over, so that a hundred at once
    need not wait."""
    return cases.to_take().annotate(**_ranks()).order_by(*FREE_ORDER).select_for_update(skip_locked=True)


def _best_of(shops: Q, is_contacted: bool) -> CaseQuerySet:
    # Whoever gave it back does not get it again.
    others = Case.objects.filter(shops, first_contact_at__isnull=not is_contacted)
    return _in_line(others.exclude(released_by=Asked("user")).exclude(pk__any=Asked("lost")))[:1]


_OF_ONE_SHOP, _OF_SHOPS = (
    {is_contacted: Prepared(partial(_best_of, shops, is_contacted)) for is_contacted in (False, True)}
    for shops in (Q(shop=Asked("shop")), Q(shop__any=Asked("shops")))
)


def _took(case: Case, user: User) -> bool:
    try:
        case.take(user)
    except StaleCase:
        return False
    return True
