"""The list of all reviews: filters, and pages by key so that the last page costs as much as the first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import OuterRef, Q, Subquery
from django.utils.dateparse import parse_datetime

from reviews import clock
from reviews.models import Classification, Review, Shop, User
from reviews.models.reviews import ReviewQuerySet
from reviews.search import search
from reviews.statistics import Period, Scope

PAGE = 30
COUNTED = 1000  # beyond that many the list says "1000+" instead of counting on


@dataclass(frozen=True, slots=True)
class Page:
    """One page of reviews, newest first; `older` and `newer` are the keys of its neighbours, if any."""

    reviews: list[Review]
    older: str
    newer: str


def reviews_of(user: User, chosen: Mapping[str, Any], shops: list[Shop]) -> ReviewQuerySet:
    """The reviews somebody may see that meet the chosen filters, each with its latest judgement."""
    latest = Classification.objects.filter(review=OuterRef("pk")).order_by("-made_at", "-id")
    found = Review.objects.visible_to(user).annotate(
        cause=Subquery(latest.values("cause")[:1]), sub_cause=Subquery(latest.values("sub_cause")[:1])
    )
    exact = {"shop": "shop__code", "rating": "rating", "cause": "cause"}
    found = found.filter(**{path: chosen[name] for name, path in exact.items() if chosen.get(name)})
    if chosen.get("reply") == "none":
        found = found.filter(public_reply=None)
    elif chosen.get("reply"):
        found = found.filter(public_reply__status=chosen["reply"])
    if chosen.get("from") or chosen.get("until"):
        period = Period(chosen.get("from") or date(2000, 1, 1), chosen.get("until") or date(2999, 12, 30))
        found = found.filter(Scope(tuple(shops), period).within("created_at"))
    return search(found, chosen.get("q", ""))


def page_of(found: ReviewQuerySet, *, older_than: str = "", newer_than: str = "") -> Page:
    """The page below one key or above another; without either the newest."""
    rows = found.select_related("shop", "product", "buyer", "public_reply").prefetch_related("cases")
    if key := _read_key(newer_than):
        above = list(rows.filter(_beyond(key, "gt")).order_by("created_at", "id")[: PAGE + 1])
        shown = above[:PAGE][::-1]
        return Page(shown, _key(shown[-1:]), _key(shown[:1]) if len(above) > PAGE else "")
    key = _read_key(older_than)
    below = list(
        (rows.filter(_beyond(key, "lt")) if key else rows).order_by("-created_at", "-id")[: PAGE + 1]
    )
    shown = below[:PAGE]
    return Page(shown, _key(shown[-1:]) if len(below) > PAGE else "", _key(shown[:1]) if key else "")


def count_up_to(found: ReviewQuerySet) -> str:
    """How many there are, "1000+" when more: nobody waits for an exact figure."""
    number = found.order_by()[: COUNTED + 1].count()
    return f"{COUNTED}+" if number > COUNTED else str(number)


def _beyond(key: tuple[datetime, int], side: str) -> Q:
    at, pk = key
    # The first condition alone lets the index by time serve the page.
    return Q(**{f"created_at__{side}e": at}) & (Q(**{f"created_at__{side}": at}) | Q(**{f"id__{side}": pk}))


def _key(rows: list[Review]) -> str:
    return f"{rows[0].created_at.isoformat()}_{rows[0].pk}" if rows else ""


def _read_key(text: str) -> tuple[datetime, int] | None:
    moment, _, pk = text.rpartition("_")
    try:
        at = parse_datetime(moment)
    except ValueError:
        return None
    known = at and at.tzinfo and clock.FIRST_YEAR <= at.year <= clock.LAST_YEAR
    return (at, int(pk)) if at and known and pk.isdecimal() and pk.isascii() else None
