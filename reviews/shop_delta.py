"""What a shop's corrections teach on top of the shipped model: a small linear shift of its scores.

Pure Python and numpy: no database. The shipped model's answer is the prior: its log chances stand under every
score as an offset, and the shift is held near zero by a penalty. With nothing to learn nothing changes.
A gate lets the shift speak only where a text sounds like what the shop decided: other texts stay untouched.
"""

import hashlib
import io
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from reviews.causes import CAUSE_OF, Cause
from reviews.classification.decide import CAUSES, sum_by_cause
from reviews.classification.features import FloatArray, IntArray, Sparse, encode, terms_of, weigh
from reviews.classification.model import HONEST, SUBS
from reviews.classification.text import normalise

BoolArray = npt.NDArray[np.bool_]

# A run of characters is learnt when it stands in so many of the lessons: one text alone teaches no word.
LEAST_TEXTS = 2
# So much of every answer is put down to chance while learning: a sub-cause that the shipped model holds for
# impossible can be taught by a few lessons, without a shift that would carry it everywhere.
BENEFIT = 0.05
# The larger, the nearer the shift stays to nothing (benchmarks/learning.py shows what it costs and brings).
PENALTY = 0.05
# The same of the gate, and in how many parts it is learnt so that no text opens its own gate.
GATE_PENALTY = 0.1
GATE_FOLDS = 3
# A word is told from this weight on.
LEAST_TOLD = 0.3
ROUNDS = 300
CLOSE_ENOUGH = 5e-3
# Columns of the lesson matrix that are unfolded at once.
CHUNK = 2_000
FORMAT = 2
# The number of each sub-cause's cause.
CAUSE_NUMBER: IntArray = np.array([CAUSES.index(CAUSE_OF[sub]) for sub in SUBS])


@dataclass(frozen=True, slots=True)
class Lessons:
    """Texts with the shipped model's chances and those they should have, both (n, sub-causes)."""

    texts: Sequence[str]
    chances: FloatArray
    targets: FloatArray

    @classmethod
    def decided(cls, texts: Sequence[str], chances: FloatArray, subs: IntArray) -> Self:
        """Lessons of people's decisions: `subs` names the right column of each."""
        return cls(texts, chances, np.eye(len(SUBS), dtype=np.float32)[subs])

    @classmethod
    def anchors(cls, texts: Sequence[str], chances: FloatArray) -> Self:
        """Texts that are to stay as the shipped model reads them."""
        return cls(texts, chances, softmax(_logs(chances)))

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def subs(self) -> IntArray:
        """Give the number of each lesson's likeliest target."""
        subs: IntArray = self.targets.argmax(axis=1)
        return subs

    def only(self, kept: IntArray) -> "Lessons":
        """Keep the lessons of these numbers."""
        return Lessons([self.texts[n] for n in kept], self.chances[kept], self.targets[kept])


@dataclass(frozen=True, slots=True)
class ShopDelta:
    """Terms (V) and what each adds to the log chance of every sub-cause, shape (V, sub-causes).

    `gate` (V + 1, the bias last) says how much a text sounds like the shop's.
    """

    vocabulary: Mapping[str, int]
    weights: FloatArray
    gate: FloatArray

    def shift(self, texts: Sequence[str]) -> FloatArray:
        """Give what the shop's lessons add to the log chances, shape (texts, sub-causes)."""
        rows = _rows(texts, self.vocabulary)
        found = np.zeros((len(texts), len(SUBS)), np.float32)
        odds = np.full(len(texts), self.gate[-1], np.float32)
        for row, (start, end) in enumerate(zip(rows.starts, rows.starts[1:], strict=False)):
            if end > start:
                found[row] = rows.values[start:end] @ self.weights[rows.terms[start:end]]
                odds[row] += rows.values[start:end] @ self.gate[rows.terms[start:end]]
        return found * opened(odds)[:, None]

    def strongest(self, column: int, number: int, sign: int) -> list[str]:
        """Name the words that most raise (sign 1) or lower (-1) a sub-cause, none lying within another."""
        speaking = self.weights[:, column] * sign
        terms = list(self.vocabulary)
        found: list[str] = []
        for row in np.argsort(-speaking, kind="stable")[: number * 20].tolist():
            term = terms[row]
            if speaking[row] < LEAST_TOLD or len(found) == number:
                break
            if len(term) > 1 and term.isalnum() and not any(term in one or one in term for one in found):
                found.append(term)
        return found

    def scaled(self, strength: float) -> "ShopDelta":
        """Give a weaker shift."""
        return ShopDelta(self.vocabulary, (self.weights * strength).astype(np.float32), self.gate)

    def to_bytes(self) -> bytes:
        """Write as `.npz` without pickled objects; the same delta gives the same bytes."""
        out = io.BytesIO()
        head = json.dumps({"format": FORMAT, "subs": list(SUBS)})
        np.savez_compressed(
            out,
            head=np.frombuffer(head.encode(), np.uint8),
            terms=np.frombuffer("\n".join(self.vocabulary).encode(), np.uint8),
            weights=self.weights.astype(np.float16),
            gate=self.gate,
        )
        return out.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises:
            ValueError: it was written for other sub-causes or another format.
        """
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            head = json.loads(arrays["head"].tobytes())
            terms = arrays["terms"].tobytes().decode()
            weights = arrays["weights"].astype(np.float32)
            gate = arrays["gate"] if "gate" in arrays else np.zeros(0, np.float32)
        vocabulary = {term: number for number, term in enumerate(terms.split("\n") if terms else [])}
        shapes = (weights.shape, gate.shape) == ((len(vocabulary), len(SUBS)), (len(vocabulary) + 1,))
        if head != {"format": FORMAT, "subs": list(SUBS)} or not shapes:
            raise ValueError("this model version was made for another release")
        return cls(vocabulary, weights, gate)


def learn(lessons: Lessons, anchors: Lessons, penalty: float = PENALTY) -> ShopDelta:
    """Fit the shift to lessons; the same lessons give the same delta.

    `anchors` are everyday texts of any trade with the shipped model's own answers: what a shop teaches must
    not move them. Without them words that stand in every review would carry the new goods' causes everywhere.
    """
    both = _join(lessons, anchors)
    vocabulary = vocabulary_of(lessons.texts)
    rows = _rows(both.texts, vocabulary)
    kernel = _kernel(rows, len(vocabulary))
    ours = np.arange(len(both)) < len(lessons)
    open_ = _gates(kernel, ours, np.arange(len(both)) % GATE_FOLDS)
    duals = _fit(kernel * np.outer(open_, open_), _logs(both.chances), both.targets, penalty)
    weights = np.zeros((len(vocabulary), len(SUBS)), np.float32)
    gate = np.zeros(len(vocabulary) + 1, np.float32)
    gate_duals = _fit_gate(kernel, ours)
    owners = np.repeat(np.arange(len(both)), np.diff(rows.starts))
    np.add.at(weights, rows.terms, rows.values[:, None] * (duals * open_[:, None])[owners])
    np.add.at(gate, rows.terms, rows.values * gate_duals[owners])
    gate[-1] = gate_duals.sum()
    return ShopDelta(vocabulary, weights, gate)


def crossed_shift(
    lessons: Lessons, anchors: Lessons, folds: IntArray, penalty: float = PENALTY
) -> FloatArray:
    """Give the shift of each lesson as learnt from the other folds, shape (n, sub-causes)."""
    both = _join(lessons, anchors)
    logs = _logs(both.chances)
    vocabulary = vocabulary_of(lessons.texts)
    kernel = _kernel(_rows(both.texts, vocabulary), len(vocabulary))
    ours = np.arange(len(both)) < len(lessons)
    shares = np.concatenate([folds, np.arange(len(anchors)) % max(GATE_FOLDS, folds.max(initial=0) + 1)])
    open_ = _gates(kernel, ours, shares)
    kernel = kernel * np.outer(open_, open_)
    folds = np.concatenate([folds, np.full(len(anchors), -1)])
    found = np.zeros_like(lessons.chances)
    for fold in np.unique(folds[folds >= 0]):
        rest, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        duals = _fit(kernel[np.ix_(rest, rest)], logs[rest], both.targets[rest], penalty)
        found[held] += kernel[np.ix_(held, rest)] @ duals
    return found


def _join(lessons: Lessons, anchors: Lessons) -> Lessons:
    return Lessons(
        [*lessons.texts, *anchors.texts],
        np.concatenate([lessons.chances, anchors.chances]),
        np.concatenate([lessons.targets, anchors.targets]),
    )


def fold_of(key: str, folds: int) -> int:
    """Give the fold of a lesson: by its key, so that the same review is always in the same one."""
    return int(hashlib.sha256(key.encode()).hexdigest(), 16) % folds


def vocabulary_of(texts: Sequence[str]) -> dict[str, int]:
    """Number, in sorted order, the runs of characters that stand in enough texts."""
    found = Counter[str]()
    for text in texts:
        found.update(set(terms_of(normalise(text), "")))
    kept = sorted(term for term, times in found.items() if times >= LEAST_TEXTS and "\n" not in term)
    return {term: number for number, term in enumerate(kept)}


def _rows(texts: Sequence[str], vocabulary: Mapping[str, int]) -> Sparse:
    """Weigh terms as the shipped model does: damped counts, length 1, what is unknown included."""
    encoded = encode([normalise(text) for text in texts], [""] * len(texts), vocabulary)
    return weigh(encoded, max(1, len(vocabulary)))


def _kernel(rows: Sparse, columns: int) -> FloatArray:
    """Give how alike the lessons are: the product of every two rows, shape (n, n)."""
    number = len(rows.starts) - 1
    owners = np.repeat(np.arange(number), np.diff(rows.starts))
    alike = np.zeros((number, number), np.float32)
    for start in range(0, columns, CHUNK):
        inside = (rows.terms >= start) & (rows.terms < start + CHUNK)
        part = np.zeros((number, CHUNK), np.float32)
        part[owners[inside], rows.terms[inside] - start] = rows.values[inside]
        alike += part @ part.T
    return alike


def _fit(kernel: FloatArray, logs: FloatArray, targets: FloatArray, penalty: float) -> FloatArray:
    """Find the dual weights (n, sub-causes) of a penalised logistic regression with an offset.

    Nesterov's gradient descent; convex, so that every start and machine ends at the same place.
    """
    duals = np.zeros_like(logs)
    ahead = duals
    steepest = 0.5 * _largest_eigenvalue(kernel) + penalty
    stiffness = math.sqrt(steepest / penalty)
    momentum = (stiffness - 1) / (stiffness + 1)
    for _round in range(ROUNDS):
        slope = softmax(logs + kernel @ ahead) - targets + penalty * ahead
        before, duals = duals, (ahead - slope / steepest).astype(np.float32)
        ahead = (duals + momentum * (duals - before)).astype(np.float32)
        if np.abs(slope).max() < CLOSE_ENOUGH:
            break
    return duals


def opened(odds: FloatArray) -> FloatArray:
    """Turn the gate's log odds into how far it stands open: shut below even odds, open from three to one."""
    likely = 1 / (1 + np.exp(-np.clip(odds, -30, 30)))
    share: FloatArray = np.clip(4 * likely - 2, 0, 1).astype(np.float32)
    return share


def _gates(kernel: FloatArray, ours: BoolArray, folds: IntArray) -> FloatArray:
    """Give how far the gate opens for each text, as learnt from the other folds, shape (n,)."""
    odds = np.zeros(len(kernel), np.float32)
    for fold in np.unique(folds):
        rest, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        odds[held] = (kernel[np.ix_(held, rest)] + 1) @ _fit_gate(kernel[np.ix_(rest, rest)], ours[rest])
    return opened(odds)


def _fit_gate(kernel: FloatArray, ours: BoolArray) -> FloatArray:
    """Find the dual weights (n,) of a logistic regression "is it ours?", both sides weighing the same."""
    number = len(ours)
    weights = np.where(ours, number / max(1, 2 * ours.sum()), number / max(1, 2 * (~ours).sum()))
    kernel = kernel + 1
    duals = np.zeros(number)
    ahead = duals
    steepest = 0.25 * weights.max(initial=0) * _largest_eigenvalue(kernel) + GATE_PENALTY
    stiffness = math.sqrt(steepest / GATE_PENALTY)
    momentum = (stiffness - 1) / (stiffness + 1)
    for _round in range(ROUNDS):
        likely = 1 / (1 + np.exp(-kernel @ ahead))
        before, duals = duals, ahead - (weights * (likely - ours) + GATE_PENALTY * ahead) / steepest
        ahead = duals + momentum * (duals - before)
    found: FloatArray = duals.astype(np.float32)
    return found


def _largest_eigenvalue(kernel: FloatArray) -> float:
    """Bound the steepness by some rounds of power iteration, with a margin for what they miss."""
    at = np.ones(len(kernel), np.float32)
    size = 0.0
    for _round in range(20 if len(kernel) else 0):
        at = kernel @ at
        size = float(np.linalg.norm(at))
        at /= max(size, 1e-9)
    return 1.05 * size


def shifted(before: FloatArray, shift: FloatArray) -> FloatArray:
    """Give the chances after a shift, shape (n, sub-causes); without a shift they stay what they are."""
    moved = softmax(_logs(before) + shift) - BENEFIT / before.shape[1]
    kept = np.maximum(moved, 0)
    after: FloatArray = (kept / kept.sum(axis=1, keepdims=True)).astype(np.float32)
    return after


def _logs(chances: FloatArray) -> FloatArray:
    """Give the logarithms with some benefit of the doubt: nothing is too unlikely to be learnt."""
    logs: FloatArray = np.log((1 - BENEFIT) * chances + BENEFIT / chances.shape[1]).astype(np.float32)
    return logs


def judge_chances(chances: FloatArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Decide as the classifier does: numbers of cause and sub-cause, and the cause's chance."""
    by_cause = sum_by_cause(chances)
    honest = [CAUSES.index(cause) for cause in HONEST]
    none, malicious = CAUSES.index(Cause.NONE), CAUSES.index(Cause.MALICIOUS)
    causes: IntArray = np.array(honest)[by_cause[:, honest].argmax(axis=1)]
    causes[by_cause[:, none] >= by_cause[:, honest].sum(axis=1)] = none
    causes[by_cause[:, malicious] >= 0.5] = malicious
    subs: IntArray = np.where(causes[:, None] == CAUSE_NUMBER, chances, -1).argmax(axis=1)
    confidence: FloatArray = by_cause[np.arange(len(causes)), causes]
    return causes, subs, confidence


def softmax(logs: FloatArray) -> FloatArray:
    """Turn log chances into chances, rows adding up to 1."""
    raised = np.exp(logs - logs.max(axis=1, keepdims=True))
    chances: FloatArray = raised / raised.sum(axis=1, keepdims=True)
    return chances
