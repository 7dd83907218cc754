"""Deadlines that run only while the shop may call: working minutes inside a daily window, every day."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def add_working_minutes(start: datetime, minutes: int, opens: time, closes: time, zone: ZoneInfo) -> datetime:
    """The instant (UTC) at which `minutes` minutes of open time have passed since `start` (aware).

    Open time is [opens, closes) of every day by the clock of `zone`; a day with a clock change has the
    minutes that really pass. Zero minutes from a shut hour is the next opening. Raises ValueError when
    `minutes` is negative, `start` naive, or the window empty.
    """
    if start.tzinfo is None or minutes < 0:
        raise ValueError("start must be aware and minutes not negative")
    if not opens < closes:
        raise ValueError("the daily window is empty")
    now, left = start.astimezone(UTC), timedelta(minutes=minutes)
    day = now.astimezone(zone).date()
    while True:
        opened, closed = _span(day, opens, closes, zone)
        begun = max(now, opened)
        # A deadline on the closing stroke is that stroke, not the next morning; a start on it is not.
        if begun < closed and left <= closed - begun:
            return begun + left
        left -= max(closed - begun, timedelta())
        day += timedelta(days=1)


def _span(day: date, opens: time, closes: time, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The day's window in UTC: only there is the difference of two instants the time that passes."""
    opened = datetime.combine(day, opens, zone).astimezone(UTC)
    return opened, datetime.combine(day, closes, zone).astimezone(UTC)
