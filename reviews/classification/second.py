"""The second reader: the network joined with the linear model, for the reviews the linear model is unsure of.

It loads some 100 MB and reads some hundred reviews a second: web processes and the queue of waiting reviews
never call it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from reviews.classification.decide import decide
from reviews.classification.features import FloatArray
from reviews.classification.model import (
    ACCUSING_COLUMNS,
    AGAINST_COLUMNS,
    HONEST_COLUMNS,
    NAMED_COLUMNS,
    NONE_COLUMN,
    Settings,
    shipped,
)
from reviews.classification.network import Network, shipped_card, shipped_network
from reviews.classification.text import has_words, normalise, reads
from reviews.classification.verdict import ReviewText, Verdict

# Columns that compete with each other: they are joined as logarithms of chances.
GROUPS = {"honest": HONEST_COLUMNS, "malicious": [*ACCUSING_COLUMNS, *AGAINST_COLUMNS]}


@dataclass(frozen=True, slots=True)
class Joined:
    """The network and the linear model as one reader.

    `weights` has for each of honest, malicious, none and named how much the linear model's score counts and
    how much the network's.
    """

    network: Network
    weights: Mapping[str, tuple[float, float]]
    settings: Settings

    @property
    def version(self) -> str:
        """Name the network's version: its card names the linear model it is joined with."""
        return self.network.version

    def join(self, scores: FloatArray, texts: Sequence[str], categories: Sequence[str]) -> FloatArray:
        """Give the joint raw scores of normalised texts, shape (texts, COLUMNS)."""
        return join_scores(scores, self.network.scores(texts, categories), self.weights)


def join_scores(
    linear: FloatArray, network: FloatArray, weights: Mapping[str, tuple[float, float]]
) -> FloatArray:
    """Add up the weighed scores of both readers, shape (texts, COLUMNS)."""
    joint = np.zeros_like(linear)
    for name, columns in GROUPS.items():
        first, second = weights[name]
        joint[:, columns] = first * _log_chances(linear[:, columns])
        joint[:, columns] += second * _log_chances(network[:, columns])
    for name, columns in {"none": [NONE_COLUMN], "named": NAMED_COLUMNS}.items():
        first, second = weights[name]
        joint[:, columns] = first * linear[:, columns] + second * network[:, columns]
    return joint


def _log_chances(scores: FloatArray) -> FloatArray:
    """Give the logarithms of the chances of competing columns."""
    logs: FloatArray = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    return logs


@cache
def reader(engine: str) -> Joined:
    """Load the network and how it decides: alone (`strong`) or joined with the linear model (`both`)."""
    network = shipped_network()
    return joined(network, network.card["engines"][engine])


def joined(network: Network, chosen: Mapping[str, Any]) -> Joined:
    """Make a reader from what training chose for an engine."""
    weights = {name: (float(first), float(second)) for name, (first, second) in chosen["weights"].items()}
    return Joined(network, weights, Settings(**chosen["settings"]))


def wants_second_reading(text: ReviewText, first: Verdict) -> bool:
    """Say whether the network should read a review again: not where the first reading is sure anyway.

    Nor does it read what has no words or hardly any Chinese.
    """
    if first.confidence >= shipped_card()["read_again_below"] and first.decided:
        return False
    folded = normalise(text.text)
    return has_words(folded) and reads(folded)


def decided_from(model: str) -> float:
    """Say how sure a verdict of the named version (a shop's mark after "+" aside) must be to be decided."""
    card = shipped_card()
    if model.partition("+")[0] == card["version"]:
        return float(card["engines"]["both"]["settings"]["decided_from"])
    return shipped().settings.decided_from


def read_again(texts: Sequence[ReviewText], firsts: Sequence[Verdict]) -> list[Verdict]:
    """Read reviews with both models; a review the network cannot read keeps its first verdict.

    Scores added to a first verdict from elsewhere are not in the new one: add them again.
    """
    verdicts = list(firsts)
    readable = [n for n, text in enumerate(texts) if _is_readable(text)]
    again = decide([texts[n] for n in readable], shipped(), reader("both"))
    for number, verdict in zip(readable, again, strict=True):
        verdicts[number] = verdict
    return verdicts


def _is_readable(text: ReviewText) -> bool:
    """Say whether a review has words in Chinese."""
    folded = normalise(text.text)
    return has_words(folded) and reads(folded)
