"""The link to the recording of a call: a voice is personal data, so each look is recorded."""

from django.db import transaction
from django.utils.translation import gettext as _

from callbacks.holding import NotAllowed
from callbacks.models import CallLog
from reviews import colliding
from reviews.models import AuditEntry, User
from reviews.models.audit import Action


def may_hear(call: CallLog, user: User) -> bool:
    """Who spoke, and the managers of the shop."""
    return call.agent_id == user.pk or user.manages(call.case.shop_id)


@transaction.atomic
def set_recording(call: CallLog, url: str, *, by: User, mark: str = "") -> None:
    """Keep where the recording lies, or with an empty address forget it. Raises Collision, which does not
    tell the other address: each look at it is recorded."""
    _check(call, by)
    stands = CallLog.objects.select_for_update().get(pk=call.pk).recording_url
    hidden = _("Another link to the recording. Looking at it is recorded.")
    colliding.check(mark, stands, url, words=hidden if stands else "")
    CallLog.objects.filter(pk=call.pk).update(recording_url=url)
    done = "linked" if url else "unlinked"
    AuditEntry.note(Action.RECORDING, call, user=by, shop=call.case.shop, done=done)


def hear_recording(call: CallLog, *, by: User) -> str:
    """The address, for one look; empty if there is none."""
    _check(call, by)
    if call.recording_url:
        AuditEntry.note(Action.RECORDING, call, user=by, shop=call.case.shop, done="shown")
    return call.recording_url


def _check(call: CallLog, user: User) -> None:
    if not may_hear(call, user):
        raise NotAllowed(_("Only who spoke and the managers of the shop may hear the recording."))
