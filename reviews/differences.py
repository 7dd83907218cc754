"""What differs between two texts, in words a reader sees and in clauses a classifier can judge.

Pure: no database, no time.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from reviews.classification.text import cut_words, normalise

Kind = Literal["same", "added", "removed"]

# Beyond this many words a side the texts are shown whole, old and new: comparing takes their product.
MOST_WORDS = 2_000

_CLAUSE_ENDS = re.compile(r"[\s,.!?;:~。，！？；：、…～]+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of words both texts have, only the new one (added) or only the old one (removed)."""

    kind: Kind
    text: str


def word_diff(old: str, new: str) -> list[Piece]:
    """Give the pieces which, without the removed, are `new`; without the added, `old`."""
    if old == new:
        return _pieces([("same", new)])
    before, after = cut_words(old), cut_words(new)
    if max(len(before), len(after)) > MOST_WORDS:
        return _pieces([("removed", old), ("added", new)])
    runs: list[tuple[Kind, str]] = []
    for tag, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            runs.append(("same", "".join(after[k:m])))
        else:
            runs += [("removed", "".join(before[i:j])), ("added", "".join(after[k:m]))]
    return _pieces(runs)


def _pieces(runs: Sequence[tuple[Kind, str]]) -> list[Piece]:
    return [Piece(kind, text) for kind, text in runs if text]


def bare(text: str) -> str:
    """The letters and digits of a text: what is left when signs, spaces and emoji do not count."""
    return "".join(char for char in normalise(text) if char.isalnum())


def fresh_clauses(old: str, new: str) -> str:
    """What `new` says that `old` did not, clause by clause; empty when nothing is new."""
    known = {bare(clause) for clause in _CLAUSE_ENDS.split(old)}
    fresh = (clause for clause in _CLAUSE_ENDS.split(new) if bare(clause) not in known | {""})
    return "，".join(fresh)


def likeness(old: str, new: str) -> float:
    """How much of two texts is the same, 0–1, signs and spaces not counted."""
    one, other = bare(old)[:MOST_WORDS], bare(new)[:MOST_WORDS]
    return SequenceMatcher(None, one, other, autojunk=False).ratio() if one or other else 1.0
