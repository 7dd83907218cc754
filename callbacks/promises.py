"""Promised call-backs by the hour they fall due."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _

from callbacks.models import CallbackPromise
from callbacks.models.calls import CallbackPromiseQuerySet
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
