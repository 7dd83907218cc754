"""What only the desk's pages draw: rows of cases, deciding words, script lines, masked people."""

import re
from collections.abc import Iterable, Sequence

from django import template
from django.contrib.messages.storage.base import Message
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from markupsafe import escape

from callbacks.models import RemedyStatus
from callbacks.queue import QueueEntry
from reviews import clock
from reviews.models import Case, Order, Status
from reviews.templatetags.ui import (
    address,
    badge,
    cause_badge,
    deadline,
    icon,
    outcome_badge,
    status_badge,
    yuan,
    zwhen,
)

register = template.Library()


Span = tuple[int, int]
UNDO_TAG = "undo:"


# --- a row of a list of cases: drawn here and not by a template, since a page has thirty ---


@register.simple_tag
def case_row(entry: QueueEntry, current: int = 0, in_queue: bool = False) -> SafeString:
    """Draw a case as a link: cause, deadline, first words, who and where, why it stands here.

    `current` is the case that is open beside the list; `in_queue` says that all are the reader's own
    and open, so that status and assignee need no words.
    """
    case, review = entry.case, entry.case.review
    current_mark = ' aria-current="true"' if case.pk == current else ""
    status = "" if in_queue or case.status == Status.CLOSED else status_badge(case.status)
    reason = entry.reason if case.status != Status.CLOSED else ""
    return SafeString(
        f'<a class="row-link" href="{address("callbacks:case", case.pk)}" id="row-{case.pk}"{current_mark}>'
        f'<span class="row-top">{_cause_of(case)}{status}{_hour_of(case)}</span>'
        f'<span class="row-title clamp-2">{escape(review.excerpt or gettext("No text"))}</span>'
        f'<span class="row-foot"><span class="row-note">{_notes_of(case, in_queue)}</span>'
        f"{_span('row-reason', reason) if reason else ''}</span></a>"
    )


def _span(css: str, words: object) -> str:
    return f'<span class="{css}">{escape(words)}</span>'


_MALICIOUS, _UNSURE = _("Perhaps malicious"), _("Cause unsure")


def _cause_of(case: Case) -> SafeString:
    if case.suspected:
        return badge(_MALICIOUS, "purple", "shield-exclamation")
    return badge(_UNSURE, "dashed", "help-circle") if case.needs_decision else cause_badge(case.cause)


def _hour_of(case: Case) -> SafeString:
    """The end, the hour it waits for, the deadline of first contact, or that it was made."""
    if case.status == Status.CLOSED:
        return outcome_badge(case.outcome)
    if case.status == Status.WAITING:
        over = case.wait_until is not None and case.wait_until < clock.now()
        return _due("due-over" if over else "due-calm", "hourglass-high", zwhen(case.wait_until, case.shop))
    if case.first_contact_at:
        return _due("due-calm", "phone-check", gettext("Contacted"))
    return deadline(case.due_at, case.opened_at)


def _due(css: str, sign: str, words: str) -> SafeString:
    return SafeString(f'<span class="due {css}">{icon(sign)}<span>{escape(words)}</span></span>')


def _notes_of(case: Case, in_queue: bool) -> str:
    review = case.review
    notes: list[object] = [review.buyer] if review.buyer else []
    notes.append(case.shop)
    if case.value:
        notes.append(SafeString(_span("num", yuan(case.value))))
    notes.append(review.get_rating_display())
    if not in_queue and case.assignee:
        notes.append(case.assignee)
    return "".join([f"<span>{escape(note)}</span>" for note in notes])


@register.simple_tag
def row_tick(case: Case) -> SafeString:
    """Draw the box that chooses a row for acts on several cases."""
    words = escape(gettext("Choose %(case)s") % {"case": case})
    return SafeString(
        '<label class="row-tick"><input class="form-check-input" type="checkbox" name="case"'
        f' value="{case.pk}" form="bulk" id="tick-{case.pk}">'
        f'<span class="visually-hidden">{words}</span></label>'
    )


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
