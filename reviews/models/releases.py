"""Refused texts a manager is asked about: only R5–R9 can be released, each text for one case and kind."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from reviews import clock
from reviews.models.cases import Case
from reviews.models.shops import Shop
from reviews.personal_data import PersonalTextField

if TYPE_CHECKING:
    from reviews.models.access import Viewer


class ReleaseStatus(models.TextChoices):
    ASKED = "asked", _("Waits for a manager")
    RELEASED = "released", _("Released")
    REFUSED = "refused", _("Refused")


class TextReleaseQuerySet(models.QuerySet["TextRelease"]):
    def visible_to(self, viewer: "Viewer") -> "TextReleaseQuerySet":
        return self.filter(viewer.shop_filter("shop"))

    def waiting(self) -> "TextReleaseQuerySet":
        return self.filter(status=ReleaseStatus.ASKED)


class TextRelease(models.Model):
    """One text of one place (`scope`: case:<id> or shop:<id>). The text may hold personal data: encrypted."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="text_releases")
    case = models.ForeignKey(
        Case, on_delete=models.CASCADE, null=True, blank=True, related_name="text_releases"
    )
    scope = models.CharField(max_length=40)
    kind = models.CharField(max_length=16)
    text = PersonalTextField(_("text"))
    text_index = models.CharField(max_length=64)
    rules = models.JSONField(default=list)
    rules_version = models.CharField(max_length=20)
    status = models.CharField(max_length=8, choices=ReleaseStatus.choices, default=ReleaseStatus.ASKED)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=clock.now)
    decided_by: Any = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    objects = TextReleaseQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["scope", "kind", "text_index"], name="one_release_a_text")
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.kind} {self.status}"
