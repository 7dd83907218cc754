"""The second and third reader of the compliance check: a small network, and a large one that taught it.

They read the order of a sentence, so they understand an offer or a threat of which no single word is
telling. The small one reads what the linear model does not hold for plainly lawful, the large one what both
leave open. Files: artifacts/network.onnx and small.onnx (8 bits), network.pieces and network.json, by
`manage.py train_compliance`.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from threading import Lock

from reviews.classification.network import WEIGHTS, Network, load_network

from . import learnt
from .learnt import OUTPUTS

SMALL, LARGE = "small.onnx", WEIGHTS
# Above which log odds of the linear model the small network reads a text.
READ = {"any": -4.5, "R6": -2.5, "R7": -2.5, "R9": -2.5}
# How much a network counts beside the linear model, and what their sum must pass for each output: found on
# authors left out (docs/compliance.md).
SMALL_SHARE, SHARE = 0.5, 0.7
SMALL_BARS = dict.fromkeys(OUTPUTS, -0.5) | {"R6": -0.25, "R7": -0.25, "R9": -0.25}
BARS = dict.fromkeys(OUTPUTS, -0.8) | {"R6": -0.5, "R7": -0.5, "R9": -0.5}
# Between which joint log odds of linear model and small network the large one decides.
OPEN = {"any": (-2.0, 2.0), "R6": (-2.0, 1.5), "R7": (-2.0, 1.5), "R9": (-2.0, 1.5)}
# Below these joint log odds a rule's match is taken for a lawful turn of phrase, whatever the text's words.
PLAINLY_LAWFUL = -1.0
_CLAUSE = re.compile(r"[^，。！？；：,.!?;:]*[，。！？；：,.!?;:]*")
# A network reads so many signs at once; a longer text is read in parts, and at most so many of them.
LONGEST, MOST_PARTS = 120, 12
_loading = Lock()

Odds = dict[str, float]


def is_worth_reading(judged: Mapping[str, float], counted: Iterable[str]) -> bool:
    """Say whether the linear model leaves room for one of the outputs that count here."""
    return any(judged[output] > READ[output] for output in counted)


def judge(judged: Mapping[str, float], line: str, counted: Iterable[str]) -> Odds:
    """Give the log odds of all readers together, above 0 past their threshold."""
    joint = _joined(judged, _read(SMALL, line), SMALL_SHARE, SMALL_BARS)
    if any(OPEN[output][0] < joint[output] < OPEN[output][1] for output in counted):
        return _joined(judged, _read(LARGE, line), SHARE, BARS)
    return joint


def minded(line: str, output: str) -> tuple[int, int]:
    """Give the clause of a plain text without which the small network minds it least; of one clause, all."""
    clauses = [match.span() for match in _CLAUSE.finditer(line) if match[0]]
    if len(clauses) < 2:
        return 0, len(line)
    column = OUTPUTS.index(output)
    return min(clauses, key=lambda place: _read(SMALL, line[: place[0]] + line[place[1] :])[column])


def read_parts(network: Network, line: str) -> tuple[float, ...]:
    """Give a network's log odds by output; of a long text, the highest of its parts."""
    readable = line.encode("utf-8", "replace").decode()
    scores = network.scores(parts := _parts(readable), [""] * len(parts))
    return tuple(scores.max(axis=0).tolist())


def _joined(judged: Mapping[str, float], read: Iterable[float], share: float, bars: Odds) -> Odds:
    return {
        output: (1 - share) * judged[output] + share * odds - bars[output]
        for output, odds in zip(OUTPUTS, read, strict=True)
    }


@lru_cache(maxsize=32)
def _read(name: str, line: str) -> tuple[float, ...]:
    return read_parts(_network(name), line)


def _parts(line: str) -> list[str]:
    """Part a long text between clauses."""
    parts = [""]
    for match in _CLAUSE.finditer(line):
        if parts[-1] and len(parts[-1]) + len(match[0]) > LONGEST:
            parts.append("")
        parts[-1] += match[0]
    return parts[:MOST_PARTS]


def _network(name: str) -> Network:
    """Load a network at its first use, once a process; the large one takes some 0.2 s.

    Raises:
        OSError: a file is missing.
    """
    with _loading:
        return _load(name)


@cache
def _load(name: str) -> Network:
    return load_network(learnt.ARTIFACTS, name)
