"""From the model's scores to a verdict: one cause, its sub-cause, how sure, and what in the text decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from reviews.causes import CAUSE_OF, Cause, SubCause
from reviews.classification.features import FloatArray, IntArray
from reviews.classification.model import (
    ACCUSING_COLUMNS,
    AGAINST_COLUMNS,
    HONEST,
    HONEST_COLUMNS,
    NAMED_COLUMNS,
    NONE_COLUMN,
    Model,
    Settings,
)
from reviews.classification.text import after_contrast, has_words, normalise, reads
from reviews.classification.verdict import CAUSE_NUMBERS, SUBS, Polarity, ReviewText, Verdict
from reviews.classification.verdict import CAUSES as CAUSES
from reviews.classification.words import Explanation, explain

_CAUSE_NUMBER = np.array(CAUSE_NUMBERS)
_MALICIOUS, _NONE = CAUSES.index(Cause.MALICIOUS), CAUSES.index(Cause.NONE)

# Texts go through the arrays in pieces that stay in the processor's cache.
PIECE = 256

# What follows a "but" under a good mark complains when its score of "no complaint" is below this: of good
# reviews one in sixty does so, most truly (docs/causes.md).
COMPLAINS_BELOW = -1.8

POLARITIES: tuple[Polarity, Polarity] = ("bad", "good")

# The least chance a score stands for, so that its logarithm is a number.
LEAST_CHANCE = 1e-9


class Second(Protocol):
    """A reader that joins its own scores to the linear model's and decides by settings of its own."""

    @property
    def settings(self) -> Settings:
        """Say how the joint scores decide."""

    @property
    def version(self) -> str:
        """Name what read the text."""

    def join(self, scores: FloatArray, texts: Sequence[str], categories: Sequence[str]) -> FloatArray:
        """Give the joint raw scores, shape (texts, COLUMNS)."""


def decide(reviews: Sequence[ReviewText], model: Model, second: Second | None = None) -> list[Verdict]:
    """Judge reviews in their order, by the linear model alone or with a second reader."""
    verdicts: list[Verdict] = []
    for start in range(0, len(reviews), PIECE):
        verdicts += _decide_piece(reviews[start : start + PIECE], model, second)
    return verdicts


def decide_from(
    scores: Sequence[float], review: ReviewText, first: Verdict, model: Model, decided_from: float
) -> Verdict:
    """Decide anew from changed scores; see `reviews.classification.decide_from`."""
    text = normalise(review.text)
    if not has_words(text):
        return first
    raised = np.array([scores], np.float32)
    if not reads(text):
        raised[:, ACCUSING_COLUMNS] = np.log(LEAST_CHANCE)
    judged = judge_chances(_softmax(raised), decided_from)
    also = np.array([[cause in first.also for cause in CAUSES]])
    also[0, judged.causes[0]] = False
    judged = replace(judged, also=also & (judged.causes[0] != _NONE))
    judged.decided[0] &= reads(text)
    told = explain(model.encode([text], [review.category]), model.weights, judged.subs, [review.text])
    return replace(verdicts_of(judged, told, first.model)[0], polarity=first.polarity)


def wordless(review: ReviewText, version: str) -> Verdict:
    """Judge a review without words by its mark alone: a bad one gives no reason, else nothing is wrong."""
    complains = review.rating in {"bad", "neutral"}
    sub = SubCause.UNSPECIFIED if complains else SubCause.NONE
    sure = bool(review.rating) or not review.text.strip()
    chances = np.full((1, len(SUBS)), LEAST_CHANCE, np.float32)
    chances[0, [SUBS.index(SubCause.UNSPECIFIED), SUBS.index(SubCause.NONE)]] = 0 if sure else 0.5
    chances[0, SUBS.index(sub)] = 1 if sure else 0.5
    confidence = 1.0 if sure else 0.5
    logs, polarity = _logarithms(chances)[0], POLARITIES[int(sub == SubCause.NONE)]
    return Verdict(CAUSE_OF[sub], sub, (), confidence, sure, (), version, (), logs, polarity)


def _decide_piece(reviews: Sequence[ReviewText], model: Model, second: Second | None) -> list[Verdict]:
    """Judge some reviews at once."""
    texts = [normalise(review.text) for review in reviews]
    spoken = [number for number, text in enumerate(texts) if has_words(text)]
    verdicts = {}
    if spoken:
        told = _decide_spoken([reviews[n] for n in spoken], [texts[n] for n in spoken], model, second)
        verdicts = dict(zip(spoken, told, strict=True))
    version = (second or model).version
    return [verdicts.get(n) or wordless(review, version) for n, review in enumerate(reviews)]


def _decide_spoken(
    reviews: Sequence[ReviewText], texts: Sequence[str], model: Model, second: Second | None
) -> list[Verdict]:
    """Judge reviews that have words; `texts` are their normalised texts."""
    categories = [review.category for review in reviews]
    encoded = model.encode(texts, categories)
    scores = model.scores(encoded)
    heard, ratings = _hear_out_the_content(scores, texts, reviews, model)
    if second:
        scores = second.join(scores, heard, categories)
    settings, version = (second or model).settings, (second or model).version
    foreign = np.array([not reads(text) for text in texts])
    scores[np.ix_(foreign, np.array(ACCUSING_COLUMNS))] = -100
    judged = judge(scores, ratings, settings)
    judged.decided[foreign] = False
    told = explain(encoded, model.weights, judged.subs, [review.text for review in reviews])
    return verdicts_of(judged, told, version)


def _hear_out_the_content(
    scores: FloatArray, texts: Sequence[str], reviews: Sequence[ReviewText], model: Model
) -> tuple[list[str], list[str]]:
    """Let a good mark count for nothing where the text complains after a "but".

    Gives the texts and ratings to judge by. Of such texts it is what follows the "but", and their scores,
    shape (texts, COLUMNS), become those of that part.
    """
    ratings, whole = [review.rating for review in reviews], list(texts)
    tails = {n: after_contrast(text) for n, text in enumerate(texts) if ratings[n] == "good"}
    numbers = [n for n, tail in tails.items() if tail]
    if numbers:
        categories = [reviews[n].category for n in numbers]
        heard = model.scores(model.encode([tails[n] for n in numbers], categories))
        for number, score in zip(numbers, heard, strict=True):
            if score[NONE_COLUMN] < COMPLAINS_BELOW:
                scores[number], ratings[number], whole[number] = score, "bad", tails[number]
    return whole, ratings


def verdicts_of(judged: "Judged", told: Sequence[Explanation], version: str) -> list[Verdict]:
    """Name what was judged by number."""
    logs = _logarithms(judged.chances)
    return [
        Verdict(
            cause=CAUSES[cause],
            sub_cause=SUBS[sub],
            also=tuple(CAUSES[n] for n in np.flatnonzero(also)),
            confidence=round(float(confidence), 4),
            decided=bool(decided),
            words=words,
            model=version,
            marks=marks,
            scores=log,
            polarity=POLARITIES[int(praises)],
        )
        for cause, sub, also, confidence, decided, (words, marks), log, praises in zip(
            judged.causes,
            judged.subs,
            judged.also,
            judged.confidence,
            judged.decided,
            told,
            logs,
            judged.praises,
            strict=True,
        )
    ]


def _logarithms(chances: FloatArray) -> list[tuple[float, ...]]:
    """Give every row's logarithms, four places."""
    logs = np.log(np.maximum(chances, LEAST_CHANCE)).astype(np.float64).round(4)
    return [tuple(row) for row in logs.tolist()]


@dataclass(frozen=True, slots=True)
class Judged:
    """For every text the number of its cause and sub-cause, further causes (texts, causes), how sure.

    `praises` says whether the text is good as a whole; `chances` are those of all sub-causes, shape (texts,
    sub-causes).
    """

    chances: FloatArray
    causes: IntArray
    subs: IntArray
    also: npt.NDArray[np.bool_]
    confidence: FloatArray
    decided: npt.NDArray[np.bool_]
    praises: npt.NDArray[np.bool_]


def judge(scores: FloatArray, ratings: Sequence[str], settings: Settings) -> Judged:
    """Decide from the raw scores, shape (texts, COLUMNS), and the ratings."""
    judged = judge_chances(sub_cause_chances(scores, ratings, settings), settings.decided_from)
    praises = scores[:, NONE_COLUMN] + settings.polarity_shift >= 0
    return replace(judged, also=_further(scores, judged.causes, settings), praises=praises)


def judge_chances(chances: FloatArray, decided_from: float) -> Judged:
    """Decide from the chances of the sub-causes, shape (texts, sub-causes); no further causes."""
    by_cause = sum_by_cause(chances)
    causes = _primary(by_cause)
    rows = np.arange(len(causes))
    subs = np.where(causes[:, None] == _CAUSE_NUMBER, chances, -1.0).argmax(axis=1)
    confidence = by_cause[rows, causes]
    # An accusation is only ever proposed, however sure: a person confirms it.
    decided = (confidence >= decided_from) & (causes != _MALICIOUS)
    no_further = np.zeros(by_cause.shape, bool)
    return Judged(chances, causes, subs, no_further, confidence, decided, causes == _NONE)


def sub_cause_chances(scores: FloatArray, ratings: Sequence[str], settings: Settings) -> FloatArray:
    """Turn raw scores into the chances of the sub-causes, shape (texts, sub-causes), rows adding up to 1."""
    malicious = _sigmoid(malicious_score(scores) + _by_rating(settings.malicious_shift, ratings))
    none = (1 - malicious) * _sigmoid(scores[:, NONE_COLUMN] + _by_rating(settings.none_shift, ratings))
    chances = np.zeros((len(scores), len(SUBS)), np.float32)
    chances[:, NONE_COLUMN] = none
    chances[:, ACCUSING_COLUMNS] = malicious[:, None] * _softmax(scores[:, ACCUSING_COLUMNS])
    honest = _softmax(scores[:, HONEST_COLUMNS] / settings.temperature)
    chances[:, HONEST_COLUMNS] = (1 - malicious - none)[:, None] * honest
    return chances


def _by_rating(shifts: Mapping[str, float], ratings: Sequence[str]) -> FloatArray:
    """Give the shift of every rating; an unknown rating counts as none."""
    return np.array([shifts.get(rating, shifts[""]) for rating in ratings], np.float32)


def malicious_score(scores: FloatArray) -> FloatArray:
    """Weigh all malicious sub-causes against all that speaks for honesty: the logarithm of the odds."""
    odds: FloatArray = _log_sum(scores[:, ACCUSING_COLUMNS]) - _log_sum(scores[:, AGAINST_COLUMNS])
    return odds


def sum_by_cause(chances: FloatArray) -> FloatArray:
    """Add the chances of the sub-causes up to those of the causes, shape (texts, causes)."""
    sums = [chances[:, number == _CAUSE_NUMBER].sum(axis=1) for number in range(len(CAUSES))]
    return np.stack(sums, axis=1)


def _primary(by_cause: FloatArray) -> IntArray:
    """Pick malicious or no complaint where they are likelier than not, else the likeliest honest cause."""
    honest = by_cause[:, [CAUSES.index(cause) for cause in HONEST]]
    causes: IntArray = np.array([CAUSES.index(cause) for cause in HONEST])[honest.argmax(axis=1)]
    causes[by_cause[:, _NONE] >= honest.sum(axis=1)] = _NONE
    causes[by_cause[:, _MALICIOUS] >= 0.5] = _MALICIOUS
    return causes


def _further(scores: FloatArray, causes: IntArray, settings: Settings) -> npt.NDArray[np.bool_]:
    """Say which causes a complaint names beside its primary one, shape (texts, causes)."""
    further = np.zeros((len(causes), len(CAUSES)), bool)
    named = _sigmoid(scores[:, NAMED_COLUMNS]) >= settings.also_from
    further[:, [CAUSES.index(cause) for cause in HONEST]] = named
    further[np.arange(len(causes)), causes] = False
    further[causes == _NONE] = False
    return further


def _sigmoid(scores: FloatArray) -> FloatArray:
    """Give the chance of yes."""
    chances: FloatArray = (1 / (1 + np.exp(-np.clip(scores, -60, 60)))).astype(np.float32)
    return chances


def _log_sum(scores: FloatArray) -> FloatArray:
    """Add up each row's exponentials and give the logarithm."""
    total: FloatArray = np.logaddexp.reduce(scores, axis=1)
    return total


def _softmax(scores: FloatArray) -> FloatArray:
    """Give the chances of each column, rows adding up to 1."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    chances: FloatArray = raised / raised.sum(axis=1, keepdims=True)
    return chances
