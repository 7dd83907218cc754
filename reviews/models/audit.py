"""Every look at personal data and every act of weight, kept."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from reviews import clock
from reviews.models.shops import Shop


class Action(models.TextChoices):
    REVEAL_PHONE = "reveal_phone", _("Phone number revealed")
    REVEAL_ADDRESS = "reveal_address", _("Address revealed")
    COMPLIANCE = "compliance", _("Text refused by the compliance check")
    TEXT_SENT = "text_sent", _("Text sent")
    KEY_CREATED = "key_created", _("API key created")
    TEAM_CHANGED = "team_changed", _("Team changed")
    ABSENCE = "absence", _("Absence entered or ended")
    CONSENT = "consent", _("Consent to marketing given or withdrawn")
    SHOP_RULE = "shop_rule", _("Rule of the shop changed")
    EVIDENCE = "evidence", _("Evidence pack downloaded")
    DO_NOT_CALL = "do_not_call", _("Do not call")
    MODEL_VERSION = "model_version", _("Model version put in or out of use")
    BUYER_FACT = "buyer_fact", _("Fact about a buyer kept, corrected or deleted")
    RECORDING = "recording", _("Recording of a call")
    TELEPHONE = "telephone", _("Telephone system set up")
    REMEDY_RULES = "remedy_rules", _("Remedy limits or budget changed")
    INCIDENT = "incident", _("Mass incident decided")


class AuditEntry(models.Model):
    """Who did what to which object, when. Holds no personal data itself."""

    at = models.DateTimeField(default=clock.now)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    shop = models.ForeignKey(Shop, on_delete=models.SET_NULL, null=True, blank=True)
    action = models.CharField(max_length=20, choices=Action.choices)
    object_type = models.CharField(max_length=40)
    object_id = models.CharField(max_length=40)
    data: Any = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name = _("audit record")
        verbose_name_plural = _("audit records")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.action} {self.object_type} {self.object_id}"

    @classmethod
    def last_hand(cls, action: Action, thing: models.Model, key: str) -> Any:
        """Who last did this to `thing`, of those records that tell of `key`; None: nobody known."""
        about = {"object_type": thing._meta.model_name or "", "object_id": str(thing.pk)}
        found = cls.objects.filter(action=action, data__has_key=key, **about).select_related("user").first()
        return found.user if found else None

    @classmethod
    def note(
        cls,
        action: Action,
        thing: models.Model,
        *,
        user: Any = None,
        shop: Shop | None = None,
        **data: object,
    ) -> "AuditEntry":
        """Record one act on `thing`."""
        return cls.objects.create(
            action=action,
            object_type=thing._meta.model_name or "",
            object_id=str(thing.pk),
            user=user,
            shop=shop,
            data=data,
        )
