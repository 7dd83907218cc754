"""The order of work: how what one person holds is sorted, and what a row of it says.

Sorted here and not by the database: it is tens of cases, hundreds at most, and a query that computes the
same costs several times as much. What nobody holds may be many and is walked along an index (queue._free).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import FilteredRelation, Q, QuerySet

from callbacks.calling_rules import window_closes_at
from callbacks.models import Remedy, RemedyStatus
from callbacks.promising import PROMISE_LEAD
from reviews.causes import Cause
from reviews.models import Case, Complaint, Shop, Status, User
from reviews.models.cases import CaseQuerySet
from reviews.models.complaints import ComplaintStatus
from reviews.prepared import Asked, Prepared

CLOSING = timedelta(minutes=60)  # calling hours that end within this come first
# What a row shows. Not the order: its personal data would be decrypted for every row.
IN_A_ROW = ("shop", "review__buyer", "assignee")
DUE, CLOSING_SOON, TO_CONTACT, SHUT, TO_END = range(5)  # the values of `turn`


@dataclass(frozen=True, slots=True)
class CallingHours:
    """Of the shops one sees: whose hours end soon and when, and whose are over or not begun."""

    closing: dict[int, datetime] = field(default_factory=dict)
    shut: frozenset[int] = frozenset()

    @classmethod
    def at(cls, now: datetime, user: User) -> "CallingHours":
        closes = {shop.pk: _closes(now, shop) for shop in user.shops}
        return cls(
            {pk: end for pk, end in closes.items() if end and end - now <= CLOSING},
            frozenset(pk for pk, end in closes.items() if end is None),
        )


def _closes(now: datetime, shop: Shop) -> datetime | None:
    return window_closes_at(
        now, shop_zone=shop.zone, calling_from=shop.calling_from, calling_until=shop.calling_until
    )


ANY_HOUR = CallingHours()


class Place(NamedTuple):
    """Where a case stands: the smallest comes first."""

    turn: int
    next_due: datetime
    calm: float  # −1 for most upset, 0 for calm, 1 for not measured
    worth: int  # whole yuan with a minus: the dearer first; 1 for not known
    case: int


@dataclass(frozen=True, slots=True)
class Work:
    """Cases in the order of work, and the hours promised in them."""

    places: list[Place]
    promised: dict[int, datetime]

    def rows(self, places: Iterable[Place]) -> list[Case]:
        """The cases at these places, each with what its row and its reason say: `promised_at`, the hour of
        the open promise, `complaint_due` of a draft to the platform, `decided_remedy`, the manager's word."""
        cases = [place.case for place in places]
        found = {case.pk: case for case in rows_of(cases)}
        due, decided = _complaints_due(found.values()), _decided(found.values())
        for pk, case in found.items():
            facts = {"promised_at": self.promised.get(pk), "complaint_due": due.get(pk)}
            vars(case).update(facts, decided_remedy=decided.get(pk, ""))
        return [found[pk] for pk in cases if pk in found]


def rows_of(cases: list[int]) -> list[Case]:
    """These cases, in any order, each with what a row of it says."""
    return _ROWS(cases=cases) if cases else []


_ROWS = Prepared(lambda: Case.objects.select_related(*IN_A_ROW).filter(pk__any=Asked("cases")))


def _complaints_due(cases: Iterable[Case]) -> dict[int, datetime | None]:
    """Only malice is complained of to the platform: mostly there is nothing to ask."""
    accused = [case.pk for case in cases if case.cause == Cause.MALICIOUS]
    drafts = Complaint.objects.filter(case__in=accused, status=ComplaintStatus.DRAFT)
    return dict(drafts.values_list("case", "due_at")) if accused else {}


def _decided(cases: Iterable[Case]) -> dict[int, str]:
    """How the manager decided last, where a compensation was offered at all."""
    offered = [case.pk for case in cases if case.compensated_at]
    decided = Remedy.objects.filter(case__in=offered, decided_at__isnull=False)
    decided = decided.filter(status__in=[RemedyStatus.APPROVED, RemedyStatus.REFUSED]).order_by("decided_at")
    return dict(decided.values_list("case", "status")) if offered else {}


def in_order(cases: CaseQuerySet, now: datetime, hours: CallingHours = ANY_HOUR) -> Work:
    """These cases in the order of work; one query, and one to three more for the rows that are shown."""
    return _sorted(_facts(cases), now, hours)


def own_in_order(user: User, now: datetime, hours: CallingHours, *, but: int | None = None) -> Work:
    """What the agent can work on now, in the order of work: assigned, in progress, or waiting and due within
    minutes. Without the case `but`."""
    rows = _OWN(user=user.pk, soon=now + PROMISE_LEAD)
    return _sorted((row for row in rows if user.sees(row[1]) and row[0] != but), now, hours)


def _facts(cases: CaseQuerySet) -> QuerySet[Case, tuple[Any, ...]]:
    pending = Q(promises__kept_at=None, promises__cancelled_at=None)
    found = cases.order_by().annotate(open_promise=FilteredRelation("promises", condition=pending))
    return found.values_list(*_COLUMNS)


def _own(user: Asked, soon: Asked) -> CaseQuerySet:
    due = Q(status__in=[Status.ASSIGNED, Status.IN_PROGRESS]) | Q(status=Status.WAITING, wait_until__lte=soon)
    return Case.objects.filter(due, assignee=user)


_OWN = Prepared(lambda: _facts(_own(Asked("user"), Asked("soon"))))


def _sorted(rows: Iterable[tuple[Any, ...]], now: datetime, hours: CallingHours) -> Work:
    facts = [Facts(*row) for row in rows]
    promised = {one.case: one.promised_at for one in facts if one.promised_at}
    return Work(sorted(_place(one, now, hours) for one in facts), promised)


class Facts(NamedTuple):
    """What the place of a case depends on."""

    case: int
    shop: int
    status: str
    wait_until: datetime | None
    first_contact_at: datetime | None
    due_at: datetime
    upset: float | None
    value: Decimal | None
    promised_at: datetime | None


_COLUMNS = (
    "pk",
    "shop_id",
    "status",
    "wait_until",
    "first_contact_at",
    "due_at",
    "upset",
    "value",
    "open_promise__due_at",
)


def _place(one: Facts, now: datetime, hours: CallingHours) -> Place:
    return Place(
        turn=_turn(one, now + PROMISE_LEAD, hours),
        next_due=one.wait_until or one.promised_at or one.due_at,
        calm=1.0 if one.upset is None else -one.upset,
        worth=1 if one.value is None else -int(one.value),
        case=one.case,
    )


def _turn(one: Facts, soon: datetime, hours: CallingHours) -> int:
    if one.promised_at is not None and one.promised_at <= soon:
        return DUE
    if one.status == Status.WAITING and one.wait_until is not None and one.wait_until <= soon:
        return SHUT if one.shop in hours.shut else DUE  # nobody may be tried again at night
    if one.first_contact_at:
        return TO_END
    if one.shop in hours.closing:
        return CLOSING_SOON
    return SHUT if one.shop in hours.shut else TO_CONTACT
