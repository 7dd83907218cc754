"""Turn normalised texts into the terms of the linear model and, with a vocabulary, into term numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float32]

# No term reaches beyond four characters: the vocabulary cannot hold a review. Words, pairs of words, places
# in the text and rarity (idf) were tried beside the characters and brought nothing: docs/causes.md.
GRAMS = (1, 2, 3, 4)
# A sign that no normalised text contains.
CATEGORY = "\x01"


def terms_of(text: str, category: str) -> list[str]:
    """List every term of one normalised text, with repeats: single characters first, then pairs and so on."""
    grams = [text[i : i + size] for size in GRAMS for i in range(len(text) - size + 1)]
    return [*grams, CATEGORY + category.strip()] if category.strip() else grams


@dataclass(frozen=True, slots=True)
class Encoded:
    """Texts as term numbers: `ids` of one text after the other (-1 unknown), `sizes` terms a text."""

    texts: list[str]
    ids: IntArray
    sizes: IntArray

    @property
    def rows(self) -> IntArray:
        """Give the text number of every term."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)


def encode(texts: Sequence[str], categories: Sequence[str], vocabulary: Mapping[str, int]) -> Encoded:
    """Number the terms of normalised texts."""
    get = vocabulary.get
    ids: list[int] = []
    sizes: list[int] = []
    for text, category in zip(texts, categories, strict=True):
        numbers = list(map(get, terms_of(text, category), repeat(-1)))
        ids += numbers
        sizes.append(len(numbers))
    return Encoded(list(texts), np.array(ids, np.int64), np.array(sizes, np.int64))


@dataclass(frozen=True, slots=True)
class Sparse:
    """Rows of (term, value): row i is terms[starts[i]:starts[i + 1]]; its length is `known`, 0 … 1."""

    terms: IntArray
    values: FloatArray
    starts: IntArray
    known: FloatArray


def weigh(encoded: Encoded, known_terms: int) -> Sparse:
    """Count known terms sublinearly and scale every text to length 1, what is unknown in it included.

    So a text in words that training never saw keeps short rows: it moves the scores little, and its verdict
    stays unsure.
    """
    known = encoded.ids >= 0
    keys, counts = np.unique(encoded.rows[known] * known_terms + encoded.ids[known], return_counts=True)
    rows, terms = np.divmod(keys, known_terms)
    values = 1 + np.log(counts)
    unknown = np.bincount(encoded.rows[~known], minlength=len(encoded.sizes))
    squares = np.bincount(rows, values**2, len(encoded.sizes))
    lengths = np.sqrt(squares + unknown)
    starts = np.searchsorted(rows, np.arange(len(encoded.sizes) + 1))
    shares = np.sqrt(squares) / np.maximum(lengths, 1)
    return Sparse(terms, (values / lengths[rows]).astype(np.float32), starts, shares.astype(np.float32))
