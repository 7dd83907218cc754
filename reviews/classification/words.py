"""Which words of a text decided: each word's share in the score of the chosen sub-cause."""

from collections.abc import Sequence

import numpy as np

from reviews.classification.features import GRAMS, Encoded, FloatArray, IntArray
from reviews.classification.text import cut_words, has_words

MOST_WORDS = 4
# A word counts when it carries at least this part of what the strongest word carries.
LEAST_PART = 0.35


def deciding_words(
    encoded: Encoded, weights: FloatArray, chosen: IntArray, originals: Sequence[str]
) -> list[tuple[str, ...]]:
    """Give for every text the words that spoke most for its chosen column, strongest first.

    `weights` has shape (terms, columns), `chosen` one column a text; `originals` are the texts as written, so
    that the words stand in them letter for letter.
    """
    cut = [cut_words(text) for text in encoded.texts]
    shares = _word_shares(encoded, cut, _term_shares(encoded, weights, chosen))
    found: list[tuple[str, ...]] = []
    start = 0
    for words, original in zip(cut, originals, strict=True):
        found.append(_strongest(words, shares[start : start + len(words)], original))
        start += len(words)
    return found


def _term_shares(encoded: Encoded, weights: FloatArray, chosen: IntArray) -> FloatArray:
    """Give every term's weight for the column chosen for its text; unknown terms give nothing."""
    shares: FloatArray = np.where(encoded.ids >= 0, weights[encoded.ids, chosen[encoded.rows]], 0)
    return shares


def _word_shares(encoded: Encoded, cut: Sequence[Sequence[str]], shares: FloatArray) -> FloatArray:
    """Add up what the characters of every word carry; all words of all texts one after the other."""
    ends = np.cumsum([len(word) for words in cut for word in words])
    sums = np.concatenate([[0], np.cumsum(_char_shares(encoded, shares))])
    carried: FloatArray = np.diff(sums[np.concatenate([[0], ends])])
    return carried


def _char_shares(encoded: Encoded, shares: FloatArray) -> FloatArray:
    """Spread every gram's share evenly over its characters; all characters one after the other."""
    lengths = np.array([len(text) for text in encoded.texts])
    first_char = np.cumsum(lengths) - lengths
    first_term = np.cumsum(encoded.sizes) - encoded.sizes
    chars = np.zeros(lengths.sum(), np.float32)
    for size in GRAMS:
        fits = np.maximum(lengths - size + 1, 0)
        within = np.arange(fits.sum()) - np.repeat(np.cumsum(fits) - fits, fits)
        part = shares[np.repeat(first_term, fits) + within] / size
        places = np.repeat(first_char, fits) + within
        for step in range(size):
            chars[places + step] += part
        first_term = first_term + fits
    return chars


def _strongest(words: Sequence[str], shares: FloatArray, original: str) -> tuple[str, ...]:
    """Pick the strongest different words of one text, as they are written there."""
    order = np.argsort(-shares, kind="stable")[: MOST_WORDS * 2].tolist()
    if not order or shares[order[0]] <= 0:
        return ()
    least = shares[order[0]] * LEAST_PART
    ends = np.cumsum([len(word) for word in words]).tolist()
    strong = [n for n in order if shares[n] >= least and has_words(words[n])]
    picked = [original[ends[n] - len(words[n]) : ends[n]] for n in strong]
    return tuple(dict.fromkeys(picked))[:MOST_WORDS]
