"""Calls, the stages they reached, what was promised, and who must not be called."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from callbacks.calling_rules import Reason
from callbacks.models.scripts import APOLOGIES, Answer, Stage
from reviews import clock
from reviews.models import Buyer, Case, Order
from reviews.personal_data import NO_NUMBER
from reviews.prepared import Asked, Prepared


class CallOutcome(models.TextChoices):
    """How one call went; a call cannot be ended without."""

    AGREED = "agreed", _("Agreed on a remedy")
    REACHED = "reached", _("Reached, not settled")
    LATER = "later", _("Call back later")
    REFUSED = "refused", _("Buyer refuses")
    NO_ANSWER = "no_answer", _("No answer")
    WRONG_NUMBER = "wrong_number", _("Wrong number")
    DO_NOT_CALL = "do_not_call", _("Do not call again")


SPOKEN = (
    CallOutcome.AGREED,
    CallOutcome.REACHED,
    CallOutcome.LATER,
    CallOutcome.REFUSED,
    CallOutcome.DO_NOT_CALL,
)


class Direction(models.TextChoices):
    OUT = "out", _("Outgoing")
    IN = "in", _("Incoming")


class CallLog(models.Model):
    """One call, from `started_at` until it is ended with an outcome; one the buyer begins is no attempt.

    `phone_index` is the number's at that time: attempts are counted by it over all shops. `answered_at` and
    `hung_up_at` come from the telephone system. `notes_saved` counts how often the notes were saved,
    `notes_draft` says by which open page (token:number of its draft): nothing older replaces it.
    """

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="calls")
    agent = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="calls")
    started_at = models.DateTimeField(_("began"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=16, choices=CallOutcome.choices, blank=True)
    notes = models.TextField(_("notes"), blank=True)
    notes_saved = models.PositiveIntegerField(default=0)
    notes_draft = models.CharField(max_length=40, blank=True)
    direction = models.CharField(max_length=3, choices=Direction.choices, default=Direction.OUT)
    phone_index = models.CharField(max_length=64, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    hung_up_at = models.DateTimeField(null=True, blank=True)
    # Why no call was permitted, of one the telephone system reported all the same.
    against = models.CharField(max_length=16, choices=Reason.choices, blank=True)
    recording_url = models.URLField(_("recording"), max_length=500, blank=True)

    class Meta:
        ordering = ["-started_at", "-id"]
        indexes = [models.Index(fields=["phone_index"], name="call_by_number", condition=~Q(phone_index=""))]
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, outcome="") | Q(ended_at__isnull=False) & ~Q(outcome=""),
                name="ended_call_has_outcome",
            ),
            models.UniqueConstraint(
                fields=["case"], condition=Q(ended_at=None), name="one_running_call_a_case"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case} {self.started_at:%Y-%m-%d %H:%M}"

    @property
    def is_running(self) -> bool:
        return self.ended_at is None

    @property
    def reference(self) -> str:
        """What the telephone system is given to name this call by."""
        return f"call-{self.pk}"

    @property
    def talk_ended(self) -> bool:
        """The line is dead; only the outcome is missing."""
        return self.hung_up_at is not None

    @property
    def talk_time(self) -> str:
        """From answer to hang-up as 3:07; empty when nobody answered or it is not known."""
        if not self.answered_at or not self.hung_up_at:
            return ""
        seconds = max(0, int((self.hung_up_at - self.answered_at).total_seconds()))
        return f"{seconds // 60}:{seconds % 60:02}"

    @property
    def apologies(self) -> int:
        """How many apologies the call made (two or three are right)."""
        return sum(reached.stage in APOLOGIES for reached in self.stages.all())

    @property
    def minutes(self) -> int:
        return int((self.ended_at - self.started_at).total_seconds() // 60) if self.ended_at else 0


class StageReached(models.Model):
    """A stage ticked during a call, with its time."""

    call = models.ForeignKey(CallLog, on_delete=models.CASCADE, related_name="stages")
    stage = models.CharField(max_length=16, choices=Stage.choices)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "id"]
        constraints = [models.UniqueConstraint(fields=["call", "stage"], name="one_tick_a_stage")]

    def __str__(self) -> str:
        return self.stage


class BuyerAnswer(models.Model):
    """How the buyer answered in a stage of a call, with its time; the last word in a stage counts."""

    call = models.ForeignKey(CallLog, on_delete=models.CASCADE, related_name="answers")
    stage = models.CharField(max_length=16, choices=Stage.choices)
    answer = models.CharField(max_length=16, choices=Answer.choices)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "id"]
        constraints = [models.UniqueConstraint(fields=["call", "stage"], name="one_answer_a_stage")]

    def __str__(self) -> str:
        return f"{self.stage}: {self.answer}"


class CallbackPromiseQuerySet(models.QuerySet["CallbackPromise"]):
    def pending(self) -> "CallbackPromiseQuerySet":
        return self.filter(kept_at=None, cancelled_at=None)

    def due(self, now: datetime) -> "CallbackPromiseQuerySet":
        return self.pending().filter(due_at__lte=now)


class CallbackPromise(models.Model):
    """A call-back promised to a buyer for one hour. A case has at most one that is pending.

    `agent` is who is to call. `judged_at` is the hour by which it counts as kept (callbacks.kept): a move at
    the buyer's wish before the hour takes it along, any other move does not.
    """

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="promises")
    agent = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="promises")
    due_at = models.DateTimeField(_("promised for"))
    note = models.CharField(_("note"), max_length=200, blank=True)
    made_at = models.DateTimeField(default=clock.now)
    judged_at = models.DateTimeField(_("counts as kept at"), null=True, blank=True)
    moves = models.PositiveSmallIntegerField(_("times moved"), default=0)
    kept_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)

    objects = CallbackPromiseQuerySet.as_manager()

    class Meta:
        ordering = ["due_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["case"],
                condition=Q(kept_at=None, cancelled_at=None),
                name="one_pending_promise_a_case",
            )
        ]
        indexes = [
            models.Index(
                fields=["agent", "due_at"],
                name="promise_pending",
                condition=Q(kept_at=None, cancelled_at=None),
            ),
            models.Index(
                fields=["due_at"], name="promise_by_hour", condition=Q(kept_at=None, cancelled_at=None)
            ),
            models.Index(fields=["judged_at"], name="promise_judged", condition=Q(judged_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.case} {self.due_at:%Y-%m-%d %H:%M}"


class DoNotCallQuerySet(models.QuerySet["DoNotCall"]):
    def forbids(self, *, order: Order | None, buyer: Buyer | None) -> bool:
        """Whether this number (in any shop) or this buyer asked not to be called."""
        number = order.phone_index if order else ""
        return bool(_WISHES(buyer=buyer.pk if buyer else 0, number=number or NO_NUMBER))


_OF_ONE = Q(buyer=Asked("buyer")) | Q(phone_index=Asked("number"))
_WISHES = Prepared(lambda: DoNotCall.objects.filter(_OF_ONE).values_list("pk")[:1])


class DoNotCall(models.Model):
    """A wish that holds at once in every shop of the installation, by the number's blind index."""

    phone_index = models.CharField(max_length=64, blank=True, db_index=True)
    # The wish outlives the shop it was said to: the number is asked about in every other one.
    buyer = models.ForeignKey(Buyer, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    case = models.ForeignKey(Case, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    at = models.DateTimeField(default=clock.now)

    objects = DoNotCallQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.phone_index[:8]} {self.buyer_id}"
