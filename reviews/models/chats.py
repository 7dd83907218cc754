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


class ChatRecordQuerySet(models.QuerySet["ChatRecord"]):
    def kept(self) -> "ChatRecordQuerySet":
        return self.filter(taken_back_at=None)


class ChatRecord(models.Model):
    """One pasted passage; its text is never changed. Of one taken back only that it was there stays."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="chats")
    source = models.CharField(_("source"), max_length=12, choices=ChatSource.choices)
    said_at = models.DateTimeField(_("said at"))
    text = PersonalTextField(_("text"))  # may name people and numbers
    pasted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    pasted_at = models.DateTimeField(default=clock.now)
    taken_back_at = models.DateTimeField(null=True, blank=True)
    # The buyer's own words in it that a person has marked as the demand: the finder knows only plain ones.
    demand = PersonalTextField(_("demand"), blank=True, default="")
    marked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    marked_at = models.DateTimeField(null=True, blank=True)

    objects = ChatRecordQuerySet.as_manager()

    class Meta:
        ordering = ["said_at", "id"]

    def __str__(self) -> str:
        return f"{self.case} {self.source}"
