"""May this buyer be called now, and if not, why not and from when. Pure: the caller brings the facts.

No statute sets hours for after-sales calls; the defaults are the trade's. 08:00–22:00 is the product's
own wall: no setting widens it (consumer law regulations of 2024-07-01, art. 23–24, on unwanted calls).
Hours count on the clock of the shop and on every clock of the buyer (`callbacks.regions`), and so do days.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from heapq import merge
from itertools import chain
from zoneinfo import ZoneInfo

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

WALL_OPENS = time(8, 0)
WALL_CLOSES = time(22, 0)
DAYS_AHEAD = 15  # a change of summer time may open a common hour


class Reason(TextChoices):
    """Why a call is not permitted now, the most lasting reason first."""

    DO_NOT_CALL = "do_not_call", _("The buyer has asked not to be called")
    CASE_LIMIT = "case_limit", _("The call attempts for this case are used up")
    DAY_LIMIT = "day_limit", _("The call attempts for today are used up")
    TOO_SOON = "too_soon", _("The last attempt was too short a time ago")
    TOO_MANY = "too_many", _("Too many calls to this buyer lately")
    OUTSIDE_HOURS = "outside_hours", _("Outside the permitted calling hours")
    BUYER_HOURS = "buyer_hours", _("Outside the permitted calling hours where the buyer lives")


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
    other_shops: Sequence[datetime] = (),
    buyer_zones: Sequence[ZoneInfo] = (),
) -> CallPermission:
    """Whether the buyer may be called at `now`. All instants are aware; a day is the calendar day of the
    shop, and of each of the buyer's zones.

    `attempts` are the starts of all earlier calls of the case, `elsewhere` those to the same buyer in other
    cases of the shop, `other_shops` those of all other shops, in any order: the limit of the day and the gap
    are the buyer's. What other shops did is told as TOO_MANY alone, and `next_at` is then the opening of a
    window, never a time that follows from theirs. The window is half open: the closing minute itself is
    outside. An allowed call has `next_at` = now.
    """
    if do_not_call:
        return CallPermission(False, Reason.DO_NOT_CALL)
    if len(attempts) >= attempts_per_case:
        return CallPermission(False, Reason.CASE_LIMIT)
    rules = _Rules((shop_zone, *buyer_zones), calling_from, calling_until, attempts_per_day, hours_between)
    own = [*attempts, *elsewhere]
    everybody = [*own, *other_shops]
    reason = rules.reason(now, own)
    if reason is None:
        if not rules.reason(now, everybody):
            return CallPermission(True, None, now)
        return CallPermission(False, Reason.TOO_MANY, rules.first_open(now, everybody, at_opening=True))
    next_at = rules.first_open(now, own)
    if next_at and rules.reason(next_at, everybody):
        next_at = rules.first_open(next_at, everybody, at_opening=True)
    return CallPermission(False, reason, next_at)


@dataclass(frozen=True, slots=True)
class _Rules:
    """Hours, gap and limit of the day on the clocks that count; the first is the shop's."""

    zones: tuple[ZoneInfo, ...]
    opens: time
    closes: time
    per_day: int
    hours_between: float

    def reason(self, at: datetime, attempts: Sequence[datetime]) -> Reason | None:
        """Why no call is permitted at this instant."""
        if any(self._on_the_day(at, attempts, zone) >= self.per_day for zone in self.zones):
            return Reason.DAY_LIMIT
        if any(at < one + timedelta(hours=self.hours_between) for one in attempts):
            return Reason.TOO_SOON
        for zone in self.zones:
            if not _closes_at(at, zone, self.opens, self.closes):
                return Reason.OUTSIDE_HOURS if zone is self.zones[0] else Reason.BUYER_HOURS
        return None

    def first_open(
        self, since: datetime, attempts: Sequence[datetime], *, at_opening: bool = False
    ) -> datetime | None:
        """The first permitted instant from `since` on (UTC); None if there is none within weeks.

        Permission begins only when a gap ends or a window opens, so only these instants are tried.
        """
        gap = timedelta(hours=self.hours_between)
        earliest = max([since, *(one + gap for one in attempts)]).astimezone(UTC)
        days = len(attempts) + DAYS_AHEAD
        openings = merge(*(self._openings(earliest, zone, days) for zone in self.zones))
        instants = openings if at_opening else chain([earliest], openings)
        return next((at for at in instants if self.reason(at, attempts) is None), None)

    def _on_the_day(self, at: datetime, attempts: Sequence[datetime], zone: ZoneInfo) -> int:
        day = at.astimezone(zone).date()
        return sum(one.astimezone(zone).date() == day for one in attempts)

    def _openings(self, since: datetime, zone: ZoneInfo, days: int) -> Iterator[datetime]:
        first = since.astimezone(zone).date()
        for number in range(days):
            window = window_on(first + timedelta(days=number), zone, self.opens, self.closes)
            if window and window[0] >= since:
                yield window[0]


@lru_cache(4096)
def window_on(
    day: date, zone: ZoneInfo, calling_from: time, calling_until: time
) -> tuple[datetime, datetime] | None:
    """The permitted window of one day in one zone, in UTC, inside the wall; None when it is empty.

    UTC, because Python compares two times of one zone by the clock on the wall, which errs at a DST change.
    """
    opens, closes = max(calling_from, WALL_OPENS), min(calling_until, WALL_CLOSES)
    start = datetime.combine(day, opens, zone).astimezone(UTC)
    end = datetime.combine(day, closes, zone).astimezone(UTC)
    return (start, end) if start < end else None


@dataclass(frozen=True, slots=True)
class CallingWindow:
    """The permitted hours on every clock that counts: the shop's and each of the buyer's."""

    zones: tuple[ZoneInfo, ...]
    opens: time
    closes: time

    @classmethod
    def of(
        cls, shop_zone: ZoneInfo, opens: time, closes: time, buyer_zones: Sequence[ZoneInfo] = ()
    ) -> "CallingWindow":
        return cls(tuple(dict.fromkeys((shop_zone, *buyer_zones))), opens, closes)

    def closes_at(self, now: datetime) -> datetime | None:
        """When the window that is open at `now` on every clock closes (UTC); None while it is shut on one."""
        ends = [_closes_at(now, zone, self.opens, self.closes) for zone in self.zones]
        return min((end for end in ends if end), default=None) if all(ends) else None


def _closes_at(at: datetime, zone: ZoneInfo, opens: time, closes: time) -> datetime | None:
    window = window_on(at.astimezone(zone).date(), zone, opens, closes)
    return window[1] if window and window[0] <= at < window[1] else None


def window_closes_at(
    now: datetime,
    *,
    shop_zone: ZoneInfo,
    calling_from: time,
    calling_until: time,
    buyer_zones: Sequence[ZoneInfo] = (),
) -> datetime | None:
    """When the window that is open at `now` on every clock closes (UTC); None while it is shut on one."""
    return CallingWindow.of(shop_zone, calling_from, calling_until, buyer_zones).closes_at(now)
