"""Mass incidents: many alike complaints at once, their cases, and what is usual in a shop."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from reviews import clock
from reviews.causes import CAUSE_OF, SubCause
from reviews.incident_rule import times_usual
from reviews.models.cases import Case
from reviews.models.orders import Product
from reviews.models.shops import Shop

if TYPE_CHECKING:
    from reviews.models.access import Viewer

# What was dismissed, or is over, does not ring again so soon; what was confirmed and never closed rings again
# after some days; one nobody decided does not ring twice.
QUIET_FOR = timedelta(hours=12)
STANDS_FOR = timedelta(days=3)


class IncidentState(models.TextChoices):
    SUSPECTED = "suspected", _("To decide")
    CONFIRMED = "confirmed", _("Confirmed")
    DISMISSED = "dismissed", _("No incident")
    CLOSED = "closed", _("Over")


OPEN_STATES = (IncidentState.SUSPECTED, IncidentState.CONFIRMED)

# verb → (from which state, to which). The only way a state changes.
INCIDENT_MOVES: dict[str, tuple[IncidentState, IncidentState]] = {
    "confirm": (IncidentState.SUSPECTED, IncidentState.CONFIRMED),
    "dismiss": (IncidentState.SUSPECTED, IncidentState.DISMISSED),
    "close": (IncidentState.CONFIRMED, IncidentState.CLOSED),
}


class IncidentQuerySet(models.QuerySet["Incident"]):
    def visible_to(self, viewer: "Viewer") -> "IncidentQuerySet":
        return self.filter(viewer.shop_filter("shop"))

    def open(self) -> "IncidentQuerySet":
        return self.filter(state__in=OPEN_STATES)

    def to_decide(self) -> "IncidentQuerySet":
        return self.filter(state=IncidentState.SUSPECTED)

    def unseen(self) -> "IncidentQuerySet":
        """To decide, and nobody who manages the shop has opened it."""
        return self.to_decide().filter(seen_at=None)

    def covering(self, now: datetime) -> "IncidentQuerySet":
        """Those for whose complaints no further alarm rings."""
        standing = Q(state=IncidentState.CONFIRMED, decided_at__gt=now - STANDS_FOR)
        lately = Q(ended_at__gt=now - QUIET_FOR)
        return self.filter(Q(state=IncidentState.SUSPECTED) | standing | lately)


class Incident(models.Model):
    """Complaints of one shop that came in several times as fast as usual: of one product, one sub-cause, both
    or (both empty) of anything.

    `observed` complaints came in the `minutes` before `rang_at`, where `expected` are usual. `statement` is
    what every case of it is answered in public, with variables; `remedy_kind`, `remedy_amount` (yuan) and
    `remedy_reason` are the plan of the remedy, empty for none.
    """

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="incidents")
    product = models.ForeignKey(Product, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    sub_cause = models.CharField(_("sub-cause"), max_length=16, choices=SubCause.choices, blank=True)
    state = models.CharField(max_length=10, choices=IncidentState.choices, default=IncidentState.SUSPECTED)
    rang_at = models.DateTimeField(_("noticed"))
    opened_at = models.DateTimeField(default=clock.now)
    minutes = models.PositiveIntegerField()
    observed = models.PositiveIntegerField()
    expected = models.FloatField()
    seen_at = models.DateTimeField(null=True, blank=True)
    seen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    words = models.CharField(_("reason"), max_length=300, blank=True)
    statement = models.TextField(_("statement"), blank=True)
    remedy_kind = models.CharField(_("remedy"), max_length=16, blank=True)
    remedy_amount = models.DecimalField(
        _("amount, ¥"), max_digits=10, decimal_places=2, null=True, blank=True
    )
    remedy_reason = models.CharField(_("reason"), max_length=300, blank=True)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        ordering = ["-rang_at", "-id"]
        indexes = [
            models.Index(fields=["shop", "-rang_at", "-id"], name="incident_by_time"),
            models.Index(fields=["shop"], name="incident_to_decide", condition=Q(state="suspected")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["suspected", "confirmed"], ended_at__isnull=True)
                | Q(state__in=["dismissed", "closed"], ended_at__isnull=False),
                name="ended_incident_has_its_time",
            )
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def usual(self) -> str:
        """What is usual in these minutes, with as many decimals as say something: 12, 0.4, < 0.1."""
        if self.expected < 0.1:
            return "< 0.1"
        return f"{self.expected:.2g}" if self.expected < 10 else f"{self.expected:.0f}"

    @property
    def times_usual(self) -> float:
        return times_usual(self.observed, self.expected)

    @property
    def began_at(self) -> datetime:
        """The beginning of the minutes that rang."""
        return self.rang_at - timedelta(minutes=self.minutes)

    @property
    def cause(self) -> str:
        return CAUSE_OF[SubCause(self.sub_cause)].value if self.sub_cause else ""


class IncidentCase(models.Model):
    """A case that belongs to an incident. `number` counts within it: each gets words of its own."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="places")
    case = models.OneToOneField(Case, on_delete=models.CASCADE, related_name="incident_place")
    number = models.PositiveIntegerField()
    added_at = models.DateTimeField(default=clock.now)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["incident", "number"], name="one_number_in_an_incident")
        ]

    def __str__(self) -> str:
        return f"{self.incident_id} {self.number}"


class ComplaintPace(models.Model):
    """How many complaints a shop usually gets, as reviews.incident_rule.Usual; learnt anew every day."""

    shop = models.OneToOneField(Shop, on_delete=models.CASCADE, related_name="complaint_pace")
    learnt_at = models.DateTimeField()
    figures: Any = models.JSONField()

    def __str__(self) -> str:
        return f"{self.shop_id} {self.learnt_at:%Y-%m-%d}"
