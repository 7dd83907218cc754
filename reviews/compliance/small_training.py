"""Teach the small network of the compliance check what the large one says. Needs torch and onnx for it."""

import math
import os
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from reviews.classification.network import PADDING, PLACES, Network, load_network
from reviews.classification.network_steps import hidden, laid, parted
from reviews.classification.network_torch import MASKED, SEED, Layer, export

from .learnt import OUTPUTS
from .network import SMALL, read_parts
from .normalise import normalise
from .training import Example, joined

WIDTH, HEADS, MIDDLE, LAYERS, LOOKS = 128, 4, 384, 2, 4
EPS = 1e-5
PASSES, RATE, WARM_UP, WEIGHT_DECAY = 8, 1.5e-3, 100, 0.01
# How often a piece is hidden, and how much the distance of the log odds counts beside that of the chances.
HIDDEN, DISTANCE = 0.12, 0.02
# One longer text of two for so many texts.
LONGER_SHARE = 4
TOLD_EVERY = 200


class SmallNet(nn.Module):  # type: ignore[misc]
    """Pieces with their neighbours, two layers, and what turns them into columns of scores."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.word, self.pos = nn.Embedding(pieces, WIDTH), nn.Embedding(PLACES, WIDTH)
        self.near, self.eln = nn.Conv1d(WIDTH, WIDTH, 3, padding=1), nn.LayerNorm(WIDTH)
        self.layers = nn.ModuleList(Layer(WIDTH, HEADS, MIDDLE, F.relu, EPS) for _ in range(LAYERS))
        self.att, self.out = nn.Linear(WIDTH, LOOKS), nn.Linear((2 + LOOKS) * WIDTH, len(OUTPUTS))
        nn.init.normal_(self.word.weight, std=0.05)
        nn.init.normal_(self.pos.weight, std=0.02)

    def forward(self, numbers: Any) -> Any:
        """Read piece numbers, shape (rows, pieces); give log odds, shape (rows, columns)."""
        present = (numbers != PADDING).float()
        there = present[..., None]
        x = (self.word(numbers) + self.pos.weight[: numbers.shape[1]]) * there
        x = self.eln(x + F.relu(self.near(x.transpose(1, 2)).transpose(1, 2)))
        for layer in self.layers:
            x = layer(x, ((1 - present) * MASKED)[:, None, None, :])
        mean = (x * there).sum(1) / there.sum(1)
        most = (x + (1 - there) * MASKED).max(1)[0]
        looks = torch.softmax(self.att(x) + (1 - there) * MASKED, 1)
        seen = torch.matmul(looks.transpose(1, 2), x).flatten(1)
        return self.out(F.dropout(torch.cat([mean, most, seen], 1), 0.1, self.training))


def make_small(examples: Sequence[Example], folder: Path, tell: Callable[[str], object] = str) -> None:
    """Write the small network beside the large one that teaches it; labels count only by what that learnt.

    Raises:
        OSError: the large network is not in the folder.
    """
    large = load_network(folder)
    longer = joined(examples, len(examples) // LONGER_SHARE)
    lines = [line for one in [*examples, *longer] if (line := normalise(one.text).line)]
    with ThreadPoolExecutor(os.cpu_count()) as readers:
        answers = list(readers.map(lambda line: read_parts(large, line), lines))
    tell(f"the large network has read {len(lines)} texts")
    export(_taught(large, lines, answers, tell), folder / SMALL)


def _taught(
    large: Network, lines: Sequence[str], answers: Sequence[Sequence[float]], tell: Callable[[str], object]
) -> SmallNet:
    """Fine-tune towards the answers. The same input gives the same weights."""
    torch.manual_seed(SEED)
    chance = random.Random(SEED)  # noqa: S311
    net, wanted = SmallNet(large.vocabulary.get_piece_size()), torch.tensor(answers)
    read = [large.pieces(line, "") for line in lines]
    steps = [part for _ in range(PASSES) for part in parted(read, chance)]
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY)
    for number, part in enumerate(steps, 1):
        cosine = 0.49 * (1 + math.cos(math.pi * number / len(steps))) + 0.02
        for group in optimiser.param_groups:
            group["lr"] = RATE * cosine * min(1, number / WARM_UP)
        scores, right = net(hidden(laid([read[n] for n in part]), HIDDEN)), wanted[part]
        wrong = F.binary_cross_entropy_with_logits(scores, torch.sigmoid(right))
        optimiser.zero_grad()
        (wrong + DISTANCE * F.mse_loss(scores, right)).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        if not number % TOLD_EVERY or number == len(steps):
            tell(f"small network: step {number} of {len(steps)}")
    return net
