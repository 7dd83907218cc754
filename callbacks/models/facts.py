"""What to mind next time a buyer is called: facts, kept on the buyer."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from reviews import clock
from reviews.models import Buyer, Case, Review, Shop
from reviews.personal_data import NO_NUMBER, PersonalTextField


class BuyerFactQuerySet(models.QuerySet["BuyerFact"]):
    def about(self, review: Review) -> "BuyerFactQuerySet":
        """What this shop keeps about the writer of the review."""
        return self.written_by(**writer_of(review))

    def written_by(self, shop: Any, buyer: Any, number: Any) -> "BuyerFactQuerySet":
        """By buyer, else by number; the values are those of `writer_of`."""
        return self.filter(Q(buyer=buyer) | Q(buyer=None, phone_index=number), shop=shop)


def writer_of(review: Review) -> dict[str, int | str]:
    """By what a shop knows who wrote a review; 0 and NO_NUMBER where it does not."""
    number = review.order.phone_index if review.order and not review.buyer_id else ""
    return {"shop": review.shop_id, "buyer": review.buyer_id or 0, "number": number or NO_NUMBER}


class BuyerFact(models.Model):
    """One fact, of one shop, in words the buyer may read (PIPL art. 45). Encrypted: it tells of a person."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    buyer = models.ForeignKey(Buyer, on_delete=models.CASCADE, null=True, blank=True, related_name="facts")
    phone_index = models.CharField(max_length=64, blank=True)
    text = PersonalTextField(_("what to mind"))
    case = models.ForeignKey(Case, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    at = models.DateTimeField(default=clock.now)
    corrected_at = models.DateTimeField(null=True, blank=True)

    objects = BuyerFactQuerySet.as_manager()

    class Meta:
        ordering = ["at", "id"]
        indexes = [
            models.Index(
                fields=["phone_index"], name="fact_by_number", condition=~Q(phone_index="") & Q(buyer=None)
            )
        ]

    def __str__(self) -> str:
        return f"{self.buyer_id} {self.at:%Y-%m-%d}"
