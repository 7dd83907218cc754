"""Hours an agent can promise with one key. Pure: the caller brings the shop's hours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from callbacks.calling_rules import window_closes_at

MORNING, EVENING = time(10, 0), time(19, 0)
STEP = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class QuickHour:
    """A permitted hour in the shop's zone, with its words."""

    label: str
    at: datetime

    @property
    def value(self) -> str:
        """As the field of a form takes it."""
        return f"{self.at:%Y-%m-%dT%H:%M}"


def quick_hours(
    now: datetime,
    *,
    zone: ZoneInfo,
    calling_from: time,
    calling_until: time,
    buyer_zones: Sequence[ZoneInfo] = (),
) -> list[QuickHour]:
    """In an hour, this evening, tomorrow morning, tomorrow evening: those that are permitted and ahead."""
    local = now.astimezone(zone)
    tomorrow = local.date() + timedelta(days=1)
    choices = [
        (_("In an hour"), _round_up(local + timedelta(hours=1))),
        (_("This evening"), datetime.combine(local.date(), EVENING, zone)),
        (_("Tomorrow morning"), datetime.combine(tomorrow, MORNING, zone)),
        (_("Tomorrow evening"), datetime.combine(tomorrow, EVENING, zone)),
    ]
    return [
        QuickHour(label, at)
        for label, at in choices
        if at > now
        and window_closes_at(
            at,
            shop_zone=zone,
            calling_from=calling_from,
            calling_until=calling_until,
            buyer_zones=buyer_zones,
        )
    ]


def _round_up(at: datetime) -> datetime:
    full = at.replace(second=0, microsecond=0)
    return full + (STEP - timedelta(minutes=full.minute % 5)) % STEP
