"""Which words and clauses of a text decided: each one's share in the score of the chosen sub-cause."""

from collections.abc import Sequence

import numpy as np

from reviews.classification.features import GRAMS, Encoded, FloatArray, IntArray
from reviews.classification.text import clauses, cut_words, has_words
from reviews.classification.verdict import Mark

MOST_WORDS, MOST_MARKS = 4, 3
# A word or clause counts when it carries at least this part of what the strongest one carries.
LEAST_PART = 0.35


# The words and the clauses that decided.
Explanation = tuple[tuple[str, ...], tuple[Mark, ...]]
UNEXPLAINED: Explanation = ((), ())


def explain(
    encoded: Encoded, weights: FloatArray, chosen: IntArray, originals: Sequence[str]
) -> list[Explanation]:
    """Give for every text the words that spoke most for its chosen column, strongest first, and the clauses.

    `weights` has shape (terms, columns), `chosen` one column a text; `originals` are the texts as written, so
    that the words stand in them letter for letter.
    """
    chars = _char_shares(encoded, _term_shares(encoded, weights, chosen))
    sums = np.concatenate([[0], np.cumsum(chars)])
    found: list[Explanation] = []
    start = 0
    for text, original in zip(encoded.texts, originals, strict=True):
        carried = sums[start : start + len(text) + 1]
        found.append((_strongest(cut_words(text), carried, original), _weightiest(text, carried)))
        start += len(text)
    return found


def deciding_words(
    encoded: Encoded, weights: FloatArray, chosen: IntArray, originals: Sequence[str]
) -> list[tuple[str, ...]]:
    """Give what `explain` gives without the clauses."""
    return [words for words, _marks in explain(encoded, weights, chosen, originals)]


def _term_shares(encoded: Encoded, weights: FloatArray, chosen: IntArray) -> FloatArray:
    """Give every term's weight for the column chosen for its text; unknown terms give nothing."""
    shares: FloatArray = np.where(encoded.ids >= 0, weights[encoded.ids, chosen[encoded.rows]], 0)
    return shares


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


def _strongest(words: Sequence[str], carried: FloatArray, original: str) -> tuple[str, ...]:
    """Pick the strongest different words of one text, as they are written there.

    `carried` is what the characters up to each place carry together, shape (characters + 1,).
    """
    ends = np.cumsum([len(word) for word in words])
    shares = np.diff(carried[np.concatenate([[0], ends])])
    order = np.argsort(-shares, kind="stable")[: MOST_WORDS * 2].tolist()
    if not order or shares[order[0]] <= 0:
        return ()
    least = shares[order[0]] * LEAST_PART
    strong = [n for n in order if shares[n] >= least and has_words(words[n])]
    picked = [original[ends[n] - len(words[n]) : ends[n]] for n in strong]
    return tuple(dict.fromkeys(picked))[:MOST_WORDS]


def _weightiest(text: str, carried: FloatArray) -> tuple[Mark, ...]:
    """Pick the clauses that carry most, in the order of the text; none where nothing speaks for it."""
    spans = [(start, end) for start, end in clauses(text) if carried[end] > carried[start]]
    spans = sorted(spans, key=lambda span: carried[span[0]] - carried[span[1]])[:MOST_MARKS]
    if not spans:
        return ()
    most = carried[spans[0][1]] - carried[spans[0][0]]
    parts = [(start, end, round(float((carried[end] - carried[start]) / most), 2)) for start, end in spans]
    return tuple(sorted(part for part in parts if part[2] >= LEAST_PART))
