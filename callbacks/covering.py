"""Nobody absent keeps a promise: what falls due in an absence goes to a colleague before its hour.

At once when the absence is entered, and by a sweep for what comes later: a promise made since, a colleague
who had no room. Every case is its own transaction under its shop's lock, as dispatch deals.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from callbacks.models import CallbackPromise, CallLog
from reviews import clock
from reviews.dispatch import Roster, lock_shop
from reviews.models import Absence, Case, StaleCase, Status, User

# With no colleague for the hour itself the case is put to everybody this long before it.
LAST_CHANCE = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Covered:
    """How many cases found a colleague, went to everybody, and still wait for one."""

    passed_on: int = 0
    to_take: int = 0
    left: int = 0


def cover_absences() -> int:
    """The sweep: every absence that holds now or will; how many cases moved."""
    moved = 0
    for absence in Absence.objects.ahead(clock.now()).select_related("user"):
        done = cover(absence)
        moved += done.passed_on + done.to_take
    return moved


def cover(absence: Absence) -> Covered:
    """Move what falls due in the absence out of the absent agent's hands."""
    done = {"passed_on": 0, "to_take": 0, "left": 0}
    for pk, shop_id in endangered(absence, clock.now()).order_by("due_at", "id").values_list("pk", "shop_id"):
        try:
            done[_cover_case(pk, shop_id, absence)] += 1
        except StaleCase:
            continue  # somebody acted on it at this very moment; the sweep looks again
    return Covered(**done)


def endangered(absence: Absence, now: datetime) -> QuerySet[Case]:
    """Open cases of the absent agent that want something before they are back.

    A promise, a next try or a first contact that falls due in the absence; once it has begun, what is late
    already as well. A call that is running is never taken away, and work in hand not before the absence.
    """
    begun = absence.begins <= now
    promises = CallbackPromise.objects.filter(case=OuterRef("pk")).pending()
    calls = CallLog.objects.filter(case=OuterRef("pk"), ended_at=None)
    wanted = (
        Exists(promises.filter(_falls_into(absence, "due_at", begun)))
        | Q(_falls_into(absence, "wait_until", begun), status=Status.WAITING)
        | Q(_falls_into(absence, "due_at", begun), first_contact_at=None)
    )
    cases = Case.objects.open().held_by(absence.user).filter(wanted).exclude(Exists(calls))
    return cases if begun else cases.exclude(status=Status.IN_PROGRESS)


def _falls_into(absence: Absence, field: str, begun: bool) -> Q:
    inside = Q(**{f"{field}__lt": absence.ends})
    return inside if begun else inside & Q(**{f"{field}__gte": absence.begins})


@transaction.atomic
def _cover_case(pk: int, shop_id: int, absence: Absence) -> str:
    """Pass one case on, or put it to everybody; which of the counts of `Covered` it is."""
    shop, now = lock_shop(shop_id), clock.now()
    case = endangered(absence, now).select_for_update(of=("self",)).filter(pk=pk).first()
    if case is None:
        raise StaleCase
    case.shop = shop
    promise = CallbackPromise.objects.filter(case=case).pending().first()
    hour = promise.due_at if promise else case.next_at
    colleague = _colleague(case, absence.user, hour, now, promised=promise is not None)
    if colleague:
        case.pass_on(colleague, away=absence.user, due_at=hour)
        CallbackPromise.objects.filter(case=case).pending().update(agent=colleague)
        return "passed_on"
    if hour - now > LAST_CHANCE:
        return "left"
    case.release(by=None, reason="absence")
    return "to_take"


def _colleague(case: Case, away: User, hour: datetime, now: datetime, *, promised: bool) -> User | None:
    """Who takes cases at that hour, or for a case without a promise now, and is not absent today either."""
    roster = Roster(case.shop, max(hour, now) if promised else now)
    absent = set(Absence.objects.at(now).values_list("user_id", flat=True)) | {away.pk}
    roster.candidates = [one for one in roster.candidates if one.user_id not in absent]
    chosen = roster.choose(case, now)
    roster.remember(now)
    return chosen
