"""Corrections teach: what people decided in a shop becomes a version of its model, if it proves better.

The shipped model is the prior; a shop's decisions are fitted as a shift on top (reviews.shop_delta). A new
version is put in use by itself only if decisions it has not seen are read no worse, and if no cause of the
fixed regression set loses more than one point. Otherwise it is kept with the reason, for a manager to see.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Count, Max, OuterRef, Q, Subquery

from reviews import clock
from reviews.causes import SubCause
from reviews.classification import ReviewText
from reviews.classification.features import FloatArray
from reviews.classification.model import SUBS
from reviews.classification.text import has_words
from reviews.dispatch import lock_shop
from reviews.models import Classification, ModelVersion, ReviewVersion, Shop
from reviews.models.classifications import ClassificationQuerySet
from reviews.shop_delta import Lessons, ShopDelta
from reviews.shop_reading import base_chances, base_version
from reviews.shop_teaching import Taught, everyday, teach

log = logging.getLogger(__name__)

LEAST_LESSONS = 20  # fewer teach nothing that could be checked
MOST_LESSONS = 2_000  # the newest; fitting takes seconds
NIGHT = time(3, 0)  # in the shop's zone


@dataclass(frozen=True, slots=True)
class Decided:
    """One text as a person decided it, newest decision of that version of the review."""

    id: int
    review_id: int
    text: ReviewText
    sub: SubCause


# --- what there is to learn ------------------------------------------------------------------------


def decisions_of(shop_id: int) -> ClassificationQuerySet:
    """What people decided in a shop."""
    return Classification.objects.by_people().filter(review__shop=shop_id)


def due_shops(now: datetime) -> list[int]:
    """Shops whose night has come since they last learnt, and which decided something new since.

    A shop learns anew as well when the program brought another shipped model.
    """
    latest = ModelVersion.objects.filter(shop=OuterRef("pk")).order_by("-number")
    shops = Shop.objects.annotate(
        decisions=Count("reviews__classifications", filter=Q(reviews__classifications__model="")),
        newest=Max("reviews__classifications", filter=Q(reviews__classifications__model="")),
        known=Subquery(latest.values("last_decision")[:1]),
        base=Subquery(latest.values("base")[:1]),
        learnt_at=Subquery(latest.values("made_at")[:1]),
    ).filter(decisions__gte=LEAST_LESSONS)
    return [shop.pk for shop in shops if _is_due(shop, now)]


def _is_due(shop: Any, now: datetime) -> bool:
    if shop.known is None:
        return True
    news = shop.newest > shop.known or shop.base != base_version()
    return bool(news and shop.learnt_at < last_night(shop, now))


def last_night(shop: Shop, now: datetime) -> datetime:
    """When the shop's latest night of learning began."""
    local = now.astimezone(shop.zone)
    night = datetime.combine(local.date(), NIGHT, shop.zone)
    return night if night <= local else night - timedelta(days=1)


def gather(shop_id: int) -> list[Decided]:
    """Read the newest decisions with their texts, oldest first."""
    rows = decisions_of(shop_id).order_by("-id")
    found: dict[tuple[int, int], tuple[int, str]] = {}
    for pk, review, version, sub in rows.values_list("id", "review_id", "version", "sub_cause")[
        :MOST_LESSONS
    ]:
        found.setdefault((review, version), (pk, sub))
    texts = {
        (one.review_id, one.number): one
        for one in ReviewVersion.objects.filter(review__in={review for review, _version in found})
    }
    decided = [
        Decided(pk, key[0], _text(texts[key]), SubCause(sub))
        for key, (pk, sub) in found.items()
        if key in texts and has_words(_text(texts[key]).text)
    ]
    return sorted(decided, key=lambda one: one.id)


def _text(version: ReviewVersion) -> ReviewText:
    return ReviewText(f"{version.content}\n{version.followup}".strip(), rating=version.rating)


# --- learning -------------------------------------------------------------------------------------


def learn_due() -> int:
    """Let every shop learn whose turn it is; how many versions were made."""
    return sum(learn_shop(shop_id) is not None for shop_id in due_shops(clock.now()))


def learn_shop(shop_id: int) -> ModelVersion | None:
    """Make the shop's next version and put it in use if it is better; None when there is too little to learn.

    Safe to run twice at once: who is second finds the first one's version and drops its own.
    """
    before = ModelVersion.objects.without_artifact().filter(shop=shop_id).first()
    in_use = ModelVersion.objects.current().filter(shop=shop_id).first()
    decided = gather(shop_id)
    if len(decided) < LEAST_LESSONS:
        return None
    taught = _teach(decided, in_use if in_use and in_use.base == base_version() else None)
    version = ModelVersion(
        shop_id=shop_id,
        number=before.number + 1 if before else 1,
        base=base_version(),
        made_at=clock.now(),
        lessons=len(decided),
        last_decision=decided[-1].id,
        figures=taught.figures,
        hindrance=taught.hindrance,
        artifact=taught.delta.to_bytes(),
    )
    return _keep(version, before.pk if before else None, in_use.pk if in_use else None)


def _teach(decided: list[Decided], in_use: ModelVersion | None) -> Taught:
    """Put the shipped model's answers under the decisions and fit."""
    texts = [one.text for one in decided]
    subs = np.array([SUBS.index(one.sub) for one in decided])
    lessons = Lessons.decided([one.text for one in texts], base_chances(texts), subs)
    keys = [str(one.review_id) for one in decided]
    newest = [n for n, one in enumerate(decided) if in_use and one.id > in_use.last_decision]
    known = ShopDelta.from_bytes(bytes(in_use.artifact)) if in_use else None
    return teach(lessons, keys, _everyday_chances(), known, newest)


@cache
def _everyday_chances() -> FloatArray:
    return base_chances(everyday()[0])


@transaction.atomic
def _keep(version: ModelVersion, before: int | None, in_use: int | None) -> ModelVersion | None:
    """Store the version and put it in use, unless another worker was quicker or a person forbade it."""
    lock_shop(version.shop_id)
    versions = ModelVersion.objects.filter(shop=version.shop_id)
    if versions.values_list("pk", flat=True).first() != before:
        return None
    if versions.exclude(rolled_back_at=None).exists():
        version.hindrance = version.hindrance or {"code": "rolled_back"}
    version.save()
    # Somebody promoted another one while this was learnt: that choice stands until tomorrow.
    if not version.hindrance and versions.current().values_list("pk", flat=True).first() == in_use:
        version.promote(instead_of=in_use, by=None)
    log.info("Shop %s: version %s %s", version.shop_id, version.number, version.hindrance or "in use")
    return version
