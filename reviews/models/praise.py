"""Good reviews: thanks in bulk, and reuse in marketing, which needs the buyer's consent."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from reviews import clock
from reviews.models.reviews import Review
from reviews.models.shops import Shop

if TYPE_CHECKING:
    from reviews.models.access import Viewer


class ThanksStatus(models.TextChoices):
    PREVIEW = "preview", _("Preview")
    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Running")
    FINISHED = "finished", _("Finished")


class ThanksJobQuerySet(models.QuerySet["ThanksJob"]):
    def visible_to(self, viewer: "Viewer") -> "ThanksJobQuerySet":
        return self.filter(viewer.shop_filter("shop"))

    def unfinished(self) -> "ThanksJobQuerySet":
        """Started, and some texts not kept yet."""
        return self.filter(status__in=[ThanksStatus.WAITING, ThanksStatus.RUNNING])

    def resumable(self) -> list[int]:
        """Ids of jobs that no worker holds: never begun, or begun by one that was lost."""
        free = Q(claimed_until=None) | Q(claimed_until__lt=clock.now())
        return list(self.unfinished().filter(free).order_by("id").values_list("pk", flat=True))


class ThanksJob(models.Model):
    """Thank-yous for many good reviews of one shop, as shown before and then kept exactly so.

    `chosen` is a list of [review id, version, product]; `before` the shop's last thank-yous, from which the
    first of these differ as well. Text n follows from them alone; from the start on both stay.
    """

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="thanks_jobs")
    chosen = models.JSONField(default=list)
    before = models.JSONField(default=list)
    status = models.CharField(max_length=8, choices=ThanksStatus.choices, default=ThanksStatus.PREVIEW)
    done = models.PositiveIntegerField(default=0)
    made = models.PositiveIntegerField(default=0)
    left = models.JSONField(default=dict)  # why → how many were left to a person
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)

    objects = ThanksJobQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"thanks {self.pk}"

    @property
    def total(self) -> int:
        return len(self.chosen)

    @property
    def is_over(self) -> bool:
        return self.status == ThanksStatus.FINISHED

    @property
    def percent(self) -> int:
        return 100 if self.is_over else 100 * self.done // max(self.total, 1)


class ConsentHow(models.TextChoices):
    CHAT = "chat", _("in the shop's chat")
    PHONE = "phone", _("on the telephone")
    WRITTEN = "written", _("in writing")


class MarketingConsentQuerySet(models.QuerySet["MarketingConsent"]):
    def visible_to(self, viewer: "Viewer") -> "MarketingConsentQuerySet":
        return self.filter(viewer.shop_filter("review__shop"))

    def standing(self) -> "MarketingConsentQuerySet":
        """Given and not withdrawn: only these reviews may be shown elsewhere."""
        return self.filter(withdrawn_at=None)


class MarketingConsent(models.Model):
    """The buyer agreed that this review, in this version, is shown elsewhere without a name.

    Rows stay as proof after a withdrawal; one stands at a time. Without `withdrawn_by` a consent to a later
    version took its place.
    """

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="marketing_consents")
    version = models.PositiveIntegerField()
    agreed_at = models.DateTimeField(_("agreed"))
    how = models.CharField(_("how the buyer agreed"), max_length=8, choices=ConsentHow.choices)
    words = models.CharField(_("the buyer's words"), max_length=200)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    recorded_at = models.DateTimeField(default=clock.now)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = MarketingConsentQuerySet.as_manager()

    class Meta:
        ordering = ["-recorded_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["review"], condition=Q(withdrawn_at=None), name="one_consent_stands"
            )
        ]

    def __str__(self) -> str:
        return f"{self.review} {self.agreed_at:%Y-%m-%d}"
