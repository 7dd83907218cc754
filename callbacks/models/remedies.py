"""What the shop does to put it right. It answers the problem and is never tied to the review."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from callbacks.policy import Proof
from callbacks.remedy_kinds import KINDS, KindFacts, RemedyKind
from reviews.models import Case


class RemedyStatus(models.TextChoices):
    OFFERED = "offered", _("Offered, buyer decides")
    TO_APPROVE = "to_approve", _("Waits for a manager")
    APPROVED = "approved", _("Agreed")
    PAID = "paid", _("Carried out")
    CANCELLED = "cancelled", _("Cancelled")
    REFUSED = "refused", _("Not approved")


OWED = (RemedyStatus.OFFERED, RemedyStatus.TO_APPROVE, RemedyStatus.APPROVED)
GONE = (RemedyStatus.CANCELLED, RemedyStatus.REFUSED)


class Because(models.TextChoices):
    """Why a remedy is not the agent's alone to give."""

    CASE_LIMIT = "case_limit", _("above the agent's limit a case")
    DAY_LIMIT = "day_limit", _("above the agent's limit a day")
    BUDGET = "budget", _("above the month's budget")
    POLICY = "policy", _("outside the policy")
    JUDGEMENT = "judgement", _("a manager judges the damage")
    OVER_VALUE = "over_value", _("dearer than the order")
    AGAIN = "again", _("the case has a remedy already")


class RemedyQuerySet(models.QuerySet["Remedy"]):
    def standing(self) -> "RemedyQuerySet":
        """Offered, waiting, agreed or carried out: what makes a case one with a compensation."""
        return self.exclude(status__in=GONE)

    def to_approve(self) -> "RemedyQuerySet":
        return self.filter(status=RemedyStatus.TO_APPROVE)

    def to_carry_out(self) -> "RemedyQuerySet":
        return self.filter(status=RemedyStatus.APPROVED)


class Remedy(models.Model):
    """One remedy in a case; `amount` is its cost to the shop in yuan, `asked` what the agent asked for.

    `key` names the submission: sent twice it is stored once. `because` holds codes of `Because`.
    `policy_version` is the history id of the policy it was measured by. `accepted`: the buyer has said yes to
    this amount, which no manager can do in the buyer's place.
    """

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="remedies")
    kind = models.CharField(_("remedy"), max_length=16, choices=RemedyKind.choices)
    amount = models.DecimalField(_("amount, ¥"), max_digits=10, decimal_places=2, default=0)
    asked = models.DecimalField(_("asked for, ¥"), max_digits=10, decimal_places=2, default=0)
    note = models.CharField(_("note"), max_length=200, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    proof = models.CharField(_("proof"), max_length=10, choices=Proof.choices, default=Proof.STATEMENT)
    because = models.JSONField(default=list, blank=True)
    policy_version = models.BigIntegerField(null=True, blank=True)
    status = models.CharField(max_length=12, choices=RemedyStatus.choices)
    accepted = models.BooleanField(_("the buyer has said yes"), default=False)
    key = models.UUIDField(null=True, blank=True, unique=True)
    agreed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    agreed_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision = models.CharField(_("the manager's words"), max_length=300, blank=True)

    objects = RemedyQuerySet.as_manager()

    class Meta:
        ordering = ["agreed_at", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=0), name="remedy_costs_nothing_negative"),
        ]
        indexes = [
            models.Index(fields=["agreed_at", "id"], name="remedy_waiting", condition=Q(status="to_approve")),
            models.Index(fields=["agreed_by", "agreed_at"], name="remedy_of_the_day"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ¥{self.amount}"

    @property
    def fen(self) -> int:
        """The cost in fen, exact."""
        return int(self.amount * 100)

    @property
    def facts(self) -> KindFacts:
        return KINDS[self.kind]

    @property
    def reasons(self) -> list[str]:
        """Why it was not the agent's alone to give, in words."""
        return [str(Because(code).label) for code in self.because]
