"""Script and reply texts with variables: `{surname}`, `{sku|这款}`, filled with the facts of one case.

A stretch that only holds when something is so stands in double brackets: `[[resend|已为您安排补发。]]`,
`[[!settled|请发照片。]]`, `[[called&!settled|…]]`. It is left out when a condition fails or when a variable
in it has neither fact nor fallback: nothing is invented.
"""

import re
from collections.abc import Iterator, Mapping

from django.utils.translation import gettext as _

# Neutral words for a missing fact where the text brings none. `title` has no fact at all: Mr or Ms is
# known only when the voice has been heard, and the wrong one is a grave mistake.
FALLBACKS: dict[str, str] = {
    "surname": "",
    "title": "您",
    "shop": "本店",
    "agent": "我",
    "order_date": "前些天",
    "item": "商品",
    "sku": "这款",
    "courier": "快递",
    "tracking_no": "",
    "content_excerpt": "",
    "sub_cause_words": "这件事",
    "reply_name": "",
    "buyer_nick_masked": "",
    "call_day": "",
    "promise_day": "",
    "done": "",
    "next": "",
}
KNOWN_VARIABLES = frozenset(FALLBACKS)
# What a stretch may depend on besides the variables: facts of the case (reviews.reply_facts).
CONDITIONS = (
    "called", "unreached", "promised", "settled", "named",
    "resend", "exchange", "refund", "part_refund", "return_freight",
)  # fmt: skip
_KNOWN_CONDITIONS = KNOWN_VARIABLES | frozenset(CONDITIONS)

_VARIABLE = re.compile(r"\{([^{}|]*)(?:\|([^{}]*))?\}")
_STRETCH = re.compile(r"\[\[([^\[\]{}|]*)\|([^\[\]]*)\]\]")


class TemplateTextError(ValueError):
    """A text has an unknown variable or condition, or a broken brace; the message names it."""


def variables(text: str) -> set[str]:
    """Names of the variables in a text. Raises TemplateTextError."""
    return {name for name, _fallback in _checked(text)}


def fill(text: str, facts: Mapping[str, str]) -> str:
    """Put this buyer's facts into a text; a missing or blank one takes its fallback.

    Facts are put in as they are, braces too: nothing in a buyer's words is read as a variable.
    """
    list(_checked(text))
    return _put_in(_STRETCH.sub(lambda match: _kept(match, facts), text), facts)


def spoken(text: str) -> str:
    """The text with every stretch in it and neutral words for the variables: all it can come to say."""
    list(_checked(text))
    return _put_in(_STRETCH.sub(lambda match: match[2], text), {})


def _put_in(text: str, facts: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        name, fallback = match[1].strip(), match[2]
        return _fact(name, facts) or (FALLBACKS[name] if fallback is None else fallback)

    return _VARIABLE.sub(value, text)


def _fact(name: str, facts: Mapping[str, str]) -> str:
    return "" if name == "title" else facts.get(name, "").strip()


def _kept(match: re.Match[str], facts: Mapping[str, str]) -> str:
    """The stretch, its variables still in it, when all it says is so; else nothing."""
    so = all(bool(_fact(name, facts)) != denied for name, denied in _conditions(match[1]))
    known = all(
        _fact(one[1].strip(), facts) or one[2] is not None or FALLBACKS[one[1].strip()]
        for one in _VARIABLE.finditer(match[2])
    )
    return match[2] if so and known else ""


def _conditions(words: str) -> list[tuple[str, bool]]:
    """Each condition with whether it is denied."""
    parts = [part.strip() for part in words.split("&")]
    return [(part.removeprefix("!").strip(), part.startswith("!")) for part in parts]


def _checked(text: str) -> Iterator[tuple[str, str | None]]:
    for match in _STRETCH.finditer(text):
        for name, _denied in _conditions(match[1]):
            _check_name(name, _KNOWN_CONDITIONS)
    for match in _VARIABLE.finditer(text):
        name = match[1].strip()
        _check_name(name, KNOWN_VARIABLES)
        yield name, match[2]
    # Stretches first: a variable in a condition must not make it look like one.
    rest = _VARIABLE.sub("\x00", _STRETCH.sub(lambda match: match[2], text))
    if stray := re.search(r"[{}]|\[\[|\]\]", rest):
        near = rest[max(0, stray.start() - 5) : stray.start() + 10].replace("\x00", "…")
        raise TemplateTextError(_("A brace is not closed or not opened near “%(near)s”.") % {"near": near})


def _check_name(name: str, known: frozenset[str]) -> None:
    if name not in known:
        message = _("Unknown variable {%(name)s}. Known ones: %(known)s.")
        raise TemplateTextError(message % {"name": name, "known": "、".join(sorted(known))})
