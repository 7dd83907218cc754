"""Names, numbers and addresses in a text, found without knowing whose they are: by the finders of rule R6."""

import re
from collections.abc import Callable

from reviews.compliance.normalise import normalise
from reviews.compliance.rules import finders
from reviews.personal_data import mask_address, mask_name, mask_phone

HIDDEN = "**"
_GAP = r"[\s\-－–—_.·]{0,2}"
_MOBILE = re.compile(rf"(?<!\d)(?:\+?86{_GAP})?1{_GAP}[3-9](?:{_GAP}\d){{9}}(?!\d)")
_LANDLINE = re.compile(rf"(?<!\d)0\d{{2,3}}{_GAP}\d{{3,4}}{_GAP}\d{{4}}(?!\d)")
_CALLED = re.compile(r"(?<=我叫|名叫|叫做)(?![你您他她它了不客人])[一-鿿]{2,3}")
_REST_OF_ADDRESS = re.compile(r"(?:院|\s*\d+\s*(?:号院|号楼|号|栋|幢|单元|室|楼|层|座|弄))+")


def _whole(_words: str) -> str:
    return HIDDEN


_BY_FINDER: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("phone", mask_phone),
    ("mail", _whole),
    ("address", mask_address),
    ("name", _whole),
    ("titled", mask_name),
)


def without_personal(text: str, *, whole: bool = False) -> str:
    """The text with every number, name, mail and address in it masked; the words around them stay.

    With `whole` nothing of them is left, not the first digits or the city.
    """
    for pattern, mask in ((_MOBILE, mask_phone), (_LANDLINE, mask_phone), (_CALLED, mask_name)):
        text = pattern.sub(lambda hit, mask=_whole if whole else mask: mask(hit[0]), text)  # type: ignore[misc]
    return "".join(_masked_line(line, whole) for line in text.splitlines(keepends=True))


def _masked_line(line: str, whole: bool) -> str:
    """A finder tells its first place only: what follows is looked at again."""
    for name, partly in _BY_FINDER:
        mask = _whole if whole else partly
        done, rest = "", line
        while found := finders()[name].first((plain := normalise(rest)).text):
            start, end = plain.span(found.start(), found.end())
            if name == "address" and (more := _REST_OF_ADDRESS.match(rest, end)):
                end = more.end()
            done += rest[:start] + (mask(rest[start:end]) or HIDDEN)
            rest = rest[end:]
        line = done + rest
    return line
