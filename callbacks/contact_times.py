"""When this buyer is likely to have time for a call, and why. Pure: the caller brings the facts.

What counts, in this order: the buyer's own words, calls that got through or did not, the hours of the
orders, and the kind of place the parcels go to. Every hour lies within the permitted ones; a rule of thumb
never outweighs what the buyer said. Sources: the trade's practice (address, order times, chats, attempts).
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

DAYS = 7
SHOWN = 3
APART = timedelta(hours=2)  # between two suggestions
STEP = timedelta(minutes=30)
NEAR = 60  # minutes: an earlier call or order speaks for this much around it
EVERY_DAY = frozenset(range(7))
WORKDAYS, WEEKEND = frozenset(range(5)), frozenset({5, 6})


class Place(Enum):
    """What kind of place parcels go to."""

    OFFICE, SCHOOL, HOME, UNKNOWN = "office", "school", "home", "unknown"


_STREET = "(?!路|街|巷|道|桥|站|大道)"
_PLACES = (
    (
        Place.SCHOOL,
        rf"(?:大学|学院|中学|小学|学校|职校|幼儿园){_STREET}|校区|宿舍|(?<!人)学生公寓",
    ),
    (
        Place.OFFICE,
        rf"大厦|写字楼|办公|公司|科技园|产业园|软件园|创业园|工业园|工业区|商务|集团{_STREET}|医院{_STREET}"
        rf"|银行{_STREET}|政府|法院|派出所|事务所|CBD|(?:厂|局|所){_STREET}(?:$|\d|[^一-鿿])|中心[A-Z]?座",
    ),
    (Place.HOME, r"小区|花园|家园|公寓|新村|新城|嘉园|苑|里弄|村|单元|号楼|公馆|别墅|幢|栋|室"),
)


def place_of(address: str) -> Place:
    """Office, school or home, by the words of the address; a street named after a university is none."""
    text = unicodedata.normalize("NFKC", address)
    return next((place for place, words in _PLACES if re.search(words, text)), Place.UNKNOWN)


Span = tuple[int, int]  # minutes of the day, half open


def _m(hour: int, minute: int = 0) -> int:
    return hour * 60 + minute


# place → (days, span, weight): when people at such a place are free to speak.
_FREE: dict[Place, tuple[tuple[frozenset[int], Span, float], ...]] = {
    Place.OFFICE: (
        (WORKDAYS, (_m(12), _m(13, 30)), 2.0),
        (WORKDAYS, (_m(18, 30), _m(20, 30)), 2.5),
        (WEEKEND, (_m(10), _m(12)), 1.5),
        (WEEKEND, (_m(15), _m(20)), 1.5),
    ),
    Place.SCHOOL: (
        (WORKDAYS, (_m(12), _m(13, 30)), 2.0),
        (WORKDAYS, (_m(17, 30), _m(20, 30)), 2.5),
        (WEEKEND, (_m(10), _m(20)), 1.5),
    ),
    Place.HOME: (
        (EVERY_DAY, (_m(10), _m(11, 30)), 1.5),
        (EVERY_DAY, (_m(15), _m(17)), 1.5),
        (EVERY_DAY, (_m(19), _m(20, 30)), 2.0),
    ),
    Place.UNKNOWN: (
        (EVERY_DAY, (_m(10), _m(11, 30)), 0.5),
        (EVERY_DAY, (_m(15), _m(17)), 0.5),
        (EVERY_DAY, (_m(19), _m(20)), 1.0),
    ),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What the buyer said about the hour: to be called then (`wanted`) or not, with the very words."""

    wanted: bool
    span: Span
    days: frozenset[int]
    words: str

    def holds(self, local: datetime) -> bool:
        minute = local.hour * 60 + local.minute
        return local.weekday() in self.days and self.span[0] <= minute < self.span[1]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An hour in the shop's zone and why; `is_now` when it is the present one."""

    at: datetime
    reason: str
    is_now: bool = False


@dataclass(frozen=True, slots=True)
class Suggestions:
    """The best hours first, and what a person has to know besides."""

    hours: tuple[Suggestion, ...] = ()
    notice: str = ""


# --- the buyer's own words -----------------------------------------------------------------------------

_FIGURES = {sign: number for number, sign in enumerate("零一二三四五六七八九")} | {"两": 2}
_PART = r"(?P<part{n}>凌晨|早上|早晨|清早|上午|中午|午后|下午|傍晚|晚上|晚间|夜里|今晚|明晚|晚)?\s*"
_CLOCK = (
    _PART
    + r"(?P<hour{n}>[012]?\d|[零一二两三四五六七八九十]{{1,3}})"
    + r"(?:[点點时:](?P<minute{n}>半|一刻|三刻|[0-5]\d)?|(?=\s*[到至~-]))"
)
_TIME = re.compile(
    _CLOCK.format(n=1)
    + r"\s*分?\s*(?:[到至~-]+\s*"
    + _CLOCK.format(n=2)
    + r")?\s*(?P<side>以后|之后|过后|后|以前|之前|前)?"
)
_PARTS: tuple[tuple[str, Span, frozenset[int]], ...] = (
    (r"下班(?:时间|以后|之后|后|了)?", (_m(18), _m(22)), WORKDAYS),
    (r"上班(?:时间|时候|期间|时)?|工作时间", (_m(9), _m(18)), WORKDAYS),
    (r"上课(?:时间|时候|期间|时)?", (_m(8), _m(17, 30)), WORKDAYS),
    (r"放学(?:以后|之后|后)?|下课(?:以后|之后|后)?", (_m(17), _m(22)), WORKDAYS),
    (r"午休|午睡", (_m(12), _m(14)), EVERY_DAY),
    (r"早上|早晨|清早|上午", (_m(8), _m(12)), EVERY_DAY),
    (r"中午", (_m(11, 30), _m(13, 30)), EVERY_DAY),
    (r"下午|午后", (_m(13), _m(18)), EVERY_DAY),
    (r"傍晚", (_m(17), _m(19)), EVERY_DAY),
    (r"晚上|晚间|夜里|晚饭后", (_m(18), _m(22)), EVERY_DAY),
    (r"白天", (_m(8), _m(18)), EVERY_DAY),
)
_DAYS = (
    (re.compile(r"周末|双休日|礼拜六|礼拜天|星期[六日天]|周[六日天]"), WEEKEND),
    (re.compile(r"工作日|平时|周一到周五|星期一到星期五"), WORKDAYS),
)
_CALL = re.compile(
    r"打(?:过来|给|我|电话|来|吧|$)|(?:再|别|不要|请|勿|可以|来|后|前|点|时)打(?!开|包|折|湿|碎|破|印|磨)|电话|来电|致电|回电"
    r"|联系|联络|接听|有空|有时间|方便|在家|能接|接不了|接不到|call|phone",
    re.IGNORECASE,
)
_NO = re.compile(r"别|不要|勿|不接|不便|不方便|没空|没有空|没时间|不能|不在|打扰|接不")
_NEVER = re.compile(
    r"(?:别|不要|勿|拒绝)(?:再|老|总)?(?:给我)?(?:打|来)?(?:电话|来电)|(?:别|不要)(?:再)?打(?:给我|来|了)|再打.{0,4}(?:投诉|举报)"
)


def wishes_in(text: str) -> list[Wish]:
    """Every hour the buyer names for or against a call. Clauses that do not speak of calling say nothing."""
    found = []
    for clause in re.split(r"[，,。；;！!？?\n、]+", unicodedata.normalize("NFKC", text)):
        words = clause.strip()
        if not words or not _CALL.search(words):
            continue
        found += _wishes_of(words)
    return found


def asks_for_no_calls(texts: Sequence[str]) -> str:
    """The clause in which the buyer refuses calls altogether; empty when there is none."""
    for text in texts:
        for clause in re.split(r"[，,。；;！!？?\n]+", unicodedata.normalize("NFKC", text)):
            if _NEVER.search(clause) and not _wishes_of(clause):
                return clause.strip()
    return ""


def _wishes_of(clause: str) -> list[Wish]:
    wanted = not _NO.search(clause)
    days = next((days for pattern, days in _DAYS if pattern.search(clause)), None)
    if (span := _clock_span(clause)) is not None:
        return [Wish(wanted, span, days or EVERY_DAY, clause)]
    for pattern, part, usual in _PARTS:
        if re.search(pattern, clause):
            return [Wish(wanted, part, days or usual, clause)]
    return [Wish(wanted, (0, _m(24)), days, clause)] if days else []


def _clock_span(clause: str) -> Span | None:
    match = _TIME.search(clause)
    if match is None:
        return None
    start = _minute(match["part1"], match["hour1"], match["minute1"])
    if start is None:
        return None
    if match["hour2"]:
        end = _minute(match["part2"] or match["part1"], match["hour2"], match["minute2"])
        if end is not None and end <= start:
            end += _m(12)
        return (start, min(end, _m(24))) if end is not None else None
    side = match["side"] or ""
    if "后" in side:
        return (start, _m(24))
    return (0, start) if "前" in side else (start, min(start + 60, _m(24)))


def _minute(part: str | None, hour_words: str, minute_words: str | None) -> int | None:
    """Minute of the day. Without a part of the day 1 to 7 o'clock is the afternoon."""
    hour = _number(hour_words)
    if hour is None or hour > 24:
        return None
    late = part in ("午后", "下午", "傍晚", "晚上", "晚间", "夜里", "今晚", "明晚", "晚")
    if (late and hour < 12) or (part == "中午" and hour < 3) or (part is None and 1 <= hour <= 7):
        hour += 12
    minute = {"半": 30, "一刻": 15, "三刻": 45}.get(minute_words or "")
    return _m(hour, minute if minute is not None else int(minute_words or 0))


def _number(words: str) -> int | None:
    if words.isdigit():
        return int(words)
    tens, ten, ones = words.rpartition("十")
    if any(sign not in _FIGURES for sign in tens + ones) or len(ones) > 1 or len(tens) > 1:
        return None
    return (_FIGURES.get(tens, 1) * 10 if ten else 0) + _FIGURES.get(ones, 0)


# --- the hours -------------------------------------------------------------------------------------------


def suggest_times(
    *,
    now: datetime,
    earliest: datetime | None,
    shop_zone: ZoneInfo,
    buyer_zone: ZoneInfo,
    is_open: Callable[[datetime], bool],
    address: str = "",
    order_times: Sequence[datetime] = (),
    texts: Sequence[str] = (),
    calls: Sequence[tuple[datetime, bool]] = (),
) -> Suggestions:
    """Up to three hours of the next week, the likeliest first, each with its reason in words.

    All instants are aware. `earliest` is the first permitted instant (None: no call is permitted at all),
    `is_open` says whether an instant lies in the permitted hours; `texts` are the buyer's own words, `calls`
    earlier calls and whether somebody was spoken to. What the buyer does at an hour is read on the clock of
    `buyer_zone`. The same facts give the same answer.
    """
    refuses = asks_for_no_calls(texts)
    notice = _asked_for_none(refuses) if refuses else ""
    if earliest is None:
        return Suggestions((), notice)
    slots = [at for at in _slots(max(earliest, now)) if is_open(at)]
    wishes = [wish for text in texts for wish in wishes_in(text)]
    kept = _as_wished(slots, wishes, buyer_zone)
    if slots and not kept:
        notice = notice or _unmet(wishes)
        kept = slots
    ordered = [at.astimezone(buyer_zone) for at in order_times]
    called = [(at.astimezone(buyer_zone), spoken) for at, spoken in calls]
    judge = _Judge(buyer_zone, place_of(address), ordered, called, wishes)
    rated = sorted(
        ((judge.score(at) - _wait(at, slots[0]), at) for at in kept), key=lambda one: (-one[0], one[1])
    )
    chosen: list[datetime] = []
    for _score, at in rated:
        apart = all(abs(at - other) >= APART for other in chosen)
        if apart and (at == slots[0] or judge.why(at)):
            chosen.append(at)
        if len(chosen) == SHOWN:
            break
    hours = [
        Suggestion(
            at.astimezone(shop_zone),
            judge.why(at) or _("the next permitted hour"),
            at - now < timedelta(minutes=1),
        )
        for at in chosen
    ]
    return Suggestions(tuple(hours), notice)


def _slots(earliest: datetime) -> list[datetime]:
    """The first instant and every half hour after it for a week."""
    full = earliest.replace(minute=earliest.minute // 30 * 30, second=0, microsecond=0) + STEP
    return [earliest, *(full + STEP * number for number in range(DAYS * 48))]


def _wait(at: datetime, first: datetime) -> float:
    """Every hour lost makes a case harder to solve: half a day weighs as much as a good place."""
    return (at - first) / timedelta(hours=8)


def _as_wished(slots: Sequence[datetime], wishes: Sequence[Wish], zone: ZoneInfo) -> list[datetime]:
    wanted = [wish for wish in wishes if wish.wanted]
    refused = [wish for wish in wishes if not wish.wanted]
    free = [at for at in slots if not any(wish.holds(at.astimezone(zone)) for wish in refused)]
    return [at for at in free if not wanted or any(wish.holds(at.astimezone(zone)) for wish in wanted)]


def _unmet(wishes: Sequence[Wish]) -> str:
    words = "”“".join(dict.fromkeys(wish.words for wish in wishes))
    return _("The buyer said “%(words)s”: no permitted hour lies within. Shop chat may suit better.") % {
        "words": words
    }


def _asked_for_none(words: str) -> str:
    return _("The buyer wrote “%(words)s”. Perhaps no call is wanted at all: then use shop chat.") % {
        "words": words
    }


@dataclass(frozen=True, slots=True)
class _Judge:
    """Rates hours. What happened before stands on the buyer's clock, as every `local` does."""

    zone: ZoneInfo
    place: Place
    order_times: Sequence[datetime]
    calls: Sequence[tuple[datetime, bool]]
    wishes: Sequence[Wish]

    def score(self, at: datetime) -> float:
        local = at.astimezone(self.zone)
        missed, spoken = self._near(local, False), self._near(local, True)
        return (
            self._free(local)
            + min(len(self._ordered(local)), 3) * 0.8
            + min(len(spoken), 2) * 2.5
            - min(len(missed), 2) * 2.0
        )

    def why(self, at: datetime) -> str:
        """The reasons that speak for this hour, the weightiest first."""
        local = at.astimezone(self.zone)
        found = [_("the buyer said “%(words)s”") % {"words": one.words} for one in self._wished(local)][:1]
        if spoken := self._near(local, True):
            found.append(_("reached at %(hour)s before") % {"hour": self._clock(spoken[-1])})
        if ordered := self._ordered(local):
            found.append(_("usually orders around %(hour)s") % {"hour": f"{self._hour(ordered):02}:00"})
        if words := self._place_words(local):
            found.append(words)
        missed = [when for when, reached in self.calls if not reached]
        if missed and not self._near(local, False):
            found.append(_("nobody answered at %(hour)s") % {"hour": self._clock(missed[-1])})
        return " · ".join(found)

    def _wished(self, local: datetime) -> list[Wish]:
        wanted = [wish for wish in self.wishes if wish.wanted and wish.holds(local)]
        return wanted or [wish for wish in self.wishes if not wish.wanted and not wish.holds(local)]

    def _free(self, local: datetime) -> float:
        minute = local.hour * 60 + local.minute
        return sum(
            weight
            for days, span, weight in _FREE[self.place]
            if local.weekday() in days and span[0] <= minute < span[1]
        )

    def _place_words(self, local: datetime) -> str:
        if not self._free(local):
            return ""
        if self.place == Place.UNKNOWN:
            return _("an hour at which most people have time")
        if self.place == Place.HOME:
            return _("parcels go to a home: likely in")
        where = _("an office") if self.place == Place.OFFICE else _("a school")
        if local.weekday() in WEEKEND:
            return _("parcels go to %(place)s: free at the weekend") % {"place": where}
        if local.hour < 15:
            return _("parcels go to %(place)s: noon break") % {"place": where}
        return _("parcels go to %(place)s: free in the evening") % {"place": where}

    def _ordered(self, local: datetime) -> list[datetime]:
        return [at for at in self.order_times if _minutes_apart(at, local) < NEAR]

    def _near(self, local: datetime, reached: bool) -> list[datetime]:
        return [at for at, spoken in self.calls if spoken == reached and _minutes_apart(at, local) < NEAR]

    def _hour(self, times: Sequence[datetime]) -> int:
        return times[0].hour

    def _clock(self, at: datetime) -> str:
        return f"{at:%H:%M}"


def _minutes_apart(one: datetime, other: datetime) -> int:
    """Between two times of day, round the clock."""
    apart = abs(one.hour * 60 + one.minute - other.hour * 60 - other.minute)
    return min(apart, time(12).hour * 120 - apart)
