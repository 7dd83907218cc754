"""Undo: what an act changed is kept beside it, and put back while nothing else has happened to the case."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from callbacks.holding import NotAllowed, locked
from callbacks.models import Act, ActKind, BulkRow, CallbackPromise, CallLog, OutgoingMessage, Remedy
from callbacks.models.acts import RowState
from callbacks.remedies import take_back_offer
from callbacks.texts import follow_restoration, take_back
from reviews import clock
from reviews.complaints import follow_cause
from reviews.models import (
    Case,
    CaseEvent,
    Classification,
    Complaint,
    PublicReply,
    ReplyTemplate,
    StaleCase,
    User,
)
from reviews.models.cases import EventKind
from reviews.models.complaints import ComplaintStatus
from reviews.models.replies import Move, ReplyStatus
from reviews.replies import draft_reply
from reviews.templatetags.ui import zdate

KEPT_FOR = timedelta(days=1)  # then only the timeline tells of an act
# What the acts of ActKind change in a case.
FIELDS = (
    "status",
    "outcome",
    "assignee_id",
    "released_by_id",
    "wait_until",
    "closed_at",
    "cause",
    "sub_cause",
    "confidence",
    "needs_decision",
    "suspected",
)

# The row of a job on whose behalf an act is done; done and noted as done in one transaction.
_row: ContextVar[BulkRow | None] = ContextVar("row", default=None)


class RowGone(Exception):
    """The row of a job is no longer to do: stopped, or done by another worker."""


@contextmanager
def for_row(row: BulkRow) -> Iterator[None]:
    """The act inside is this row's: done once at most, refused if the case has changed since its preview."""
    token = _row.set(row)
    try:
        yield
    finally:
        _row.reset(token)


@contextmanager
def remembered(case: Case, kind: ActKind, *, by: User, also: dict[str, Any] | None = None) -> Iterator[Act]:
    """A transaction that holds the case, does one act on it and keeps how it stood before, with `also`."""
    row = _row.get()
    with transaction.atomic():
        stood = locked(case)
        if row:
            _claim(row, stood)
        before, linked = _values(stood), _links(case)
        act = Act(case=case, kind=kind, by=by, at=clock.now(), row=row, also=also or {})
        yield act
        after, now_linked = _values(Case.objects.get(pk=case.pk)), _links(case)
        act.changed = {name: [before[name], after[name]] for name in FIELDS if before[name] != after[name]}
        ended = {name: sorted(linked[name] - now_linked[name]) for name in linked}
        act.also |= {name: ids for name, ids in ended.items() if ids}
        act.last_event = last_event(case)
        act.save()


def _claim(row: BulkRow, case: Case) -> None:
    if not BulkRow.objects.filter(pk=row.pk, state=RowState.TO_DO).update(state=RowState.DONE):
        raise RowGone
    if row.seen != seen_of(case, last_event(case)):
        first = int(row.seen.split("/")[0])
        raise StaleCase(_since(case, first) or _("The case has changed since the preview."))


def _values(case: Case) -> dict[str, Any]:
    found = {name: getattr(case, name) for name in FIELDS}
    return {name: one.isoformat() if isinstance(one, datetime) else one for name, one in found.items()}


def _links(case: Case) -> dict[str, set[int]]:
    """What an act may end beside the case itself: pending promises, drafts of a complaint."""
    drafts = Complaint.objects.filter(case=case, status=ComplaintStatus.DRAFT)
    return {
        "promises": set(CallbackPromise.objects.filter(case=case).pending().values_list("pk", flat=True)),
        "complaints": set(drafts.values_list("pk", flat=True)),
    }


def last_event(case: Case) -> int:
    """The id of the case's last event, 0 without any."""
    return int(CaseEvent.objects.filter(case=case).aggregate(last=Max("pk"))["last"] or 0)


def seen_of(case: Case, event: int) -> str:
    """How a case stands, as one word: changes with everything an act on many could overlook."""
    return f"{event}/{case.status}/{case.assignee_id or 0}/{case.sub_cause}/{case.needs_decision:d}"


def _since(case: Case, event: int, *, but_dealing: bool = False) -> str:
    """What happened first after this event, by whom and when; empty: nothing.

    With `but_dealing` what dispatch did by itself does not count: nobody has begun.
    """
    later = CaseEvent.objects.filter(case=case, pk__gt=event)
    later = later.exclude(kind=EventKind.MESSAGE, data__has_key="follows")
    if but_dealing:
        later = later.exclude(kind=EventKind.ASSIGN, by=None)
    first = later.select_related("by").order_by("pk").first()
    if first is None:
        return ""
    return _("Meanwhile: %(what)s (%(who)s, %(at)s).") % {
        "what": EventKind(first.kind).label,
        "who": first.by or _("by the system"),
        "at": zdate(first.at, case.shop),
    }


# --- back ----------------------------------------------------------------------------------------


def check_undo(act: Act, *, by: User, asked_at: datetime) -> None:
    """Raise NotAllowed when the act is not this person's to undo, or its ten minutes are over."""
    if act.by_id != by.pk and not by.manages(act.case.shop_id):
        raise NotAllowed(_("Only who did this, or a manager, can undo it."))
    if act.undone_at:
        raise StaleCase(_("This has already been undone."))
    if asked_at > act.undo_until:
        raise NotAllowed(_("Ten minutes are over: this can no longer be undone."))


@transaction.atomic
def undo(act: Act, *, by: User, asked_at: datetime | None = None) -> None:
    """Put the case back as it stood before the act.

    `asked_at` is when somebody asked for it: a whole job takes its time. Raises NotAllowed, or StaleCase with
    what has happened to the case meanwhile and by whom.
    """
    case = locked(act.case)
    act = Act.objects.select_for_update(of=("self",)).select_related("case__shop", "row__job").get(pk=act.pk)
    check_undo(act, by=by, asked_at=asked_at or clock.now())
    _check_untouched(act, case)
    if act.kind == ActKind.MESSAGE:
        take_back(OutgoingMessage.objects.select_related("case").get(pk=act.also["message"]), by=by)
    if act.kind == ActKind.INCIDENT:
        _take_back_answer(act, by=by)
    before = {name: _python(name, values[0]) for name, values in act.changed.items()}
    case.put_back(before, by=by, data={"act": act.kind, "at": act.at.isoformat()})
    _put_back_links(act, by=by)
    if act.kind == ActKind.CAUSE:
        Classification.objects.filter(pk=act.also.get("classification"), decided_by=act.by).delete()
        follow_cause(case, by=by)
        draft_reply(case.review, case)
    Act.objects.filter(pk=act.pk).update(undone_at=clock.now(), undone_by=by)
    _mark_row(act)


def _python(name: str, value: Any) -> Any:
    return Case._meta.get_field(name).to_python(value)  # type: ignore[union-attr]


def _check_untouched(act: Act, case: Case) -> None:
    """Nothing has happened (but that a case given back was dealt out); what the act changed still stands."""
    if words := _since(case, act.last_event, but_dealing=act.kind == ActKind.RELEASE):
        raise StaleCase(_("It cannot be undone any more.") + " " + words)
    if CallLog.objects.filter(case=case, started_at__gte=act.at).exists():
        raise StaleCase(_("It cannot be undone any more: the buyer has been called since."))
    dealt = CaseEvent.objects.filter(case=case, pk__gt=act.last_event).exists()
    dealing = {"status", "assignee_id"} if dealt else set()
    stands = _values(case)
    if any(stands[name] != values[1] for name, values in act.changed.items() if name not in dealing):
        raise StaleCase(_("It cannot be undone any more: the case has changed since."))


def _put_back_links(act: Act, *, by: User) -> None:
    promises = CallbackPromise.objects.filter(pk__in=act.also.get("promises", ()), kept_at=None)
    promises.update(cancelled_at=None)
    for promise in promises.select_related("case__shop", "agent"):
        follow_restoration(promise, by=by)
    withdrawn = Complaint.objects.filter(
        pk__in=act.also.get("complaints", ()), status=ComplaintStatus.WITHDRAWN
    )
    withdrawn.update(status=ComplaintStatus.DRAFT)


def _take_back_answer(act: Act, *, by: User) -> None:
    """The offer of an incident is cancelled, the reply reads as before."""
    if "remedy" in act.also:
        take_back_offer(Remedy.objects.select_related("case__shop").get(pk=act.also["remedy"]), by=by)
    if "reply" not in act.also:
        return
    reply = PublicReply.objects.select_for_update().get(pk=act.also["reply"])
    if reply.status != ReplyStatus.APPROVED or reply.text != act.also.get("reply_now"):
        raise StaleCase(_("It cannot be undone any more: the reply has been changed or posted since."))
    if act.also["reply_was"] is None:
        reply.delete()
        return
    text, drafted, template = act.also["reply_was"]
    template = template if ReplyTemplate.objects.filter(pk=template).exists() else None
    fresh: dict[str, Any] = {"approved_by": None, "approved_at": None, "edited_by": None}
    reply.move(Move.EDIT, by=by, text=text, drafted_text=drafted, template_id=template, **fresh)


def _mark_row(act: Act) -> None:
    if act.row_id is None:
        return
    if not BulkRow.objects.filter(pk=act.row_id, state=RowState.DONE).update(state=RowState.UNDONE):
        raise StaleCase(_("This has already been undone."))


def forget_old(now: datetime) -> int:
    """Delete acts that can no longer be undone; how many."""
    return Act.objects.filter(at__lt=now - KEPT_FOR, row=None).delete()[0]
