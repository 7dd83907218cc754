"""Reviews that wait for the worker. The row is the queue; a Celery message only wakes."""

from datetime import datetime, timedelta
from typing import Self, TypeVar

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from reviews.models.reviews import Review

Row = TypeVar("Row", bound="Waiting")

LOST_TWICE = 2  # tries after which a row is claimed alone
FIRST_PAUSE = timedelta(seconds=5)  # then 20 s, 80 s, over 5 min: a short outage parks nothing


class WaitingQuerySet(models.QuerySet[Row]):
    def waiting(self, now: datetime) -> Self:
        """Neither parked nor held by a worker that is still within its lease."""
        return self.filter(parked_at=None).filter(Q(claimed_until=None) | Q(claimed_until__lt=now))

    def parked(self) -> Self:
        return self.exclude(parked_at=None)

    def claim(self, limit: int, now: datetime) -> list[Row]:
        """Take up to `limit` waiting rows for one lease, oldest first; no two workers get the same."""
        with transaction.atomic():
            waiting = self.waiting(now).filter(attempts__lt=LOST_TWICE)
            if not waiting.exists():
                # Tried twice already: one of these may be what ends its worker, so each goes alone.
                self._park_lost(now)
                waiting, limit = self.waiting(now), 1
            related = ("review__shop", "review__product", "review__buyer", "review__order")
            rows = waiting.select_related(*related).order_by("id")
            rows = rows.select_for_update(skip_locked=True, of=("self",))
            claimed = list(rows[:limit])
            self.filter(pk__in=[row.pk for row in claimed]).update(
                claimed_until=now + self.model.lease(), attempts=F("attempts") + 1
            )
        for row in claimed:
            row.attempts += 1
        return claimed

    def _park_lost(self, now: datetime) -> None:
        """Park what took its worker down at every try: nobody was left to note the failure."""
        lost = self.filter(parked_at=None, attempts__gte=settings.CLASSIFY_ATTEMPTS, claimed_until__lt=now)
        lost.update(parked_at=now, error="The worker was lost each time it read this review.")


class Waiting(models.Model):
    """One review version that waits for a reader; deleted in the transaction that stores the verdict."""

    version = models.PositiveIntegerField()
    queued_at = models.DateTimeField(auto_now_add=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(_("last error"), blank=True)
    parked_at = models.DateTimeField(_("parked"), null=True, blank=True)

    class Meta:
        abstract = True

    @classmethod
    def lease(cls) -> timedelta:
        """How long a claim lasts."""
        lease: timedelta = settings.CLASSIFY_LEASE
        return lease

    def fail(self, error: str, now: datetime) -> None:
        """Note a failed try: the next one after a growing pause, parked after CLASSIFY_ATTEMPTS."""
        self.error = error[:2000]
        self.claimed_until = now + FIRST_PAUSE * 4 ** (self.attempts - 1)
        if self.attempts >= settings.CLASSIFY_ATTEMPTS:
            self.parked_at = now
        self.save(update_fields=["error", "claimed_until", "parked_at"])

    def retry(self) -> None:
        """Let the worker try a parked row again."""
        self.parked_at, self.attempts, self.claimed_until = None, 0, None
        self.save(update_fields=["parked_at", "attempts", "claimed_until"])


class ClassificationRequestQuerySet(WaitingQuerySet["ClassificationRequest"]):
    pass


class ClassificationRequest(Waiting):
    """A review that waits for the first reader, which opens and deals out its case."""

    review = models.OneToOneField(Review, on_delete=models.CASCADE, related_name="classification_request")

    objects = ClassificationRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("review waiting to be read")
        verbose_name_plural = _("reviews waiting to be read")

    def __str__(self) -> str:
        return f"{self.review_id} v{self.version}"


class ReadingRequestQuerySet(WaitingQuerySet["ReadingRequest"]):
    pass


class ReadingRequest(Waiting):
    """A review the first reader was unsure of, and that waits for the second one."""

    review = models.OneToOneField(Review, on_delete=models.CASCADE, related_name="reading_request")

    objects = ReadingRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("review waiting for the second reader")
        verbose_name_plural = _("reviews waiting for the second reader")

    def __str__(self) -> str:
        return f"{self.review_id} v{self.version}"

    @classmethod
    def lease(cls) -> timedelta:
        """How long a claim lasts: the second reader is slower."""
        lease: timedelta = settings.READ_AGAIN_LEASE
        return lease
