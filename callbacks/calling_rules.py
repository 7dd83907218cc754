"""May this buyer be called now, and if not, why not and from when. Pure: the caller brings the facts.

No statute sets hours for after-sales calls; the defaults are the trade's. 08:00–22:00 is the product's
own wall: no setting widens it (consumer law regulations of 2024-07-01, art. 23–24, on unwanted calls).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

WALL_OPENS = time(8, 0)
WALL_CLOSES = time(22, 0)


class Reason(TextChoices):
    """Why a call is not permitted now, the most lasting reason first."""

    DO_NOT_CALL = "do_not_call", _("The buyer has asked not to be called")
    CASE_LIMIT = "case_limit", _("The call attempts for this case are used up")
    DAY_LIMIT = "day_limit", _("The call attempts for today are used up")
    TOO_SOON = "too_soon", _("The last attempt was too short a time ago")
    OUTSIDE_HOURS = "outside_hours", _("Outside the permitted calling hours")


@dataclass(frozen=True, slots=True)
class CallPermission:
    """`allowed`, or the `reason` and the first permitted instant (UTC; None = never in this case)."""

    allowed: bool
    reason: Reason | None = None
    next_at: datetime | None = None


def may_call(
    *,
    now: datetime,
    shop_zone: ZoneInfo,
    calling_from: time,
    calling_until: time,
    attempts: Sequence[datetime],
    attempts_per_day: int = 2,
    attempts_per_case: int = 3,
    hours_between: float = 4,
    do_not_call: bool = False,
    elsewhere: Sequence[datetime] = (),
) -> CallPermission:
    """Whether the buyer may be called at `now`. All instants are aware; a day is the shop's calendar day.

    `attempts` are the starts of all earlier calls of the case, `elsewhere` those to the same buyer in other
    cases, in any order: the limit of the day and the gap are the buyer's. The window is half open: the
    closing minute itself is outside. An allowed call has `next_at` = now.
    """
    if do_not_call:
        return CallPermission(False, Reason.DO_NOT_CALL)
    if len(attempts) >= attempts_per_case:
        return CallPermission(False, Reason.CASE_LIMIT)
    attempts = [*attempts, *elsewhere]
    reason = _reason_now(
        now, shop_zone, calling_from, calling_until, attempts, attempts_per_day, hours_between
    )
    if reason is None:
        return CallPermission(True, None, now)
    earliest = max([now, *(at + timedelta(hours=hours_between) for at in attempts)])
    counts = _attempts_by_day(attempts, shop_zone)
    full_days = {day for day, count in counts.items() if count >= attempts_per_day}
    next_at = (
        _first_open(earliest, shop_zone, calling_from, calling_until, full_days) if attempts_per_day else None
    )
    return CallPermission(False, reason, next_at)


def _reason_now(
    now: datetime,
    zone: ZoneInfo,
    opens: time,
    closes: time,
    attempts: Sequence[datetime],
    per_day: int,
    hours_between: float,
) -> Reason | None:
    if _attempts_by_day(attempts, zone).get(now.astimezone(zone).date(), 0) >= per_day:
        return Reason.DAY_LIMIT
    if any(now < at + timedelta(hours=hours_between) for at in attempts):
        return Reason.TOO_SOON
    closing = window_closes_at(now, shop_zone=zone, calling_from=opens, calling_until=closes)
    return None if closing else Reason.OUTSIDE_HOURS


def window_on(
    day: date, zone: ZoneInfo, calling_from: time, calling_until: time
) -> tuple[datetime, datetime] | None:
    """The permitted window of one day in the shop's zone, in UTC, inside the wall; None when it is empty.

    UTC, because Python compares two times of one zone by the clock on the wall, which errs at a DST change.
    """
    opens, closes = max(calling_from, WALL_OPENS), min(calling_until, WALL_CLOSES)
    start = datetime.combine(day, opens, zone).astimezone(UTC)
    end = datetime.combine(day, closes, zone).astimezone(UTC)
    return (start, end) if start < end else None


def window_closes_at(
    now: datetime, *, shop_zone: ZoneInfo, calling_from: time, calling_until: time
) -> datetime | None:
    """When the window that is open at `now` closes (UTC); None while it is shut."""
    window = window_on(now.astimezone(shop_zone).date(), shop_zone, calling_from, calling_until)
    return window[1] if window and window[0] <= now < window[1] else None


def _attempts_by_day(attempts: Sequence[datetime], zone: ZoneInfo) -> dict[date, int]:
    counts: dict[date, int] = {}
    for at in attempts:
        day = at.astimezone(zone).date()
        counts[day] = counts.get(day, 0) + 1
    return counts


def _first_open(
    earliest: datetime, zone: ZoneInfo, opens: time, closes: time, full_days: set[date]
) -> datetime | None:
    """First instant ≥ `earliest` inside a window of a day with attempts left; None if no day has a window."""
    day = earliest.astimezone(zone).date()
    for _day in range(len(full_days) + 3):
        window = window_on(day, zone, opens, closes)
        if window and day not in full_days and earliest < window[1]:
            return max(earliest.astimezone(UTC), window[0])
        day += timedelta(days=1)
    return None
