"""The telephone system of a shop: its keys, the agents' extensions, and what it reported."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from callbacks.models.calls import CallLog, Direction
from reviews import clock
from reviews.models import Case, Shop
from reviews.personal_data import PersonalTextField, mask_phone

if TYPE_CHECKING:
    from reviews.models.access import Viewer


class LineEventKind(models.TextChoices):
    """What happens to a call on the line."""

    NEW_CALL = "new_call", _("New call")
    ANSWER = "answer", _("Answered")
    HANG_UP = "hang_up", _("Hung up")


class LineKeyQuerySet(models.QuerySet["LineKey"]):
    def usable(self) -> "LineKeyQuerySet":
        return self.filter(revoked_at=None)


class LineKey(models.Model):
    """A secret shared with the telephone system of one shop. Two may be valid while one replaces the other.

    Signing needs the secret itself, so it is encrypted, not hashed; it is shown once.
    """

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="line_keys")
    key_id = models.CharField(max_length=24, unique=True)
    secret = PersonalTextField()
    made_at = models.DateTimeField(default=clock.now)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = LineKeyQuerySet.as_manager()

    class Meta:
        ordering = ["-made_at", "-id"]

    def __str__(self) -> str:
        return self.key_id


class Extension(models.Model):
    """The extension an agent speaks on, in one shop."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="extensions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="extensions")
    number = models.CharField(_("extension"), max_length=16)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["shop", "number"], name="one_agent_an_extension"),
            models.UniqueConstraint(fields=["shop", "user"], name="one_extension_an_agent"),
        ]

    def __str__(self) -> str:
        return self.number


class LineEventQuerySet(models.QuerySet["LineEvent"]):
    def visible_to(self, viewer: "Viewer") -> "LineEventQuerySet":
        return self.filter(viewer.shop_filter("shop"))

    def unplaced(self) -> "LineEventQuerySet":
        """What nobody could place in a case and no manager has looked at yet."""
        return self.filter(call=None, seen_at=None)


class LineEvent(models.Model):
    """One event as the telephone system reported it, kept once. `call` is the log it belongs to, if known."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="line_events")
    line_id = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=LineEventKind.choices)
    at = models.DateTimeField()
    direction = models.CharField(max_length=3, choices=Direction.choices, default=Direction.OUT)
    number = PersonalTextField(blank=True)
    phone_index = models.CharField(max_length=64, blank=True)
    extension = models.CharField(max_length=16, blank=True)
    reference = models.CharField(max_length=40, blank=True)
    recording_url = models.URLField(max_length=500, blank=True)
    call = models.ForeignKey(CallLog, on_delete=models.SET_NULL, null=True, blank=True, related_name="line")
    received_at = models.DateTimeField(default=clock.now)
    # A case of the shop with this number, for the manager who looks at a call that found no place.
    case = models.ForeignKey(Case, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    seen_at = models.DateTimeField(null=True, blank=True)
    seen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = LineEventQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["shop", "line_id", "kind"], name="one_event_a_call_and_kind")
        ]
        indexes = [
            models.Index(
                fields=["phone_index"],
                name="line_attempt_unplaced",
                condition=Q(call=None, kind="new_call", direction="out"),
            ),
            models.Index(
                fields=["shop", "-at"],
                name="line_event_unplaced",
                condition=Q(call=None, seen_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.line_id} {self.kind}"

    @property
    def masked_number(self) -> str:
        return mask_phone(self.number)
