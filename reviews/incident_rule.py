"""Whether complaints of a shop come in several times as fast as usual: pure rules, without a database.

Complaints are counted in windows of minutes that end at a complaint: of the shop, of one product, of one
sub-cause, of one product and sub-cause. Each count is held against what the shop usually gets at this hour
of the week, raised by how lively the last day was. A count rings when chance alone would bring one that
large less than once a shop and month, over all windows and places together; chance here is a Poisson process
whose rate itself wavers as the shop's history does (negative binomial).
benchmarks/incidents.py has the rate of false alarms and the delay that follow.
"""

import math
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
WEEK_HOURS = 168

WINDOWS = (5, 10, 20, 40, 80, 240)  # minutes; the longest for small shops
LEAST = 5  # complaints, each of another buyer
TIMES_USUAL = 3.0  # a smaller rise is no incident, however sure
LEARNT_DAYS = 56
LEAST_DAYS = 7  # of history, or nothing is usual yet
FRESH = 1.5 * HOUR  # the newest complaints do not speak about that: they may be the incident
# How many looks, in effect, a complaint gets in one kind of place: windows that hang together, and a
# margin. Set by benchmarks/incidents.py so that quiet shops ring less than once a month. In a place with many
# complaints looks hang together more: their number is bounded.
LOOKS = 200.0
MONTH = 30  # days
MOST_LOOKS = 4000.0
SMALL = 50.0  # a count below it is drawn more to its neighbours than to itself
PRIOR = 5.0  # complaints by which a day's or an hour's share is drawn to the even one
ENOUGH = 60.0  # complaints that tell how lively a shop is
LEAST_LIVELY, MOST_LIVELY = 0.5, 4.0
LOOK_BACK = DAY + WINDOWS[-1] * MINUTE  # how far back complaints are needed

Place = tuple[int, str]  # product (0: any) and sub-cause ("": any)
KINDS = ((False, False), (False, True), (True, False), (True, True))


@dataclass(frozen=True, slots=True)
class Complaint:
    """One complaint: when written (seconds since 1970), product (0: none), sub-cause, buyer (0: unknown)."""

    at: float
    product: int
    sub_cause: str
    buyer: int = 0

    @property
    def places(self) -> tuple[Place, ...]:
        """Where it counts, from the widest to the narrowest."""
        wide: tuple[Place, ...] = ((0, ""), (0, self.sub_cause))
        return (*wide, (self.product, ""), (self.product, self.sub_cause)) if self.product else wide


@dataclass(frozen=True, slots=True)
class Burst:
    """More than usual: `observed` complaints in the `minutes` before `at`, where `expected` are usual.

    `surprise` is minus the logarithm of the chance of so many; it rings at `bar` or above.
    """

    place: Place
    at: float
    minutes: int
    observed: int
    expected: float
    surprise: float
    bar: float

    @property
    def times_usual(self) -> float:
        return times_usual(self.observed, self.expected)


def times_usual(observed: int, expected: float) -> float:
    """How many times the usual came in; where next to none is usual, of a tenth of a complaint."""
    return observed / max(expected, 0.1)


@dataclass(frozen=True)
class Usual:
    """What a shop usually gets: complaints an hour for each hour of the week (from Monday 00:00, its own
    clock), how many of each place in all, and how much the rate wavers (its variance over its square).

    `offset` is the seconds the shop's clock is ahead of UTC.
    """

    hourly: tuple[float, ...]
    counts: dict[Place, int]
    spread: float
    days: float
    offset: float = 0.0

    @cached_property
    def total(self) -> int:
        return self.counts.get((0, ""), 0)

    @cached_property
    def _bars(self) -> dict[tuple[bool, bool], float]:
        """The surprise at which each kind of place rings: a quarter of the false alarms each."""
        looks: defaultdict[tuple[bool, bool], float] = defaultdict(float)
        for place, number in self.counts.items():
            looks[kind_of(place)] += min(number * MONTH / self.days, MOST_LOOKS)
        return {kind: math.log(LOOKS * max(30.0, looks[kind])) for kind in KINDS}

    def bar(self, place: Place) -> float:
        """The surprise at which a count in a place rings."""
        return self._bars[kind_of(place)]

    def share(self, place: Place) -> float:
        """The part of all complaints that falls on a place; one never seen counts as seen once."""
        return (self.counts.get(place, 0) + 1) / (self.total + 1) if place != (0, "") else 1.0

    def wavering(self, place: Place, lately: int) -> float:
        """How uncertain the rate of a place is: the shop's wavering, and from how few complaints the share of
        the place (over all days) and the liveliness of the shop (in the last day) are known.
        """
        known = 1 / (self.counts.get(place, 0) + 1) if place != (0, "") else 0.0
        return self.spread + known + 1 / (lately + PRIOR)

    def expected(self, start: float, end: float) -> float:
        """Complaints of the whole shop usual between two moments."""
        total, moment = 0.0, start
        while moment < end:
            until = min(end, (moment // HOUR + 1) * HOUR)
            total += (until - moment) / HOUR * self.hourly[hour_of_week(moment, self.offset)]
            moment = until
        return total


def kind_of(place: Place) -> tuple[bool, bool]:
    """Whether a place is of one product, and of one sub-cause."""
    return bool(place[0]), bool(place[1])


def hour_of_week(at: float, offset: float) -> int:
    """0 is Monday 00:00–01:00 by the shop's clock; 1970 began on a Thursday."""
    return int((at + offset) // HOUR + 3 * 24) % WEEK_HOURS


# --- what is usual -----------------------------------------------------------------------------------


def learn(complaints: Sequence[Complaint], since: float, until: float, offset: float = 0.0) -> Usual | None:
    """Learn what is usual from the complaints written between two moments; None from less than a week."""
    days = (until - since) / DAY
    if days < LEAST_DAYS:
        return None
    counts: Counter[Place] = Counter()
    times = []
    for one in complaints:
        if since <= one.at < until:
            counts.update(one.places)
            times.append(one.at)
    hourly = _shape(times, days, offset)
    usual = Usual(hourly, dict(counts), 0.0, days, offset)
    return Usual(hourly, dict(counts), _spread(usual, sorted(times), since, until), days, offset)


def _shape(times: Sequence[float], days: float, offset: float) -> tuple[float, ...]:
    """Complaints an hour for each hour of the week: hour of the day times day of the week."""
    by_hour, by_day = [0.0] * 24, [0.0] * 7
    for at in times:
        place = hour_of_week(at, offset)
        by_hour[place % 24] += 1
        by_day[place // 24] += 1
    near = [(by_hour[h - 1] + 2 * by_hour[h] + by_hour[(h + 1) % 24]) / 4 for h in range(24)]
    hour = _drawn([_blend(own, around) for own, around in zip(by_hour, near, strict=True)])
    day = _drawn(by_day)
    mean = (len(times) + 0.5) / (days * 24)
    return tuple(mean * hour[place % 24] * day[place // 24] for place in range(WEEK_HOURS))


def _blend(own: float, around: float) -> float:
    """An hour's own count where it is large, that of the hours around it where it is small."""
    return (own * own + around * SMALL) / (own + SMALL)


def _drawn(counts: Sequence[float]) -> list[float]:
    """Each count over the mean, drawn to 1 where counts are small."""
    mean = sum(counts) / len(counts)
    return [(count + PRIOR) / (mean + PRIOR) for count in counts]


def _spread(usual: Usual, times: list[float], since: float, until: float) -> float:
    """How much hours differ more than chance makes them, once the liveliness of the day before is known.

    Hours with several times the usual (an incident, a promotion's first) are left out.
    """
    excess, squares, hour = 0.0, 0.0, since + LOOK_BACK
    while hour + HOUR <= until:
        expected = usual.expected(hour, hour + HOUR) * liveliness(usual, times, hour).times
        number = bisect_left(times, hour + HOUR) - bisect_left(times, hour)
        if number < LEAST or number < TIMES_USUAL * expected:
            excess += (number - expected) ** 2 - expected
            squares += expected**2
        hour += HOUR
    return min(1.0, max(0.02, excess / squares)) if squares else 1.0


@dataclass(frozen=True, slots=True)
class Liveliness:
    """How many times as lively as usual a shop is, known from so many complaints."""

    times: float
    known_from: int


def liveliness(usual: Usual, times: Sequence[float], at: float) -> Liveliness:
    """Tell from the last complaints (sorted) before the newest, of one day at most."""
    end = at - FRESH
    start, expected = end, 0.0
    while expected < ENOUGH and start > end - DAY:
        expected += usual.expected(start - HOUR, start)
        start -= HOUR
    number = bisect_left(times, end) - bisect_left(times, start)
    lively = (number + PRIOR) / (expected + PRIOR)
    return Liveliness(min(MOST_LIVELY, max(LEAST_LIVELY, lively)), number)


# --- the test ----------------------------------------------------------------------------------------


def surprise(number: int, expected: float, spread: float) -> float:
    """Minus the logarithm of the chance of `number` or more, of a negative binomial with this mean."""
    size = 1 / spread
    ratio = expected / (expected + size)
    term = (
        math.lgamma(number + size)
        - math.lgamma(size)
        - math.lgamma(number + 1)
        + size * math.log1p(-ratio)
        + number * math.log(ratio)
    )
    # The tail over its first term: a sum that falls quickly where the number is well above the mean.
    tail, part, k = 1.0, 1.0, number
    while part > 1e-9 * tail and k < number + 10_000:
        part *= (k + size) / (k + 1) * ratio
        tail += part
        k += 1
    return -(term + math.log(tail))


class Watch:
    """Looks at complaints in the order they were written, and tells where they burst."""

    def __init__(self, usual: Usual) -> None:
        self.usual = usual
        self.times: list[float] = []
        self.seen: defaultdict[Place, list[Complaint]] = defaultdict(list)
        self._lively = (0, Liveliness(1.0, 0))

    def add(self, complaint: Complaint) -> None:
        """Count one complaint; those come in the order they were written."""
        self.times.append(complaint.at)
        for place in complaint.places:
            self.seen[place].append(complaint)

    def bursts(self, complaint: Complaint) -> Iterator[Burst]:
        """Every place and window ending at this complaint, already added, that rings."""
        for place in complaint.places:
            yield from self._of(place, complaint.at)

    def _of(self, place: Place, at: float) -> Iterator[Burst]:
        found = self.seen[place]
        last = bisect_right(found, at, key=_written)
        if last < LEAST or found[last - LEAST].at <= at - WINDOWS[-1] * MINUTE:
            return
        lively = self._liveliness(at)
        spread, bar = self.usual.wavering(place, lively.known_from), self.usual.bar(place)
        for minutes in WINDOWS:
            start = at - minutes * MINUTE
            first = bisect_right(found, start, 0, last, key=_written)
            if last - first < LEAST:
                continue
            number = _buyers(found[first:last])
            share = max(self.usual.share(place), self._share_lately(place, min(start, at - FRESH)))
            expected = self.usual.expected(start, at) * lively.times * share
            if number < LEAST or number < TIMES_USUAL * expected:
                continue
            told = surprise(number, expected, spread)
            if told >= bar:
                yield Burst(place, at, minutes, number, expected, told, bar)

    def _share_lately(self, place: Place, end: float) -> float:
        """The part a place had in the day before: a product on sale since yesterday has no other history."""
        found, start = self.seen[place], end - DAY
        number = bisect_left(found, end, key=_written) - bisect_left(found, start, key=_written)
        return number / (bisect_left(self.times, end) - bisect_left(self.times, start) + PRIOR)

    def _liveliness(self, at: float) -> Liveliness:
        """Told anew every quarter of an hour."""
        quarter = int(at // (15 * MINUTE))
        if self._lively[0] != quarter:
            self._lively = (quarter, liveliness(self.usual, self.times, at))
        return self._lively[1]


def _written(one: Complaint) -> float:
    return one.at


def _buyers(complaints: Sequence[Complaint]) -> int:
    """Complaints of different buyers: one who complains of three things is one voice."""
    named = {one.buyer for one in complaints if one.buyer}
    return len(named) + sum(not one.buyer for one in complaints)


def inside(place: Place, of: Place) -> bool:
    """Whether everything counted in one place is counted in the other."""
    return all(not wide or narrow == wide for narrow, wide in zip(place, of, strict=True))


def worst(bursts: Iterable[Burst]) -> Burst | None:
    """The one chance explains least; of nested ones that are as sure, the narrower."""
    return max(bursts, key=lambda one: (one.surprise, bool(one.place[0]) + bool(one.place[1])), default=None)
