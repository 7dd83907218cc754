"""Promised call-backs by the hour they fall due."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.utils.translation import gettext as _

from callbacks.models import CallbackPromise
from callbacks.models.calls import CallbackPromiseQuerySet
from callbacks.promising import PROMISE_LEAD, TO_THE_TEAM
from reviews.models import User

SHOWN = 300


@dataclass(frozen=True, slots=True)
class HourOfPromises:
    """Promises under one heading: late, an hour of today, tomorrow, later."""

    title: str
    promises: list[CallbackPromise]
    is_late: bool = False


def visible_to(user: User) -> CallbackPromiseQuerySet:
    """Open promises in this person's shops, with what a row shows."""
    return (
        CallbackPromise.objects.pending()
        .filter(user.shop_filter("case__shop"))
        .select_related(
            "case__shop", "case__review__buyer", "case__review__product", "case__assignee", "agent"
        )
    )


def for_agent(user: User) -> CallbackPromiseQuerySet:
    """Those whose case is in this agent's hands now, whoever promised."""
    return visible_to(user).filter(case__assignee=user)


# --- what comes up by itself on whatever page is open -------------------------------------------

ASKED_EVERY = 15  # seconds; sooner when something is to come up before
TEAM_SEES = timedelta(
    hours=1
)  # a promise later than this stands on the page of call-backs, not in the notice
NOTICES = 5


@dataclass(frozen=True, slots=True)
class Notice:
    """A promise that has come up: to who is to call (`own`), or to everybody in the shop."""

    promise: CallbackPromise
    own: bool


@dataclass(frozen=True, slots=True)
class ComingUp:
    """What is up now, and in how many seconds it is worth asking again."""

    notices: list[Notice]
    next_in: float

    @property
    def digest(self) -> str:
        """Changes with what is up, so that an unchanged answer needs no words."""
        return ".".join(f"{one.promise.pk}{'o' if one.own else 't'}" for one in self.notices)


def coming_up(user: User, now: datetime) -> ComingUp:
    """The promises that are up for this person: own ones and nobody's from five minutes before the hour,
    anybody's in their shops from two minutes after it, until a call is made. One query, by the hour."""
    own, shops = Q(case__assignee=user), user.shop_filter("case__shop")
    late = Q(due_at__lte=now + timedelta(seconds=ASKED_EVERY) - TO_THE_TEAM) | Q(case__assignee=None)
    until = now + PROMISE_LEAD + timedelta(seconds=ASKED_EVERY)
    found = CallbackPromise.objects.pending().filter(due_at__gt=now - TEAM_SEES, due_at__lte=until)
    found = found.filter(shops, own | late)
    notices, wait = [], float(ASKED_EVERY)
    found = found.annotate(own=ExpressionWrapper(own, output_field=BooleanField())).order_by("-own", "due_at")
    around = ("case__shop", "case__review__product", "case__assignee", "agent")
    for promise in found.select_related(*around)[: 2 * NOTICES]:
        mine = promise.case.assignee_id == user.pk
        free = promise.case.assignee_id is None
        up_at = promise.due_at - PROMISE_LEAD if mine or free else promise.due_at + TO_THE_TEAM
        if up_at <= now:
            notices.append(Notice(promise, mine))
        else:
            wait = min(wait, (up_at - now).total_seconds())
    notices.sort(key=lambda one: (not one.own, one.promise.due_at, one.promise.pk))
    return ComingUp(notices[:NOTICES], wait)


def due_before(promises: CallbackPromiseQuerySet, until: datetime) -> list[CallbackPromise]:
    """Those due before `until`, late ones too, earliest first."""
    return list(promises.filter(due_at__lt=until)[:SHOWN])


def midnight(now: datetime, days: int = 1) -> datetime:
    """The start of the day after `now` (or `days` after), by the clock of the installation."""
    zone = ZoneInfo(settings.TIME_ZONE)
    return datetime.combine(now.astimezone(zone).date() + timedelta(days=days), time(), zone)


def by_hour(promises: list[CallbackPromise], now: datetime) -> list[HourOfPromises]:
    """Group promises that are sorted by hour; empty groups are left out."""
    zone = ZoneInfo(settings.TIME_ZONE)
    tonight, next_night = midnight(now), midnight(now, 2)
    groups: dict[str, HourOfPromises] = {}
    for promise in promises:
        if promise.due_at < now:
            title = _("Overdue")
        elif promise.due_at < tonight:
            title = f"{promise.due_at.astimezone(zone):%H}:00"
        else:
            title = _("Tomorrow") if promise.due_at < next_night else _("Later")
        late = promise.due_at < now
        groups.setdefault(title, HourOfPromises(title, [], late)).promises.append(promise)
    return list(groups.values())
