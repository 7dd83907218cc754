"""Strip disguises from a text and keep, for every sign left, where it stood in the original."""

import json
import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .rules import DISGUISES, MIXTURES

# Traditional signs, syllables of the sensitive words, and the everyday words that only sound like them:
# made by `manage.py build_compliance_tables`, which names the sources.
_TABLES = json.loads((Path(__file__).parent / "characters.json").read_text(encoding="utf-8"))
_TRADITIONAL = dict(zip(_TABLES["traditional"][::2], _TABLES["traditional"][1::2], strict=True))
_SYLLABLES: dict[str, str] = {sign: sound for sound, signs in _TABLES["syllables"].items() for sign in signs}
_WORDS: dict[tuple[str, ...], str] = {tuple(sound.split()): word for sound, word in _TABLES["words"].items()}
_PAIRS = {sounds[:2] for sounds in _WORDS}
_EVERYDAY = frozenset(
    _TABLES["guards"][at : at + 2] for at in range(0, len(_TABLES["guards"]), 2)
) | frozenset(_WORDS.values())

_MARKS = tomllib.loads((Path(__file__).parent / "signs.toml").read_text(encoding="utf-8"))
_SIGNS = {sign: word for word, signs in _MARKS["signs"].items() for sign in signs}
_LOOKALIKES = dict(zip(_MARKS["lookalikes"]["like"], _MARKS["lookalikes"]["latin"], strict=True))
# Kept, since they end a phrase or are part of a number, name or address; all others vanish inside words.
_ENDS = frozenset("，。！？；：,.!?;:、\n")
_KEPT = frozenset("¥$%@/?=&+") | _ENDS
_SPLIT_WORDS = frozenset(_MARKS["split"]["words"].split())
_PARTS = {parts: whole for whole, written in _MARKS["parts"].items() for parts in written}
_PART = re.compile("|".join(sorted(map(re.escape, _PARTS), key=len, reverse=True)))


def _any_of(words: Sequence[tuple[str, str]]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?P<w{at}>{pattern})" for at, (pattern, _word) in enumerate(words)))


_DISGUISES, _MIXTURES = _any_of(DISGUISES), _any_of(MIXTURES)
_HAN_DIGITS = {sign: str(value) for value, sign in enumerate("零一二三四五六七八九")} | {
    "〇": "0",
    "幺": "1",
    "两": "2",
}
_DIGIT_RUN = re.compile(r"[零〇幺一二两三四五六七八九\d]{7,}")
_SPACE = re.compile(r" +|(?<=[\u4e00-\u9fff])[./=&]+(?=[\u4e00-\u9fff])|[，,、。！!？?；;：:\n]+|\++")
_LATIN = re.compile("[a-z]")
_LEET = re.compile(r"(?<![\w@$.])(?=[a-z013@$5!]*[a-z])(?=[a-z]*[013@$5!])[a-z013@$5!]{4,}(?![\w@.])")
_LEET_SIGNS = str.maketrans("013@$5!", "oieassi")
_ENGLISH = frozenset(_MARKS["leet"]["words"].split())


_Edit = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Plain:
    """A text without disguises; sign i of `text` came from original[starts[i]:ends[i]]."""

    text: str
    starts: list[int]
    ends: list[int]

    @property
    def line(self) -> str:
        """As the readers see it. A line's end is a space: they have seen few of them, and one alone must not
        tip the scales."""
        return self.text.replace("\n", " ").rstrip()

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Place in the original of text[start:end] (not empty)."""
        return min(self.starts[start:end]), max(self.ends[start:end])


def normalise(text: str) -> Plain:
    """NFKC, simplified, lower case; emoji, zero-width signs and spaces gone; homophones made plain."""
    plain = _edited(_signs(text), _glued)
    plain = _digits(_edited(plain, _parts))
    if _LATIN.search(plain.text):
        plain = _edited(plain, _leet)
    plain = _edited(plain, _plain_words)
    if _LATIN.search(plain.text):
        plain = _edited(plain, _mixtures)
    return _edited(plain, _homophones)


class _Folds(dict[str, str]):
    """One sign → what it stands for, worked out once."""

    def __missing__(self, sign: str) -> str:
        folded = self[sign] = _SIGNS[sign] if sign in _SIGNS else _folded(sign)
        return folded


def _folded(sign: str) -> str:
    keep = []
    for part in unicodedata.normalize("NFKC", sign).casefold():
        category = unicodedata.category(part)
        if part in _LOOKALIKES:
            keep.append(_LOOKALIKES[part])
        elif part in _KEPT or category[0] in "LN":
            keep.append(_TRADITIONAL.get(part, part))
        elif part == "\t" or category == "Zs":
            keep.append(" ")
        # Zero-width, combining, emoji, brackets, dashes and control signs vanish without a trace.
    return "".join(keep)


_FOLDS = _Folds()


def _signs(text: str) -> Plain:
    folds = [_FOLDS[sign] for sign in text]
    folded = "".join(folds)
    if len(folded) == len(text) and all(folds):
        places = list(range(len(text) + 1))
        return Plain(folded, places[:-1], places[1:])
    starts = [at for at, fold in enumerate(folds) for _sign in fold]
    return Plain(folded, starts, [at + 1 for at in starts])


def _edited(plain: Plain, find: Callable[[str], Iterable[_Edit]]) -> Plain:
    """Put a word in the place of each stretch found; its signs point to the whole stretch."""
    out: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    last = 0
    for start, end, word in find(plain.text):
        if word:
            first, final = plain.span(start, end)
            starts += plain.starts[last:start] + [first] * len(word)
            ends += plain.ends[last:start] + [final] * len(word)
        else:
            starts += plain.starts[last:start]
            ends += plain.ends[last:start]
        out += [plain.text[last:start], word]
        last = end
    if not last:
        return plain
    out.append(plain.text[last:])
    return Plain("".join(out), starts + plain.starts[last:], ends + plain.ends[last:])


def _is_han(sign: str) -> bool:
    return "\u4e00" <= sign <= "\u9fff"


def _glued(text: str) -> Iterator[_Edit]:
    """Spaces, dots and commas inside words; one space stays between two Latin words."""
    for match in _SPACE.finditer(text):
        start, end = match.span()
        before, after = text[:start][-1:], text[end : end + 1]
        if match[0][0] == "+":
            yield start, end, "加" if text[end:].lstrip()[:1] in tuple("vw薇微威维徽卫企q扣我群") else ""
        elif match[0][0] != " ":
            if match[0][0] == "." or before + after in _SPLIT_WORDS:
                yield start, end, ""
        elif not (before.isascii() and before.isalpha() and after.isascii() and after.isalnum()):
            yield start, end, ""
        elif end - start > 1:
            yield start, end, " "


def _parts(text: str) -> Iterator[_Edit]:
    return ((match.start(), match.end(), _PARTS[match[0]]) for match in _PART.finditer(text))


def _digits(plain: Plain) -> Plain:
    """Chinese digits of a long run (a spoken phone or order number) become figures, one for one."""
    if not _DIGIT_RUN.search(plain.text):
        return plain
    return Plain(_DIGIT_RUN.sub(_figures, plain.text), plain.starts, plain.ends)


def _figures(run: re.Match[str]) -> str:
    """Fewer than three Chinese digits beside figures are a word of the sentence: `138…78一直`."""
    if sum(sign in _HAN_DIGITS for sign in run[0]) < 3:
        return run[0]
    return "".join(_HAN_DIGITS.get(sign, sign) for sign in run[0])


def _leet(text: str) -> Iterator[_Edit]:
    for match in _LEET.finditer(text):
        word = match[0].translate(_LEET_SIGNS)
        if word in _ENGLISH:
            yield match.start(), match.end(), word


def _plain_words(text: str) -> Iterator[_Edit]:
    for match in _DISGUISES.finditer(text):
        yield match.start(), match.end(), DISGUISES[int((match.lastgroup or "w0")[1:])][1]


def _mixtures(text: str) -> Iterator[_Edit]:
    for match in _MIXTURES.finditer(text):
        yield match.start(), match.end(), MIXTURES[int((match.lastgroup or "w0")[1:])][1]


def _homophones(text: str) -> Iterator[_Edit]:
    """Signs that sound like a sensitive word and are no part of an everyday one: 号凭, but not 好平整."""
    sounds = [_SYLLABLES.get(sign) for sign in text]
    done = 0
    for at in range(len(text) - 1):
        if at >= done and (sounds[at], sounds[at + 1]) in _PAIRS:
            for length in (3, 2):
                word = _WORDS.get(tuple(sounds[at : at + length]))  # type: ignore[arg-type]
                if word and _meant(text, at, length, word):
                    done = at + length
                    yield at, done, word
                    break


def _meant(text: str, at: int, length: int, word: str) -> bool:
    here = text[at : at + length]
    if here == word or here in _EVERYDAY:
        return False
    beside = (text[max(0, at - 1) : at + 1], text[at + length - 1 : at + length + 1])
    return not any(pair in _EVERYDAY for pair in beside)
