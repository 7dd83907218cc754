"""What the shop answers in public: templates with pictures, and the reply of one review with its states."""

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Replace
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from reviews import clock
from reviews.causes import Cause, SubCause
from reviews.models.cases import InvalidTransition, StaleCase
from reviews.models.fields import SearchKeyField
from reviews.models.reviews import Review
from reviews.models.shops import Shop
from reviews.search_keys import words_of

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

    def search(self, query: str) -> "ReplyTemplateQuerySet":
        """Every word somewhere in name or text: as written, in full pinyin, or by its initials."""
        rule = Q()
        for word in words_of(query):
            rule &= Q(search_key__contains=word)
        return self.filter(rule)


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
    search_key = SearchKeyField(of=("name", "text"))
    history = HistoricalRecords(excluded_fields=["search_key"])

    objects = ReplyTemplateQuerySet.as_manager()

    class Meta:
        ordering = ["purpose", "cause", "sub_cause", "id"]
        verbose_name = _("reply template")
        verbose_name_plural = _("reply templates")

    def __str__(self) -> str:
        return self.name


class TemplatePicture(models.Model):
    """A picture that goes with a template where the platform takes one: re-encoded, without EXIF.

    It is kept in the database, where every web machine finds it.
    """

    template = models.ForeignKey(ReplyTemplate, on_delete=models.CASCADE, related_name="pictures")
    name = models.CharField(max_length=120)
    content = models.BinaryField(editable=False)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    added_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["template", "sha256"], name="one_picture_once")]

    def __str__(self) -> str:
        return self.name


class ReplyStatus(models.TextChoices):
    DRAFT = "draft", _("Draft")
    SUBMITTED = "submitted", _("To approve")
    APPROVED = "approved", _("To post")
    SENDING = "sending", _("Posting, not confirmed")
    POSTED = "posted", _("Posted")
    REFUSED = "refused", _("Refused by the platform")
    REMOVED = "removed", _("Removed from the platform")


class Move(models.TextChoices):
    DRAFT = "draft", _("Drafted")
    EDIT = "edit", _("Edited")
    SUBMIT = "submit", _("Handed in for approval")
    SEND_BACK = "send_back", _("Sent back")
    APPROVE = "approve", _("Approved")
    SEND = "send", _("Being posted")
    RECALL = "recall", _("Not on the platform after all")
    POST = "post", _("Posted")
    REFUSE = "refuse", _("Refused by the platform")
    REMOVE = "remove", _("Removed from the platform")
    REVISE = "revise", _("Written anew")


EDITABLE = (ReplyStatus.DRAFT, ReplyStatus.SUBMITTED, ReplyStatus.APPROVED)

# move → (from which status, to which). The only way a reply's status changes.
MOVES: dict[Move, tuple[tuple[ReplyStatus, ...], ReplyStatus]] = {
    Move.EDIT: (EDITABLE, ReplyStatus.DRAFT),
    Move.SUBMIT: ((ReplyStatus.DRAFT,), ReplyStatus.SUBMITTED),
    Move.SEND_BACK: ((ReplyStatus.SUBMITTED, ReplyStatus.APPROVED), ReplyStatus.DRAFT),
    Move.APPROVE: ((ReplyStatus.DRAFT, ReplyStatus.SUBMITTED), ReplyStatus.APPROVED),
    Move.SEND: ((ReplyStatus.APPROVED,), ReplyStatus.SENDING),
    Move.RECALL: ((ReplyStatus.SENDING,), ReplyStatus.APPROVED),
    Move.POST: ((ReplyStatus.APPROVED, ReplyStatus.SENDING), ReplyStatus.POSTED),
    Move.REFUSE: ((ReplyStatus.APPROVED, ReplyStatus.SENDING), ReplyStatus.REFUSED),
    Move.REMOVE: ((ReplyStatus.POSTED,), ReplyStatus.REMOVED),
    Move.REVISE: ((ReplyStatus.REFUSED, ReplyStatus.REMOVED), ReplyStatus.DRAFT),
}


def _closed_up(field: str) -> Combinable:
    """A text without the blanks and line ends that a back-end may set anew."""
    found: Combinable = F(field)
    for blank in " \t\r\n\u3000":
        found = Replace(found, Value(blank), Value(""), output_field=models.TextField())
    return found


class PublicReplyQuerySet(models.QuerySet["PublicReply"]):
    def visible_to(self, viewer: "Viewer") -> "PublicReplyQuerySet":
        return self.filter(viewer.shop_filter("review__shop"))

    def unconfirmed(self) -> "PublicReplyQuerySet":
        """Sent to the platform without a clear answer: to be asked again with the same token."""
        return self.filter(status=ReplyStatus.SENDING)

    def named_by_platform(self, before: datetime) -> "PublicReplyQuerySet":
        """To post or last asked about `before`, while the platform's copy of the review has these very words,
        blanks aside."""
        waiting = Q(status=ReplyStatus.APPROVED, asked_at=None)
        waiting |= Q(status=ReplyStatus.SENDING, asked_at__lt=before)
        answered = self.filter(waiting).exclude(review__reply="").annotate(there=_closed_up("review__reply"))
        return answered.filter(there=_closed_up("text")).order_by("pk")


class PublicReply(models.Model):
    """The shop's answer to one review. `drafted_text` is what the program proposed; `token` names one
    posting, so that asking again cannot post twice; `reason` is why it was sent back, refused or removed.
    """

    review = models.OneToOneField(Review, on_delete=models.CASCADE, related_name="public_reply")
    template = models.ForeignKey(ReplyTemplate, on_delete=models.SET_NULL, null=True, blank=True)
    text = models.TextField(_("reply"))
    drafted_text = models.TextField(blank=True, default="")
    status = models.CharField(max_length=10, choices=ReplyStatus.choices, default=ReplyStatus.DRAFT)
    edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=clock.now)
    updated_at = models.DateTimeField(auto_now=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    approved_at = models.DateTimeField(_("approved"), null=True, blank=True)
    posted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    posted_at = models.DateTimeField(_("posted"), null=True, blank=True)
    token = models.UUIDField(null=True, blank=True, editable=False)
    asked_at = models.DateTimeField(null=True, blank=True, editable=False)
    reason = models.CharField(_("reason"), max_length=200, blank=True, default="")

    objects = PublicReplyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["posted", "removed"], posted_at__isnull=False)
                | (~Q(status__in=["posted", "removed"]) & Q(posted_at__isnull=True)),
                name="posted_reply_has_its_time",
            )
        ]
        indexes = [models.Index(fields=["status", "-updated_at", "-id"], name="reply_by_status")]

    def __str__(self) -> str:
        return self.text[:40]

    @property
    def is_posted(self) -> bool:
        return self.status == ReplyStatus.POSTED

    @property
    def is_editable(self) -> bool:
        return self.status in EDITABLE

    # --- verbs ------------------------------------------------------------------------------

    def edit(self, text: str, *, by: Any) -> None:
        """Keep a new wording; an approval was for the old one and falls."""
        if self.status in EDITABLE and text == self.text:
            return
        self.move(Move.EDIT, by=by, text=text, edited_by=by, approved_by=None, approved_at=None)

    def submit(self, *, by: Any) -> None:
        """Hand the draft in for a manager's approval."""
        self.move(Move.SUBMIT, by=by, reason="")

    def send_back(self, *, by: Any, reason: str) -> None:
        """A manager wants other words."""
        self.move(Move.SEND_BACK, by=by, reason=reason, approved_by=None, approved_at=None)

    def approve(self, *, by: Any) -> None:
        """This very text may be posted."""
        self.move(Move.APPROVE, by=by, reason="", approved_by=by, approved_at=clock.now())

    def send(self, *, by: Any) -> None:
        """It leaves for the platform under a token of its own; until an answer comes nothing is sure."""
        self.move(Move.SEND, by=by, token=uuid.uuid4(), asked_at=clock.now())

    def mark_posted(self, *, by: Any, note: str = "") -> None:
        """This very text stands on the platform."""
        self.move(Move.POST, by=by, note=note, posted_by=by, posted_at=clock.now(), reason="")

    def mark_refused(self, reason: str, *, by: Any) -> None:
        """The platform did not take it."""
        self.move(Move.REFUSE, by=by, reason=reason)

    def mark_removed(self, reason: str, *, by: Any) -> None:
        """It stood on the platform and was taken away."""
        self.move(Move.REMOVE, by=by, reason=reason)

    def revise(self, *, by: Any) -> None:
        """Write it anew after a refusal or removal."""
        fresh: dict[str, Any] = {
            "posted_at": None,
            "posted_by": None,
            "approved_at": None,
            "approved_by": None,
        }
        self.move(Move.REVISE, by=by, token=None, asked_at=None, edited_by=by, **fresh)

    @transaction.atomic
    def move(self, verb: Move, *, by: Any, note: str = "", **changes: Any) -> None:
        """Check the table, compare-and-set on status and text as the caller saw them, log who and when."""
        allowed, target = MOVES[verb]
        before = ReplyStatus(self.status)
        if before not in allowed:
            raise InvalidTransition(
                _("A public reply that is “%(status)s” does not allow this.") % {"status": before.label}
            )
        changes = {"status": target, "updated_at": clock.now(), **changes}
        seen = PublicReply.objects.filter(pk=self.pk, status=before, text=self.text)
        if not seen.update(**changes):
            raise StaleCase(_("Somebody else was quicker: the public reply has changed. Load it again."))
        for name, value in changes.items():
            setattr(self, name, value)
        self.moves.create(move=verb, by=by, at=clock.now(), text=self.text, reason=note or self.reason)


class ReplyMove(models.Model):
    """One line of a reply's history: who did what when, with the text as it then was. Only ever added."""

    reply = models.ForeignKey(PublicReply, on_delete=models.CASCADE, related_name="moves")
    move = models.CharField(max_length=10, choices=Move.choices)
    at = models.DateTimeField(default=clock.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    text = models.TextField(blank=True)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.reply_id} {self.move}"
