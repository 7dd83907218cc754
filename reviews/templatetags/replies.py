"""How a public reply and its window look."""

from datetime import timedelta

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reviews import clock
from reviews.models import Review
from reviews.models.praise import ConsentHow, ThanksStatus
from reviews.models.replies import Move, ReplyStatus
from reviews.platforms import ReplyWindow
from reviews.replies import closed_words, policy_of, window_of
from reviews.templatetags.ui import Look, badge, icon, zdate
from reviews.thanks import needs_a_person

register = template.Library()

STATUS_LOOKS: dict[str, Look] = {
    ReplyStatus.DRAFT: Look("pencil", "dashed"),
    ReplyStatus.SUBMITTED: Look("checklist", "amber"),
    ReplyStatus.APPROVED: Look("message-2", "blue"),
    ReplyStatus.SENDING: Look("hourglass-high", "amber"),
    ReplyStatus.POSTED: Look("circle-check", "green"),
    ReplyStatus.REFUSED: Look("x", "red"),
    ReplyStatus.REMOVED: Look("archive", "grey"),
}
THANKS_LOOKS: dict[str, tuple[str, str]] = {
    ThanksStatus.PREVIEW: ("dashed", "eye"),
    ThanksStatus.WAITING: ("grey", "clock"),
    ThanksStatus.RUNNING: ("blue", "progress"),
    ThanksStatus.FINISHED: ("green", "check"),
}
PERSON_WORDS = {
    "question": (gettext_lazy("Asks something: yours to answer"), "help-circle"),
    "followup": (gettext_lazy("Has a follow-up: yours to answer"), "message-circle-question"),
    "reservation": (gettext_lazy("Holds something back: yours to answer"), "message-circle-question"),
}
SOON = timedelta(days=3)


@register.filter
def reply_badge(status: str) -> SafeString:
    """Show the state of a public reply."""
    look = STATUS_LOOKS[status]
    return badge(ReplyStatus(status).label, look.tone, look.icon)


@register.filter
def move_label(move: str) -> str:
    return str(Move(move).label)


@register.filter
def how_label(how: str) -> str:
    return str(ConsentHow(how).label)


@register.filter
def thanks_badge(status: str) -> SafeString:
    """Show how far a job of thank-yous is."""
    tone, icon_name = THANKS_LOOKS[status]
    return badge(ThanksStatus(status).label, tone, icon_name)


@register.filter
def person_badge(review: Review) -> SafeString:
    """Say why a good review wants more than thanks, if it does."""
    reason = needs_a_person(review)
    if not reason:
        return SafeString()
    words, icon_name = PERSON_WORDS[reason]
    return badge(words, "amber", icon_name)


@register.simple_tag
def reply_window_of(review: Review) -> ReplyWindow:
    """Until when the platform takes an answer to this review."""
    return window_of(review, clock.now())


@register.simple_tag
def stale_rules(review: Review) -> bool:
    """Tell whether a rule of the review's platform was looked up too long ago."""
    return bool(policy_of(review.shop, clock.now()).stale)


@register.simple_tag
def pictures_allowed(review: Review) -> str:
    """Say whether the platform takes pictures with a reply: "yes", "no", "unknown"."""
    known = policy_of(review.shop, clock.now()).pictures
    return "unknown" if known is None else "yes" if known else "no"


@register.simple_tag
def window_badge(review: Review) -> SafeString:
    """Show the window's end as a countdown, why it is closed, or that its rule is not known."""
    window = window_of(review, clock.now())
    if window.is_closed:
        return format_html(
            '<span class="due due-over" title="{}">{}<span>{}</span></span>',
            closed_words(window),
            icon("x"),
            _("Reply window closed"),
        )
    if window.closes_at is None:
        if window.state == "open":
            return SafeString("")
        return _quiet(_("Check the platform's rule for replies"), "help-circle")
    left = window.closes_at - clock.now()
    tone = "due-soon" if left <= SOON else "due-calm"
    words = _("Reply window: %(span)s left") % {"span": span_words(left)}
    return format_html(
        '<span class="due {}" title="{}">{}<span>{}</span></span>',
        tone,
        zdate(window.closes_at, review.shop),
        icon("hourglass-high"),
        words,
    )


def _quiet(words: str, icon_name: str) -> SafeString:
    return format_html('<span class="due due-calm">{}<span>{}</span></span>', icon(icon_name), words)


def span_words(left: timedelta) -> str:
    """3 days 4 hours; below a day hours and minutes."""
    minutes = max(1, int(left.total_seconds()) // 60)
    if minutes >= 1440:
        return _("%(d)s d %(h)s h") % {"d": minutes // 1440, "h": minutes % 1440 // 60}
    if minutes >= 60:
        return _("%(h)s h %(m)s min") % {"h": minutes // 60, "m": minutes % 60}
    return _("%(n)s min") % {"n": minutes}
