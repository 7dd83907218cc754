"""How upset a buyer sounds, by snownlp: it weighs in the order of the queue, never in the cause."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from reviews.classification.text import has_words, normalise

# 49 of 50 shop reviews are shorter. snownlp's time grows with the text (200 characters take 0.07 s, 10,000
# take 8 s) while its product of word odds is saturated long before: what follows hardly changes the answer.
MAX_UPSET_LENGTH = 200

UNKNOWN = 0.5


@cache
def _reader() -> Any:
    """Import snownlp on first use only: it costs 410 MB and 2.5 s, so web processes never call this."""
    from snownlp import SnowNLP

    return SnowNLP


def measure_upset(texts: Sequence[str]) -> list[float]:
    """Give for every text 0 (calm) … 1 (very upset), in order; 0.5 for a text without words."""
    return [_upset(normalise(text)[:MAX_UPSET_LENGTH]) for text in texts]


def _upset(text: str) -> float:
    """Measure one normalised text."""
    if not has_words(text):
        return UNKNOWN
    return min(1.0, max(0.0, 1.0 - float(_reader()(text).sentiments)))
