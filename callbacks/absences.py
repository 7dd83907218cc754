"""Entering and ending absences: the rows, the audit log, and at once the cases."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from callbacks.covering import Covered, cover
from callbacks.holding import NotAllowed
from reviews import clock
from reviews.dispatch import dispatch_waiting
from reviews.models import Absence, AuditEntry, User
from reviews.models.audit import Action
from reviews.templatetags.ui import zdate

LONGEST = timedelta(days=366)
BACKDATED = timedelta(hours=24)  # somebody who fell ill in the night is entered in the morning


def enter_absence(person: User, begins: datetime, ends: datetime, reason: str, *, by: User) -> Covered:
    """Enter that somebody is away; what falls due meanwhile goes to colleagues at once.

    Raises NotAllowed for a span that makes no sense or crosses another absence.
    """
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=person.pk)
        _check(person, begins, ends, clock.now())
        absence = Absence.objects.create(
            user=person, begins=begins, ends=ends, reason=reason, entered_by=by, entered_at=clock.now()
        )
        AuditEntry.note(Action.ABSENCE, absence, user=by, person=person.pk, span=_span(absence))
    return cover(absence)


def _check(person: User, begins: datetime, ends: datetime, now: datetime) -> None:
    if ends <= begins:
        raise NotAllowed(_("The absence ends before it begins. Choose a later end."))
    if ends <= now:
        raise NotAllowed(_("This absence is already over. Choose an end that lies ahead."))
    if begins < now - BACKDATED:
        raise NotAllowed(_("The absence begins more than a day ago. Let it begin today."))
    if ends - begins > LONGEST:
        raise NotAllowed(_("Enter at most one year at once."))
    other = Absence.objects.filter(user=person, begins__lt=ends, ends__gt=begins).first()
    if other:
        span = {"from": zdate(other.begins), "until": zdate(other.ends)}
        raise NotAllowed(
            _("An absence from %(from)s until %(until)s is already entered. End that one first.") % span
        )


@transaction.atomic
def end_absence(absence: Absence, *, by: User) -> None:
    """Take back what has not begun, or end now what has: the person is there again."""
    now = clock.now()
    AuditEntry.note(Action.ABSENCE, absence, user=by, person=absence.user_id, ended=True, span=_span(absence))
    if absence.begins >= now:
        absence.delete()
    else:
        Absence.objects.filter(pk=absence.pk, ends__gt=now).update(ends=now)
    transaction.on_commit(dispatch_waiting)


def _span(absence: Absence) -> dict[str, object]:
    return {"begins": absence.begins.isoformat(), "ends": absence.ends.isoformat(), "reason": absence.reason}
