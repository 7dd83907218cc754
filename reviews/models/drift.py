"""Alarms that what comes in, or how it is read, is no longer what it was."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from reviews import clock
from reviews.models.shops import Shop

if TYPE_CHECKING:
    from reviews.models.access import Viewer
    from reviews.models.staff import User


class Measure(models.TextChoices):
    CAUSES = "causes", _("Causes")
    CONFIDENCE = "confidence", _("Confidence")
    VOCABULARY = "vocabulary", _("Words")


class DriftAlarmQuerySet(models.QuerySet["DriftAlarm"]):
    def visible_to(self, viewer: "Viewer") -> "DriftAlarmQuerySet":
        return self.filter(viewer.shop_filter("shop"))

    def ringing(self) -> "DriftAlarmQuerySet":
        return self.filter(acknowledged_at=None)


class DriftAlarm(models.Model):
    """A mix that left its base. It rings until a person acknowledges it; then the base begins anew there.

    `since` is where the recent mix begins; `figures` are those of reviews.drift_rule.Shift with the kinds.
    """

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="drift_alarms")
    measure = models.CharField(max_length=12, choices=Measure.choices)
    at = models.DateTimeField(default=clock.now)
    since = models.DateTimeField()
    figures: Any = models.JSONField(default=dict)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = DriftAlarmQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "measure"],
                condition=Q(acknowledged_at=None),
                name="one_ringing_alarm_a_measure",
            )
        ]

    def __str__(self) -> str:
        return f"{self.measure} {self.at:%Y-%m-%d %H:%M}"

    def acknowledge(self, *, by: "User") -> None:
        """Somebody has seen it; a second click changes nothing."""
        DriftAlarm.objects.ringing().filter(pk=self.pk).update(
            acknowledged_at=clock.now(), acknowledged_by=by
        )
