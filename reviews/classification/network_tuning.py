"""Choose how network and linear model are joined and decide, on reviews that neither was fitted on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reviews.classification.evaluation import measure
from reviews.classification.features import FloatArray
from reviews.classification.model import Settings
from reviews.classification.network import Network
from reviews.classification.samples import Sample
from reviews.classification.second import join_scores
from reviews.classification.text import normalise
from reviews.classification.tuning import HeldOut, Limits, tune, verdicts_of_scores

Weights = Mapping[str, tuple[float, float]]

# How much the linear model and the network count, question by question: found on held-out reviews
# (docs/causes.md). The curves are flat: a tenth more or less lies within chance.
WEIGHTS: Mapping[str, Weights] = {
    "both": {"honest": (0.35, 0.65), "malicious": (0.4, 0.6), "none": (0.6, 0.4), "named": (0.5, 0.5)},
    "strong": dict.fromkeys(("honest", "malicious", "none", "named"), (0.0, 1.0)),
}
# Half of the real reviews held out were chosen for being hard: of a shop's own fewer are accused.
# The network is sure of more than it knows: what it decides needs some room above the linear model's bar.
LIMITS = Limits(
    accused=0.0055,
    accused_elsewhere=0.05,
    praise_accused=0.002,
    praise_accused_elsewhere=0.03,
    decided_accuracy=0.95,
)
# Below this confidence of the linear model the network reads as well (docs/causes.md).
READ_AGAIN_BELOW = 0.95


@dataclass(frozen=True, slots=True)
class Twice:
    """Samples read by both readers, neither fitted on them: raw scores of shape (samples, COLUMNS)."""

    samples: Sequence[Sample]
    linear: FloatArray
    network: FloatArray

    def joined(self, weights: Weights) -> HeldOut:
        """Join the scores."""
        return HeldOut(self.samples, join_scores(self.linear, self.network, weights))


def network_scores(network: Network, samples: Sequence[Sample]) -> FloatArray:
    """Let the network read samples."""
    return network.scores([normalise(s.text) for s in samples], [s.category for s in samples])


def tune_engines(held: Twice, plain: Twice) -> dict[str, Any]:
    """Choose the settings of every engine; `plain` is a random sample of a shop's reviews."""
    engines = {}
    for name, weights in WEIGHTS.items():
        settings = tune(held.joined(weights), plain.joined(weights), LIMITS)
        fields = {field: getattr(settings, field) for field in Settings.__slots__}
        engines[name] = {"weights": {key: list(pair) for key, pair in weights.items()}, "settings": fields}
    return engines


def figures(parts: Mapping[str, Twice], engines: Mapping[str, Any]) -> dict[str, Any]:
    """Measure every engine on every part, the rating untold and each review's own."""
    return {
        f"{engine}, rating {'untold' if told == '' else 'own'}": {
            name: _measured(part, chosen, told) for name, part in parts.items()
        }
        for engine, chosen in engines.items()
        for told in ("", None)
    }


def by_file(held: Twice) -> dict[str, Twice]:
    """Part samples by the file they come from."""
    found = {}
    for source in sorted({sample.source for sample in held.samples}):
        kept = np.array([sample.source == source for sample in held.samples])
        samples = [sample for sample, keep in zip(held.samples, kept, strict=True) if keep]
        found[source] = Twice(samples, held.linear[kept], held.network[kept])
    return found


def _measured(part: Twice, chosen: Mapping[str, Any], told: str | None) -> dict[str, Any]:
    """Measure one engine on one part."""
    scores = part.joined(chosen["weights"])
    verdicts = verdicts_of_scores(scores, Settings(**chosen["settings"]), told, "")
    return measure(part.samples, verdicts)
