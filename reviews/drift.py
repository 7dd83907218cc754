"""Drift: an alarm rings when a shop's mix of causes, confidence or words has left that of its weeks before.

What the machine read in the last 24 hours (in a quiet shop in the last 7 days) is compared with the 28 days
before. Only readings of one model are compared: another model reads differently. Nothing is stored but
the alarms.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from django.db import transaction
from django.db.models import Max

from reviews import clock
from reviews.causes import Cause
from reviews.classification.features import encode
from reviews.classification.model import shipped
from reviews.classification.text import normalise
from reviews.drift_rule import LEAST_RECENT, Shift, compare
from reviews.models import Classification, Shop
from reviews.models.drift import DriftAlarm, Measure

DAY = timedelta(days=1)
BASE_DAYS = 28
WINDOWS = (1, 7)  # days; the first with enough reviews
MOST_TEXTS = 150  # a day, whose words are looked at
OLD = timedelta(days=14)  # what was written longer ago was brought in from an archive

CONFIDENCES = (0.5, 0.7, 0.85, 0.95)  # bounds of the bands
STRANGE = (0.02, 0.08, 0.16, 0.3)


@dataclass(frozen=True, slots=True)
class Reading:
    """One text as the machine read it."""

    at: datetime
    cause: str
    confidence: float
    text: str


def watch_shops() -> int:
    """Compare every shop that read something lately; how many alarms began to ring."""
    now = clock.now()
    lately = Classification.objects.by_machine().filter(made_at__gt=now - DAY)
    shops = lately.order_by().values_list("review__shop", flat=True).distinct()
    return sum(len(watch(Shop.objects.get(pk=pk), now)) for pk in list(shops))


def watch(shop: Shop, now: datetime) -> list[DriftAlarm]:
    """Compare one shop's mixes with their bases; the alarms that begin to ring."""
    readings = gather(shop, now)
    ringing = set(DriftAlarm.objects.ringing().filter(shop=shop).values_list("measure", flat=True))
    known = dict(
        DriftAlarm.objects.filter(shop=shop).order_by().values_list("measure").annotate(since=Max("since"))
    )
    rung = []
    for measure, bands in BANDS.items():
        if measure not in ringing:
            shift, since = _shift(readings, bands, now, known.get(measure))
            if shift and shift.is_alarming:
                rung.append(_ring(shop, measure, shift, now, since))
    return [alarm for alarm in rung if alarm]


@transaction.atomic
def _ring(shop: Shop, measure: Measure, shift: Shift, now: datetime, since: datetime) -> DriftAlarm | None:
    """Let one alarm ring; another worker may have been quicker."""
    figures = {**asdict(shift), "kinds": KINDS[measure]}
    alarm, new = DriftAlarm.objects.get_or_create(
        shop=shop,
        measure=measure,
        acknowledged_at=None,
        defaults={"at": now, "since": since, "figures": figures},
    )
    return alarm if new else None


def gather(shop: Shop, now: datetime) -> list[Reading]:
    """Read what the machine judged in the days to compare, by the model that judges now."""
    rows = Classification.objects.by_machine().filter(review__shop=shop)
    latest = rows.order_by("-made_at", "-id").values_list("model", flat=True).first()
    if latest is None:
        return []
    base = latest.partition("+")[0]
    found = (
        rows.filter(
            made_at__gt=now - (BASE_DAYS + WINDOWS[-1]) * DAY, made_at__lte=now, model__startswith=base
        )
        .order_by()
        .values_list(
            "made_at", "cause", "confidence", "review__content", "review__followup", "review__created_at"
        )
    )
    return [
        Reading(at, cause, confidence, f"{content}\n{followup}".strip())
        for at, cause, confidence, content, followup, written in found
        if at - written < OLD
    ]


def _shift(
    readings: Sequence[Reading],
    bands: Callable[[Sequence[Reading]], list[int]],
    now: datetime,
    known: datetime | None,
) -> tuple[Shift | None, datetime]:
    """Compare the shortest recent window that has enough readings with the days before it."""
    for days in WINDOWS:
        since = now - days * DAY
        recent = [one for one in readings if one.at > since]
        if len(recent) >= LEAST_RECENT:
            break
    first = max(since - BASE_DAYS * DAY, known or since - BASE_DAYS * DAY)
    by_day: list[list[Reading]] = [[] for _day in range(BASE_DAYS)]
    for one in readings:
        if first < one.at <= since:
            by_day[int((since - one.at) / DAY)].append(one)
    return compare([bands(day) for day in by_day], bands(recent)), since


# --- the three mixes ------------------------------------------------------------------------------


def count_causes(readings: Sequence[Reading]) -> list[int]:
    """Count readings by cause, in the order of the causes."""
    return [sum(one.cause == cause for one in readings) for cause in Cause]


def count_confidences(readings: Sequence[Reading]) -> list[int]:
    """Count readings by band of confidence, from low to high."""
    return _count((one.confidence for one in readings), CONFIDENCES)


def count_strange(readings: Sequence[Reading]) -> list[int]:
    """Count readings by band of strange words: character runs that the shipped model does not know."""
    texts = [normalise(one.text) for one in readings[:MOST_TEXTS] if one.text]
    encoded = encode(texts, [""] * len(texts), shipped().vocabulary)
    ends = encoded.sizes.cumsum()
    unknown = (encoded.ids < 0).cumsum()
    shares, before = [], 0
    for end, size in zip(ends.tolist(), encoded.sizes.tolist(), strict=True):
        shares.append((int(unknown[end - 1]) - before) / max(1, size) if size else 0.0)
        before = int(unknown[end - 1]) if size else before
    return _count(shares, STRANGE)


def _count(values: Iterable[float], bounds: Sequence[float]) -> list[int]:
    counts = [0] * (len(bounds) + 1)
    for value in values:
        counts[sum(value >= bound for bound in bounds)] += 1
    return counts


BANDS: dict[Measure, Callable[[Sequence[Reading]], list[int]]] = {
    Measure.CAUSES: count_causes,
    Measure.CONFIDENCE: count_confidences,
    Measure.VOCABULARY: count_strange,
}


def _band_names(bounds: Sequence[float]) -> list[str]:
    percents = [f"{round(bound * 100)}%" for bound in bounds]
    between = [f"{one}–{other}" for one, other in pairwise(percents)]
    return [f"< {percents[0]}", *between, f"≥ {percents[-1]}"]


KINDS: dict[Measure, list[str]] = {
    Measure.CAUSES: [cause.value for cause in Cause],
    Measure.CONFIDENCE: _band_names(CONFIDENCES),
    Measure.VOCABULARY: _band_names(STRANGE),
}
