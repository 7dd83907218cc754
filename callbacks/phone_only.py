"""Weeks of big promotions: whether this buyer is contacted by telephone only, and until when.

With too many cases for everything, voice settles fastest: nothing is written before somebody has spoken with
the buyer. What a call has promised goes out as always. Whoever
cannot be called, or has been called in vain as often as may be, is written to.
"""

from datetime import datetime

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from callbacks.holding import NotAllowed
from callbacks.models import CallLog, Direction, DoNotCall
from callbacks.models.calls import SPOKEN
from reviews.models import Case
from reviews.models.shops import PhoneOnlyWeeks


def phone_only(case: Case, now: datetime) -> PhoneOnlyWeeks | None:
    """The promotion weeks for which this buyer is only called; None: may be written to."""
    order, buyer = case.review.order, case.review.buyer
    if order is None or not order.phone_index:
        return None
    weeks = case.shop.phone_only_at(now)
    if weeks is None or DoNotCall.objects.forbids(order=order, buyer=buyer):
        return None
    calls = list(CallLog.objects.filter(case=case).values_list("direction", "outcome"))
    tried = sum(direction == Direction.OUT for direction, _outcome in calls)
    spoken = any(outcome in SPOKEN for _direction, outcome in calls)
    return None if spoken or tried >= case.shop.attempts_per_case else weeks


def words_of(weeks: PhoneOnlyWeeks) -> str:
    return _("%(promotion)s: telephone only until %(day)s. Written words follow the first talk.") % {
        "promotion": weeks.name,
        "day": date_format(weeks.last, "MONTH_DAY_FORMAT"),
    }


def check_may_write(case: Case, now: datetime) -> None:
    """Raise NotAllowed while this buyer is only called."""
    if weeks := phone_only(case, now):
        raise NotAllowed(words_of(weeks))
