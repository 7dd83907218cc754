"""Versions of what a page shows: while one still holds, the page need not be drawn anew.

A version is the pulse of what is shown and the moment until which it holds by itself: then a deadline
passes, a promise falls due or calling hours begin to end, and nothing in the database changes for it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import BigIntegerField, Count, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce

from callbacks.models import CallLog, CaseViewer
from callbacks.promising import PROMISE_LEAD
from callbacks.queue import QueueEntry
from reviews.models import Case, CaseEvent, PublicReply, Pulse, User

LONGEST = timedelta(minutes=5)
SEEN_AGAIN = timedelta(seconds=5)  # a look is written down this often, however often the page asks


def holds_until(entries: Iterable[QueueEntry], now: datetime) -> datetime:
    """When one of these rows next changes by the clock alone; five minutes at the longest."""
    moments = [now + LONGEST]
    for case in (entry.case for entry in entries):
        if case.first_contact_at is None:
            moments.append(case.due_at)
        for at in (case.wait_until, getattr(case, "promised_at", None)):
            if at:
                moments.append(at - PROMISE_LEAD)
    return min(at for at in moments if at > now)


def list_total(user: User) -> int:
    """The pulse of every shop this person sees."""
    shops = None if user.is_superuser else user.shop_ids
    return Pulse.objects.of_shops(shops).total()


def version(total: object, until: datetime) -> str:
    return f"{total}_{int(until.timestamp())}"


def still_holds(token: str, total: object, now: datetime) -> bool:
    """Whether a page of this version shows what is so now."""
    before, _line, until = token.rpartition("_")
    return before == str(total) and until.isdecimal() and now.timestamp() < int(until)


# --- one case ------------------------------------------------------------------------------------


def case_total(case_id: int, user: User) -> str:
    """What is shown around one case, as a word: its events, calls and reply, and one's own queue.

    Raises Case.DoesNotExist where it is none of this person's.
    """
    here = {"case": OuterRef("pk")}
    beats = Pulse.objects.of_holder(user.pk).order_by().values("holder_id")
    row = (
        Case.objects.visible_to(user)
        .values_list(
            Coalesce(Subquery(beats.values(total=Sum("beats")), output_field=BigIntegerField()), 0),
            _number(CaseEvent.objects.filter(**here)),
            _number(CallLog.objects.filter(**here)),
            Subquery(PublicReply.objects.filter(review=OuterRef("review")).values("updated_at")[:1]),
        )
        .get(pk=case_id)
    )
    beats_of_mine, events, calls, reply_at = row
    edited = int(reply_at.timestamp() * 1000) if reply_at else 0
    return f"{beats_of_mine}.{events}.{calls}.{edited}"


def with_viewers(total: str, others: Iterable[User]) -> str:
    """The same, and who else looks."""
    return f"{total}.{'-'.join(str(one.pk) for one in others)}"


def _number(rows: Any) -> Coalesce:
    counted = rows.order_by().values("case").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted, output_field=BigIntegerField()), 0)


def looking(case_id: int, user: User, now: datetime) -> list[User]:
    """Who else has the case open right now."""
    rows = CaseViewer.objects.looking(now).filter(case=case_id).exclude(user=user)
    return [row.user for row in rows.select_related("user").order_by("user")]


def look(case_id: int, user: User, now: datetime) -> list[User]:
    """Note that this person's page is open; who else has it open."""
    rows = CaseViewer.objects.looking(now).filter(case=case_id).select_related("user").order_by("user")
    found = {row.user_id: row for row in rows}
    mine = found.pop(user.pk, None)
    if mine is None or mine.seen_at < now - SEEN_AGAIN:
        CaseViewer.objects.all().note(case_id, user.pk, now)
    return [row.user for row in found.values()]
