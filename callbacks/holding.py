"""Whose case it is: what every verb of the desk asks first."""

from contextlib import AbstractContextManager

from django.utils.translation import gettext as _

from callbacks.models import CallbackPromise, CallLog, Remedy, RemedyStatus
from reviews.models import Case, InvalidTransition, Status, User
from reviews.outgoing import cleared


class NotAllowed(Exception):
    """A rule of calling or of remedies forbids the act; the message says which and what to do."""


def check_hold(case: Case, user: User) -> None:
    """Only who works on the case acts on it."""
    if case.status != Status.IN_PROGRESS or case.assignee_id != user.pk:
        raise InvalidTransition(_("Take the case first: only who works on it can do this."))


def locked(case: Case) -> Case:
    """The case as it stands now, held until the transaction ends: a call excludes handing over."""
    return Case.objects.select_for_update().get(pk=case.pk)


def is_on_the_phone(case: Case) -> bool:
    """Whether a call is running; known already where a list has asked for many cases at once."""
    known: bool | None = getattr(case, "on_the_phone", None)
    return CallLog.objects.filter(case=case, ended_at=None).exists() if known is None else known


def has_promise(case: Case) -> bool:
    """Whether a call-back is promised and still to be made."""
    known: bool | None = getattr(case, "has_pending_promise", None)
    return CallbackPromise.objects.filter(case=case).pending().exists() if known is None else known


def waits_for_approval(case: Case) -> bool:
    """Whether a remedy of the case waits for a manager."""
    known: bool | None = getattr(case, "has_remedy_to_approve", None)
    waiting = Remedy.objects.filter(case=case, status=RemedyStatus.TO_APPROVE)
    return waiting.exists() if known is None else known


def noted(note: str, *, case: Case, by: User | None) -> AbstractContextManager[None]:
    """A transaction in which a note of the case is kept: what is planned or agreed obeys the law too.

    Raises OffendingText; outside any other transaction, so that the refusal stays on record.
    """
    return cleared(note, kind="note", review=case.review, case=case, by=by, thing=case, leaves=False)
