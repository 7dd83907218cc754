"""Choose temperature and thresholds on reviews that the model has not seen."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from reviews.causes import Cause
from reviews.classification.decide import (
    judge,
    malicious_score,
    sub_cause_chances,
    sum_by_cause,
    verdicts_of,
)
from reviews.classification.features import FloatArray, IntArray
from reviews.classification.model import HONEST, NAMED_COLUMNS, NONE_COLUMN, Model, Settings
from reviews.classification.samples import Sample
from reviews.classification.verdict import CAUSES, Verdict
from reviews.classification.words import UNEXPLAINED

# The share of complaints to reckon with by rating: it says how dear a missed complaint is beside a false one.
EXPECTED_COMPLAINTS = {"bad": 1.0, "neutral": 1.0}
# Of good marks only some 3 to 6 in 100 complain: so few happy buyers may be taken for unhappy ones, of those
# in the training corpus and of those of other trades in everyday words (docs/causes.md has the trade-off).
MOST_FALSE_CASES, MOST_FALSE_CASES_ELSEWHERE = 0.03, 0.08

# In a file with more malicious reviews than this they were made for training, beside honest look-alikes.
NATURAL_MALICIOUS = 0.05


@dataclass(frozen=True, slots=True)
class Limits:
    """Which share of honest reviews may be proposed as malicious, how rare praise is, how right is enough.

    Shops have about 0.5 % malicious reviews: a higher share of honest ones accused would drown them. In other
    trades the models know fewer words and err more. Whoever gives a good mark hardly ever extorts or smears.
    """

    accused: float = 0.003
    accused_elsewhere: float = 0.015
    praise_accused: float = 0.0005
    praise_accused_elsewhere: float = 0.005
    # The share of complaints to reckon with where no rating is told.
    complaints_untold: float = 0.92
    # How many of the reviews decided without a person must be right, on a plain sample.
    decided_accuracy: float = 0.945


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Samples and their raw scores, shape (samples, COLUMNS), by a model that had not seen them."""

    samples: Sequence[Sample]
    scores: FloatArray

    def only(self, kept: Sequence[bool]) -> "HeldOut":
        """Keep the samples marked true."""
        samples = [sample for sample, keep in zip(self.samples, kept, strict=True) if keep]
        return HeldOut(samples, self.scores[np.array(kept, bool)])

    def verdicts(self, model: Model, rating: str | None) -> list[Verdict]:
        """Judge the samples by their scores, without the words that decided.

        All are told the same rating, or with None each its own.
        """
        return verdicts_of_scores(self, model.settings, rating, model.version)

    @property
    def labelled(self) -> "HeldOut":
        """Keep the samples whose cause is known."""
        return self.only([sample.sub is not None for sample in self.samples])

    @property
    def causes(self) -> IntArray:
        """Give the labelled causes' numbers; praise complains of nothing."""
        return np.array([CAUSES.index(sample.cause or Cause.NONE) for sample in self.samples])


def verdicts_of_scores(held: HeldOut, settings: Settings, rating: str | None, version: str) -> list[Verdict]:
    """Judge samples by their scores, without words; all are told one rating, or with None each its own."""
    ratings = [sample.rating if rating is None else rating for sample in held.samples]
    judged = judge(held.scores, ratings, settings)
    return verdicts_of(judged, [UNEXPLAINED] * len(held.samples), version)


def tune(crossed: HeldOut, plain: HeldOut, limits: Limits = Limits()) -> Settings:
    """Choose all settings.

    `crossed` is the cross-validation of the training samples: many enough to choose rare things by. `plain`
    is a random sample of a shop's reviews: only there are the shares, and so the confidence, true.
    """
    settings = Settings(1.0, 0.0, 0.5, {"": 0.0}, _malicious_shifts(crossed, limits))
    settings = replace(settings, none_shift=_none_shifts(crossed, settings, limits))
    settings = replace(settings, temperature=_temperature(plain.labelled, settings))
    settings = replace(settings, also_from=_also_from(natural(crossed)))
    settings = replace(settings, polarity_shift=_polarity_shift(crossed))
    return replace(settings, decided_from=_decided_from(plain.labelled, settings, limits.decided_accuracy))


def natural(held: HeldOut) -> HeldOut:
    """Keep the labelled samples of files drawn from real shops."""
    made, labelled = made_sources(held.samples), held.labelled
    return labelled.only([sample.source not in made for sample in labelled.samples])


def elsewhere(held: HeldOut) -> HeldOut:
    """Keep the made reviews that tell their rating: other trades, held out trade by trade."""
    made = made_sources(held.samples)
    return held.only([bool(s.sub and s.rating) and s.source in made for s in held.samples])


def unlabelled_praise(held: HeldOut) -> HeldOut:
    """Keep the good reviews of real shops."""
    return held.only([sample.sub is None and sample.rating == "good" for sample in held.samples])


def made_sources(samples: Sequence[Sample]) -> set[str]:
    """Name the files whose reviews were made to teach what malicious looks like."""
    marks = defaultdict(list)
    for sample in samples:
        marks[sample.source].append(sample.cause == Cause.MALICIOUS)
    return {source for source, malicious in marks.items() if np.mean(malicious) > NATURAL_MALICIOUS}


def _none_shifts(held: HeldOut, settings: Settings, limits: Limits) -> dict[str, float]:
    """Choose, for every rating, the shift of "no complaint" that gets most causes right.

    Under a good mark it is the one with which just few enough happy buyers are taken for unhappy ones.
    """
    complaints, praise = natural(held), unlabelled_praise(held)
    shifts = np.arange(-5, 3.01, 0.25).round(2).tolist()
    malicious = settings.malicious_shift[""]
    made = elsewhere(held)
    happy = made.only([s.cause == Cause.NONE and s.rating == "good" for s in made.samples])
    good = max(
        -_most_shift(-praise.scores[:, NONE_COLUMN], MOST_FALSE_CASES),
        -_most_shift(-happy.scores[:, NONE_COLUMN], MOST_FALSE_CASES_ELSEWHERE),
    )

    def right_share(part: HeldOut, shift: float) -> float:
        shifted = replace(settings, none_shift={"": shift}, malicious_shift={"": malicious})
        judged = judge(part.scores, [""] * len(part.samples), shifted)
        return float(np.mean(judged.causes == part.causes)) if part.samples else 0.0

    right = {shift: (right_share(complaints, shift), right_share(praise, shift)) for shift in shifts}
    told = {
        rating: max(shifts, key=lambda shift: share * right[shift][0] + (1 - share) * right[shift][1])
        for rating, share in {**EXPECTED_COMPLAINTS, "": limits.complaints_untold}.items()
    }
    # Without praise to learn from, a good mark counts like an unknown one.
    return {**told, "good": good if np.isfinite(good) else told[""]}


def _temperature(held: HeldOut, settings: Settings) -> float:
    """Choose the temperature under which the labelled causes are likeliest."""
    rows = np.arange(len(held.samples))

    def surprise(temperature: float) -> float:
        by_cause = _by_cause(held, replace(settings, temperature=temperature))
        return float(-np.log(by_cause[rows, held.causes] + 1e-9).mean())

    return float(min(np.arange(0.4, 2.01, 0.02).round(2).tolist(), key=surprise))


def _malicious_shifts(held: HeldOut, limits: Limits) -> dict[str, float]:
    """Choose, by rating, the shift with which just few enough honest reviews are accused."""
    made, real, praise = elsewhere(held), natural(held), unlabelled_praise(held)

    def most(part: HeldOut, share: float, *, happy: bool) -> float:
        kept = [s.cause != Cause.MALICIOUS and (s.rating == "good") == happy for s in part.samples]
        return _most_shift(malicious_score(part.only(kept).scores), share)

    unhappy = min(
        most(real, limits.accused, happy=False),
        most(made, limits.accused_elsewhere, happy=False),
    )
    happy = min(
        most(praise, limits.praise_accused, happy=True),
        most(made, limits.praise_accused_elsewhere, happy=True),
    )
    shifts = {"": unhappy, "good": min(happy, unhappy)}
    return {rating: shift if np.isfinite(shift) else 0.0 for rating, shift in shifts.items()}


def _most_shift(scores: FloatArray, share: float) -> float:
    """Give the greatest shift with which no more than this share of scores comes above 0."""
    falling = np.sort(scores)[::-1]
    return -round(float(falling[int(len(falling) * share)]), 2) if len(falling) else np.inf


def _also_from(held: HeldOut) -> float:
    """Choose the chance from which naming a further cause gives the best F1."""
    chances = 1 / (1 + np.exp(-held.scores[:, NAMED_COLUMNS]))
    primary = np.array([[sample.cause == cause for cause in HONEST] for sample in held.samples])
    named = np.array([[cause in sample.also for cause in HONEST] for sample in held.samples])

    def f1(start: float) -> float:
        said = (chances >= start) & ~primary
        return float(2 * (said & named).sum() / max(1, said.sum() + named.sum()))

    return float(max(np.arange(0.1, 0.91, 0.02).round(2).tolist(), key=f1))


def _polarity_shift(held: HeldOut) -> float:
    """Choose the shift of "no complaint" with which most texts of real shops are told good from bad."""
    good = unlabelled_praise(held).scores[:, NONE_COLUMN]
    bad = np.concatenate(
        [
            held.only([s.sub is None and s.rating == "bad" for s in held.samples]).scores[:, NONE_COLUMN],
            natural(held).only([s.cause in HONEST for s in natural(held).samples]).scores[:, NONE_COLUMN],
        ]
    )

    def right(shift: float) -> int:
        return int((good + shift >= 0).sum() + (bad + shift < 0).sum())

    # Of equally good ones the nearest to none.
    shifts = sorted(np.arange(-3, 3.01, 0.05).round(2).tolist(), key=abs)
    return float(max(shifts, key=right)) if len(good) and len(bad) else 0.0


def _decided_from(held: HeldOut, settings: Settings, accuracy: float) -> float:
    """Choose the lowest confidence from which, told bad or nothing, the reviews decided are right enough."""

    def least(rating: str) -> float:
        judged = judge(held.scores, [rating] * len(held.samples), settings)
        order = np.argsort(-judged.confidence, kind="stable")
        right = np.cumsum((judged.causes == held.causes)[order]) / np.arange(1, len(order) + 1)
        enough = np.flatnonzero(right >= accuracy)
        return float(judged.confidence[order[enough[-1]]]) if len(enough) else 1.0

    return round(max(least(""), least("bad")), 3)


def _by_cause(held: HeldOut, settings: Settings) -> FloatArray:
    """Give the chances of the causes, shape (samples, causes)."""
    return sum_by_cause(sub_cause_chances(held.scores, [s.rating for s in held.samples], settings))
