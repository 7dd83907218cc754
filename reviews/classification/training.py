"""Fit the linear model's weights. Needs scikit-learn, only here."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, diags, vstack
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from reviews.causes import Cause
from reviews.classification.features import (
    CATEGORY,
    Encoded,
    FloatArray,
    IntArray,
    encode,
    terms_of,
    weigh,
)
from reviews.classification.model import (
    AGAINST,
    AGAINST_COLUMNS,
    COLUMNS,
    HONEST,
    NAMED_COLUMNS,
    NONE_COLUMN,
    Model,
    apply,
)
from reviews.classification.samples import Sample, fold_of
from reviews.classification.text import normalise
from reviews.classification.tuning import HeldOut, made_sources, natural, tune
from reviews.classification.verdict import SUBS

Matrix = Any  # a scipy sparse matrix (rows, terms)
BoolArray = npt.NDArray[np.bool_]

# Found on held-out reviews, see docs/causes.md. A term must stand in so many of the labelled texts, of those
# made to show malice (few, and in other words), or of all.
LEAST_LABELLED, LEAST_MADE, LEAST_TEXTS = 5, 2, 25
# A category seen less often says more about where its reviews came from than about goods.
LEAST_CATEGORY = 50
INVERSE_PENALTY, INVERSE_PENALTY_NONE = 10.0, 25.0
# Where to stop: the causes gain nothing from going on, "no complaint" does.
NEAR, NEARER = 1e-3, 1e-4
MADE_WEIGHT = 4.0
FOLDS = 4
# One in so many praising reviews is shown beside the malicious ones.
PRAISE_PART = 5


def build_vocabulary(samples: Sequence[Sample]) -> dict[str, int]:
    """Number, in sorted order, the terms that stand in enough texts."""
    made = made_sources(samples)
    found, labelled, shown = Counter[str](), Counter[str](), Counter[str]()
    for sample in samples:
        terms = set(terms_of(normalise(sample.text), sample.category))
        found.update(terms)
        if sample.sub:
            labelled.update(terms)
        if sample.source in made:
            shown.update(terms)
    kept = {term for term, times in found.items() if times >= LEAST_TEXTS}
    kept |= {term for term, times in labelled.items() if times >= LEAST_LABELLED}
    kept |= {term for term, times in shown.items() if times >= LEAST_MADE}
    rare = {term for term in kept if term.startswith(CATEGORY) and labelled[term] < LEAST_CATEGORY}
    return {term: number for number, term in enumerate(sorted(kept - rare))}


def encode_samples(samples: Sequence[Sample], vocabulary: dict[str, int]) -> Encoded:
    """Number the terms of samples."""
    return encode([normalise(s.text) for s in samples], [s.category for s in samples], vocabulary)


@dataclass(frozen=True, slots=True)
class Fit:
    """Vocabulary (V terms), weights (V, COLUMNS) and bias (COLUMNS,)."""

    vocabulary: dict[str, int]
    weights: FloatArray
    bias: FloatArray

    def scores(self, samples: Sequence[Sample]) -> FloatArray:
        """Give the raw scores of samples, shape (samples, COLUMNS)."""
        encoded = encode_samples(samples, self.vocabulary)
        return apply(weigh(encoded, len(self.vocabulary)), self.weights, self.bias)

    def set(self, rows: Matrix, columns: IntArray, weights: FloatArray, tolerance: float) -> None:
        """Let columns compete: `columns` names the right one of every row."""
        classes, found, bias = _regress(rows, columns, weights, tolerance, INVERSE_PENALTY)
        self.weights[:, classes], self.bias[classes] = found, bias

    def set_yes(self, rows: Matrix, yes: BoolArray, column: int, weights: FloatArray) -> None:
        """Let one column say yes or no."""
        if yes.any() and not yes.all():
            penalty = INVERSE_PENALTY_NONE if column == NONE_COLUMN else INVERSE_PENALTY
            _, found, bias = _regress(rows, yes.astype(np.int64), weights, NEARER, penalty)
            self.weights[:, column], self.bias[column] = found[:, -1], bias[-1]


def _regress(
    rows: Matrix, labels: IntArray, weights: FloatArray, tolerance: float, inverse_penalty: float
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Run a (multinomial) logistic regression; give its classes, weights (terms, classes) and bias."""
    regression = LogisticRegression(C=inverse_penalty, max_iter=300, tol=tolerance)
    with threadpool_limits(limits=1):
        regression.fit(rows, labels, sample_weight=weights)
    found, bias = regression.coef_.T, regression.intercept_
    return regression.classes_, found.astype(np.float32), bias.astype(np.float32)


def fit(samples: Sequence[Sample]) -> Fit:
    """Fit all columns; of samples without a label the good are praise and the bad some complaint."""
    vocabulary = build_vocabulary(samples)
    rows, shares = _matrix(samples, vocabulary)
    bare = _without_categories(rows, vocabulary)
    weights = _made_weights(samples)
    subs = np.array([SUBS.index(s.sub) if s.sub else -1 for s in samples])
    causes = np.array([s.cause or (Cause.NONE if s.rating == "good" else "") for s in samples])
    found = Fit(
        vocabulary, np.zeros((len(vocabulary), COLUMNS), np.float32), np.full(COLUMNS, -20.0, np.float32)
    )
    labelled = np.flatnonzero(subs >= 0)
    honest = np.intersect1d(labelled, np.flatnonzero(np.isin(causes, HONEST)))
    # Every complaint is shown twice, so that the model can do with the category of goods and without.
    both = vstack([rows[honest], bare[honest]])
    found.set(both, np.tile(subs[honest], 2), np.tile(weights[honest], 2), NEAR)
    # A category tells from which file a review came, not whether it praises or lies. Malicious texts are kept
    # out: most are about anything but goods, and would make every strange word sound like a complaint.
    spoken = np.flatnonzero(causes != Cause.MALICIOUS)
    faded = diags(shares[spoken].astype(np.float64)) @ bare[spoken]
    found.set_yes(faded, causes[spoken] == Cause.NONE, NONE_COLUMN, weights[spoken])
    # Praise such as "good good good" must not look like something unrelated.
    known = [
        n for n, s in enumerate(samples) if s.sub or (s.rating == "good" and not fold_of(s, PRAISE_PART))
    ]
    against = np.array([_column_against(causes[n], subs[n]) for n in known])
    found.set(bare[known], against, weights[known], NEARER)
    for cause, column in zip(HONEST, NAMED_COLUMNS, strict=True):
        named = np.array([sample.cause == cause or cause in sample.also for sample in samples])
        found.set_yes(rows[labelled], named[labelled], column, weights[labelled])
    return found


def _column_against(cause: str, sub: int) -> int:
    """Give the column of a malicious sub-cause or the one of an honest cause that competes with these."""
    return AGAINST_COLUMNS[AGAINST.index(Cause(cause))] if cause in AGAINST else sub


def _matrix(samples: Sequence[Sample], vocabulary: dict[str, int]) -> tuple[Matrix, FloatArray]:
    """Give the samples as a sparse matrix (samples, terms), and the known share of each."""
    rows = weigh(encode_samples(samples, vocabulary), len(vocabulary))
    shape = (len(samples), len(vocabulary))
    return csr_matrix((rows.values.astype(np.float64), rows.terms, rows.starts), shape), rows.known


def _without_categories(rows: Matrix, vocabulary: dict[str, int]) -> Matrix:
    """Give the same rows with the categories left out."""
    kept = np.array([not term.startswith(CATEGORY) for term in vocabulary])
    return csr_matrix(rows @ diags(kept.astype(np.float64)))


def _made_weights(samples: Sequence[Sample]) -> FloatArray:
    """Weigh more the reviews made for training, malicious and honest of many trades: they teach the most."""
    made = made_sources(samples)
    return np.array([MADE_WEIGHT if sample.source in made else 1.0 for sample in samples], np.float32)


def merge(samples: Sequence[Sample]) -> list[Sample]:
    """Leave out the samples without a label that stand among the labelled ones too."""
    known = {sample.id for sample in samples if sample.sub}
    return [sample for sample in samples if sample.sub or sample.id not in known]


def cross_validate(samples: Sequence[Sample]) -> HeldOut:
    """Score every sample by a model fitted on the other folds."""
    scores = np.zeros((len(samples), COLUMNS), np.float32)
    folds = np.array([fold_of(sample, FOLDS) for sample in samples])
    for fold in range(FOLDS):
        fitted = fit([s for s, f in zip(samples, folds, strict=True) if f != fold])
        held = [s for s, f in zip(samples, folds, strict=True) if f == fold]
        scores[folds == fold] = fitted.scores(held)
    return HeldOut(samples, scores)


@dataclass(frozen=True, slots=True)
class Trained:
    """A model and the cross-validated scores that its settings and figures come from."""

    model: Model
    crossed: HeldOut


def train(samples: Sequence[Sample], plain: Sequence[Sample], card: Mapping[str, Any]) -> Trained:
    """Fit on samples, tune on their cross-validation and on a plain sample of a shop's reviews.

    The same samples and card give the same model, byte for byte. The card's version gets a fingerprint.
    """
    chosen = merge(samples)
    crossed = cross_validate(chosen)
    fitted = fit(chosen)
    settings = tune(crossed, HeldOut(plain, fitted.scores(plain)) if plain else natural(crossed))
    version = f"{card['version']}-{hashlib.sha256(fitted.weights.tobytes()).hexdigest()[:8]}"
    model = Model(fitted.vocabulary, fitted.weights, fitted.bias, settings, {**card, "version": version})
    return Trained(model, crossed)
