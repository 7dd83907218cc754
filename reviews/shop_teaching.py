"""Whether what a shop's decisions teach is better than what is in use: pure rules, no database.

The regression set is half of the project's everyday reviews and those of the demo; the other half of the
everyday ones anchors the learning. The halves are parted by trade.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from reviews.causes import SubCause
from reviews.classification import ReviewText
from reviews.classification.decide import CAUSES
from reviews.classification.features import FloatArray, IntArray
from reviews.classification.model import SUBS
from reviews.classification.samples import read_samples
from reviews.shop_delta import (
    CAUSE_NUMBER,
    Lessons,
    ShopDelta,
    crossed_shift,
    fold_of,
    judge_chances,
    learn,
    shifted,
)

FOLDS = 5
MOST_LOST = 0.01  # of a cause's reviews in the regression set
LEAST_NEWEST = 10  # decisions unseen by the version in use, from which on it is compared with
# A shift that harms the regression set is weakened so far before it is given up.
STRENGTHS = (1.0, 0.8, 0.65, 0.5, 0.35, 0.25)
WORDS_SHOWN = 6

_EVERYDAY = Path(__file__).parent / "classification" / "everyday" / "everyday.tsv"
_DEMO = Path(__file__).parent / "demo"

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Guard:
    """Labelled reviews that no shop may unlearn: texts, the shipped model's chances, right sub-causes."""

    texts: Sequence[str]
    chances: FloatArray
    subs: IntArray


@dataclass(frozen=True, slots=True)
class Taught:
    """A shift, its figures, and why it must not be put in use by itself (empty: it may)."""

    delta: ShopDelta
    figures: Figures
    hindrance: Figures


@cache
def everyday() -> tuple[list[ReviewText], list[SubCause], list[bool]]:
    """Read the project's own labelled reviews: texts, sub-causes, and which of them anchor the learning."""
    reviews, subs, anchors = [], [], []
    for sample in read_samples(_EVERYDAY):
        if sample.sub:
            reviews.append(ReviewText(sample.text, rating=sample.rating))
            subs.append(sample.sub)
            anchors.append(fold_of(sample.category, 2) == 0)
    labels = json.loads((_DEMO / "labels.json").read_text("utf-8"))
    for row in (
        row for rows in json.loads((_DEMO / "reviews.json").read_text("utf-8")).values() for row in rows
    ):
        text = f"{row.get('content', '')}\n{row.get('followup', '')}".strip()
        if text:
            reviews.append(ReviewText(text))
            subs.append(SubCause(labels[row["review_key"]]["sub_cause"]))
            anchors.append(False)
    return reviews, subs, anchors


def anchors_and_guard(chances: FloatArray) -> tuple[Lessons, Guard]:
    """Part the everyday reviews, whose chances these are, into what anchors and what guards."""
    reviews, subs, anchoring = everyday()
    kept, rest = np.flatnonzero(anchoring), np.flatnonzero(~np.array(anchoring))
    numbers = np.array([SUBS.index(sub) for sub in subs])
    anchors = Lessons.anchors([reviews[n].text for n in kept], chances[kept])
    return anchors, Guard([reviews[n].text for n in rest], chances[rest], numbers[rest])


def teach(
    lessons: Lessons,
    keys: Sequence[str],
    chances: FloatArray,
    in_use: ShopDelta | None = None,
    newest: Sequence[int] = (),
) -> Taught:
    """Fit a shift to lessons and weigh it.

    `keys` name the reviews, so that one review is never on both sides of a fold; `chances` are the shipped
    model's of `everyday()`; `newest` numbers the lessons that `in_use` has not seen.
    """
    anchors, guard = anchors_and_guard(chances)
    whole = learn(lessons, anchors)
    folds = np.array([fold_of(key, FOLDS) for key in keys])
    crossed = crossed_shift(lessons, anchors, folds)
    strength = _bearable(whole, guard)
    delta = whole.scaled(strength)
    figures = {
        "strength": strength,
        "held_out": held_out(lessons, crossed * strength, in_use, newest),
        "regression": regression(delta, guard),
        "changed": changes(lessons, delta),
        "words": words_of(delta),
    }
    return Taught(delta, figures, hindrance(figures))


def _bearable(delta: ShopDelta, guard: Guard) -> float:
    """Give the greatest strength under which no cause of the regression set loses too much."""
    shift = delta.shift(guard.texts)
    for strength in STRENGTHS:
        if not lost_cause(_regression(guard, shift * strength)):
            return strength
    return STRENGTHS[-1]


def held_out(
    lessons: Lessons, crossed: FloatArray, in_use: ShopDelta | None, newest: Sequence[int]
) -> Figures:
    """Count what comes out right of unseen lessons: of all, and beside the version in use."""
    figures: Figures = {
        "decisions": len(lessons),
        "base": right(lessons.chances, lessons.subs),
        "new": right(shifted(lessons.chances, crossed), lessons.subs),
    }
    if in_use and len(newest) >= LEAST_NEWEST:
        numbers = np.array(newest)
        fresh = lessons.only(numbers)
        figures["newest"] = {
            "decisions": len(fresh),
            "in_use": right(shifted(fresh.chances, in_use.shift(fresh.texts)), fresh.subs),
            "new": right(shifted(fresh.chances, crossed[numbers]), fresh.subs),
        }
    return figures


def right(chances: FloatArray, subs: IntArray) -> dict[str, int]:
    """Count how many causes and sub-causes come out right."""
    causes, found, _sure = judge_chances(chances)
    return {"cause": int((causes == CAUSE_NUMBER[subs]).sum()), "sub_cause": int((found == subs).sum())}


def regression(delta: ShopDelta, guard: Guard) -> Figures:
    """Count the regression set, cause by cause: how many there are, how many come out right."""
    return _regression(guard, delta.shift(guard.texts))


def _regression(guard: Guard, shift: FloatArray) -> Figures:
    base, new = judge_chances(guard.chances)[0], judge_chances(shifted(guard.chances, shift))[0]
    labels = CAUSE_NUMBER[guard.subs]
    return {
        cause.value: {
            "reviews": int((labels == number).sum()),
            "base": int(((labels == number) & (base == number)).sum()),
            "new": int(((labels == number) & (new == number)).sum()),
        }
        for number, cause in enumerate(CAUSES)
    }


def lost_cause(rows: Mapping[str, Mapping[str, int]]) -> str:
    """Name the first cause that loses more than a shop may unlearn; empty when none does."""
    lost = (cause for cause, row in rows.items() if row["base"] - row["new"] > MOST_LOST * row["reviews"])
    return next(lost, "")


def hindrance(figures: Figures) -> Figures:
    """Say why a version must not be put in use by itself; empty when nothing speaks against it."""
    if cause := lost_cause(figures["regression"]):
        return {"code": "cause_lost", "cause": cause, **figures["regression"][cause]}
    held = figures["held_out"]
    pairs = [("base", held)] + ([("in_use", held["newest"])] if "newest" in held else [])
    for other, row in pairs:
        for what in ("cause", "sub_cause"):
            if row["new"][what] < row[other][what]:
                counts = {
                    "decisions": row["decisions"],
                    "before": row[other][what],
                    "after": row["new"][what],
                }
                return {"code": "held_out_worse", "than": other, "what": what, **counts}
    return {}


def changes(lessons: Lessons, delta: ShopDelta) -> list[Figures]:
    """Count the decisions that the shift reads otherwise than the shipped model: from, to, how many."""
    before = judge_chances(lessons.chances)[0]
    after = judge_chances(shifted(lessons.chances, delta.shift(lessons.texts)))[0]
    moved = Counter(
        (CAUSES[one], CAUSES[other]) for one, other in zip(before, after, strict=True) if one != other
    )
    return [{"from": one.value, "to": other.value, "count": n} for (one, other), n in moved.most_common()]


def words_of(delta: ShopDelta) -> list[Figures]:
    """Name the words that gained and lost, sub-cause by sub-cause."""
    found = []
    for column, sub in enumerate(SUBS):
        gained, lost = (delta.strongest(column, WORDS_SHOWN, sign) for sign in (1, -1))
        if gained or lost:
            found.append({"sub_cause": sub.value, "gained": gained, "lost": lost})
    return found
