"""Whose case it is: what every verb of the desk asks first."""

from django.utils.translation import gettext as _

from reviews.models import Case, InvalidTransition, Status, User
from reviews.outgoing import check_outgoing


class NotAllowed(Exception):
    """A rule of calling or of remedies forbids the act; the message says which and what to do."""


def check_hold(case: Case, user: User) -> None:
    """Only who works on the case acts on it."""
    if case.status != Status.IN_PROGRESS or case.assignee_id != user.pk:
        raise InvalidTransition(_("Take the case first: only who works on it can do this."))


def locked(case: Case) -> Case:
    """The case as it stands now, held until the transaction ends: a call excludes handing over."""
    return Case.objects.select_for_update().get(pk=case.pk)


def check_note(case: Case, note: str, *, by: User) -> None:
    """What is planned or agreed obeys the law too. Outside any transaction: a refusal stays on record."""
    if note:
        check_outgoing(note, kind="note", shop=case.shop, by=by, thing=case, case=case)
