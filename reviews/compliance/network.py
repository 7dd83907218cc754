"""The second reader of the compliance check: a small network, asked where the linear model is not sure.

It reads the order of a sentence, so it understands an offer or a threat of which no single word is telling.
Files: artifacts/network.onnx (8 bits), .pieces and .json, by `manage.py train_compliance --reader strong`.
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from threading import Lock

from reviews.classification.network import Network, load_network

from . import learnt
from .learnt import OUTPUTS

# How much the linear model and the network count, and what their sum must pass for each output: found on
# authors left out (docs/compliance.md).
LINEAR, NETWORK = 0.3, 0.7
BARS = dict.fromkeys(OUTPUTS, -0.8) | {"R6": -0.5, "R7": -0.5, "R9": -0.5}
# Between which log odds of the linear model the network is asked.
ASKED = {"any": (-3.0, 9.0), "R6": (-2.5, 0.5), "R7": (-2.0, 1.0), "R9": (-2.0, 0.5)}
# Below these joint log odds a rule's match is taken for a lawful turn of phrase, whatever the text's words.
PLAINLY_LAWFUL = -1.0
_CLAUSE = re.compile(r"[^，。！？；：,.!?;:]*[，。！？；：,.!?;:]*")
# The network reads so many signs at once; a longer text is read in parts, and at most so many of them.
LONGEST, MOST_PARTS = 120, 12
_loading = Lock()


def is_open(output: str, odds: float) -> bool:
    """Say whether the linear model's log odds leave an output open, so that the network is asked."""
    least, most = ASKED[output]
    return least < odds < most


def join(judged: Mapping[str, float], line: str) -> dict[str, float]:
    """Give the log odds of both readers together, above 0 past their threshold."""
    return {
        output: LINEAR * judged[output] + NETWORK * odds - BARS[output]
        for output, odds in zip(OUTPUTS, _read(line), strict=True)
    }


def minded(line: str, output: str) -> tuple[int, int]:
    """Give the clause of a plain text without which the network minds it least; of one clause, all."""
    clauses = [match.span() for match in _CLAUSE.finditer(line) if match[0]]
    if len(clauses) < 2:
        return 0, len(line)
    column = OUTPUTS.index(output)
    return min(clauses, key=lambda place: _read(line[: place[0]] + line[place[1] :])[column])


@lru_cache(maxsize=16)
def _read(line: str) -> tuple[float, ...]:
    """Give the network's log odds by output; of a long text, the highest of its parts."""
    readable = line.encode("utf-8", "replace").decode()
    scores = _network().scores(parts := _parts(readable), [""] * len(parts))
    return tuple(scores.max(axis=0).tolist())


def _parts(line: str) -> list[str]:
    """Part a long text between clauses."""
    parts = [""]
    for match in _CLAUSE.finditer(line):
        if parts[-1] and len(parts[-1]) + len(match[0]) > LONGEST:
            parts.append("")
        parts[-1] += match[0]
    return parts[:MOST_PARTS]


def _network() -> Network:
    """Load the network at its first use, once a process; some 0.2 s.

    Raises:
        OSError: a file is missing.
    """
    with _loading:
        return _load()


@cache
def _load() -> Network:
    return load_network(learnt.ARTIFACTS)
