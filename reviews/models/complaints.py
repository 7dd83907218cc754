"""What follows a confirmed malicious review: the sealed evidence, and the complaint to the platform."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from reviews import clock
from reviews.models.cases import Case

if TYPE_CHECKING:
    from reviews.models.access import Viewer


class PackStatus(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    BUILDING = "building", _("Being put together")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")


class EvidencePackQuerySet(models.QuerySet["EvidencePack"]):
    def resumable(self, now: datetime) -> list[int]:
        """Ids of packs no worker holds: never begun, or begun by one that was lost."""
        free = Q(claimed_until=None) | Q(claimed_until__lt=now)
        unfinished = self.filter(free, status__in=[PackStatus.WAITING, PackStatus.BUILDING])
        return list(unfinished.order_by("id").values_list("pk", flat=True))


class EvidencePack(models.Model):
    """One pack: a ZIP kept encrypted, whose hashes tell every changed byte. Same facts, same bytes."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="packs")
    status = models.CharField(max_length=8, choices=PackStatus.choices, default=PackStatus.WAITING)
    done = models.PositiveSmallIntegerField(default=0)
    total = models.PositiveSmallIntegerField(default=1)
    error = models.TextField(blank=True)
    content = models.BinaryField(editable=False, default=b"")
    size = models.PositiveIntegerField(default=0)
    files: Any = models.JSONField(default=list)  # paths, for the page
    manifest_sha256 = models.CharField(max_length=64, blank=True)
    zip_sha256 = models.CharField(max_length=64, blank=True, db_index=True)
    facts_sha256 = models.CharField(
        max_length=64, blank=True
    )  # reviews.complaints.facts_of when it was built
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    requested_at = models.DateTimeField(default=clock.now)
    built_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    objects = EvidencePackQuerySet.as_manager()

    class Meta:
        ordering = ["-requested_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["case"], condition=Q(status__in=["waiting", "building"]), name="one_pack_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.case} {self.zip_sha256[:8]}"

    @property
    def holds_taken_back(self) -> bool:
        """Whether a chat that stood in the case while it was put together was taken back since."""
        built = self.built_at or clock.now()
        gone = self.case.chats.filter(taken_back_at__gte=self.requested_at, pasted_at__lte=built)
        return gone.exists()

    @property
    def is_over(self) -> bool:
        return self.status in (PackStatus.READY, PackStatus.FAILED)

    @property
    def percent(self) -> int:
        return 100 if self.status == PackStatus.READY else 100 * self.done // max(self.total, 1)


class Reason(models.TextChoices):
    """What the review is said to be. The first five are the sub-causes of malice."""

    UNRELATED = "unrelated", _("Unrelated to the purchase")
    COMPETITOR = "competitor", _("Competitor smear")
    EXTORTION = "extortion", _("Demands money or goods")
    SPAM = "spam", _("Advertisement")
    ABUSE = "abuse", _("Insult only")
    COORDINATED = "coordinated", _("Several accounts acting together")


class ComplaintStatus(models.TextChoices):
    DRAFT = "draft", _("To file")
    FILED = "filed", _("Filed")
    WON = "won", _("Won")
    LOST = "lost", _("Lost")
    APPEALED = "appealed", _("Appealed")
    WITHDRAWN = "withdrawn", _("Withdrawn")


# verb → (from which status, to which). The only way a status changes.
MOVES: dict[str, tuple[tuple[ComplaintStatus, ...], ComplaintStatus]] = {
    "file": ((ComplaintStatus.DRAFT,), ComplaintStatus.FILED),
    "win": ((ComplaintStatus.FILED, ComplaintStatus.APPEALED), ComplaintStatus.WON),
    "lose": ((ComplaintStatus.FILED, ComplaintStatus.APPEALED), ComplaintStatus.LOST),
    "appeal": ((ComplaintStatus.LOST,), ComplaintStatus.APPEALED),
    # A verdict recorded by mistake: back to what it was about.
    "unsettle": ((ComplaintStatus.WON, ComplaintStatus.LOST), ComplaintStatus.FILED),
    "unsettle_appeal": ((ComplaintStatus.WON, ComplaintStatus.LOST), ComplaintStatus.APPEALED),
    "withdraw": (
        (ComplaintStatus.DRAFT, ComplaintStatus.FILED, ComplaintStatus.APPEALED),
        ComplaintStatus.WITHDRAWN,
    ),
}
PENDING = (ComplaintStatus.DRAFT, ComplaintStatus.FILED, ComplaintStatus.APPEALED)


class ComplaintQuerySet(models.QuerySet["Complaint"]):
    def visible_to(self, viewer: "Viewer") -> "ComplaintQuerySet":
        return self.filter(viewer.shop_filter("case__shop"))

    def to_do(self) -> "ComplaintQuerySet":
        """Somebody has to act: file it, or decide on an appeal."""
        return self.filter(
            Q(status=ComplaintStatus.DRAFT) | Q(status=ComplaintStatus.LOST, appealed_at=None)
        ).exclude(status=ComplaintStatus.LOST, appeal_due_at__lt=timezone.now())

    def in_hand_first(self) -> "ComplaintQuerySet":
        """The one to go on with before all others: pending, else won, else one that may be appealed, else
        lost, else withdrawn; the newest of each first."""
        kind = models.Case(
            models.When(status__in=PENDING, then=0),
            models.When(status=ComplaintStatus.WON, then=1),
            models.When(_appealable(clock.now()), then=2),
            models.When(status=ComplaintStatus.LOST, then=3),
            default=4,
        )
        return self.order_by(kind, "-created_at", "-id")


def _appealable(now: datetime) -> Q:
    """Lost, not appealed yet and not too late."""
    in_time = Q(appeal_due_at=None) | Q(appeal_due_at__gte=now)
    return in_time & Q(status=ComplaintStatus.LOST, appealed_at=None)


def running_deadline() -> models.Case:
    """A row's `next_due`, for the database."""
    return models.Case(
        models.When(status=ComplaintStatus.DRAFT, then="due_at"),
        models.When(_appealable(clock.now()), then="appeal_due_at"),
        default=None,
        output_field=models.DateTimeField(),
    )


class Complaint(models.Model):
    """One complaint to the platform. Change it by reviews.complaints only; who and when are case events.

    `due_at` and `appeal_due_at` are empty where the platform's deadline is unknown.
    """

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="complaints")
    reason = models.CharField(_("reason"), max_length=12, choices=Reason.choices)
    status = models.CharField(
        _("status"), max_length=9, choices=ComplaintStatus.choices, default=ComplaintStatus.DRAFT
    )
    statement = models.TextField(_("what happened"), blank=True)
    quote = models.TextField(_("the words complained of"), blank=True)
    platform_no = models.CharField(_("number the platform gave"), max_length=64, blank=True)
    due_at = models.DateTimeField(_("to be filed by"), null=True, blank=True)
    evidence = models.ForeignKey(EvidencePack, on_delete=models.SET_NULL, null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=clock.now)
    filed_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    verdict = models.TextField(_("what the platform said"), blank=True)
    appeal_due_at = models.DateTimeField(_("appeal by"), null=True, blank=True)
    appealed_at = models.DateTimeField(null=True, blank=True)

    objects = ComplaintQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["case"],
                condition=Q(status__in=["draft", "filed", "appealed"]),
                name="one_pending_complaint_a_case",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "withdrawn"]) | Q(filed_at__isnull=False),
                name="filed_complaint_has_its_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case} {self.reason}"

    @property
    def is_pending(self) -> bool:
        return self.status in PENDING

    @property
    def may_appeal(self) -> bool:
        late = self.appeal_due_at is not None and self.appeal_due_at < clock.now()
        return self.status == ComplaintStatus.LOST and self.appealed_at is None and not late

    @property
    def next_due(self) -> datetime | None:
        """The deadline that runs now; empty when none does or it is unknown."""
        if self.status == ComplaintStatus.DRAFT:
            return self.due_at
        return self.appeal_due_at if self.may_appeal else None
