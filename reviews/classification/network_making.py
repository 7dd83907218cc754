"""Make the network's three files: fine-tune, export, choose how it decides, measure. Needs torch and onnx."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from reviews.classification.features import FloatArray
from reviews.classification.model import shipped
from reviews.classification.network import CARD, PLAIN_SAMPLE, WEIGHTS, Network, load_network
from reviews.classification.network_steps import Leg, write_network
from reviews.classification.network_training import LEGS, is_held_out, train_network
from reviews.classification.network_tuning import (
    READ_AGAIN_BELOW,
    Twice,
    by_file,
    figures,
    network_scores,
    tune_engines,
)
from reviews.classification.samples import Sample
from reviews.classification.text import normalise
from reviews.classification.training import encode_samples, fit, merge
from reviews.classification.tuning import made_sources


def make_network(
    samples: Sequence[Sample],
    plain: Sequence[Sample],
    wheel: Path,
    out: Path,
    card: Mapping[str, Any],
    legs: Sequence[Leg] = LEGS,
    tell: Callable[[str], object] = str,
) -> dict[str, Any]:
    """Write the network's files into a folder and give its card.

    One review in twenty, and the made ones of one trade or text in four, are never fitted on: weights,
    thresholds and figures come from them and from `plain`, a random sample of a shop's reviews.
    """
    chosen = merge(samples)
    made = made_sources(chosen)
    held = [sample for sample in chosen if is_held_out(sample, sample.source in made)]
    kept = {sample.id for sample in held}
    rest = [sample for sample in chosen if sample.id not in kept]
    texts = [normalise(sample.text) for sample in rest]
    write_network(wheel, texts, out, lambda net, reader: train_network(net, reader, rest, legs, tell))
    (out / CARD).write_text(json.dumps({"version": ""}), encoding="utf-8")
    linear = fit(rest)
    network = load_network(out)
    # Neither model was fitted on the plain sample, so there the linear model is the one that is shipped.
    first = shipped().scores(encode_samples(plain, dict(shipped().vocabulary)))
    told = describe(_read_twice(held, linear.scores(held), network), _read_twice(plain, first, network))
    return write_card(out, {**card, **told})


def describe(held: Twice, plain: Twice) -> dict[str, Any]:
    """Choose how the readers decide, and measure it."""
    engines = tune_engines(held, plain)
    parts = {f"held out of {name}": part for name, part in by_file(held).items()}
    parts |= {f"{name} {PLAIN_SAMPLE}": part for name, part in by_file(plain).items()}
    return {"read_again_below": READ_AGAIN_BELOW, "engines": engines, "figures": figures(parts, engines)}


def write_card(out: Path, card: Mapping[str, Any]) -> dict[str, Any]:
    """Write the card beside the network; the version gets a fingerprint of the file and of how it decides."""
    decides = json.dumps(card["engines"], sort_keys=True).encode()
    mark = hashlib.sha256((out / WEIGHTS).read_bytes() + decides).hexdigest()[:8]
    whole = {**card, "version": f"{card['version']}-{mark}", "linear": shipped().version}
    (out / CARD).write_text(json.dumps(whole, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return whole


def _read_twice(samples: Sequence[Sample], linear: FloatArray, network: Network) -> Twice:
    """Let the network read what the linear model has read."""
    return Twice(samples, linear, network_scores(network, samples))
