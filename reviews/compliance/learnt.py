"""The learnt layer: a linear model over runs of signs, meetings of senses and the rules' finders.

It finds wordings no rule foresaw. Weights: artifacts/compliance.npz, made by `manage.py train_compliance`
from corpus/; facts: compliance.json.
"""

import json
import re
from collections.abc import Iterable
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .senses import meetings

ARTIFACTS = Path(__file__).parent / "artifacts"
# "any" is R1–R4 against everything lawful; the others name the rule.
OUTPUTS = ("any", "R1", "R2", "R3", "R4", "R6", "R7", "R9")
# The rules' finders the model hears of; "!name" stands for one in the vocabulary.
FINDERS = (
    "benefit", "gift", "ask_change", "ask_write", "ask_oblique", "praise", "gift_for_review", "ask_good",
    "ask_remove", "refused_remove", "threat", "pressure", "harsh", "review_word", "lure",
    "phone", "order_number", "address", "name", "titled", "known", "foreign_link", "advertising",
)  # fmt: skip
LONGEST = 4
# Terms of a text so short that each counts no more than in one of this length.
SHORT = 30
# The same for the meetings of its senses, all of which weigh so much beside the terms.
FEW, SENSE_WEIGHT = 20, 0.5
_SPARING = frozenset({"#never", "#said", "#goods"})
_TOKEN = re.compile(r"[\u3400-\u9fff]|[a-z]+|\d+(?:\.\d+)?|[，。！？；：,.!?;:\n]+|[^\s]")
_ENDS = frozenset("，。！？；：,.!?;:\n")
_MARKS = {"quoted": re.compile(r"[“”「」『』《》\"＂]"), "masked": re.compile(r"\w\*\*+|\*\*+\w")}


def terms(text: str) -> set[str]:
    """All runs of one to four signs of a plain text; an English word or a figure counts as one sign."""
    tokens = [_SHAPES[token] for token in _TOKEN.findall(text)]
    twos = [one + two for one, two in pairwise(tokens)]
    fours = [one + two for one, two in zip(twos, twos[2:], strict=False)]
    threes = [one + two for one, two in zip(twos, tokens[2:], strict=False)]
    return {*tokens, *twos, *threes, *fours}


class _Shapes(dict[str, str]):
    """Token → how it counts: figures by their length, sentence signs as one."""

    def __missing__(self, token: str) -> str:
        shape = token
        if token[0].isdigit():
            shape = f"<{min(len(token), 20) if len(token) > 2 else 1}>"
        elif token[0] in _ENDS:
            shape = "|"
        elif token[0].isascii() and token[0].isalpha():
            shape = " " + token
        if len(token) < 2:
            self[token] = shape
        return shape


_SHAPES = _Shapes()


class _Model(NamedTuple):
    places: dict[str, int]
    weights: NDArray[np.float32]  # terms × outputs
    bias: NDArray[np.float32]  # less the thresholds
    finder_weight: float


@cache
def _model() -> _Model:
    with np.load(ARTIFACTS / "compliance.npz") as stored:
        vocabulary = bytes(stored["terms"]).decode().split("\x00")
        weights = stored["weights"].astype(np.float32)
        bias = stored["bias"].astype(np.float32)
    finder_weight = float(card()["finder_weight"])
    return _Model({term: at for at, term in enumerate(vocabulary)}, weights, bias, finder_weight)


@cache
def card() -> dict[str, float | str]:
    """The model card: version, thresholds, data and figures."""
    facts: dict[str, float | str] = json.loads((ARTIFACTS / "compliance.json").read_text(encoding="utf-8"))
    return facts


def scores(text: str, finders: Iterable[str]) -> dict[str, float]:
    """Log odds by output, above 0 past its threshold; `finders` are the rules' finders that matched."""
    model, found, met = _model(), terms(text), meetings(text)
    places = [place for place in map(model.places.get, found) if place is not None]
    senses = [place for place in map(model.places.get, met) if place is not None]
    hits = [place for name in finders if (place := model.places.get("!" + name)) is not None]
    shares = np.full(len(places) + len(senses) + len(hits), term_share(len(found)), dtype=np.float32)
    shares[len(places) :] = sense_share(len(met))
    shares[len(places) + len(senses) :] = model.finder_weight
    total = shares @ model.weights[places + senses + hits] + model.bias
    return dict(zip(OUTPUTS, total.tolist(), strict=True))


def marks(original: str) -> list[str]:
    """What the plain text no longer shows: quotation marks (the quoted is seldom meant) and masked names."""
    return [name for name, sign in _MARKS.items() if sign.search(original)]


def may_be_spared(text: str, original: str) -> bool:
    """Whether a text denies, reports, quotes or speaks of goods; no other is spared a rule's match."""
    return bool(marks(original)) or not _SPARING.isdisjoint(meetings(text))


def term_share(count: int) -> float:
    """What each of so many terms counts."""
    return float(max(SHORT, count) ** -0.5)


def sense_share(count: int) -> float:
    """What each of so many meetings of senses counts."""
    return SENSE_WEIGHT * float(max(FEW, count) ** -0.5)


def telling(text: str, output: str) -> tuple[int, int] | None:
    """The stretch of the plain text that speaks most for the output; None when no word does."""
    model = _model()
    weights = model.weights[:, OUTPUTS.index(output)]
    tokens = [(_SHAPES[match[0]], *match.span()) for match in _TOKEN.finditer(text)]
    rises = [0.0] * (len(text) + 1)
    for at, (_token, start, _end) in enumerate(tokens):
        term = ""
        for token, _start, end in tokens[at : at + LONGEST]:
            term += token
            place = model.places.get(term)
            if place is not None:
                share = float(weights[place]) / (end - start)
                rises[start] += share
                rises[end] -= share
    balance = sense_share(len(met := meetings(text))) / term_share(len(terms(text)))
    for meeting, words in met.items():
        place = model.places.get(meeting)
        if place is not None:
            for _sense, start, end in words:
                share = balance * float(weights[place]) / len(words) / (end - start)
                rises[start] += share
                rises[end] -= share
    heat = list(accumulate(rises[:-1]))
    mean = max(0.0, sum(heat) / max(1, len(heat)))
    return _hottest([value - mean for value in heat])


def _hottest(heat: list[float]) -> tuple[int, int] | None:
    """The run of signs with the greatest sum."""
    best, span, total, start = 0.0, None, 0.0, 0
    for at, value in enumerate(heat):
        if total <= 0:
            total, start = 0.0, at
        total += value
        if total > best:
            best, span = total, (start, at + 1)
    return span
