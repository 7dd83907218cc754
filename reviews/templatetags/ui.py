"""How things look on every page: icons, badges, dates, money and form controls."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache, wraps
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from django import template
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, RadioSelect, Select
from django.template import Context
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from markupsafe import escape

from reviews import clock
from reviews.causes import Cause, SubCause
from reviews.colliding import mark_of
from reviews.models.cases import Outcome, Status
from reviews.models.reviews import Rating

register = template.Library()

MINUTE, HOUR, DAY = 60, 3600, 86400
WEEKDAYS = "一二三四五六日"


class HasTimeZone(Protocol):
    """A shop, or anything else that lives in a time zone."""

    time_zone: str


@dataclass(frozen=True)
class Look:
    """How one choice looks: an icon of the sprite and a tone of app.css."""

    icon: str
    tone: str


CAUSE_LOOKS: Mapping[str, Look] = {
    Cause.PRODUCT: Look("package", "blue"),
    Cause.SUBJECTIVE: Look("message-circle-question", "teal"),
    Cause.SERVICE: Look("headset", "amber"),
    Cause.MALICIOUS: Look("shield-exclamation", "purple"),
    Cause.NONE: Look("thumb-up", "grey"),
}
STATUS_LOOKS: Mapping[str, Look] = {
    Status.NEW: Look("inbox", "blue"),
    Status.ASSIGNED: Look("user-check", "blue"),
    Status.IN_PROGRESS: Look("phone-calling", "teal"),
    Status.WAITING: Look("hourglass-high", "amber"),
    Status.CLOSED: Look("archive", "grey"),
}
OUTCOME_LOOKS: Mapping[str, Look] = {
    Outcome.SOLVED: Look("circle-check", "green"),
    Outcome.SOLVED_FOLLOW_UP: Look("checklist", "green"),
    Outcome.REFUSED: Look("hand-stop", "grey"),
    Outcome.UNREACHABLE: Look("phone-off", "amber"),
    Outcome.MALICIOUS: Look("shield-exclamation", "purple"),
    Outcome.NO_ACTION: Look("minus", "grey"),
}
RATING_LOOKS: Mapping[str, Look] = {
    Rating.GOOD: Look("mood-smile", "green"),
    Rating.NEUTRAL: Look("mood-empty", "amber"),
    Rating.BAD: Look("mood-sad", "red"),
}
UNSURE = Look("help-circle", "dashed")
UNSURE_WORDS = _("To be decided")


def per_language(draw: Callable[..., SafeString]) -> Callable[..., SafeString]:
    """Keep what a function draws, for each language and each set of (plain, hashable) arguments."""

    @lru_cache(4096)
    def drawn(_language: str | None, *args: Hashable) -> SafeString:
        return draw(*args)

    @wraps(draw)
    def kept(*args: Hashable) -> SafeString:
        return drawn(get_language(), *args)

    return kept


# Icons and navigation


@lru_cache(4096)
def address(name: str, *args: Any) -> str:
    """The address of a view; kept, for a page names each of its own twice, and is drawn again and again."""
    return reverse(name, args=args)


@register.simple_tag
@lru_cache(1024)
def icon(name: str, css: str = "") -> SafeString:
    """Draw one icon of the sprite; it is hidden from screen readers, so words must stand beside it."""
    href = f"{static('vendor/icons.svg')}#{name}"
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}"></use></svg>', css, href
    )


@register.simple_tag
def nav_item(
    path: str, name: str, icon_name: str, label: str, key: str = "", count: int = 0, count_words: str = ""
) -> SafeString:
    """Draw one entry of the main navigation, marked when the page at `path` lies under its address."""
    url = address(name)
    current = path == url if url == "/" else path.startswith(url)
    return _nav_item(url, icon_name, label, key, count, count_words, current)


@per_language
def _nav_item(
    url: str, icon_name: str, label: str, key: str, count: int, count_words: str, current: bool
) -> SafeString:
    return format_html(
        '<li class="nav-entry"><a href="{}"{}{}><span class="nav-entry-icon">{}{}</span>'
        '<span class="nav-entry-label">{}</span></a></li>',
        url,
        SafeString(' aria-current="page"') if current else "",
        format_html(' data-key="{0}" data-key-label="{1}" aria-keyshortcuts="{0}"', key, label)
        if key
        else "",
        icon(icon_name),
        _nav_count(count, count_words) if count else "",
        label,
    )


def _nav_count(count: int, words: str) -> SafeString:
    """The number beside an entry; without words of its own it is the cases one holds, in the title too."""
    return format_html(
        '<span class="nav-count num"{}>{}<span class="visually-hidden"> {}</span></span>',
        "" if words else format_html(' data-title-count="{}"', count),
        "99+" if count > 99 else count,
        words or gettext("open cases"),
    )


@register.simple_tag(takes_context=True)
def same_everywhere(context: Context, name: str) -> SafeString:
    """Include a part that says the same on every page; kept once drawn, for who signed in and who did not."""
    user = getattr(context.get("request"), "user", None)
    return _same_everywhere(name, user is not None and user.is_authenticated)


@per_language
def _same_everywhere(name: str, signed_in: bool) -> SafeString:
    return render_to_string(name, {"signed_in": signed_in})


# Badges


def _badge(look: Look, words: Any) -> SafeString:
    return format_html('<span class="tag tone-{}">{}{}</span>', look.tone, icon(look.icon), words)


@register.filter
@per_language
def cause_badge(cause: str | None, sub_cause: str | None = None) -> SafeString:
    """Show a cause, with its sub-cause when given; no cause is "to be decided", a real state."""
    if not cause:
        return _badge(UNSURE, UNSURE_WORDS)
    words: Any = Cause(cause).label
    if sub_cause and sub_cause != SubCause.NONE:
        words = format_html("{} · {}", words, SubCause(sub_cause).label)
    return _badge(CAUSE_LOOKS[cause], words)


@register.filter
def cause_label(code: str | None) -> Any:
    """Return the words of a cause code."""
    return Cause(code).label if code else UNSURE_WORDS


@register.filter
def sub_cause_label(code: str | None) -> Any:
    """Return the words of a sub-cause code."""
    return SubCause(code).label if code else ""


@register.filter
@per_language
def status_badge(status: str | None) -> SafeString:
    """Show whose turn a case is."""
    return _badge(STATUS_LOOKS[status], Status(status).label) if status else SafeString("")


@register.filter
@per_language
def outcome_badge(outcome: str | None) -> SafeString:
    """Show how a case ended; empty while it is open."""
    return _badge(OUTCOME_LOOKS[outcome], Outcome(outcome).label) if outcome else SafeString("")


@register.filter
@per_language
def rating_badge(rating: str | None) -> SafeString:
    """Show a review's rating (good, neutral, bad)."""
    return _badge(RATING_LOOKS[rating], Rating(rating).label) if rating else SafeString("")


@register.simple_tag
def badge(words: Any, tone: str = "grey", icon_name: str = "tag") -> SafeString:
    """Show any words as a badge; tones are blue, teal, amber, purple, green, red, grey, dashed."""
    return _badge(Look(icon_name, tone), words)


# Dates


def _local(moment: datetime, place: HasTimeZone | str | None) -> datetime:
    """Return the moment in a shop's zone, an IANA zone, or the current one."""
    name = place if isinstance(place, str) else getattr(place, "time_zone", "")
    return timezone.localtime(moment, ZoneInfo(name) if name else None)


def _full(local: datetime) -> str:
    if (get_language() or "").startswith("zh"):
        day = f"{local.year}年{local.month}月{local.day}日"
        return f"{day} {local:%H:%M} (周{WEEKDAYS[local.weekday()]})"
    return f"{local:%a}, {local.day} {local:%b %Y, %H:%M}"


@register.filter
def zdate(moment: datetime | None, place: HasTimeZone | str | None = None) -> str:
    """Write a moment in full in the shop's zone: 2026年11月21日 10:22 (周六)."""
    return _full(_local(moment, place)) if moment else ""


@register.filter
def zday(moment: datetime | None, place: HasTimeZone | str | None = None) -> str:
    """Write the day alone, short: 11月21日 (周六)."""
    if not moment:
        return ""
    local = _local(moment, place)
    if (get_language() or "").startswith("zh"):
        return f"{local.month}月{local.day}日 (周{WEEKDAYS[local.weekday()]})"
    return f"{local:%a}, {local.day} {local:%b}"


@register.filter
def ztime(moment: datetime | None, place: HasTimeZone | str | None = None) -> str:
    """Write the hour alone in the shop's zone: 20:00."""
    return f"{_local(moment, place):%H:%M}" if moment else ""


@register.filter
def zwhen(moment: datetime | None, place: HasTimeZone | str | None = None) -> str:
    """Write the hour, with its day unless that is today: 20:00, 明天 20:00, 11月24日 20:00."""
    return when(moment, place, clock.now()) if moment else ""


def when(moment: datetime, place: HasTimeZone | str | None, now: datetime) -> str:
    """The same, as seen at `now`."""
    local = _local(moment, place)
    day = _near_day(local.date(), _local(now, place).date())
    return f"{day} {local:%H:%M}".lstrip()


def _near_day(day: date, today: date) -> str:
    near = {-1: gettext("Yesterday"), 0: "", 1: gettext("Tomorrow")}
    if (away := (day - today).days) in near:
        return near[away]
    year = "" if day.year == today.year else str(day.year)
    if (get_language() or "").startswith("zh"):
        return f"{year}{'年' if year else ''}{day.month}月{day.day}日"
    return f"{day.day} {day:%b} {year}".rstrip()


def _ago_words(seconds: int) -> str:
    """Say how long ago (seconds > 0) or ahead (< 0) a moment is."""
    size = abs(seconds)
    if size < MINUTE:
        return gettext("just now") if seconds >= 0 else gettext("in a moment")
    if size < HOUR:
        n, past, future = size // MINUTE, gettext("%(n)s min ago"), gettext("in %(n)s min")
    elif size < DAY:
        n, past, future = size // HOUR, gettext("%(n)s h ago"), gettext("in %(n)s h")
    else:
        n, past, future = size // DAY, gettext("%(n)s d ago"), gettext("in %(n)s d")
    return (past if seconds > 0 else future) % {"n": n}


@register.filter
def ago(moment: datetime | None, place: HasTimeZone | str | None = None) -> SafeString:
    """Show a moment relative to now, the full one on hover; ticks.js keeps it true."""
    if not moment:
        return SafeString("")
    seconds = int((clock.now() - moment).total_seconds())
    return format_html(
        '<time class="nowrap" datetime="{}" title="{}" data-ago>{}</time>',
        moment.astimezone(UTC).isoformat(timespec="seconds"),
        zdate(moment, place),
        _ago_words(seconds),
    )


def _span_words(seconds: int) -> str:
    """Say a span in its largest fitting unit; minutes at least."""
    if seconds < HOUR:
        return gettext("%(n)s min") % {"n": max(1, seconds // MINUTE)}
    if seconds < DAY:
        return gettext("%(n)s h") % {"n": seconds // HOUR}
    return gettext("%(n)s d") % {"n": seconds // DAY}


def _deadline_words(left: int) -> str:
    if left <= 0:
        return gettext("%(span)s overdue") % {"span": _span_words(-left)}
    span = f"{left // HOUR}:{left % HOUR // MINUTE:02d}" if left < 2 * DAY else _span_words(left)
    return gettext("%(span)s left") % {"span": span}


def _deadline_class(left: timedelta, whole: timedelta | None) -> str:
    if left <= timedelta(0):
        return "due-over"
    return "due-soon" if whole and left * 2 < whole else "due-calm"


@register.filter
def deadline(due: datetime | None, start: datetime | None = None) -> SafeString:
    """Count down to `due`: grey while more than half of the time since `start` is left, then orange, red."""
    if not due:
        return SafeString("")
    left = due - clock.now()
    css = _deadline_class(left, due - start if start else None)
    moment = due.astimezone(UTC).isoformat(timespec="seconds")
    begin = start.astimezone(UTC).isoformat(timespec="seconds") if start else ""
    words = escape(_deadline_words(int(left.total_seconds())))
    return SafeString(
        f'<time class="due {css}" datetime="{moment}" data-due="{moment}" data-from="{begin}"'
        f' title="{escape(zdate(due))}">{icon("clock")}<span>{words}</span></time>'
    )


# Figures


@register.filter
def yuan(amount: Decimal | int | float | None) -> str:
    """Write an amount in yuan: ¥1,299.00."""
    return "" if amount is None else f"¥{Decimal(str(amount)):,.2f}"


@register.filter
def percent(share: float | None, places: int = 0) -> str:
    """Write a share of one as a percentage: 0.873 → 87%."""
    return "–" if share is None else f"{share * 100:.{places}f}%"


@register.filter
def wan(count: int | None) -> str:
    """Write a count, large ones in 万 when the page is Chinese: 12800 → 1.3万."""
    if count is None:
        return "–"
    if abs(count) >= 10000 and (get_language() or "").startswith("zh"):
        return f"{count / 10000:.1f}".removesuffix(".0") + "万"
    return f"{count:,}"


# Forms


def _control_class(field: BoundField) -> str:
    widget = field.field.widget
    if isinstance(widget, RadioSelect | CheckboxSelectMultiple):
        return ""
    if isinstance(widget, CheckboxInput):
        return "form-check-input"
    return "form-select" if isinstance(widget, Select) else "form-control"


@register.filter
def control(field: BoundField, extra: str = "") -> SafeString:
    """Draw a form field's widget with the classes of the theme; Django ties its help and errors by id."""
    invalid = "is-invalid" if field.errors else ""
    own = str(field.field.widget.attrs.get("class", ""))
    css = " ".join(part for part in (_control_class(field), own, extra, invalid) if part)
    return field.as_widget(attrs={"class": css} if css else None)


@register.filter
def mark(content: Any) -> str:
    """The mark of what a form is opened with (reviews.colliding)."""
    return mark_of(content)


@register.filter
def is_check(field: BoundField) -> bool:
    """Tell whether a field is one box to tick, whose label stands behind it."""
    return isinstance(field.field.widget, CheckboxInput)


@register.filter
def is_group(field: BoundField) -> bool:
    """Tell whether a field is a set of boxes or radio buttons, which needs a fieldset."""
    return isinstance(field.field.widget, RadioSelect | CheckboxSelectMultiple)
