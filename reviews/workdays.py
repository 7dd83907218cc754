"""Days off and make-up working days: the official calendar of China and a shop's own days. Pure.

The State Council publishes every year's days off and the weekend days worked in exchange; the package
`holidays` carries them offline. For years not published yet it knows the statutory days only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum
from functools import lru_cache
from zoneinfo import ZoneInfo

SATURDAY, SUNDAY = 5, 6
LAST_MONTH = 12
CHINA = ZoneInfo("Asia/Shanghai")
ONE_DAY = timedelta(days=1)


class DayKind(Enum):
    """What a calendar says about a day: nothing, day off, or worked although it would not be."""

    USUAL = "usual"
    OFF = "off"
    WORKED = "worked"


@dataclass(frozen=True, slots=True)
class Workdays:
    """Which days differ from the pattern of the week; a shop's `own` days (worked or not) come first."""

    official: bool = False
    own: Mapping[date, bool] = field(default_factory=dict)

    def kind(self, day: date) -> DayKind:
        if day in self.own:
            return DayKind.WORKED if self.own[day] else DayKind.OFF
        return official_kind(day) if self.official else DayKind.USUAL


EVERY_DAY = Workdays()


def official_kind(day: date) -> DayKind:
    """What China's calendar says about a day."""
    off, worked = _official(day.year)
    if day in worked:
        return DayKind.WORKED
    return DayKind.OFF if day in off else DayKind.USUAL


def announced_until(today: date) -> date:
    """The last day whose make-up days are known: the end of the last year a notice named any for."""
    years = {day.year for year in (today.year, today.year + 1) for day in _official(year)[1]}
    return date(max(years, default=today.year - 1), 12, 31)


def is_missing(today: date) -> bool:
    """Whether next year's calendar ought to be here and is not: the notice comes in November."""
    return today.month == LAST_MONTH and announced_until(today).year <= today.year


@lru_cache(maxsize=32)
def _official(year: int) -> tuple[frozenset[date], frozenset[date]]:
    """Days off, with the weekend days inside and beside a break as the notices name them; days worked."""
    from holidays import country_holidays  # 0.6 s to import: only where a shop follows the calendar

    calendar = country_holidays("CN", years=(year - 1, year, year + 1))
    worked = frozenset(calendar.weekend_workdays)
    off = set(calendar)
    for day in list(calendar):
        for step in (ONE_DAY, -ONE_DAY):
            near = day + step
            while near.weekday() in (SATURDAY, SUNDAY) and near not in worked:
                off.add(near)
                near += step
    return frozenset(off), worked
