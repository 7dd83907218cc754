"""What the shop does to put it right. It answers the problem and is never tied to the review."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from reviews.models import Case


class RemedyKind(models.TextChoices):
    REFUND = "refund", _("Full refund")
    PART_REFUND = "part_refund", _("Part refund")
    EXCHANGE = "exchange", _("Exchange")
    RESEND = "resend", _("Re-send")
    RETURN_FREIGHT = "return_freight", _("Return freight paid")
    COUPON = "coupon", _("Coupon")
    GIFT = "gift", _("Small gift")


class RemedyStatus(models.TextChoices):
    TO_APPROVE = "to_approve", _("Waits for a manager")
    APPROVED = "approved", _("Agreed")
    REFUSED = "refused", _("Not approved")


class RemedyQuerySet(models.QuerySet["Remedy"]):
    def standing(self) -> "RemedyQuerySet":
        """Offered, approved or waiting: what makes a case one with a compensation."""
        return self.exclude(status=RemedyStatus.REFUSED)


class Remedy(models.Model):
    """One remedy in a case; `amount` is its cost to the shop in yuan."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="remedies")
    kind = models.CharField(_("remedy"), max_length=16, choices=RemedyKind.choices)
    amount = models.DecimalField(_("amount, ¥"), max_digits=10, decimal_places=2, default=0)
    note = models.CharField(_("note"), max_length=200, blank=True)
    status = models.CharField(max_length=12, choices=RemedyStatus.choices)
    agreed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    agreed_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = RemedyQuerySet.as_manager()

    class Meta:
        ordering = ["agreed_at", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=0), name="remedy_costs_nothing_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ¥{self.amount}"
