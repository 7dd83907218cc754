"""Script and reply texts with variables: `{surname}`, `{sku|这款}`, filled with the facts of one case."""

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
}
KNOWN_VARIABLES = frozenset(FALLBACKS)

_VARIABLE = re.compile(r"\{([^{}|]*)(?:\|([^{}]*))?\}")


class TemplateTextError(ValueError):
    """A text has an unknown variable or a broken brace; the message names it."""


def variables(text: str) -> set[str]:
    """Names of the variables in a text. Raises TemplateTextError."""
    return {name for name, _fallback in _checked(text)}


def fill(text: str, facts: Mapping[str, str]) -> str:
    """Put this buyer's facts into a text; a missing or blank one takes its fallback.

    Facts are put in as they are, braces too: nothing in a buyer's words is read as a variable.
    """
    list(_checked(text))

    def value(match: re.Match[str]) -> str:
        name, fallback = match[1].strip(), match[2]
        known = "" if name == "title" else facts.get(name, "").strip()
        return known or (FALLBACKS[name] if fallback is None else fallback)

    return _VARIABLE.sub(value, text)


def _checked(text: str) -> Iterator[tuple[str, str | None]]:
    for match in _VARIABLE.finditer(text):
        name = match[1].strip()
        if name not in KNOWN_VARIABLES:
            known = "、".join(sorted(KNOWN_VARIABLES))
            message = _("Unknown variable {%(name)s}. Known ones: %(known)s.") % {
                "name": name,
                "known": known,
            }
            raise TemplateTextError(message)
        yield name, match[2]
    rest = _VARIABLE.sub(lambda match: "\x00" * len(match[0]), text)
    if stray := re.search(r"[{}]", rest):
        near = text[max(0, stray.start() - 5) : stray.start() + 10]
        raise TemplateTextError(_("A brace is not closed or not opened near “%(near)s”.") % {"near": near})
