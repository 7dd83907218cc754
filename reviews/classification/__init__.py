"""What a review complains of. Pure Python and numpy: no database, no web, no network."""

from collections.abc import Sequence

from reviews.classification.decide import ReviewText, Verdict, decide
from reviews.classification.model import shipped

__all__ = ["ReviewText", "Verdict", "classify"]


def classify(texts: Sequence[ReviewText]) -> list[Verdict]:
    """Judge reviews with the shipped model, in their order; any string is answered, none raises."""
    return decide(texts, shipped())
