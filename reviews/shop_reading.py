"""Read reviews as their shop's corrections taught: the shipped model first, the shop's shift on top."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from reviews.causes import Cause
from reviews.classification import ReviewText, Verdict
from reviews.classification.decide import CAUSES, sub_cause_chances
from reviews.classification.features import FloatArray, IntArray, encode
from reviews.classification.model import SUBS, shipped
from reviews.classification.text import has_words, normalise, reads
from reviews.classification.words import deciding_words
from reviews.models import ModelVersion
from reviews.shop_delta import ShopDelta, judge_chances, shifted

KEPT = 64  # deltas of so many shops stay in memory


def as_taught(
    verdicts: Sequence[Verdict], reviews: Sequence[ReviewText], shop_ids: Sequence[int]
) -> list[Verdict]:
    """Correct the shipped model's verdicts, each as its shop has taught. One query, however many reviews."""
    verdicts = list(verdicts)
    in_use = dict(
        ModelVersion.objects.current()
        .filter(shop__in=set(shop_ids), base=base_version())
        .values_list("shop_id", "pk")
    )
    for shop_id, version in in_use.items():
        numbers = [n for n, one in enumerate(shop_ids) if one == shop_id and has_words(reviews[n].text)]
        part = [reviews[n] for n in numbers]
        taught = apply(load(version), part, [verdicts[n] for n in numbers], f"+{version}")
        for number, verdict in zip(numbers, taught, strict=True):
            verdicts[number] = verdict
    return verdicts


def base_version() -> str:
    """Name the shipped model that versions are learnt on."""
    return shipped().version


@lru_cache(KEPT)
def load(version: int) -> ShopDelta:
    """Read a version's shift; a version never changes."""
    return ShopDelta.from_bytes(
        bytes(ModelVersion.objects.values_list("artifact", flat=True).get(pk=version))
    )


def base_chances(reviews: Sequence[ReviewText]) -> FloatArray:
    """Give the shipped model's chances of the sub-causes, shape (reviews, sub-causes)."""
    model = shipped()
    encoded = model.encode([normalise(one.text) for one in reviews], [one.category for one in reviews])
    return sub_cause_chances(model.scores(encoded), [one.rating for one in reviews], model.settings)


def apply(
    delta: ShopDelta, reviews: Sequence[ReviewText], verdicts: Sequence[Verdict], mark: str
) -> list[Verdict]:
    """Correct verdicts by a shop's shift; `mark` is appended to the model's name."""
    if not reviews:
        return []
    shift = delta.shift([one.text for one in reviews])
    causes, subs, confidence = judge_chances(shifted(base_chances(reviews), shift))
    spoken = _words(delta, reviews, subs)
    sure = shipped().settings.decided_from
    taught = []
    for n, verdict in enumerate(verdicts):
        cause = CAUSES[causes[n]]
        strange = not reads(normalise(reviews[n].text))
        taught.append(
            replace(
                verdict,
                cause=cause,
                sub_cause=SUBS[subs[n]],
                also=tuple(one for one in verdict.also if one != cause),
                confidence=round(float(confidence[n]), 4),
                decided=bool(confidence[n] >= sure) and cause != Cause.MALICIOUS and not strange,
                words=verdict.words if SUBS[subs[n]] == verdict.sub_cause else spoken[n] or verdict.words,
                model=f"{verdict.model}{mark}",
            )
        )
    return taught


def _words(delta: ShopDelta, reviews: Sequence[ReviewText], subs: IntArray) -> list[tuple[str, ...]]:
    """Give the words by which the shop's lessons spoke for each chosen sub-cause."""
    encoded = encode([normalise(one.text) for one in reviews], [""] * len(reviews), delta.vocabulary)
    if not len(delta.vocabulary):
        return [()] * len(reviews)
    return deciding_words(encoded, delta.weights, subs, [one.text for one in reviews])
