"""Fine-tune the network on labelled reviews. Needs torch, only here; some 40 minutes on two quiet cores."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812

from reviews.causes import CAUSE_OF, Cause
from reviews.classification.model import (
    ACCUSING_COLUMNS,
    AGAINST,
    AGAINST_COLUMNS,
    HONEST,
    HONEST_COLUMNS,
    NAMED_COLUMNS,
    NONE_COLUMN,
)
from reviews.classification.network import Network
from reviews.classification.network_steps import Leg, parted, run_legs
from reviews.classification.network_torch import SEED, Net
from reviews.classification.samples import Sample, fold_of
from reviews.classification.text import normalise
from reviews.classification.tuning import made_sources
from reviews.classification.verdict import SUBS

# What is never fitted on, so that weights and thresholds can be chosen by it: one review in so many.
HELD_OUT, HELD_OUT_MADE = 20, 4
# How often the category is told; a made text often gets another file's category, so that no category tells
# the made file from the real one.
TOLD, SWAPPED = 0.75, 0.6
SMOOTHING, SHARED = 0.04, 0.12
WEIGHTS = {"none": 0.7, "named": 0.3, "against": 0.4, "against made": 2.0}
# Long praise teaches no more than short praise and costs more.
LONGEST_UNLABELLED = 130

HONEST_CAUSE = torch.tensor([HONEST.index(Cause(CAUSE_OF[SUBS[c]])) for c in HONEST_COLUMNS])
BY_CAUSE = F.one_hot(HONEST_CAUSE, len(HONEST)).float()
JUDGED = [*ACCUSING_COLUMNS, *AGAINST_COLUMNS]


LEGS = (
    Leg(2e-4, 1, 3_000, until=1 / 3),
    Leg(1.6e-4, 3, 5_000),
    Leg(9e-5, 1, 16_000, part=0.6, averaged=True),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A sample as the network reads it: its pieces with and without the category, and its labels."""

    sample: Sample
    cause: str
    made: bool


def is_held_out(sample: Sample, made: bool) -> bool:
    """Say whether a sample is never fitted on; made reviews of many trades are held out trade by trade."""
    return not fold_of(sample, HELD_OUT_MADE if made else HELD_OUT)


def rows_of(samples: Sequence[Sample]) -> list[Row]:
    """Mark samples for training; of those without a label the good are praise, the bad some complaint."""
    made = made_sources(samples)
    causes = [s.cause or (Cause.NONE if s.rating == "good" else "") for s in samples]
    return [Row(s, str(cause), s.source in made) for s, cause in zip(samples, causes, strict=True)]


def train_network(
    net: Net,
    reader: Network,
    samples: Sequence[Sample],
    legs: Sequence[Leg] = LEGS,
    tell: Callable[[str], object] = str,
) -> Net:
    """Fine-tune a network; `reader` only numbers the pieces, `tell` hears how far it is.

    The same input gives the same weights.
    """
    chance, rows = random.Random(SEED), rows_of(samples)  # noqa: S311
    return run_legs(net, legs, lambda leg: _steps(_choose(rows, leg, chance), reader, chance), loss, tell)


def _choose(rows: Sequence[Row], leg: Leg, chance: random.Random) -> list[Row]:
    """Choose the rows of one pass."""
    real = [row for row in rows if row.sample.sub and not row.made]
    made = [row for row in rows if row.sample.sub and row.made]
    short = [row for row in rows if not row.sample.sub and len(row.sample.text) < LONGEST_UNLABELLED]
    few = chance.sample(short, min(leg.unlabelled, len(short)))
    return [*chance.sample(real, round(leg.part * len(real))), *made, *few]


def _steps(
    rows: Sequence[Row], reader: Network, chance: random.Random
) -> Iterator[tuple[list[Row], list[list[int]]]]:
    """Part rows into steps of like length, in random order."""
    categories = sorted({row.sample.category for row in rows})
    read = []
    for row in rows:
        category = row.sample.category
        if row.made and chance.random() < SWAPPED:
            category = chance.choice(categories)
        told = category if chance.random() < TOLD else ""
        read.append(reader.pieces(normalise(row.sample.text), told))
    parts = parted(read, chance)
    return (([rows[n] for n in part], [read[n] for n in part]) for part in parts)


def loss(scores: Any, rows: Sequence[Row]) -> Any:
    """Add up how wrong raw scores are, shape (rows, COLUMNS): each question asked of the rows it fits."""
    total: Any = 0.0
    for question, fits in QUESTIONS:
        asked = [n for n, row in enumerate(rows) if fits(row)]
        if asked:
            total = total + question(scores[asked], [rows[n] for n in asked])
    return total


def _honest(scores: Any, rows: Sequence[Row]) -> Any:
    """Which honest sub-cause, which cause (sums of chances), which causes are named at all."""
    logs = torch.log_softmax(scores[:, HONEST_COLUMNS], 1)
    by_cause = torch.log((logs.exp() @ BY_CAUSE).clamp_min(1e-8))
    subs = torch.tensor([HONEST_COLUMNS.index(SUBS.index(row.sample.sub)) for row in rows if row.sample.sub])
    causes, lines = HONEST_CAUSE[subs], torch.arange(len(rows))
    wanted = torch.full(logs.shape, SMOOTHING / logs.shape[1])
    wanted[lines, subs] += 1 - SMOOTHING
    shares = torch.full(by_cause.shape, SMOOTHING / by_cause.shape[1])
    shares[lines, causes] += 1 - SMOOTHING
    named = F.one_hot(causes, len(HONEST)).float()
    for line, row in enumerate(rows):
        for also in {HONEST.index(one) for one in row.sample.also if one in HONEST} - {int(causes[line])}:
            shares[line, also] += SHARED
            shares[line, causes[line]] -= SHARED
            named[line, also] = 1
    told = F.binary_cross_entropy_with_logits(scores[:, NAMED_COLUMNS], named, reduction="sum")
    return WEIGHTS["named"] * told - (wanted * logs).sum() - (shares * by_cause).sum()


def _praise(scores: Any, rows: Sequence[Row]) -> Any:
    """Whether nothing is complained of."""
    wanted = torch.tensor([float(row.cause == Cause.NONE) for row in rows])
    wrong = F.binary_cross_entropy_with_logits(scores[:, NONE_COLUMN], wanted, reduction="sum")
    return WEIGHTS["none"] * wrong


def _malice(scores: Any, rows: Sequence[Row]) -> Any:
    """Which malicious sub-cause, or which cause speaks against malice."""
    columns = [
        SUBS.index(row.sample.sub)
        if row.cause == Cause.MALICIOUS and row.sample.sub
        else AGAINST_COLUMNS[AGAINST.index(Cause(row.cause))]
        for row in rows
    ]
    wanted = torch.tensor([JUDGED.index(column) for column in columns])
    heavy = [(row.made and not row.sample.rating) or row.cause == Cause.MALICIOUS for row in rows]
    weights = torch.tensor([WEIGHTS["against made" if one else "against"] for one in heavy])
    return (weights * F.cross_entropy(scores[:, JUDGED], wanted, reduction="none")).sum()


QUESTIONS: tuple[tuple[Callable[[Any, Sequence[Row]], Any], Callable[[Row], bool]], ...] = (
    (_honest, lambda row: row.sample.sub is not None and row.cause in HONEST),
    (_praise, lambda row: row.cause != Cause.MALICIOUS),
    (_malice, lambda row: bool(row.cause)),
)
