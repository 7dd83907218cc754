"""Versions of what a page shows: while one still holds, the page need not be drawn anew.

A version is the pulse of what is shown and the moment until which it holds by itself: then a deadline
passes, a promise falls due or calling hours begin to end, and nothing in the database changes for it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from callbacks.models import CaseViewer
from callbacks.models.viewers import LOOKING
from callbacks.promising import PROMISE_LEAD
from callbacks.queue import QueueEntry
from reviews.models import Case, Pulse, User
from reviews.plain_sql import ask

LONGEST = timedelta(minutes=5)
SEEN_AGAIN = timedelta(seconds=8)  # a look is written down this often; the page asks every five seconds


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


def list_total(user: User) -> str:
    """The pulse of the shops this person sees; another one as soon as these are other shops."""
    shops = None if user.is_superuser else user.shop_ids
    return f"{sum(shops or ())}.{Pulse.objects.total_of_shops(shops)}"


def version(total: object, until: datetime) -> str:
    return f"{total}_{int(until.timestamp())}"


def still_holds(token: str, total: object, now: datetime) -> bool:
    """Whether a page of this version shows what is so now."""
    before, _line, until = token.rpartition("_")
    return before == str(total) and until.isdecimal() and now.timestamp() < int(until)


# --- one case ------------------------------------------------------------------------------------


_AROUND = """
SELECT shop_id,
    (SELECT COUNT(*) FROM reviews_caseevent WHERE case_id = reviews_case.id),
    (SELECT COUNT(*) FROM callbacks_calllog WHERE case_id = reviews_case.id),
    (SELECT updated_at FROM reviews_publicreply WHERE review_id = reviews_case.review_id),
    (SELECT COALESCE(SUM(beats), 0) FROM reviews_pulse WHERE holder_id = %s),
    viewer.user_id, viewer.seen_at >= %s
FROM reviews_case
LEFT JOIN callbacks_caseviewer viewer ON viewer.case_id = reviews_case.id AND viewer.seen_at > %s
WHERE reviews_case.id = %s ORDER BY viewer.user_id
"""


@dataclass(frozen=True, slots=True)
class Around:
    """What is around a case: its events, calls and reply and one's own queue, as a word, and who looks."""

    word: str
    lookers: dict[int, bool]  # a person's key → whether their look was written down a moment ago

    def total(self, user: User) -> str:
        """What one person's page shows: the others who look belong to it."""
        return f"{self.word}.{'-'.join(str(one) for one in self.lookers if one != user.pk)}"


def around(case_id: int, user: User, now: datetime) -> Around:
    """Raises Case.DoesNotExist where the case is none of this person's."""
    rows = ask(_AROUND, [user.pk, now - SEEN_AGAIN, now - LOOKING, case_id])
    if not rows or not user.sees(rows[0][0]):
        raise Case.DoesNotExist
    word = ".".join(re.sub(r"\D", "", str(one)) for one in rows[0][1:5])
    return Around(word, {looker: is_new for *_around, looker, is_new in rows if looker})


def look(case_id: int, user: User, now: datetime) -> str:
    """Note that this person's page is open; the total of what it would show now."""
    found = around(case_id, user, now)
    if not found.lookers.get(user.pk):
        CaseViewer.objects.all().note(case_id, user.pk, now)
    return found.total(user)
