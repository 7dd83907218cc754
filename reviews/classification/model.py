"""The linear model: one file of terms and weights, read once, applied with numpy alone."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from reviews.causes import SUB_CAUSES, Cause, SubCause
from reviews.classification.features import Encoded, FloatArray, Sparse, encode, weigh
from reviews.classification.verdict import SUBS as SUBS

ARTIFACT = Path(__file__).parent / "artifacts" / "causes.npz"

# One column of weights for every sub-cause, in this order: those of the honest causes compete with each
# other; the one of "no complaint" stands alone; those of malicious ones compete with the columns AGAINST
# them. Then one column for each honest cause that says whether it is named at all.
HONEST: tuple[Cause, ...] = (Cause.PRODUCT, Cause.SUBJECTIVE, Cause.SERVICE)
HONEST_COLUMNS = [SUBS.index(sub) for cause in HONEST for sub in SUB_CAUSES[cause]]
ACCUSING_COLUMNS = [SUBS.index(sub) for sub in SUB_CAUSES[Cause.MALICIOUS]]
NONE_COLUMN = SUBS.index(SubCause.NONE)
AGAINST: tuple[Cause, ...] = (*HONEST, Cause.NONE)
AGAINST_COLUMNS = [len(SUBS) + place for place in range(len(AGAINST))]
NAMED_COLUMNS = [len(SUBS) + len(AGAINST) + place for place in range(len(HONEST))]
COLUMNS = len(SUBS) + len(AGAINST) + len(HONEST)


@dataclass(frozen=True, slots=True)
class Settings:
    """What training tunes beside the weights.

    `temperature` divides the honest causes' scores; by rating, `malicious_shift` and `none_shift` are added
    to the scores of "malicious" and "no complaint", so that these are said from a chance of one half on;
    `decided_from` and `also_from` are chances, 0 … 1. For the good or bad of a text, whatever its rating,
    `polarity_shift` is added to the score of "no complaint".
    """

    temperature: float
    decided_from: float
    also_from: float
    none_shift: Mapping[str, float]
    malicious_shift: Mapping[str, float]
    # A file from before it was tuned has none.
    polarity_shift: float = 0.0


@dataclass(frozen=True, slots=True)
class Model:
    """Terms (V), weights (V, COLUMNS), bias (COLUMNS,) and the card that describes them."""

    vocabulary: Mapping[str, int]
    weights: FloatArray
    bias: FloatArray
    settings: Settings
    card: Mapping[str, Any]

    @property
    def version(self) -> str:
        """Name the model: `linear-<date>-<fingerprint of the weights>`."""
        return str(self.card["version"])

    def with_card(self, card: Mapping[str, Any]) -> "Model":
        """Give the same model with another card."""
        return replace(self, card=card)

    def encode(self, texts: Sequence[str], categories: Sequence[str]) -> Encoded:
        """Number the terms of normalised texts."""
        return encode(texts, categories, self.vocabulary)

    def scores(self, encoded: Encoded) -> FloatArray:
        """Give the raw scores, shape (texts, COLUMNS)."""
        return apply(weigh(encoded, len(self.vocabulary)), self.weights, self.bias)


def apply(sparse: Sparse, weights: FloatArray, bias: FloatArray) -> FloatArray:
    """Multiply sparse rows with the weights, shape (rows, columns).

    Strange words say even less about praise than about causes: "no complaint" shrinks once more with them.
    """
    scores = np.zeros((len(sparse.starts) - 1, len(bias)), np.float32)
    for row, (start, end) in enumerate(zip(sparse.starts, sparse.starts[1:], strict=False)):
        if end > start:
            scores[row] += sparse.values[start:end] @ weights[sparse.terms[start:end]]
    scores[:, NONE_COLUMN] *= sparse.known
    scores += bias
    return scores


def save(model: Model, path: Path) -> None:
    """Write a model as one `.npz` without pickled objects, with its card as JSON beside it."""
    terms = "\n".join(model.vocabulary).encode()
    settings = {name: getattr(model.settings, name) for name in Settings.__slots__}
    head = json.dumps({"card": model.card, "settings": settings}, ensure_ascii=False).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        path,
        terms=np.frombuffer(terms, np.uint8),
        head=np.frombuffer(head, np.uint8),
        weights=model.weights.astype(np.float16),
        bias=model.bias.astype(np.float32),
    )
    card = json.dumps(model.card, ensure_ascii=False, indent=2, sort_keys=True)
    path.with_suffix(".json").write_text(card + "\n", encoding="utf-8")


def load(path: Path) -> Model:
    """Read a model written by `save`.

    Raises:
        ValueError: the file's columns are not the ones this code knows.
    """
    with np.load(path, allow_pickle=False) as arrays:
        head = json.loads(arrays["head"].tobytes())
        terms = arrays["terms"].tobytes().decode().split("\n")
        weights, bias = (arrays[name].astype(np.float32) for name in ("weights", "bias"))
    if weights.shape != (len(terms), COLUMNS):
        raise ValueError(f"{path} holds weights of shape {weights.shape}, not {(len(terms), COLUMNS)}")
    vocabulary = dict(zip(terms, range(len(terms)), strict=True))
    return Model(vocabulary, weights, bias, Settings(**head["settings"]), head["card"])


@cache
def shipped() -> Model:
    """Load the model that comes with the code, once a process."""
    return load(ARTIFACT)
