"""What a review was judged to be about: by the model, and by people, who teach it."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Count, OuterRef, Subquery
from django.utils.translation import gettext_lazy as _

from reviews.causes import Cause, SubCause
from reviews.classification.verdict import Verdict
from reviews.models.reviews import Review


class ClassificationQuerySet(models.QuerySet["Classification"]):
    def by_people(self) -> "ClassificationQuerySet":
        """Decisions of people; the deciding person's login may be gone since."""
        return self.filter(model="")

    def by_machine(self) -> "ClassificationQuerySet":
        return self.exclude(model="")

    def by_proposal(self) -> list[tuple[str, str, int]]:
        """Count decisions by what a person decided and the machine had read last: (cause, proposed, count).

        A decision about which the machine had said nothing is left out.
        """
        before = Classification.objects.by_machine().filter(
            review=OuterRef("review"), version=OuterRef("version"), made_at__lte=OuterRef("made_at")
        )
        latest = before.order_by("-made_at", "-id")
        rows = self.annotate(proposed=Subquery(latest.values("cause")[:1])).order_by()
        counted = rows.values_list("cause", "proposed").annotate(count=Count("pk"))
        return [(cause, proposed, count) for cause, proposed, count in counted if proposed]


class Classification(models.Model):
    """One judgement of one review version. Rows are only added; the latest one counts.

    `confidence` is 0–1; `words` stand verbatim in the text; `marks` are the clauses that decided as
    [start, end, weight] in the review's full text; `decided_by` is set when a person judged.
    """

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="classifications")
    version = models.PositiveIntegerField()
    cause = models.CharField(_("cause"), max_length=12, choices=Cause.choices)
    sub_cause = models.CharField(_("sub-cause"), max_length=16, choices=SubCause.choices)
    also = models.JSONField(_("further causes"), default=list, blank=True)
    confidence = models.FloatField(_("confidence"), default=1.0)
    decided = models.BooleanField(_("sure enough without a person"), default=True)
    words = models.JSONField(_("deciding words"), default=list, blank=True)
    marks = models.JSONField(_("deciding clauses"), default=list, blank=True)
    model = models.CharField(_("model version"), max_length=40, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # By the second reader: what an agent who has begun sees as a suggestion.
    is_second = models.BooleanField(default=False)
    made_at = models.DateTimeField()

    objects = ClassificationQuerySet.as_manager()

    class Meta:
        ordering = ["-made_at", "-id"]
        get_latest_by = ["made_at", "id"]

    def __str__(self) -> str:
        return f"{self.cause}/{self.sub_cause}"

    @classmethod
    def by_model(
        cls, review: Review, version: int, verdict: Verdict, now: datetime, *, is_second: bool = False
    ) -> Self:
        """What a reader of texts said of one version of a review; not saved."""
        return cls(
            review=review,
            version=version,
            cause=verdict.cause,
            sub_cause=verdict.sub_cause,
            also=[cause.value for cause in verdict.also],
            confidence=verdict.confidence,
            decided=verdict.decided,
            words=list(verdict.words),
            marks=[list(mark) for mark in verdict.marks],
            model=verdict.model,
            made_at=now,
            is_second=is_second,
        )
