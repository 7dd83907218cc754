"""When somebody works, or a shop is manned: several spans a day, by the clock on the wall. Pure.

Open is every instant at which a clock in the zone shows a time inside one of the day's spans; on a day
with a clock change that is the time that really passes.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from reviews.workdays import EVERY_DAY, DayKind, Workdays

DAY = 24 * 60
SPANS_A_DAY = 6
HORIZON = 400  # days without an open minute after which none is expected any more
CHAINED = timedelta(days=1)  # shifts that follow each other at midnight are one, up to here

Span = tuple[int, int]  # minutes since midnight; the end is outside; 1440 is the midnight that ends the day
Week = tuple[tuple[Span, ...], ...]  # seven days, Monday first
Period = tuple[datetime, datetime]  # UTC, half open


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """A pattern of the week (None: all day), cut to `within` (a shop's calling hours), in one zone.

    A day worked that the pattern leaves free is worked like the first day of the week that is not.
    """

    zone: ZoneInfo
    week: Week | None = None
    within: Span = (0, DAY)
    days: Workdays = EVERY_DAY

    def spans_on(self, day: date) -> list[Span]:
        """The spans of one calendar day, in order."""
        kind = self.days.kind(day)
        if kind is DayKind.OFF:
            return []
        spans = self._pattern(day.weekday(), made_up=kind is DayKind.WORKED)
        opens, closes = self.within
        cut = [(max(begins, opens), min(ends, closes)) for begins, ends in spans]
        return [(begins, ends) for begins, ends in cut if begins < ends]

    def _pattern(self, weekday: int, *, made_up: bool) -> Sequence[Span]:
        if self.week is None:
            return ((0, DAY),)
        spans = self.week[weekday]
        return next(filter(None, self.week), ()) if made_up and not spans else spans

    def periods_on(self, day: date) -> list[Period]:
        """The open instants of one calendar day of the zone."""
        return periods_of(day, self.spans_on(day), self.zone)

    def is_open(self, at: datetime) -> bool:
        return any(begun <= at < ended for begun, ended in self.periods_on(at.astimezone(self.zone).date()))

    def open_until(self, at: datetime) -> datetime | None:
        """When what is open at `at` ends (UTC; at most about a day ahead); None while nothing is."""
        ends: datetime | None = None
        day = at.astimezone(self.zone).date()
        for number in range(3):
            for begun, ended in self.periods_on(day + timedelta(days=number)):
                if begun <= (ends or at) < ended:
                    ends = ended
        return min(ends, at.astimezone(UTC) + CHAINED) if ends else None

    def opens_after(self, at: datetime) -> datetime | None:
        """The next instant after `at` at which something opens (UTC); None when nothing ever does."""
        day = at.astimezone(self.zone).date()
        for number in range(HORIZON):
            for begun, _ended in self.periods_on(day + timedelta(days=number)):
                if begun > at:
                    return begun
        return None


def periods_of(day: date, spans: Iterable[Span], zone: ZoneInfo) -> list[Period]:
    """The instants (UTC) of a day at which the wall clock is inside one of the spans, in order."""
    found = []
    for begins, ends, offset in _steady_parts(day, zone):
        midnight = datetime.combine(day, time(), UTC) - offset
        for opens, closes in spans:
            begun = max(midnight + timedelta(minutes=opens), begins)
            ended = min(midnight + timedelta(minutes=closes), ends)
            if begun < ended:
                found.append((begun, ended))
    return found


@lru_cache(maxsize=2048)
def _steady_parts(day: date, zone: ZoneInfo) -> list[tuple[datetime, datetime, timedelta]]:
    """The day cut where the clock changes: (from, to, distance from UTC); usually one part."""
    begins, ends = (
        datetime.combine(one, time(), zone).astimezone(UTC) for one in (day, day + timedelta(days=1))
    )
    minute = timedelta(minutes=1)
    first, last = _offset(begins, zone), _offset(ends - minute, zone)
    if first == last:
        return [(begins, ends, first)]
    low, high = 0, (ends - begins) // minute - 1
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(begins + middle * minute, zone) == first:
            low = middle
        else:
            high = middle
    change = begins + high * minute
    return [(begins, change, first), (change, ends, last)]


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


# --- as people write it -------------------------------------------------------------------------

_SPAN = re.compile(r"(\d{1,2})(?::(\d{2}))?-(\d{1,2})(?::(\d{2}))?")


class WrongHours(ValueError):
    """Hours that make no sense; the message says which and how to write them."""


def parse_day(text: str) -> list[Span]:
    """Read `09:00-12:00, 13:00-18:00`; full-width signs and dashes of any length are forgiven.

    Spans come back in order, those that touch as one. Raises WrongHours.
    """
    spans = sorted(_parse_span(part) for part in _parts(text))
    if len(spans) > SPANS_A_DAY:
        raise WrongHours(_("At most %(number)d spans a day.") % {"number": SPANS_A_DAY})
    for (begins, ends), (later, until) in pairwise(spans):
        if later < ends:
            both = {"one": words_of([(begins, ends)]), "other": words_of([(later, until)])}
            raise WrongHours(_("%(one)s and %(other)s overlap. Let one end before the other begins.") % both)
    return _joined(spans)


def _parts(text: str) -> list[str]:
    plain = re.sub(r"\s*[-–—~〜至到]+\s*", "-", unicodedata.normalize("NFKC", text))
    return [part for part in re.split(r"[,;、\s]+", plain) if part]


def _parse_span(part: str) -> Span:
    match = _SPAN.fullmatch(part)
    if not match:
        raise WrongHours(_("“%(text)s” cannot be read. Write for example 09:00-12:00.") % {"text": part[:40]})
    begins, ends = (int(match[n]) * 60 + int(match[n + 1] or 0) for n in (1, 3))
    if any(int(match[n] or 0) > 59 for n in (2, 4)) or max(begins, ends) > DAY:
        raise WrongHours(_("“%(text)s”: a day has the hours 00:00 to 24:00.") % {"text": part})
    if begins >= ends:
        raise WrongHours(
            _(
                "“%(text)s” ends before it begins. A shift over midnight ends at 24:00 and goes on at 00:00 "
                "of the next day."
            )
            % {"text": part}
        )
    return begins, ends


def _joined(spans: Iterable[Span]) -> list[Span]:
    found: list[Span] = []
    for begins, ends in spans:
        if found and found[-1][1] == begins:
            found[-1] = (found[-1][0], ends)
        else:
            found.append((begins, ends))
    return found


def words_of(spans: Iterable[Sequence[int]]) -> str:
    """`09:00–12:00, 13:00–18:00`."""
    return ", ".join(f"{_clock(begins)}–{_clock(ends)}" for begins, ends in spans)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def read_week(stored: Any) -> Week | None:
    """A stored week as the rules take it; None when none was entered."""
    if not stored:
        return None
    return tuple(tuple((int(begins), int(ends)) for begins, ends in day) for day in stored)


def check_week(stored: Any) -> None:
    """Refuse what is no week: seven days (or none) of spans in order, inside the day."""
    try:
        days = [[(begins, ends) for begins, ends in day] for day in stored]
        edges = [[edge for span in day for edge in span] for day in days]
        good = len(days) in (0, 7) and all(
            all(isinstance(edge, int) and 0 <= edge <= DAY for edge in day)
            and all(one < other for one, other in pairwise(day))
            for day in edges
        )
    except (TypeError, ValueError):
        good = False
    if not good:
        raise ValidationError(_("A week has seven days of spans in minutes, in order."))
