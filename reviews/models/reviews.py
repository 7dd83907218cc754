"""Reviews and every version of them: nothing a buyer wrote is ever changed or deleted."""

from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

from reviews import clock
from reviews.models.orders import Buyer, Order, Product
from reviews.models.shops import Shop

if TYPE_CHECKING:
    from reviews.models.access import Viewer


class Rating(models.TextChoices):
    GOOD = "good", _("Good")
    NEUTRAL = "neutral", _("Neutral")
    BAD = "bad", _("Bad")

    @classmethod
    def of_stars(cls, stars: int) -> "Rating":
        """1–2 bad, 3 neutral, 4–5 good: the common reading of five-star scales."""
        return cls.BAD if stars <= 2 else cls.NEUTRAL if stars == 3 else cls.GOOD


class Source(models.TextChoices):
    API = "api", _("API")
    FILE = "file", _("File")
    COMMAND = "command", _("Command line")
    DEMO = "demo", _("Demo")


class ReviewQuerySet(models.QuerySet["Review"]):
    def visible_to(self, viewer: "Viewer") -> "ReviewQuerySet":
        return self.filter(viewer.shop_filter("shop"))


class Review(models.Model):
    """The present state of one review; `version` counts what ReviewVersion keeps for ever."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="reviews")
    # A shop sells on one platform, so (shop, review_key) is (shop, platform, review key).
    review_key = models.CharField(_("review key"), max_length=120)
    order_no = models.CharField(_("order number"), max_length=64, blank=True)
    sub_order_no = models.CharField(_("sub-order number"), max_length=64, blank=True)
    order = models.ForeignKey(Order, on_delete=models.SET_NULL, null=True, blank=True, related_name="reviews")
    product = models.ForeignKey(
        Product, on_delete=models.SET_NULL, null=True, blank=True, related_name="reviews"
    )
    sku = models.CharField(_("variant"), max_length=200, blank=True)
    buyer = models.ForeignKey(Buyer, on_delete=models.SET_NULL, null=True, blank=True, related_name="reviews")
    rating = models.CharField(_("rating"), max_length=8, choices=Rating.choices)
    stars = models.PositiveSmallIntegerField(_("stars"), null=True, blank=True)
    content = models.TextField(_("text"), blank=True)
    images = models.JSONField(_("pictures"), default=list, blank=True)
    created_at = models.DateTimeField(_("written"))
    followup = models.TextField(_("follow-up review"), blank=True)
    followup_at = models.DateTimeField(_("follow-up written"), null=True, blank=True)
    reply = models.TextField(_("reply on the platform"), blank=True)
    version = models.PositiveIntegerField(default=1)
    source = models.CharField(max_length=8, choices=Source.choices, default=Source.API)
    received_at = models.DateTimeField(_("received"), default=clock.now)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "review_key"], name="one_review_a_key")]
        indexes = [
            models.Index(fields=["shop", "-created_at", "-id"], name="review_by_time"),
            models.Index(
                fields=["shop", "order_no"], name="review_by_order", condition=~models.Q(order_no="")
            ),
            models.Index(
                fields=["product", "created_at"],
                name="review_marks_of_product",
                condition=~models.Q(rating="good"),
            ),
        ]

    def __str__(self) -> str:
        return self.review_key

    @property
    def full_text(self) -> str:
        """First text and follow-up, as the classifier and the reader take them."""
        return f"{self.content}\n{self.followup}".strip()

    @property
    def excerpt(self) -> str:
        text = " ".join((self.followup or self.content).split())
        return text[:60] + ("…" if len(text) > 60 else "")


class ReviewVersion(models.Model):
    """What a review said at one time. Written once, never changed."""

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    rating = models.CharField(max_length=8, choices=Rating.choices)
    stars = models.PositiveSmallIntegerField(null=True, blank=True)
    content = models.TextField(blank=True)
    images = models.JSONField(default=list, blank=True)
    followup = models.TextField(blank=True)
    followup_at = models.DateTimeField(null=True, blank=True)
    source = models.CharField(max_length=8, choices=Source.choices)
    recorded_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["review", "number"], name="one_version_a_number")]

    def __str__(self) -> str:
        return f"{self.review} v{self.number}"
