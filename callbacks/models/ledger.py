"""Where the money of the remedies stands: budgets, an append-only ledger, payouts. All in fen."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from callbacks.models.remedies import Remedy
from callbacks.remedy_kinds import RemedyKind
from reviews.models import Shop


class RemedyBudget(models.Model):
    """What a shop may spend on remedies in a calendar month, in all (empty kind) or of one kind.

    The row of the empty kind is also the lock under which limits and budgets are counted.
    """

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="remedy_budgets")
    kind = models.CharField(_("remedy"), max_length=16, choices=RemedyKind.choices, blank=True)
    fen = models.BigIntegerField(_("a month, fen"), null=True, blank=True)
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shop", "kind"], name="one_budget_a_kind"),
            models.CheckConstraint(condition=Q(fen__isnull=True) | Q(fen__gte=0), name="budget_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.shop} {self.kind or '*'}"


class PayoutMethod(models.TextChoices):
    PLATFORM = "platform", _("Platform refund")
    ALIPAY = "alipay", _("Alipay")
    WECHAT = "wechat", _("WeChat Pay")
    BANK = "bank", _("Bank transfer")
    BACK_END = "back_end", _("Shop back-end")
    PARCEL = "parcel", _("Parcel")


class Payout(models.Model):
    """A remedy carried out: how, under which number, by whom. A reversed one came back."""

    remedy = models.ForeignKey(Remedy, on_delete=models.CASCADE, related_name="payouts")
    fen = models.BigIntegerField(_("amount, fen"))
    method = models.CharField(_("way"), max_length=10, choices=PayoutMethod.choices)
    reference = models.CharField(_("number"), max_length=80, blank=True)
    key = models.UUIDField(null=True, blank=True, unique=True)
    paid_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    paid_at = models.DateTimeField()
    reversed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reversed_at = models.DateTimeField(null=True, blank=True)
    reversal_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["paid_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["remedy"], condition=Q(reversed_at=None), name="one_standing_payout_a_remedy"
            ),
            models.CheckConstraint(condition=Q(fen__gte=0), name="payout_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.remedy} {self.method} {self.reference}"


class EntryKind(models.TextChoices):
    RESERVE = "reserve", _("Reserved")
    APPROVE = "approve", _("Agreed")
    CAME_TO = "came_to", _("Cost entered")
    PAY = "pay", _("Paid")
    CANCEL = "cancel", _("Released")
    REVERSAL = "reversal", _("Came back")


class AppendOnly(Exception):
    """Somebody tried to change or delete what is only ever added."""


class LedgerQuerySet(models.QuerySet["LedgerEntry"]):
    def update(self, **changes: Any) -> int:
        raise AppendOnly("Ledger entries are never changed; a mistake is put right by another entry.")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise AppendOnly("Ledger entries are never deleted.")


class LedgerEntry(models.Model):
    """One movement: `open_fen` is promised and not yet paid, `paid_fen` is paid; both are differences.

    `month` is the first day of the shop's month in which the remedy was agreed: its budget bears it.
    """

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="ledger")
    remedy = models.ForeignKey(Remedy, on_delete=models.CASCADE, related_name="ledger")
    payout = models.ForeignKey(Payout, on_delete=models.CASCADE, null=True, blank=True, related_name="ledger")
    remedy_kind = models.CharField(max_length=16, choices=RemedyKind.choices)
    kind = models.CharField(max_length=8, choices=EntryKind.choices)
    month = models.DateField()
    open_fen = models.BigIntegerField()
    paid_fen = models.BigIntegerField(default=0)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    objects = LedgerQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["shop", "month", "remedy_kind"], name="ledger_by_month")]
        constraints = [
            models.UniqueConstraint(
                fields=["remedy"], condition=Q(kind="reserve"), name="one_reserve_a_remedy"
            ),
            models.UniqueConstraint(fields=["payout"], condition=Q(kind="pay"), name="one_pay_a_payout"),
            models.UniqueConstraint(
                fields=["payout"], condition=Q(kind="reversal"), name="one_reversal_a_payout"
            ),
            models.CheckConstraint(
                name="ledger_entry_moves_as_its_kind",
                condition=Q(kind="reserve", open_fen__gte=0, paid_fen=0)
                | Q(kind__in=["approve", "cancel"], open_fen__lte=0, paid_fen=0)
                | Q(kind="came_to", paid_fen=0)
                | Q(kind="pay", paid_fen__gte=0, open_fen=-F("paid_fen"), payout__isnull=False)
                | Q(kind="reversal", paid_fen__lte=0, open_fen=-F("paid_fen"), payout__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.open_fen:+d} {self.paid_fen:+d}"

    def save(self, *args: Any, **options: Any) -> None:
        """Add the entry; a stored one cannot be changed."""
        if self.pk:
            raise AppendOnly("Ledger entries are never changed; a mistake is put right by another entry.")
        super().save(*args, **options)

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnly("Ledger entries are never deleted.")
