"""Chat records an agent pasted into a case: what the buyer said elsewhere, word for word."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from reviews import clock
from reviews.models.cases import Case
from reviews.personal_data import PersonalTextField


class ChatSource(models.TextChoices):
    SHOP_CHAT = "shop_chat", _("Shop chat of the platform")
    PHONE = "phone", _("Telephone, written down")
    OTHER = "other", _("Elsewhere")


class ChatRecord(models.Model):
    """One pasted passage. Never changed; a wrong one is taken back, which its case remembers."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="chats")
    source = models.CharField(_("source"), max_length=12, choices=ChatSource.choices)
    said_at = models.DateTimeField(_("said at"))
    text = PersonalTextField(_("text"))  # may name people and numbers
    pasted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    pasted_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["said_at", "id"]

    def __str__(self) -> str:
        return f"{self.case} {self.source}"
