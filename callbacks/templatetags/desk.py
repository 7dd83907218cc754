"""What only the desk's pages draw: deciding words, script lines, masked people."""

import re
from collections.abc import Iterable, Sequence

from django import template
from django.contrib.messages.storage.base import Message
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from callbacks.models import RemedyStatus
from reviews.models import Order
from reviews.templatetags.ui import badge, icon

register = template.Library()


Span = tuple[int, int]
UNDO_TAG = "undo:"


@register.filter
def undo_of(message: Message) -> str:
    """The address that undoes what a notice tells of; empty when nothing does."""
    tags = message.extra_tags or ""
    return tags.removeprefix(UNDO_TAG) if tags.startswith(UNDO_TAG) else ""


@register.simple_tag
def why_marked(text: str, words: Iterable[str], spans: Sequence[Span]) -> SafeString:
    """Mark the clauses that decided the cause, their words bold; without clauses the words themselves."""
    if not spans:
        return marked(text, words)
    parts: list[str] = []
    end = 0
    said = gettext("decides the cause:")
    for start, stop in spans:
        parts.append(conditional_escape(text[end:start]))
        inner = marked(text[start:stop], words, "b")
        parts.append(format_html('<mark><span class="visually-hidden">{} </span>{}</mark>', said, inner))
        end = stop
    return mark_safe("".join([*parts, conditional_escape(text[end:])]))  # noqa: S308  every part is escaped


@register.filter
def marked(text: str, words: Iterable[str], tag: str = "mark") -> SafeString:
    """Mark the words that decided the cause where they stand in the text."""
    found = [word for word in words if word]
    if not found:
        return conditional_escape(text)
    pattern = re.compile("|".join(re.escape(word) for word in sorted(found, key=len, reverse=True)), re.I)
    parts: list[str] = []
    end = 0
    for match in pattern.finditer(text):
        parts += [conditional_escape(text[end : match.start()]), _tagged(tag, match[0])]
        end = match.end()
    return mark_safe("".join([*parts, conditional_escape(text[end:])]))  # noqa: S308  every part is escaped


def _tagged(tag: str, words: str) -> SafeString:
    return format_html("<b>{}</b>" if tag == "b" else "<mark>{}</mark>", words)


@register.filter
def spoken(text: str) -> list[dict[str, object]]:
    """Split a stage into what is said and what is a hint (a line in brackets)."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return [{"words": line, "is_hint": line.startswith(("（", "("))} for line in lines]


@register.filter
def stars(count: int | None) -> SafeString:
    """Draw the stars of a review, in words for screen readers."""
    if not count:
        return SafeString("")
    drawn = format_html_join(
        "", "{}", ((icon("star", "star-on" if n < count else "star-off"),) for n in range(5))
    )
    return format_html('<span class="stars" role="img" aria-label="{}/5">{}</span>', count, drawn)


@register.filter
def buyer_of(order: Order | None) -> str:
    """Write the buyer's masked name: 王**."""
    return order.masked_name if order else ""


REMEDY_LOOKS: dict[str, tuple[str, str]] = {
    RemedyStatus.OFFERED: ("blue", "message-2"),
    RemedyStatus.TO_APPROVE: ("amber", "hourglass-high"),
    RemedyStatus.APPROVED: ("green", "circle-check"),
    RemedyStatus.PAID: ("green", "checklist"),
    RemedyStatus.CANCELLED: ("grey", "minus"),
    RemedyStatus.REFUSED: ("grey", "circle-x"),
}


@register.filter
def remedy_badge(status: str) -> SafeString:
    """Show where a remedy stands."""
    tone, sign = REMEDY_LOOKS[status]
    return badge(RemedyStatus(status).label, tone, sign)


@register.filter
def yuan_of_fen(fen: int | None) -> str:
    """Write fen as yuan: 129900 → ¥1,299.00; what is overdrawn has a minus."""
    if fen is None:
        return ""
    yuan, rest = divmod(abs(fen), 100)
    return f"{'−' if fen < 0 else ''}¥{yuan:,}.{rest:02d}"
