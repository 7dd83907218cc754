"""Acts that can be undone for a while, and acts on many cases at once."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Count, F, Q
from django.utils.translation import gettext_lazy as _

from reviews import clock
from reviews.models import Case, User

UNDO_WITHIN = timedelta(minutes=10)


class ActKind(models.TextChoices):
    """What was done to a case, one at a time or to many at once."""

    ASSIGN = "assign", _("Hand over")
    RELEASE = "release", _("Give back")
    WAIT = "wait", _("Wait until")
    CLOSE = "close", _("Close the case")
    CAUSE = "cause", _("Correct the cause")
    NOTE = "note", _("Add a note")
    MESSAGE = "message", _("Send a text message")
    INCIDENT = "incident", _("Answer an incident")


class JobStatus(models.TextChoices):
    PREVIEW = "preview", _("Preview")
    RUNNING = "running", _("Running")
    FINISHED = "finished", _("Finished")
    CANCELLED = "cancelled", _("Stopped")
    UNDOING = "undoing", _("Being undone")
    UNDONE = "undone", _("Undone")


AT_WORK = (JobStatus.RUNNING, JobStatus.UNDOING)


class RowState(models.TextChoices):
    """How it went with one case of a job."""

    TO_DO = "to_do", _("to do")
    DONE = "done", _("done")
    REFUSED = "refused", _("refused")
    FAILED = "failed", _("failed")
    LEFT = "left", _("left alone: stopped")
    UNDONE = "undone", _("undone")
    STANDS = "stands", _("not undone")


class BulkJobQuerySet(models.QuerySet["BulkJob"]):
    def visible_to(self, user: User) -> "BulkJobQuerySet":
        """One's own jobs: what they did shows in each case's timeline."""
        return self.filter(created_by=user)

    def resumable(self, now: datetime) -> list[int]:
        """Ids of jobs at work that no worker is seen at: the message was lost, or the worker."""
        free = Q(claimed_until=None) | Q(claimed_until__lt=now)
        return list(self.filter(free, status__in=AT_WORK).order_by("id").values_list("pk", flat=True))


class BulkJob(models.Model):
    """One act on many cases, fixed by its preview: `rows` are the cases, and the queue of the workers.

    `asked` is the query string of the list it was chosen from, empty when single rows were chosen; `params`
    are what the act needs (whom to, until when, which outcome), as its form in callbacks.bulk_forms has them.
    """

    act = models.CharField(max_length=10, choices=ActKind.choices)
    params = models.JSONField(default=dict)
    asked = models.TextField(blank=True)
    language = models.CharField(max_length=10)
    status = models.CharField(max_length=10, choices=JobStatus.choices, default=JobStatus.PREVIEW)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="bulk_jobs"
    )
    created_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    undo_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)

    objects = BulkJobQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["created_by", "-created_at"], name="bulk_job_by_person"),
            models.Index(
                fields=["id"], name="bulk_job_at_work", condition=Q(status__in=["running", "undoing"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.pk}"

    @property
    def is_at_work(self) -> bool:
        return self.status in AT_WORK

    @property
    def undo_until(self) -> datetime | None:
        return self.finished_at + UNDO_WITHIN if self.finished_at else None

    def may_be_undone(self, now: datetime) -> bool:
        over = self.status in (JobStatus.FINISHED, JobStatus.CANCELLED)
        return over and self.undo_until is not None and now <= self.undo_until

    def counts(self) -> dict[str, int]:
        """How many rows are in each state."""
        found = self.rows.order_by().values_list("state").annotate(number=Count("pk"))
        return {str(state): number for state, number in found}


class BulkRowQuerySet(models.QuerySet["BulkRow"]):
    def free(self, now: datetime) -> "BulkRowQuerySet":
        return self.filter(Q(claimed_until=None) | Q(claimed_until__lt=now))

    def claim(self, limit: int, now: datetime, lease: timedelta) -> list["BulkRow"]:
        """Take up to `limit` free rows for one lease; no two workers get the same."""
        with transaction.atomic():
            rows = self.free(now).order_by("id")
            rows = rows.select_for_update(skip_locked=True, of=("self",))
            claimed = list(rows[:limit])
            BulkRow.objects.filter(pk__in=[row.pk for row in claimed]).update(
                claimed_until=now + lease, attempts=F("attempts") + 1
            )
        for row in claimed:
            row.attempts += 1
        return claimed


class BulkRow(models.Model):
    """One case of a job. `seen` is how the case stood in the preview: changed since, it is refused.

    `shown` is not stored: what the case gets, for the preview of an act that gives each something of its own.
    """

    shown = ""

    job = models.ForeignKey(BulkJob, on_delete=models.CASCADE, related_name="rows")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+")
    seen = models.CharField(max_length=80)
    state = models.CharField(max_length=8, choices=RowState.choices, default=RowState.TO_DO)
    reason = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True, blank=True)

    objects = BulkRowQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "case"], name="one_row_a_case_of_a_job")]
        indexes = [models.Index(fields=["job", "state", "id"], name="bulk_row_by_state")]

    def __str__(self) -> str:
        return f"{self.job_id} {self.case_id} {self.state}"


class ActQuerySet(models.QuerySet["Act"]):
    def visible_to(self, user: User) -> "ActQuerySet":
        """What one may take back: one's own acts, and those in the shops one manages."""
        own = Q(by=user) | user.managed_shop_filter("case__shop")
        return self.filter(user.shop_filter("case__shop")).filter(own)


class Act(models.Model):
    """How a case stood before an act, so that the act can be undone while nothing else has happened.

    `changed` is field → [before, after]; `also` holds what else the act moved (ids of cancelled promises,
    withdrawn complaints, the judgement made); `last_event` is the case's last event when the act was done.
    """

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="acts")
    kind = models.CharField(max_length=10, choices=ActKind.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(default=clock.now)
    changed: Any = models.JSONField(default=dict)
    also: Any = models.JSONField(default=dict)
    last_event = models.BigIntegerField()
    row = models.OneToOneField(BulkRow, on_delete=models.CASCADE, null=True, blank=True, related_name="done")
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = ActQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["by", "-at"], name="act_by_person"),
            models.Index(fields=["at"], name="act_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.case} {self.kind}"

    @property
    def undo_until(self) -> datetime:
        """Of a job's act: as long as the job itself can be undone."""
        job_until = self.row.job.undo_until if self.row else None
        return job_until or self.at + UNDO_WITHIN
