"""Whether a mix has left its base: pure rules over counts, without a database.

A mix is counts of a day by kind (causes, bands of confidence, bands of strange words). The recent one is
compared with the days before by Pearson's chi-square, divided by how much the base days differ among
themselves, so that a lively shop needs a larger step. An alarm needs both: too unlikely to be chance, and
large enough to matter (population stability index; by convention below 0.1 none, above 0.25 a large shift).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

Counts = Sequence[int]

LEAST_RECENT = 30
LEAST_BASE = 200
LEAST_DAYS = 7
# Standard deviations: a shop is looked at four times a day by three measures (benchmarks/drift.py has the
# rate of false alarms that follows from it).
SURPRISE = 4.0
LEAST_STEP = 0.1  # population stability index
LEAST_EXPECTED = 5.0  # below it kinds are put together, or chi-square means nothing


@dataclass(frozen=True, slots=True)
class Shift:
    """How far a mix has moved: stability index, standard deviations, shares before and now by kind."""

    step: float
    surprise: float
    before: tuple[float, ...]
    now: tuple[float, ...]
    reviews: int

    @property
    def is_alarming(self) -> bool:
        return self.surprise >= SURPRISE and self.step >= LEAST_STEP


def compare(days: Sequence[Counts], recent: Counts) -> Shift | None:
    """Compare the recent mix with the base days; None when there is too little to tell."""
    days = [day for day in days if sum(day)]
    base = [sum(kind) for kind in zip(*days, strict=True)]
    if len(days) < LEAST_DAYS or sum(base) < LEAST_BASE or sum(recent) < LEAST_RECENT:
        return None
    statistic, freedom = _chi_square(base, recent)
    spread = _spread(days, base)
    before, now = _shares(base), _shares(recent)
    return Shift(_stability(base, recent), _deviations(statistic / spread, freedom), before, now, sum(recent))


def _chi_square(base: Counts, recent: Counts) -> tuple[float, int]:
    """Give the chi-square of two mixes being one, and its degrees of freedom; rare kinds count together."""
    total, number = sum(base) + sum(recent), sum(recent)
    pairs = _joined([(one, other) for one, other in zip(base, recent, strict=True)], number / total)
    statistic = 0.0
    for one, other in pairs:
        for seen, part in ((one, 1 - number / total), (other, number / total)):
            expected = (one + other) * part
            statistic += (seen - expected) ** 2 / expected
    return statistic, len(pairs) - 1


def _joined(pairs: list[tuple[int, int]], part: float) -> list[tuple[int, int]]:
    """Put kinds together until each is expected often enough in the smaller mix."""
    rest, kept = (0, 0), []
    for one, other in pairs:
        if (one + other) * part < LEAST_EXPECTED:
            rest = (rest[0] + one, rest[1] + other)
        else:
            kept.append((one, other))
    if sum(rest) * part >= LEAST_EXPECTED or not kept:
        return [*kept, rest] if sum(rest) else kept
    kept[-1] = (kept[-1][0] + rest[0], kept[-1][1] + rest[1])
    return kept


def _spread(days: Sequence[Counts], base: Counts) -> float:
    """Give how much more the base days differ than chance alone would make them; 1 at least."""
    total, freedom = 0.0, 0
    for day in days:
        rest = [every - one for every, one in zip(base, day, strict=True)]
        if sum(day) >= LEAST_EXPECTED and sum(rest) > 0:
            statistic, degrees = _chi_square(rest, day)
            total, freedom = total + statistic, freedom + degrees
    return max(1.0, total / freedom) if freedom else 1.0


def _deviations(statistic: float, freedom: int) -> float:
    """Turn a chi-square into standard deviations (Wilson and Hilferty 1931)."""
    if freedom < 1:
        return 0.0
    middle = 2 / (9 * freedom)
    return (math.cbrt(statistic / freedom) - (1 - middle)) / math.sqrt(middle)


def _stability(base: Counts, recent: Counts) -> float:
    """Give the population stability index; a kind never seen counts as half a review."""
    pairs = [
        (max(one, 0.5) / sum(base), max(other, 0.5) / sum(recent))
        for one, other in zip(base, recent, strict=True)
    ]
    return sum((now - before) * math.log(now / before) for before, now in pairs)


def _shares(counts: Counts) -> tuple[float, ...]:
    total = sum(counts)
    return tuple(round(count / total, 4) for count in counts)
