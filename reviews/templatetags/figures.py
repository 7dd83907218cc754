"""Figures of the statistics: numbers that open their cases, and spans of time in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from django import template
from django.template import Context
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from reviews.models import Shop
from reviews.statistics import Number, Period
from reviews.templatetags.ui import CAUSE_LOOKS, wan

register = template.Library()

Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses of the cases and reviews behind the numbers of one scope."""

    shops: tuple[Shop, ...]  # empty: all the reader's shops, no need to name them
    period: Period

    def cases(self, number: Number) -> str:
        given = {name for name, _value in number.query}
        days = [] if number.stock or "from" in given else self._days()
        view = [] if "view" in given else [("view", "all")]
        shops = [("shop", str(shop.pk)) for shop in self.shops]
        return self._url("callbacks:queue", [*view, *shops, *days, *number.query])

    def reviews(self, rating: str) -> str:
        shops = [("shop", shop.code) for shop in self.shops]
        rated = [("rating", rating)] if rating else []
        return self._url("reviews:reviews", [*shops, *self._days(), *rated])

    def _days(self) -> Pairs:
        return [("from", self.period.first.isoformat()), ("until", self.period.last.isoformat())]

    def _url(self, name: str, pairs: Iterable[tuple[str, str]]) -> str:
        return f"{reverse(name)}?{urlencode(list(pairs))}"


@register.simple_tag(takes_context=True)
def cases_url(context: Context, number: Number) -> str:
    """Address of the list of the cases a number counted."""
    links: Links = context["links"]
    return links.cases(number)


@register.simple_tag(takes_context=True)
def reviews_url(context: Context, rating: str = "") -> str:
    """Address of the list of the period's reviews, of one rating or all."""
    links: Links = context["links"]
    return links.reviews(rating)


@register.simple_tag(takes_context=True)
def number(context: Context, counted: Number, words: object = None) -> SafeString:
    """Show a count as a link to its cases; nothing counted is a quiet 0 without a link."""
    shown = wan(counted.count) if words is None else words
    if not counted.count:
        return format_html('<span class="quiet">{}</span>', shown)
    return format_html('<a class="number" href="{}">{}</a>', cases_url(context, counted), shown)


@register.filter
def span(took: timedelta | None) -> str:
    """Say how long something took: 42 min, 3 h 20 min, 2 d 4 h."""
    if took is None:
        return "–"
    minutes = round(took.total_seconds() / 60)
    days, hours = divmod(minutes // 60, 24)
    if minutes < 60:
        return gettext("%(n)s min") % {"n": minutes}
    if days:
        return (
            gettext("%(d)s d %(h)s h") % {"d": days, "h": hours}
            if hours
            else gettext("%(n)s d") % {"n": days}
        )
    rest = minutes % 60
    return (
        gettext("%(h)s h %(m)s min") % {"h": hours, "m": rest} if rest else gettext("%(n)s h") % {"n": hours}
    )


@register.filter
def cause_tone(cause: str) -> str:
    """The tone of a cause's bars."""
    return CAUSE_LOOKS[cause].tone
