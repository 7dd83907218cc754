"""What the words of a plain text do in it (name a review, give, ask …), by clause, for the learnt layer.

`senses.toml` lists the words of each sense. A meeting is a sense (`#ask`), one before another in a clause
(`#ask>change`), or two in different clauses (`#ask~change`).
"""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import combinations, combinations_with_replacement
from pathlib import Path
from typing import NamedTuple

_WORDS: dict[str, str] = tomllib.loads((Path(__file__).parent / "senses.toml").read_text(encoding="utf-8"))
_CLAUSE = re.compile(r"[^，。！？；：、,.!?;:\n]+")
_ALONE = {sense: f"#{sense}" for sense in _WORDS}
_IN_ORDER = {(one, two): f"#{one}>{two}" for one in _WORDS for two in _WORDS}
_APART = {(one, two): f"#{min(one, two)}~{max(one, two)}" for one in _WORDS for two in _WORDS}


class Word(NamedTuple):
    """A word of the text with one of its senses; text[start:end]."""

    sense: str
    start: int
    end: int


def _by_sign() -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """First two signs, or the one sign of a word → (word, its senses), the longest word first."""
    senses: dict[str, list[str]] = defaultdict(list)
    for sense, words in _WORDS.items():
        for word in dict.fromkeys(words.split()):
            senses[word].append(sense)
    table: dict[str, list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
    for word in sorted(senses, key=lambda word: (-len(word), word)):
        table[word[:2]].append((word, tuple(senses[word])))
    for start in table:
        if len(start) > 1:
            table[start] += table.get(start[0], [])
    return dict(table)


_TABLE = _by_sign()


def clauses(text: str) -> Iterator[list[Word]]:
    """The words with a sense, clause by clause; the longest that fits a place, the next after its end."""
    for clause in _CLAUSE.finditer(text):
        at, end = clause.span()
        found: dict[str, Word] = {}
        while at < end:
            for word, senses in _TABLE.get(text[at : at + 2]) or _TABLE.get(text[at]) or ():
                if text.startswith(word, at, end):
                    for sense in senses:
                        found.setdefault(sense, Word(sense, at, at + len(word)))
                    at += len(word)
                    break
            else:
                at += 1
        if found:
            yield list(found.values())


@lru_cache(maxsize=4)  # one check asks up to three times of the same text
def meetings(text: str) -> Mapping[str, tuple[Word, ...]]:
    """Every meeting of a text, with the words that first make it."""
    found: dict[str, tuple[Word, ...]] = {}
    where: dict[str, int] = {}
    words: dict[str, Word] = {}
    for at, clause in enumerate(clauses(text)):
        for one, two in combinations(clause, 2):
            found.setdefault(_IN_ORDER[one.sense, two.sense], (one, two))
        for word in clause:
            where[word.sense] = where.get(word.sense, 0) | 1 << at
            words.setdefault(word.sense, word)
    for sense, word in words.items():
        found[_ALONE[sense]] = (word,)
    for one_sense, two_sense in combinations_with_replacement(words, 2):
        both = where[one_sense] | where[two_sense]
        if both & (both - 1):
            found[_APART[one_sense, two_sense]] = (words[one_sense], words[two_sense])
    return found
