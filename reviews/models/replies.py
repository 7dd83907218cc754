"""What the shop answers in public: templates, and the reply of one review."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from reviews import clock
from reviews.causes import Cause, SubCause
from reviews.models.reviews import Review
from reviews.models.shops import Shop

if TYPE_CHECKING:
    from reviews.models.access import Viewer


class Purpose(models.TextChoices):
    REPLY = "reply", _("Reply to a complaint")
    THANKS = "thanks", _("Thank-you for a good review")


class ReplyTemplateQuerySet(models.QuerySet["ReplyTemplate"]):
    def usable_in(self, shop: Shop) -> "ReplyTemplateQuerySet":
        """The shop's own and the common ones."""
        return self.filter(models.Q(shop=shop) | models.Q(shop=None), is_active=True)

    def visible_to(self, viewer: "Viewer") -> "ReplyTemplateQuerySet":
        return self.filter(models.Q(shop=None) | models.Q(shop__in=Shop.objects.visible_to(viewer)))


class ReplyTemplate(models.Model):
    """A public reply with variables; the fitting one is drafted into each case.

    An empty `shop` means every shop; empty `cause` or `sub_cause` means any.
    """

    shop = models.ForeignKey(
        Shop, on_delete=models.CASCADE, null=True, blank=True, related_name="reply_templates"
    )
    name = models.CharField(_("name"), max_length=80)
    purpose = models.CharField(_("purpose"), max_length=8, choices=Purpose.choices, default=Purpose.REPLY)
    cause = models.CharField(_("cause"), max_length=12, choices=Cause.choices, blank=True)
    sub_cause = models.CharField(_("sub-cause"), max_length=16, choices=SubCause.choices, blank=True)
    text = models.TextField(_("text"), max_length=500)
    is_active = models.BooleanField(_("in use"), default=True)
    updated_at = models.DateTimeField(auto_now=True)
    history = HistoricalRecords()

    objects = ReplyTemplateQuerySet.as_manager()

    class Meta:
        ordering = ["purpose", "cause", "sub_cause", "id"]
        verbose_name = _("reply template")
        verbose_name_plural = _("reply templates")

    def __str__(self) -> str:
        return self.name


class ReplyStatus(models.TextChoices):
    DRAFT = "draft", _("Draft")
    POSTED = "posted", _("Posted")


class PublicReply(models.Model):
    """The shop's answer to one review: drafted from a template, posted by a person on the platform."""

    review = models.OneToOneField(Review, on_delete=models.CASCADE, related_name="public_reply")
    template = models.ForeignKey(ReplyTemplate, on_delete=models.SET_NULL, null=True, blank=True)
    text = models.TextField(_("reply"))
    status = models.CharField(max_length=8, choices=ReplyStatus.choices, default=ReplyStatus.DRAFT)
    edited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    updated_at = models.DateTimeField(auto_now=True)
    posted_at = models.DateTimeField(_("posted"), null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status="posted", posted_at__isnull=False)
                | models.Q(status="draft", posted_at__isnull=True),
                name="posted_reply_has_its_time",
            )
        ]

    def __str__(self) -> str:
        return self.text[:40]

    def edit(self, text: str, *, by: Any) -> None:
        """Keep a new wording of a draft."""
        self.text, self.edited_by = text, by
        self.save(update_fields=["text", "edited_by", "updated_at"])

    def mark_posted(self, *, by: Any) -> None:
        """A person has put this text on the platform."""
        self.status, self.posted_at, self.edited_by = ReplyStatus.POSTED, clock.now(), by
        self.save(update_fields=["status", "posted_at", "edited_by", "updated_at"])
