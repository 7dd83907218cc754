"""May this text leave now, and if not, why not and from when. Pure: the caller brings the facts.

No statute sets hours for texts about a purchase; the program holds them to the calling hours, because a text
at night wakes as a call does. One exception: the call-back just agreed on the telephone is confirmed at once,
also when the call ran past the closing hour; the buyer is awake and waits for it.

Do-not-call (Consumer law regulations of 2024-07-01, art. 23-24: no commercial calls or messages against the
buyer's will, stop at once) stops every text as well, save one: what was agreed in the call itself, in
writing. That one was promised to the buyer, reports the shop's own duty (PIPL art. 13: needed to perform it)
and offers nothing; commercial words in it are refused by the compliance check (R9) like everywhere.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from callbacks.calling_rules import may_call

JUST_CALLED = timedelta(minutes=10)


class TextReason(TextChoices):
    """Why a text may not leave."""

    DO_NOT_CALL = "do_not_call", _("The buyer has asked not to be contacted")
    OUTSIDE_HOURS = "outside_hours", _("Outside the permitted hours")
    NO_HOURS = "no_hours", _("The shop has no hours for calls and texts")


@dataclass(frozen=True, slots=True)
class TextPermission:
    """`allowed`, or the `reason` and the first permitted instant (None = never)."""

    allowed: bool
    reason: TextReason | None = None
    next_at: datetime | None = None


def may_text(
    *,
    now: datetime,
    shop_zone: ZoneInfo,
    calling_from: time,
    calling_until: time,
    is_confirmation: bool = False,
    is_agreement: bool = False,
    call_ended_at: datetime | None = None,
    do_not_call: bool = False,
) -> TextPermission:
    """Whether a text may leave at `now`. `call_ended_at`: of the last call in which the buyer spoke."""
    if do_not_call and not is_agreement:
        return TextPermission(False, TextReason.DO_NOT_CALL)
    if is_confirmation and call_ended_at and timedelta() <= now - call_ended_at <= JUST_CALLED:
        return TextPermission(True)
    hours = may_call(
        now=now, shop_zone=shop_zone, calling_from=calling_from, calling_until=calling_until, attempts=[]
    )
    if hours.allowed:
        return TextPermission(True)
    reason = TextReason.OUTSIDE_HOURS if hours.next_at else TextReason.NO_HOURS
    return TextPermission(False, reason, hours.next_at)
