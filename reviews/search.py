"""Search of reviews and of their cases: every word of the query somewhere in what a review is found by.

Whoever changes a review, its product's title or its buyer marks the text stale; workers write it anew
(reviews.tasks.index_texts). No phone number or name is in it: a number is found whole, by its blind index.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import StrIndex
from django.db.models.lookups import GreaterThan

from reviews import pairs
from reviews.models import Review, SearchText
from reviews.models.reviews import ReviewQuerySet
from reviews.personal_data import phone_index

NUMBER_BEGINS = 4  # signs from which on the beginning of a number is enough; fewer are the whole number
_PHONE = re.compile(r"\+?\d{7,15}")


def plain(text: str) -> str:
    """Words as people mean them: full-width signs and blanks forgiven."""
    return " ".join(unicodedata.normalize("NFKC", text.replace("\0", " ")).split())


def _folded(text: str) -> str:
    """As both sides of a search are written: capitals forgiven too."""
    return plain(text).lower()


def search(reviews: ReviewQuerySet, words: str) -> ReviewQuerySet:
    """Those of the reviews that the words find; without words all of them."""
    return reviews.filter(pk__in=reviews_with(words)) if words.strip() else reviews


def reviews_with(words: str) -> QuerySet[Any]:
    """The ids (`review`) of reviews in which every word stands, or whose order has this phone number.

    A word stands anywhere in what was written, the product's title or the nick, or begins a number.
    """
    rule = Q()
    for word in _folded(words).split():
        number = f" {word}" if len(word) >= NUMBER_BEGINS else f" {word} "
        rule &= pairs.narrowed_to(word) & (_holds("text", word) | _holds("numbers", number))
    found = SearchText.objects.filter(rule).values("review")
    number = re.sub(r"[ ()-]", "", plain(words))
    if not _PHONE.fullmatch(number):
        return found
    of_number = Review.objects.filter(order__phone_index=phone_index(number))
    return found.union(of_number.values("pk"))


def _holds(column: str, words: str) -> Q:
    """The words are in the column. Not LIKE: PostgreSQL would guess a second time, after the index, how rare
    they are, take common words for rare ones and read all that have them."""
    return Q(GreaterThan(StrIndex(F(column), Value(words)), 0))


def found_by(review: Review) -> SearchText:
    """The row of a review: its words, product and nick, its numbers. Product and buyer come with it."""
    product, buyer = review.product, review.buyer
    text = (review.content, review.followup, product.title if product else "", buyer.nick if buyer else "")
    numbers = (review.review_key, review.order_no, review.sub_order_no)
    return SearchText(
        review=review, text=_folded(" ".join(text)), numbers=f" {_folded(' '.join(numbers))} ", stale=False
    )


def index_reviews(reviews: Sequence[Review]) -> None:
    """Write what these reviews are found by."""
    rows = [found_by(review) for review in reviews]
    SearchText.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["review"], update_fields=["text", "numbers", "stale"]
    )
    pairs.store((row.review_id, row.text + row.numbers) for row in rows)


def mark_stale(reviews: Iterable[int]) -> None:
    """These reviews (ids) are new, or something they are found by has changed: a worker writes their text."""
    SearchText.objects.bulk_create(
        (SearchText(review_id=pk, stale=True) for pk in reviews),
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["review"],
        update_fields=["stale"],
    )


@transaction.atomic
def index_stale(limit: int) -> int:
    """Write up to `limit` stale texts anew, the latest reviews first; how many there were."""
    stale = SearchText.objects.filter(stale=True).order_by("-review")
    ids = list(stale.select_for_update(skip_locked=True).values_list("review", flat=True)[:limit])
    index_reviews(list(Review.objects.filter(pk__in=ids).select_related("product", "buyer")))
    return len(ids)
