"""Who has a case open right now, and whom a case was taken from because nobody worked on it."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from reviews import clock
from reviews.models import Case
from reviews.plain_sql import write

LOOKING = timedelta(seconds=15)  # a page that has not asked for longer is no longer looked at
KEPT = timedelta(days=1)
_NOTE = """
INSERT INTO callbacks_caseviewer (case_id, user_id, seen_at) VALUES (%s, %s, %s)
ON CONFLICT (case_id, user_id) DO UPDATE SET seen_at = excluded.seen_at
"""


class CaseViewerQuerySet(models.QuerySet["CaseViewer"]):
    def note(self, case_id: int, user_id: int, now: datetime) -> None:
        """This person looks at the case, or does something in it, at `now`."""
        write(_NOTE, [case_id, user_id, now])

    def forget(self, now: datetime) -> None:
        self.filter(seen_at__lt=now - KEPT).delete()


class CaseViewer(models.Model):
    """One person at one case: when their page last asked, or they last did something there."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="viewers")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    seen_at = models.DateTimeField()

    objects = CaseViewerQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "user"], name="one_look_a_person")]
        indexes = [models.Index(fields=["seen_at"], name="viewer_by_time")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.user_id}"


class LapsedHold(models.Model):
    """A case that was freed because its holder left it; shown to them until they have read it."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="lapses")
    agent = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="lapses")
    at = models.DateTimeField(_("freed"), default=clock.now)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["agent"], name="lapse_unread", condition=Q(read_at=None))]

    def __str__(self) -> str:
        return f"{self.case_id} {self.agent_id}"
