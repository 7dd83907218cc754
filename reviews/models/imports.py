"""Files of orders or reviews: the upload, how far it got, and every refused row."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from reviews.models.shops import Shop

if TYPE_CHECKING:
    from reviews.models.access import Viewer


class ImportKind(models.TextChoices):
    REVIEWS = "reviews", _("Reviews")
    ORDERS = "orders", _("Orders")


class ImportStatus(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Running")
    FINISHED = "finished", _("Finished")
    FAILED = "failed", _("Could not be read")


class ImportJobQuerySet(models.QuerySet["ImportJob"]):
    def visible_to(self, viewer: "Viewer") -> "ImportJobQuerySet":
        return self.filter(viewer.shop_filter("shop"))

    def resumable(self) -> list[int]:
        """Ids of jobs that no worker holds: never begun, or begun by one that was lost."""
        free = models.Q(claimed_until=None) | models.Q(claimed_until__lt=timezone.now())
        unfinished = self.filter(free, status__in=[ImportStatus.WAITING, ImportStatus.RUNNING])
        return list(unfinished.order_by("id").values_list("pk", flat=True))


class ImportJob(models.Model):
    """One file. `done` rows are committed with their counts, so a lost worker goes on where it stopped.

    The file itself is kept in the database, where every worker machine finds it, until the job ends.
    """

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="imports")
    filename = models.CharField(_("file"), max_length=200)
    content = models.BinaryField(editable=False)
    kind = models.CharField(_("kind"), max_length=8, choices=ImportKind.choices, blank=True)
    status = models.CharField(
        _("status"), max_length=8, choices=ImportStatus.choices, default=ImportStatus.WAITING
    )
    error = models.TextField(_("error"), blank=True)
    unknown_headers = models.JSONField(default=list, blank=True)
    skipped = models.PositiveIntegerField(_("skipped"), default=0)
    total = models.PositiveIntegerField(_("rows"), default=0)
    done = models.PositiveIntegerField(_("done"), default=0)
    created = models.PositiveIntegerField(_("new"), default=0)
    changed = models.PositiveIntegerField(_("changed"), default=0)
    unchanged = models.PositiveIntegerField(_("unchanged"), default=0)
    refused = models.PositiveIntegerField(_("refused"), default=0)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    # Starts without a row taken since: a file that ends the worker itself is given up after a few.
    attempts = models.PositiveSmallIntegerField(default=0)

    objects = ImportJobQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.filename

    @property
    def is_over(self) -> bool:
        return self.status in (ImportStatus.FINISHED, ImportStatus.FAILED)

    @property
    def percent(self) -> int:
        return 100 if self.status == ImportStatus.FINISHED else 100 * self.done // max(self.total, 1)


class ImportRefusal(models.Model):
    """A row that was not taken: its line in the file, why, and what it said."""

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="refusals")
    line = models.PositiveIntegerField(_("line"))
    errors = models.JSONField(_("why"), default=dict)
    cells = models.JSONField(_("row"), default=dict)

    class Meta:
        ordering = ["line"]
        constraints = [models.UniqueConstraint(fields=["job", "line"], name="one_refusal_a_line")]

    def __str__(self) -> str:
        return f"{self.job} line {self.line}"
