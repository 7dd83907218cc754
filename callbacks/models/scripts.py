"""What to say on the phone, stage by stage."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from reviews.causes import Cause, SubCause
from reviews.models import Shop
from reviews.prepared import Asked, Prepared

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


class Answer(models.TextChoices):
    """What the buyer answers in a stage, where the call goes on differently."""

    OTHER_PERSON = "other_person", _("Somebody else answers")
    WRONG_NUMBER = "wrong_number", _("Wrong number")
    BUSY = "busy", _("Not convenient now")
    DOUBTFUL = "doubtful", _("Doubts who is calling")
    FORGOT = "forgot", _("Does not remember")
    SILENT = "silent", _("Would rather not say")
    UPSET = "upset", _("Lets off steam")
    DISAGREES = "disagrees", _("Does not accept the cause")
    SETTLED = "settled", _("Agrees")
    WANTS_MORE = "wants_more", _("Finds it too little")
    LATER = "later", _("Another time")
    HESITANT = "hesitant", _("Hesitates")
    UNWILLING = "unwilling", _("Wants nothing of it")
    DO_NOT_CALL = "do_not_call", _("Do not call again")


# The answers a stage branches by, in the order of the keys 5–9.
ANSWERS_AT: dict[Stage, tuple[Answer, ...]] = {
    Stage.IDENTIFY: (Answer.OTHER_PERSON, Answer.WRONG_NUMBER),
    Stage.INTRODUCE: (Answer.BUSY, Answer.DOUBTFUL, Answer.UNWILLING, Answer.DO_NOT_CALL),
    Stage.RECALL: (Answer.FORGOT,),
    Stage.ASK: (Answer.SILENT, Answer.UPSET),
    Stage.EXPLAIN: (Answer.DISAGREES,),
    Stage.REMEDY: (Answer.SETTLED, Answer.WANTS_MORE, Answer.HESITANT, Answer.UNWILLING),
    Stage.CLOSE: (
        Answer.SETTLED, Answer.LATER, Answer.HESITANT, Answer.UNWILLING, Answer.DO_NOT_CALL,
    ),
}  # fmt: skip
_ORDER = [(stage.value, answer) for stage in Stage for answer in ("", *ANSWERS_AT.get(stage, ()))]
Spot = tuple[str, str]  # stage, and the answer after which the words are said (empty: before any)


class ScriptStageQuerySet(models.QuerySet["ScriptStage"]):
    def visible_to(self, viewer: "Viewer") -> "ScriptStageQuerySet":
        return self.filter(models.Q(shop=None) | models.Q(shop__in=Shop.objects.visible_to(viewer)))

    def fitting(self, shop: Shop | None, cause: str, sub_cause: str) -> dict[str, "ScriptStage"]:
        """The most specific text of each stage, before any answer."""
        read = self.read_in(shop, cause, sub_cause)
        return {stage: row for (stage, answer), row in read.items() if not answer}

    def read_in(self, shop: Shop | None, cause: str, sub_cause: str) -> dict[Spot, "ScriptStage"]:
        """The most specific text of each stage and answer: sub-cause before cause before any, own shop before
        all."""
        return most_specific(_READ_IN(shop=shop.pk if shop else 0, cause=cause, sub_cause=sub_cause))


_READ_IN = Prepared(
    lambda: ScriptStage.objects.filter(
        models.Q(shop=Asked("shop")) | models.Q(shop=None),
        models.Q(cause="")
        | models.Q(cause=Asked("cause"), sub_cause="")
        | models.Q(cause=Asked("cause"), sub_cause=Asked("sub_cause")),
    )
)


class ScriptStage(models.Model):
    """The words of one stage, for every case or for one cause or sub-cause, for all shops or one.

    With an `answer` they are what is said in that stage once the buyer has answered so.
    """

    shop = models.ForeignKey(
        Shop, on_delete=models.CASCADE, null=True, blank=True, related_name="script_stages"
    )
    stage = models.CharField(_("stage"), max_length=16, choices=Stage.choices)
    answer = models.CharField(_("buyer's answer"), max_length=16, choices=Answer.choices, blank=True)
    cause = models.CharField(_("cause"), max_length=12, choices=Cause.choices, blank=True)
    sub_cause = models.CharField(_("sub-cause"), max_length=16, choices=SubCause.choices, blank=True)
    text = models.TextField(_("text"), max_length=1000)
    updated_at = models.DateTimeField(auto_now=True)
    history = HistoricalRecords()

    objects = ScriptStageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "stage", "answer", "cause", "sub_cause"],
                condition=models.Q(shop__isnull=False),
                name="one_shop_text_a_stage",
            ),
            models.UniqueConstraint(
                fields=["stage", "answer", "cause", "sub_cause"],
                condition=models.Q(shop__isnull=True),
                name="one_common_text_a_stage",
            ),
        ]

    def __str__(self) -> str:
        return f"{'/'.join(filter(None, self.spot))} {self.cause}/{self.sub_cause}"

    @property
    def spot(self) -> Spot:
        return self.stage, self.answer

    @property
    def precision(self) -> tuple[bool, bool, bool]:
        return (bool(self.cause), bool(self.sub_cause), self.shop_id is not None)


def most_specific(rows: Iterable[ScriptStage]) -> dict[Spot, ScriptStage]:
    """Of rows that all fit, the one that is read for each stage and answer, in the order of the call."""
    chosen = {row.spot: row for row in sorted(rows, key=lambda row: row.precision)}
    return {spot: chosen[spot] for spot in _ORDER if spot in chosen}


class MannerHint(models.Model):
    """How to speak: a short line shown beside the script; empty cause means every call."""

    cause = models.CharField(_("cause"), max_length=12, choices=Cause.choices, blank=True)
    text = models.CharField(_("text"), max_length=120)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.text
