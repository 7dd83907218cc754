"""What to mind next time a buyer is called: facts, kept on the buyer."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from reviews import clock
from reviews.models import Buyer, Case, Review, Shop
from reviews.personal_data import PersonalTextField


class BuyerFactQuerySet(models.QuerySet["BuyerFact"]):
    def about(self, review: Review) -> "BuyerFactQuerySet":
        """What this shop keeps about the writer of the review: by buyer, else by number."""
        order = review.order
        if review.buyer_id:
            return self.filter(shop=review.shop_id, buyer=review.buyer_id)
        number = order.phone_index if order else ""
        return self.filter(shop=review.shop_id, phone_index=number) if number else self.none()


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
