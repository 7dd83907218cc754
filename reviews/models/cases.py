"""The case a complaint opens: whose turn it is, how it ended, and everything that happened."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from reviews import clock
from reviews.causes import CAUSE_OF, Cause, SubCause
from reviews.models.classifications import Classification
from reviews.models.reviews import Review
from reviews.models.shops import Shop
from reviews.models.staff import User

if TYPE_CHECKING:
    from reviews.models.access import Viewer


class Status(models.TextChoices):
    """Whose turn it is."""

    NEW = "new", _("To take")
    ASSIGNED = "assigned", _("Assigned")
    IN_PROGRESS = "in_progress", _("In progress")
    WAITING = "waiting", _("Waiting")
    CLOSED = "closed", _("Closed")


class Outcome(models.TextChoices):
    """How it ended."""

    SOLVED = "solved", _("Solved")
    SOLVED_FOLLOW_UP = "solved_follow_up", _("Solved with follow-up")
    REFUSED = "refused", _("Buyer refused")
    UNREACHABLE = "unreachable", _("Unreachable")
    MALICIOUS = "malicious", _("Malicious")
    NO_ACTION = "no_action", _("No action needed")


SOLVED = (Outcome.SOLVED, Outcome.SOLVED_FOLLOW_UP)
OPEN = (Status.NEW, Status.ASSIGNED, Status.IN_PROGRESS, Status.WAITING)

SOON = timedelta(hours=1)  # a deadline this close is soon overdue

# verb → (from which status, to which). The only way a status changes.
TRANSITIONS: dict[str, tuple[tuple[Status, ...], Status]] = {
    "assign": (OPEN, Status.ASSIGNED),
    "take": ((Status.NEW, Status.ASSIGNED, Status.WAITING), Status.IN_PROGRESS),
    "release": ((Status.ASSIGNED, Status.IN_PROGRESS, Status.WAITING), Status.NEW),
    "wait_until": ((Status.IN_PROGRESS, Status.WAITING), Status.WAITING),
    "cover": ((Status.WAITING,), Status.WAITING),
    "close": (OPEN, Status.CLOSED),
    "reopen": ((Status.CLOSED,), Status.NEW),
    "lapse": ((Status.IN_PROGRESS,), Status.NEW),
}


class EventKind(models.TextChoices):
    OPENED = "opened", _("Case opened")
    ASSIGN = "assign", _("Assigned")
    TAKE = "take", _("Taken")
    RELEASE = "release", _("Given back")
    WAIT_UNTIL = "wait_until", _("Waits")
    COVER = "cover", _("Passed on in an absence")
    CLOSE = "close", _("Closed")
    REOPEN = "reopen", _("Reopened")
    CAUSE = "cause", _("Cause corrected")
    REVIEW_CHANGED = "review_changed", _("Review changed")
    REVEAL = "reveal", _("Phone number revealed")
    CALL = "call", _("Call")
    PROMISE = "promise", _("Call-back promised")
    PROMISE_CANCELLED = "promise_cancelled", _("Call-back cancelled")
    REMEDY = "remedy", _("Remedy")
    PHOTO = "photo", _("Photo proof added")
    REPLY = "reply", _("Public reply posted")
    REPLY_MOVED = "reply_moved", _("Public reply")
    MESSAGE = "message", _("Message")
    REVIEW_WORDS = "review_words", _("Told that the review is theirs to update")
    TEXT_DECIDED = "text_decided", _("A manager decided on a refused text")
    NOTE = "note", _("Note")
    CHAT = "chat", _("Chat record kept")
    EVIDENCE = "evidence", _("Evidence sealed")
    COMPLAINT = "complaint", _("Complaint to the platform")
    SUSPICION = "suspicion", _("Behaviour looks malicious")
    UNDO = "undo", _("Undone")
    LAPSE = "lapse", _("Freed after 30 idle minutes")
    DEADLINE = "deadline", _("Deadline counted anew")


# What binds the shop to the buyer: after one of these only a person ends the case.
WORK = (EventKind.CALL, EventKind.PROMISE, EventKind.REMEDY, EventKind.MESSAGE, EventKind.REPLY)


class InvalidTransition(Exception):
    """The case's status does not allow this act."""


class StaleCase(Exception):
    """Somebody else was quicker: the case is no longer as the caller saw it."""


class CaseQuerySet(models.QuerySet["Case"]):
    def visible_to(self, viewer: "Viewer") -> "CaseQuerySet":
        return self.filter(viewer.shop_filter("shop"))

    def open(self) -> "CaseQuerySet":
        # As the partial indexes have it: SQLite uses them only for the very same condition.
        return self.filter(~Q(status=Status.CLOSED))

    def closed(self) -> "CaseQuerySet":
        return self.filter(status=Status.CLOSED)

    def solved(self) -> "CaseQuerySet":
        return self.filter(outcome__in=SOLVED)

    def held_by(self, user: User) -> "CaseQuerySet":
        return self.filter(assignee=user)

    def to_take(self) -> "CaseQuerySet":
        return self.filter(status=Status.NEW)

    def overdue(self, now: datetime) -> "CaseQuerySet":
        """First contact not made by its deadline."""
        return self.open().filter(first_contact_at=None, due_at__lt=now)

    def soon_overdue(self, now: datetime) -> "CaseQuerySet":
        """First contact not made and due within the hour."""
        return self.open().filter(first_contact_at=None, due_at__gte=now, due_at__lt=now + SOON)

    def unreached(self) -> "CaseQuerySet":
        """Tried, but nobody has spoken with the buyer yet."""
        return self.open().filter(first_contact_at__isnull=False, reached_at=None)

    def due(self, now: datetime) -> "CaseQuerySet":
        """Open and not waiting for a later hour."""
        return self.open().filter(~Q(status=Status.WAITING) | Q(wait_until__lte=now))

    def to_decide(self) -> "CaseQuerySet":
        """Cause not sure enough: a person decides."""
        return self.open().filter(needs_decision=True)

    def perhaps_malicious(self) -> "CaseQuerySet":
        """Proposed by the text or by behaviour, or already confirmed."""
        return self.open().filter(Q(cause=Cause.MALICIOUS) | Q(suspected=True))


class Case(models.Model):
    """One complaint from opening to outcome. Change it by its verbs only; derived facts are computed.

    `upset` is 0 (calm) to 1, empty until measured; `value` the order amount in yuan; `due_at` the deadline
    for first contact; `wait_until` when a waiting case comes up again.
    """

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="cases")
    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="cases")
    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.NEW)
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome.choices, blank=True)
    cause = models.CharField(_("cause"), max_length=12, choices=Cause.choices)
    sub_cause = models.CharField(_("sub-cause"), max_length=16, choices=SubCause.choices)
    also = models.JSONField(_("further causes"), default=list, blank=True)
    confidence = models.FloatField(_("confidence"))
    needs_decision = models.BooleanField(_("a person decides the cause"), default=False)
    # Several signs in behaviour suggest malice and nobody has decided yet; the text may look harmless.
    suspected = models.BooleanField(_("perhaps malicious"), default=False)
    assignee = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="cases")
    # Who gave it back: dispatch looks for somebody else.
    released_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    upset = models.FloatField(_("upset"), null=True, blank=True)
    value = models.DecimalField(_("order amount, ¥"), max_digits=12, decimal_places=2, null=True, blank=True)
    opened_at = models.DateTimeField(_("opened"))
    reopened_at = models.DateTimeField(_("reopened"), null=True, blank=True)
    due_at = models.DateTimeField(_("first contact due"))
    # Since when a compensation stands in this case: from then on nothing in it may mention the review's mark.
    compensated_at = models.DateTimeField(null=True, blank=True)
    first_contact_at = models.DateTimeField(_("first contact"), null=True, blank=True)
    # When somebody first spoke with the buyer; an unanswered call or a message is a contact, not this.
    reached_at = models.DateTimeField(_("reached"), null=True, blank=True)
    wait_until = models.DateTimeField(_("waits until"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    objects = CaseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status="closed", closed_at__isnull=False) & ~Q(outcome="")
                | ~Q(status="closed") & Q(closed_at__isnull=True, outcome=""),
                name="closed_case_has_outcome",
            ),
            models.CheckConstraint(
                condition=~Q(status="waiting") | Q(wait_until__isnull=False), name="waiting_case_has_hour"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["new", "closed"]) | Q(assignee__isnull=False),
                name="held_case_has_assignee",
            ),
            models.UniqueConstraint(
                fields=["review"], condition=~Q(status="closed"), name="one_open_case_a_review"
            ),
        ]
        indexes = [
            models.Index(fields=["assignee", "status"], name="case_held", condition=~Q(status="closed")),
            models.Index(fields=["shop", "due_at", "id"], name="case_to_take", condition=Q(status="new")),
            models.Index(fields=["shop", "due_at", "id"], name="case_open", condition=~Q(status="closed")),
            models.Index(fields=["shop", "opened_at", "id"], name="case_by_time"),
            models.Index(fields=["wait_until"], name="case_waiting", condition=Q(status="waiting")),
            models.Index(fields=["id"], name="case_unmeasured", condition=Q(upset=None)),
            # The same lists for whoever sees many shops: one walk along the order, no sort.
            models.Index(fields=["due_at", "id"], name="case_to_take_all", condition=Q(status="new")),
            models.Index(fields=["due_at", "id"], name="case_open_all", condition=~Q(status="closed")),
            models.Index(fields=["opened_at", "id"], name="case_all_by_time"),
            models.Index(
                fields=["shop", "closed_at", "id"], name="case_closed", condition=Q(status="closed")
            ),
            models.Index(fields=["closed_at", "id"], name="case_closed_all", condition=Q(status="closed")),
            models.Index(
                fields=["assignee", "closed_at"], name="case_closed_by", condition=Q(status="closed")
            ),
            models.Index(
                fields=["due_at", "id"],
                name="case_uncontacted",
                condition=Q(first_contact_at=None) & ~Q(status="closed"),
            ),
            models.Index(
                fields=["due_at", "id"],
                name="case_unreached",
                condition=Q(first_contact_at__isnull=False, reached_at=None) & ~Q(status="closed"),
            ),
            models.Index(
                fields=["due_at", "id"],
                name="case_to_decide",
                condition=Q(needs_decision=True) & ~Q(status="closed"),
            ),
            models.Index(
                fields=["due_at", "id"],
                name="case_suspect",
                condition=(Q(cause="malicious") | Q(suspected=True)) & ~Q(status="closed"),
            ),
            models.Index(fields=["id"], name="case_in_work", condition=Q(status="in_progress")),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    # --- verbs ------------------------------------------------------------------------------

    def assign(self, agent: User, *, by: User | None = None, reason: str = "") -> None:
        """Give the case to an agent; `by` is empty when dispatch does it."""
        self._move("assign", by=by, data={"to": agent.pk, "reason": reason}, assignee=agent, wait_until=None)

    def take(self, user: User) -> None:
        """Begin work on it. Somebody else's case cannot be taken: it is reassigned by a manager."""
        if self.assignee_id not in (None, user.pk):
            raise StaleCase(_("%(name)s already has this case.") % {"name": self.assignee})
        self._move("take", by=user, assignee=user, wait_until=None)

    def pass_on(self, to: User, *, away: User, due_at: datetime) -> None:
        """Give an absent agent's case to a colleague; one that waits for its hour goes on waiting."""
        data = {"to": to.pk, "from": away.pk, "reason": "absence", "due_at": due_at.isoformat()}
        if self.status == Status.WAITING:
            self._move("cover", by=None, data=data, assignee=to)
        else:
            self._move("assign", by=None, data=data, assignee=to, wait_until=None)

    def release(self, *, by: User | None, reason: str = "") -> None:
        """Put it back for anybody to take; `by` is empty when an absence does it."""
        data: dict[str, object] = {"reason": reason} if reason else {}
        giver = {"released_by": by} if by else {}
        self._move("release", by=by, data=data, assignee=None, wait_until=None, **giver)

    def lapse(self) -> None:
        """Nobody has worked on it for long: free for anybody, its last holder too."""
        self._move("lapse", by=None, data={"from": self.assignee_id}, assignee=None, wait_until=None)

    def set_waiting(
        self, until: datetime, *, by: User | None, reason: str = "", to: User | None = None
    ) -> None:
        """Leave the queue and come up again at `until`; with `to` in that agent's hands."""
        data: dict[str, object] = {"until": until.isoformat(), "reason": reason}
        if to is None or to.pk == self.assignee_id:
            self._move("wait_until", by=by, data=data, wait_until=until)
        else:
            self._move("wait_until", by=by, data={**data, "to": to.pk}, wait_until=until, assignee=to)

    def close(
        self, outcome: Outcome | str, *, by: User | None, note: str = "", at: datetime | None = None
    ) -> None:
        """End the case with an outcome."""
        self._move(
            "close",
            by=by,
            data={"outcome": str(outcome), "note": note},
            outcome=Outcome(outcome),
            closed_at=at or clock.now(),
            wait_until=None,
        )

    def reopen(self, *, by: User | None, reason: str = "") -> None:
        """Bring a closed case back, to be taken again; the clock of first contact starts anew."""
        now = clock.now()
        fresh: dict[str, Any] = {"outcome": "", "closed_at": None, "assignee": None}
        fresh |= {"first_contact_at": None, "reached_at": None}
        due_at = self.shop.first_contact_due(now)
        self._move("reopen", by=by, data={"reason": reason}, reopened_at=now, due_at=due_at, **fresh)

    @transaction.atomic
    def put_back(self, before: dict[str, Any], *, by: User, data: dict[str, object]) -> None:
        """Undo: give fields the values they had before an act; compare-and-set on what the caller saw."""
        was = Status(self.status)
        stands = Case.objects.filter(pk=self.pk, status=was, assignee=self.assignee_id)
        if before and not stands.update(**before):
            raise StaleCase(_("Somebody else was quicker: the case has changed. Load it again."))
        self.refresh_from_db(fields=[*before] if before else ["status"])
        self.events.create(kind=EventKind.UNDO, by=by, from_status=was, to_status=self.status, data=data)

    @transaction.atomic
    def correct_cause(self, sub_cause: SubCause | str, *, by: User) -> Classification:
        """A person decides cause and sub-cause; kept as training data."""
        sub = SubCause(sub_cause)
        before = self.sub_cause
        made = self.review.classifications.create(
            version=self.review.version,
            cause=CAUSE_OF[sub],
            sub_cause=sub,
            decided_by=by,
            made_at=clock.now(),
        )
        self._save(cause=CAUSE_OF[sub], sub_cause=sub, confidence=1.0, needs_decision=False, suspected=False)
        self.log(EventKind.CAUSE, by=by, before=before, after=sub.value)
        return made

    def take_over(self, fields: dict[str, Any]) -> bool:
        """Take over the machine's later reading while nobody has begun; False when somebody just did.

        `fields` are cause, sub_cause, also, confidence and needs_decision.
        """
        idle = Case.objects.filter(pk=self.pk, status__in=(Status.NEW, Status.ASSIGNED))
        if not idle.update(**fields):
            return False
        for name, value in fields.items():
            setattr(self, name, value)
        return True

    def note_contact(self, at: datetime) -> None:
        """The first attempt to reach the buyer stops the clock of `due_at`, whether or not it got through."""
        Case.objects.filter(pk=self.pk, first_contact_at=None).update(first_contact_at=at)
        self.first_contact_at = self.first_contact_at or at

    def note_reached(self, at: datetime) -> None:
        """Somebody spoke with the buyer."""
        Case.objects.filter(pk=self.pk, reached_at=None).update(reached_at=at)
        self.reached_at = self.reached_at or at

    def note_compensation(self, at: datetime) -> None:
        """A compensation was offered. It counts for ever: what was refused or taken back was offered too."""
        Case.objects.filter(pk=self.pk, compensated_at=None).update(compensated_at=at)
        self.compensated_at = self.compensated_at or at

    def log(self, kind: EventKind, *, by: User | None = None, **data: object) -> "CaseEvent":
        return self.events.create(kind=kind, by=by, data=data)

    def check_allows(self, verb: str) -> None:
        """Raise InvalidTransition when the case's status does not allow the verb."""
        status = Status(self.status)
        if status not in TRANSITIONS[verb][0]:
            raise InvalidTransition(
                _("A case that is “%(status)s” does not allow this.") % {"status": status.label}
            )

    # --- facts ------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        return self.status != Status.CLOSED

    @property
    def was_worked_on(self) -> bool:
        """Somebody has spoken to the buyer, promised or agreed something, maybe given the case back since."""
        return self.events.filter(kind__in=WORK).exists()

    @property
    def next_at(self) -> datetime:
        """When something has to happen: the promised hour, else the deadline."""
        return self.wait_until or self.due_at

    @property
    def heard_as(self) -> tuple[str, str]:
        """Cause and sub-cause the buyer is spoken to by: a suspicion nobody confirmed is kept from them."""
        if self.cause == Cause.MALICIOUS and self.needs_decision:
            return Cause.SUBJECTIVE.value, SubCause.UNSPECIFIED.value
        return self.cause, self.sub_cause

    def is_overdue(self, now: datetime) -> bool:
        return self.is_open and self.first_contact_at is None and self.due_at < now

    # --- the one private move ---------------------------------------------------------------

    @transaction.atomic
    def _move(
        self, verb: str, *, by: User | None, data: dict[str, object] | None = None, **changes: Any
    ) -> None:
        """Check the table, compare-and-set on what the caller saw, append the event."""
        self.check_allows(verb)
        before, target = Status(self.status), TRANSITIONS[verb][1]
        held = {"assignee": self.assignee_id} if self.assignee_id else {"assignee": None}
        moved = Case.objects.filter(pk=self.pk, status=before, **held).update(status=target, **changes)
        if not moved:
            raise StaleCase(_("Somebody else was quicker: the case has changed. Load it again."))
        for name, value in {"status": target, **changes}.items():
            setattr(self, name, value)
        self.events.create(kind=EventKind(verb), by=by, from_status=before, to_status=target, data=data or {})

    def _save(self, **changes: Any) -> None:
        for name, value in changes.items():
            setattr(self, name, value)
        self.save(update_fields=list(changes))


class CaseEvent(models.Model):
    """One line of a case's timeline. Only ever added."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=20, choices=EventKind.choices)
    at = models.DateTimeField(default=clock.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    from_status = models.CharField(max_length=12, choices=Status.choices, blank=True)
    to_status = models.CharField(max_length=12, choices=Status.choices, blank=True)
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["case", "at"], name="event_by_case")]

    def __str__(self) -> str:
        return f"{self.case} {self.kind}"
