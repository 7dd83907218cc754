"""Deadlines that run only in working time: a shop's spans of the day, inside its calling hours."""

from datetime import UTC, datetime, timedelta

from reviews.working_hours import HORIZON, WorkingHours


class NoWorkingTime(ValueError):
    """Nobody ever works in these hours: no deadline can be counted."""


def add_working_minutes(start: datetime, minutes: int, hours: WorkingHours) -> datetime:
    """The instant (UTC) at which `minutes` minutes of open time have passed since `start` (aware).

    Zero minutes from a shut hour is the next opening. Raises ValueError when `minutes` is negative or
    `start` naive, NoWorkingTime when no minute is open for more than a year.
    """
    if start.tzinfo is None or minutes < 0:
        raise ValueError("start must be aware and minutes not negative")
    now, left = start.astimezone(UTC), timedelta(minutes=minutes)
    day, idle = now.astimezone(hours.zone).date(), 0
    while idle < HORIZON:
        periods = hours.periods_on(day)
        for opened, closed in periods:
            begun = max(now, opened)
            # A deadline on the closing stroke is that stroke, not the next opening; a start on it is not.
            if begun < closed and left <= closed - begun:
                return begun + left
            left -= max(closed - begun, timedelta())
        idle = 0 if periods else idle + 1
        day += timedelta(days=1)
    raise NoWorkingTime("no working time in these hours")
