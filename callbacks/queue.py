"""What an agent works on next, in which order and why.

Order: a promise that is due, then the deadline of first contact (permitted calling hours decide how it
is counted), then how upset the buyer is, then the order's value, then age. The same input gives the
same order.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case as When_
from django.db.models import DateTimeField, F, FloatField, IntegerField, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Cast, Coalesce
from django.utils.translation import gettext as _

from callbacks.contacts import PROMISE_LEAD
from callbacks.models import CallbackPromise, Remedy, RemedyStatus
from reviews.models import Case, Complaint, StaleCase, Status, User
from reviews.models.cases import CaseQuerySet
from reviews.models.complaints import ComplaintStatus

VERY_UPSET = 0.9
# What a row shows. Not the order: its personal data would be decrypted for every row.
IN_A_ROW = ("shop", "review__buyer", "assignee")

# The columns of the order of work; a leading "-" means largest first. Pages of a list continue by them.
WORK_ORDER = ("turn", "next_due", "-upset_rank", "-value_rank", "id")


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """A case at its place in the queue, with the reason for it in words."""

    case: Case
    reason: str


def ordered(cases: CaseQuerySet, now: datetime) -> CaseQuerySet:
    """Cases in the order of work, each with `promised_at`, the hour of its open promise."""
    soon = now + PROMISE_LEAD
    promise = CallbackPromise.objects.filter(case=OuterRef("pk")).pending()
    decided = Remedy.objects.filter(case=OuterRef("pk"), decided_at__isnull=False)
    decided = decided.filter(status__in=[RemedyStatus.APPROVED, RemedyStatus.REFUSED]).order_by("-decided_at")
    draft = Complaint.objects.filter(case=OuterRef("pk"), status=ComplaintStatus.DRAFT)
    return (
        cases.annotate(
            promised_at=Subquery(promise.values("due_at")[:1]),
            complaint_due=Subquery(draft.values("due_at")[:1]),
            decided_remedy=Subquery(decided.values("status")[:1]),
        )
        .annotate(
            turn=When_(
                When(
                    Q(promised_at__lte=soon) | Q(status=Status.WAITING, wait_until__lte=soon), then=Value(0)
                ),
                When(first_contact_at=None, due_at__lt=now, then=Value(1)),
                When(first_contact_at=None, then=Value(2)),
                default=Value(3),
                output_field=IntegerField(),
            ),
            next_due=Coalesce(F("wait_until"), F("promised_at"), F("due_at"), output_field=DateTimeField()),
            upset_rank=Coalesce(F("upset"), Value(-1.0), output_field=FloatField()),
            # Whole yuan: SQLite cannot compare decimals exactly.
            value_rank=Coalesce(Cast("value", IntegerField()), Value(-1)),
        )
        .order_by(*WORK_ORDER)
    )


def mine(user: User, now: datetime) -> CaseQuerySet:
    """What the agent can work on now: assigned, in progress, or waiting and due within minutes."""
    due = Q(status__in=[Status.ASSIGNED, Status.IN_PROGRESS]) | Q(
        status=Status.WAITING, wait_until__lte=now + PROMISE_LEAD
    )
    return Case.objects.visible_to(user).filter(due, assignee=user)


def agent_queue(user: User, now: datetime, limit: int = 50) -> list[QueueEntry]:
    """The agent's own due cases in order; what is to take has its own view."""
    cases = ordered(mine(user, now), now).select_related(*IN_A_ROW)[:limit]
    return [QueueEntry(case, reason(case, now)) for case in cases]


def reason(case: Case, now: datetime) -> str:
    """Why the case stands where it does; the case comes from `ordered`."""
    words = _due_reason(case, now)
    if status := getattr(case, "decided_remedy", ""):
        words = _("%(reason)s · the manager has decided: %(status)s") % {
            "reason": words,
            "status": RemedyStatus(status).label,
        }
    if case.upset is not None and case.upset >= VERY_UPSET:
        return _("%(reason)s · very upset") % {"reason": words}
    return words


def _due_reason(case: Case, now: datetime) -> str:
    promised_at: datetime | None = getattr(case, "promised_at", None)
    if promised_at and promised_at <= now + PROMISE_LEAD:
        return _("Promised call-back is due")
    if case.status == Status.WAITING:
        later = case.wait_until and case.wait_until > now + PROMISE_LEAD
        return _("Waits for its hour") if later else _("Time for the next try")
    if promised_at:
        return _("A call-back is promised")
    if complaint_due := getattr(case, "complaint_due", None):
        return _complaint_reason(complaint_due, now)
    return _contact_reason(case, now)


def _complaint_reason(due: datetime, now: datetime) -> str:
    days = (due - now).days
    if due < now:
        return _("The deadline of the platform's complaint is over")
    if days < 1:
        return _("The platform's complaint has to be filed today")
    return _("The platform's complaint has to be filed within %(days)d days") % {"days": days}


def _contact_reason(case: Case, now: datetime) -> str:
    if case.first_contact_at:
        return _("In progress: bring it to an end")
    if case.due_at < now:
        return _("First contact is overdue")
    minutes = int((case.due_at - now).total_seconds() // 60)
    if minutes < 60:
        return _("First contact due in %(minutes)d min") % {"minutes": minutes}
    return _("Waits for first contact")


def next_case(user: User, now: datetime, *, but: int | None = None) -> Case | None:
    """Take the next case: the agent's own first, then the best one nobody has. None: nothing to do.

    `but` is the case the agent comes from. What has been contacted and only waits for its end comes
    after what nobody has called yet. Two agents who ask at once never get the same case: taking
    compares-and-sets, the loser tries the next.
    """
    own = ordered(mine(user, now).exclude(pk=but or 0), now)
    free = ordered(Case.objects.visible_to(user).to_take().exclude(released_by=user), now)
    ended_last = 3
    for cases in (own.exclude(Q(turn=ended_last)), free, own.filter(Q(turn=ended_last))):
        for case in cases.select_related("shop")[:20]:
            if case.status == Status.IN_PROGRESS or _took(case, user):
                return case
    return None


def _took(case: Case, user: User) -> bool:
    try:
        case.take(user)
    except StaleCase:
        return False
    return True
