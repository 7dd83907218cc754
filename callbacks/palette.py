"""Finding one case by what an agent has at hand: its number, the order's, the buyer as shown (王**)."""

import re

from django.db.models import Q

from reviews.models import Case, User
from reviews.search import plain

FOUND_AT_MOST = 8
_MASKED = re.compile(r"^(?P<head>[^*]*)\*+(?P<tail>[^*]*)$")


def find_cases(user: User, words: str) -> list[Case]:
    """At most eight of this person's cases: exact numbers first, then open cases of such a buyer, newest
    first. Numbers go by index; a buyer is looked for among open cases only, so that it stays fast."""
    words = plain(words)
    if not words:
        return []
    cases = Case.objects.visible_to(user).select_related("shop", "review__buyer", "review__product")
    found = list(cases.filter(_numbered(words)).order_by("-pk")[:FOUND_AT_MOST])
    if len(found) < FOUND_AT_MOST:
        of_buyer = cases.open().filter(_of_buyer(words)).exclude(pk__in=[case.pk for case in found])
        found += of_buyer.order_by("-pk")[: FOUND_AT_MOST - len(found)]
    return found


def _numbered(words: str) -> Q:
    named = Q(review__order_no=words) | Q(review__review_key=words)
    number = words.removeprefix("#")
    return named | Q(pk=int(number)) if number.isdecimal() and len(number) < 12 else named


def _of_buyer(words: str) -> Q:
    masked = _MASKED.match(words)
    if not masked:
        return Q(review__buyer__nick__istartswith=words)
    return Q(review__buyer__nick__istartswith=masked["head"], review__buyer__nick__iendswith=masked["tail"])
