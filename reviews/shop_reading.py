"""Read reviews as their shop's corrections taught: the shipped model first, the shop's shift on top."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from reviews.classification import ReviewText, Verdict, classify, decide_from
from reviews.classification.features import FloatArray
from reviews.classification.model import shipped
from reviews.classification.text import has_words
from reviews.models import ModelVersion
from reviews.shop_delta import ShopDelta, shifted

log = logging.getLogger(__name__)

KEPT = 64  # deltas of so many shops stay in memory
LEAST_CHANCE = 1e-9


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
        delta = load(version)
        if delta is None:
            continue
        numbers = [n for n, one in enumerate(shop_ids) if one == shop_id and has_words(reviews[n].text)]
        part = [reviews[n] for n in numbers]
        taught = apply(delta, part, [verdicts[n] for n in numbers], f"+{version}")
        for number, verdict in zip(numbers, taught, strict=True):
            verdicts[number] = verdict
    return verdicts


def base_version() -> str:
    """Name the shipped model that versions are learnt on."""
    return shipped().version


@lru_cache(KEPT)
def load(version: int) -> ShopDelta | None:
    """Read a version's shift; a version never changes. None: it was made for another release."""
    artifact = bytes(ModelVersion.objects.values_list("artifact", flat=True).get(pk=version))
    try:
        return ShopDelta.from_bytes(artifact)
    except ValueError:
        log.exception("Model version %s cannot be used; the shipped model reads until the next one", version)
        return None


def base_chances(reviews: Sequence[ReviewText]) -> FloatArray:
    """Give the shipped model's chances of the sub-causes, shape (reviews, sub-causes)."""
    return _chances(classify(reviews, engine="fast"))


def _chances(verdicts: Sequence[Verdict]) -> FloatArray:
    chances: FloatArray = np.exp(np.array([one.scores for one in verdicts], np.float32))
    return chances


def apply(
    delta: ShopDelta, reviews: Sequence[ReviewText], verdicts: Sequence[Verdict], mark: str
) -> list[Verdict]:
    """Correct verdicts by a shop's shift; `mark` is appended to the model's name."""
    if not reviews:
        return []
    after = shifted(_chances(verdicts), delta.shift([one.text for one in reviews]))
    scores = np.log(np.maximum(after, LEAST_CHANCE)).tolist()
    taught = []
    for review, verdict, row in zip(reviews, verdicts, scores, strict=True):
        anew = decide_from(row, review, verdict)
        taught.append(replace(anew, model=f"{verdict.model}{mark}"))
    return taught
