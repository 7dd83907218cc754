"""Bring a review into the form the model reads, character for character, so that places stay the same."""

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import cast

# The longest of 42,000 real shop reviews has 350 characters; what stands beyond 2,000 decides nothing and
# would only cost time (a text of 10,000 characters is answered within 5 ms).
MAX_LENGTH = 2_000

# Names of goods and brands are often in Latin letters; below this part the review itself is not Chinese.
LEAST_CHINESE = 0.15

_CONTRAST = re.compile(r"但是|但|就是|不过|可是|只是|然而|可惜|唯一|美中不足")
LEAST_TAIL = 5

# What platforms put where a buyer wrote nothing, such as 此用户没有填写评价 or 系统默认好评.
_NOBODY_WROTE = (
    r"(?:\d+天内)?[此该本]?(?:用户|买家|顾客|会员|客户|评价方|亲)(?:没有|没|未)(?:及时|按时)?"
    r"(?:填写|写下?|发表|[作做给]出|进行|提交|留下)?(?:任何|文字|具体)?(?:评价|评论)(?:内容)?"
)
_BY_DEFAULT = r"(?:系统|平台|超时|到期)*(?:自动|默认)+(?:给予|给出?)?(?:五星|5星)?(?:好评|评价)"
_PLACEHOLDER = re.compile(
    rf"^\W*(?:{_NOBODY_WROTE}(?:\W*{_BY_DEFAULT})?|{_BY_DEFAULT}|此条?评价系统自动生成)(?=\W*$|[。,;!]?\s)"
)

# A clause ends at any stop or space; a point within a number ends none.
_CLAUSE = re.compile(r"(?:[^,.。!?;:、~…\s]|\.(?=\d))+")

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")


class _FoldTable(dict[int, str]):
    """Fold characters one to one: width, case and every kind of space; what cannot be text becomes U+FFFD."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = _fold(chr(code))
        return folded


def _fold(char: str) -> str:
    """Fold one character to one character."""
    if char.isspace() or unicodedata.category(char) in {"Cc", "Zs", "Zl", "Zp"}:
        return " "
    if unicodedata.category(char) in {"Cs", "Co", "Cn"}:
        return "�"
    narrow = unicodedata.normalize("NFKC", char)
    lower = (narrow if len(narrow) == 1 else char).lower()
    return lower if len(lower) == 1 else char


_FOLD = _FoldTable()


def normalise(text: str) -> str:
    """Fold width, case and spaces; the result is as long as the text (cut at MAX_LENGTH), index for index.

    What the platform wrote in the buyer's stead becomes spaces.
    """
    folded = text[:MAX_LENGTH].translate(_FOLD)
    return _PLACEHOLDER.sub(lambda found: " " * len(found[0]), folded) if "评" in folded else folded


def has_words(text: str) -> bool:
    """Say whether anything but signs, emoji and spaces is left in a text."""
    return any(char.isalnum() for char in text)


def reads(text: str) -> bool:
    """Say whether a text has Chinese enough to be judged; another language's is left to a person."""
    chinese = len(_HAN.findall(text))
    return chinese > 0 and chinese >= LEAST_CHINESE * sum(map(str.isalpha, text))


def after_contrast(text: str) -> str:
    """Give what follows the last "but", that word included; empty where nothing much follows one."""
    places = [match.start() for match in _CONTRAST.finditer(text)]
    return text[places[-1] :] if places and len(text) - places[-1] >= LEAST_TAIL else ""


def clauses(text: str) -> list[tuple[int, int]]:
    """Give the places of a normalised text's clauses that have words: start, and end not included."""
    found = [(match.start(), match.end()) for match in _CLAUSE.finditer(text)]
    return [(start, end) for start, end in found if has_words(text[start:end])]


@cache
def _cutter() -> Callable[[str], list[str]]:
    """Load the faster cutter when it is installed; both cut 99.4 % of the words alike."""
    try:
        import rjieba
    except ImportError:
        import logging

        import jieba

        jieba.setLogLevel(logging.WARNING)
        return cast(Callable[[str], list[str]], jieba.lcut)
    return cast(Callable[[str], list[str]], rjieba.cut)


def cut_words(text: str) -> list[str]:
    """Cut a normalised text into words that, joined, give the text again."""
    return _cutter()(text)
