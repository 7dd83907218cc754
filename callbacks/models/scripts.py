"""What to say on the phone, stage by stage."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from reviews.causes import Cause, SubCause
from reviews.models import Shop

if TYPE_CHECKING:
    from reviews.models.access import Viewer


class Stage(models.TextChoices):
    """The ten stages of a call, in order."""

    IDENTIFY = "identify", _("Identify the buyer")
    INTRODUCE = "introduce", _("Introduce yourself")
    RECALL = "recall", _("Recall the order")
    ASK = "ask", _("Ask what happened")
    LISTEN = "listen", _("Listen and repeat")
    APOLOGISE = "apologise", _("First apology")
    EXPLAIN = "explain", _("Explain the cause")
    APOLOGISE_AGAIN = "apologise_again", _("Second apology")
    REMEDY = "remedy", _("Offer the remedy")
    CLOSE = "close", _("Close the call")


APOLOGIES = (Stage.APOLOGISE, Stage.APOLOGISE_AGAIN)


class ScriptStageQuerySet(models.QuerySet["ScriptStage"]):
    def visible_to(self, viewer: "Viewer") -> "ScriptStageQuerySet":
        return self.filter(models.Q(shop=None) | models.Q(shop__in=Shop.objects.visible_to(viewer)))

    def fitting(self, shop: Shop | None, cause: str, sub_cause: str) -> dict[str, "ScriptStage"]:
        """The most specific text of each stage: sub-cause before cause before any, own shop before all."""
        rows = self.filter(
            models.Q(shop=shop) | models.Q(shop=None),
            models.Q(cause="")
            | models.Q(cause=cause, sub_cause="")
            | models.Q(cause=cause, sub_cause=sub_cause),
        )
        return most_specific(rows)


class ScriptStage(models.Model):
    """The words of one stage, for every case or for one cause or sub-cause, for all shops or one."""

    shop = models.ForeignKey(
        Shop, on_delete=models.CASCADE, null=True, blank=True, related_name="script_stages"
    )
    stage = models.CharField(_("stage"), max_length=16, choices=Stage.choices)
    cause = models.CharField(_("cause"), max_length=12, choices=Cause.choices, blank=True)
    sub_cause = models.CharField(_("sub-cause"), max_length=16, choices=SubCause.choices, blank=True)
    text = models.TextField(_("text"), max_length=1000)
    updated_at = models.DateTimeField(auto_now=True)
    history = HistoricalRecords()

    objects = ScriptStageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "stage", "cause", "sub_cause"],
                condition=models.Q(shop__isnull=False),
                name="one_shop_text_a_stage",
            ),
            models.UniqueConstraint(
                fields=["stage", "cause", "sub_cause"],
                condition=models.Q(shop__isnull=True),
                name="one_common_text_a_stage",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stage} {self.cause}/{self.sub_cause}"

    @property
    def precision(self) -> tuple[bool, bool, bool]:
        return (bool(self.cause), bool(self.sub_cause), self.shop_id is not None)


def most_specific(rows: Iterable[ScriptStage]) -> dict[str, ScriptStage]:
    """Of rows that all fit, the one that is read for each stage, in the order of the call."""
    chosen = {row.stage: row for row in sorted(rows, key=lambda row: row.precision)}
    return {stage: chosen[stage] for stage in Stage.values if stage in chosen}


class MannerHint(models.Model):
    """How to speak: a short line shown beside the script; empty cause means every call."""

    cause = models.CharField(_("cause"), max_length=12, choices=Cause.choices, blank=True)
    text = models.CharField(_("text"), max_length=120)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.text
