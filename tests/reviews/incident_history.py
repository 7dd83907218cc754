"""Eight weeks of complaints of a shop, and a burst, as rows."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from reviews.causes import CAUSE_OF, SubCause
from reviews.models import Buyer, Case, Product, Review, Shop
from tests.factories import make_product

SUB_CAUSES = (SubCause.QUALITY, SubCause.DELIVERY, SubCause.SIZE_FIT, SubCause.ODOR)


def complain(
    shop: Shop, moments: Sequence[datetime], products: Sequence[Product], sub_causes: Sequence[SubCause]
) -> list[Case]:
    """One review and case a moment, each of another buyer; products and sub-causes in turn."""
    before = Review.objects.count()
    buyers = Buyer.objects.bulk_create(
        [Buyer(shop=shop, nick=f"买家{before + n}") for n in range(len(moments))]
    )
    reviews = Review.objects.bulk_create(
        [
            Review(
                shop=shop,
                review_key=f"h{before + n}",
                product=products[n % len(products)],
                buyer=buyers[n],
                rating="bad",
                content="杯子漏水",
                created_at=at,
                received_at=at,
            )
            for n, at in enumerate(moments)
        ]
    )
    return Case.objects.bulk_create(
        [
            Case(
                review=review,
                shop=shop,
                cause=CAUSE_OF[sub_causes[n % len(sub_causes)]],
                sub_cause=sub_causes[n % len(sub_causes)],
                confidence=0.9,
                opened_at=review.created_at + timedelta(minutes=1),
                due_at=review.created_at + timedelta(hours=1),
            )
            for n, review in enumerate(reviews)
        ]
    )


def live_eight_weeks(shop: Shop, now: datetime) -> list[Product]:
    """A complaint every five hours or so, over four products."""
    products = [make_product(shop, f"商品{n}") for n in range(4)]
    moments = [now - timedelta(days=56) + timedelta(minutes=307 * n, seconds=n) for n in range(262)]
    complain(shop, moments, products, SUB_CAUSES)
    return products


def burst(
    shop: Shop, product: Product, now: datetime, number: int = 6, sub_cause: SubCause = SubCause.QUALITY
) -> list[Case]:
    """So many alike complaints, one a minute, the last one a minute ago."""
    moments = [now - timedelta(minutes=number - n + 1) for n in range(number)]
    return complain(shop, moments, [product], [sub_cause])
