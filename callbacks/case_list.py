"""The list of cases: saved views, filters that are a URL, pages that continue where the last one ended."""

import base64
import binascii
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.cache import cache
from django.db.models import IntegerField, Q, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from callbacks.models import CallbackPromise, Remedy, RemedyStatus
from callbacks.work_order import ANY_HOUR, CallingHours, Place, in_order, rows_of
from reviews import clock
from reviews.models import Case, Complaint, User
from reviews.models.cases import CaseQuerySet
from reviews.models.complaints import ComplaintStatus
from reviews.search import plain, reviews_with
from reviews.statistics import ANY_SOLVED

PAGE = 30
KEPT = 60  # seconds
COUNTED = 1000  # counts beyond are shown as "1000+"
BY_DEADLINE = ("due_at", "id")
NEWEST_FIRST = ("-opened_at", "-id")
LAST_CLOSED_FIRST = ("-closed_at", "-id")
WORK_ORDER = Place._fields  # of what one person holds: sorted by callbacks.work_order
TIMES = frozenset({"due_at", "opened_at", "closed_at", "next_due"})


@dataclass(frozen=True, slots=True)
class SavedView:
    """A question agents ask all day; `order` are columns, "-" for descending."""

    code: str
    label: Any
    icon: str
    pick: Callable[[CaseQuerySet, User, datetime], CaseQuerySet]
    order: tuple[str, ...] = BY_DEADLINE
    for_managers: bool = False


def _callbacks_today(cases: CaseQuerySet, user: User, now: datetime) -> CaseQuerySet:
    """Own open promises until tonight, as the clock of the installation has it; late ones too."""
    zone = ZoneInfo(settings.TIME_ZONE)
    midnight = datetime.combine(now.astimezone(zone).date() + timedelta(days=1), time(), zone)
    due = CallbackPromise.objects.pending().filter(due_at__lt=midnight)
    return cases.open().held_by(user).filter(pk__in=due.values("case"))


def _to_approve(cases: CaseQuerySet, user: User, _now: datetime) -> CaseQuerySet:
    waiting = Remedy.objects.filter(status=RemedyStatus.TO_APPROVE)
    return cases.filter(user.managed_shop_filter("shop"), pk__in=waiting.values("case"))


def _complaints(cases: CaseQuerySet, user: User, _now: datetime) -> CaseQuerySet:
    """Confirmed cases whose complaint is not filed yet, of the shops whose complaints one handles."""
    drafts = Complaint.objects.filter(status=ComplaintStatus.DRAFT)
    handled = user.complaint_shop_filter("shop")
    own = handled | Q(assignee=user) if handled else handled  # an administrator's is empty: everything
    return cases.filter(own, pk__in=drafts.values("case"))


VIEWS: dict[str, SavedView] = {
    view.code: view
    for view in (
        SavedView(
            "mine", _("Mine"), "inbox", lambda cases, user, _now: cases.open().held_by(user), WORK_ORDER
        ),
        SavedView("to_take", _("To take"), "hand-stop", lambda cases, _user, _now: cases.to_take()),
        SavedView("callbacks", _("Call-backs today"), "phone-outgoing", _callbacks_today, WORK_ORDER),
        SavedView("soon", _("Soon overdue"), "clock", lambda cases, _user, now: cases.soon_overdue(now)),
        SavedView("overdue", _("Overdue"), "alarm", lambda cases, _user, now: cases.overdue(now)),
        SavedView("unreached", _("Unreached"), "phone-x", lambda cases, _user, _now: cases.unreached()),
        SavedView(
            "to_decide", _("Cause unsure"), "help-circle", lambda cases, _user, _now: cases.to_decide()
        ),
        SavedView(
            "malicious",
            _("Perhaps malicious"),
            "shield-exclamation",
            lambda cases, _user, _now: cases.perhaps_malicious(),
        ),
        SavedView("complaints", _("Complaints to file"), "scale", _complaints),
        SavedView(
            "to_approve", _("Remedies to approve"), "coin", _to_approve, BY_DEADLINE, for_managers=True
        ),
        SavedView("open", _("All open"), "list-details", lambda cases, _user, _now: cases.open()),
        SavedView(
            "solved",
            _("Solved"),
            "circle-check",
            lambda cases, _user, _now: cases.closed().solved(),
            LAST_CLOSED_FIRST,
        ),
        SavedView(
            "closed", _("Closed"), "archive", lambda cases, _user, _now: cases.closed(), LAST_CLOSED_FIRST
        ),
        SavedView("all", _("All"), "book", lambda cases, _user, _now: cases, NEWEST_FIRST),
    )
}
NOT_COUNTED = ("closed", "all")


def views_for(user: User) -> list[SavedView]:
    """The views this person sees, in order."""
    return [view for view in VIEWS.values() if user.is_manager or not view.for_managers]


def cases_of(view: SavedView, user: User, now: datetime) -> CaseQuerySet:
    return view.pick(Case.objects.visible_to(user), user, now)


def capped(count: int) -> str:
    """A count as it is shown: exact up to the cap."""
    return f"{COUNTED}+" if count > COUNTED else str(count)


def count_of(cases: CaseQuerySet) -> str:
    """How many, never counting further than the cap."""
    return capped(cases.order_by().values("pk")[: COUNTED + 1].count())


class _CountedTo(Subquery):
    """The number of rows of a subquery that is cut off itself."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()
    empty_result_set_value = 0

    def __init__(self, rows: CaseQuerySet, cap: int) -> None:
        super().__init__(rows.order_by().values("pk")[: cap + 1])


def counts_of(lists: dict[str, CaseQuerySet], user: User) -> dict[str, str]:
    """How many cases each list has, capped as in `count_of`; all in one query (on the user's row)."""
    counted = [_CountedTo(cases, COUNTED) for cases in lists.values()]
    numbers = User.objects.filter(pk=user.pk).values_list(*counted).get()
    return {name: capped(number) for name, number in zip(lists, numbers, strict=True)}


def view_counts(user: User, now: datetime, total: object) -> dict[str, str]:
    """How many cases each view has. Kept by this process while nothing has changed in the person's shops
    (`total`, see callbacks.live) and the minute lasts: deadlines pass without a change."""
    tabs = [view for view in views_for(user) if view.code not in NOT_COUNTED]
    key = f"view-counts:{user.pk}:{len(tabs)}:{total}:{now:%d%H%M}"
    kept: dict[str, str] | None = cache.get(key)
    if kept is None:
        kept = counts_of({view.code: cases_of(view, user, now) for view in tabs}, user)
        cache.set(key, kept, KEPT)
    return kept


# --- filters ------------------------------------------------------------------------------------


def narrow(cases: CaseQuerySet, filters: dict[str, Any], user: User) -> CaseQuerySet:
    """Apply the filters of a URL (the cleaned data of views.queue.FilterForm); empty ones do nothing."""
    for name in ("shop", "cause", "sub_cause", "status"):
        if filters.get(name):
            cases = cases.filter(**{name: filters[name]})
    if outcome := filters.get("outcome"):
        cases = cases.solved() if outcome == ANY_SOLVED else cases.filter(outcome=outcome)
    if contacted := filters.get("contacted"):
        cases = cases.filter(first_contact_at__isnull=contacted == "0")
    if filters.get("product"):
        cases = cases.filter(review__product=filters["product"])
    if filters.get("buyer"):
        cases = cases.filter(review__buyer=filters["buyer"])
    if filters.get("incident"):
        cases = cases.filter(incident_place__incident=filters["incident"])
    if who := filters.get("assignee"):
        cases = cases.filter(assignee={"me": user.pk, "none": None}.get(who, who))
    if filters.get("from") or filters.get("until"):
        cases = cases.filter(_opened(filters.get("from"), filters.get("until"), user))
    return cases.filter(review__in=_found_by(filters["q"])) if filters.get("q") else cases


def _opened(first: date | None, last: date | None, user: User) -> Q:
    """Opened on the days first–last, both included, each shop by its own clock."""
    wanted = Q(pk=None)
    zones: dict[str, list[int]] = {}
    for shop in user.shops:
        zones.setdefault(shop.time_zone, []).append(shop.pk)
    for zone, shops in zones.items():
        within = Q(shop__in=shops)
        if first:
            within &= Q(opened_at__gte=datetime.combine(first, time(), ZoneInfo(zone)))
        if last:
            after = datetime.combine(last + timedelta(days=1), time(), ZoneInfo(zone))
            within &= Q(opened_at__lt=after)
        wanted |= within
    return wanted


def _found_by(words: str) -> QuerySet[Any]:
    """Reviews with these words; a number is a case's as well, and with # before it nothing else."""
    number = plain(words).removeprefix("#")
    if not (number.isdecimal() and len(number) < 12):
        return reviews_with(words)
    of_case = Case.objects.filter(pk=int(number)).values("review")
    return of_case if "#" in plain(words) else reviews_with(words).union(of_case)


# --- pages --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Page:
    """One page; the cursors lead to its neighbours and are empty where there is none."""

    cases: list[Case]
    previous: str = ""
    next: str = ""


def page_of(
    cases: CaseQuerySet,
    order: Sequence[str],
    now: datetime,
    cursor: str = "",
    hours: CallingHours = ANY_HOUR,
) -> Page:
    """The page the cursor leads to, the first one without. Flat in time however far it is."""
    backwards, values = _read(cursor, order)
    if order == WORK_ORDER:
        return _page_in_order(cases, now, hours, backwards, values)
    columns = [_flip(name) for name in order] if backwards else list(order)
    if values:
        cases = cases.filter(_beyond(columns, values))
    plain_names = [name.removeprefix("-") for name in order]
    found = list(cases.order_by(*columns).values_list("pk", *plain_names)[: PAGE + 1])
    more, found = len(found) > PAGE, found[:PAGE]
    if backwards:
        found.reverse()
    has_previous, has_next = (more, True) if backwards else (bool(values), more)
    rows = {case.pk: case for case in rows_of([pk for pk, *_values in found])}
    return Page(
        [rows[pk] for pk, *_values in found if pk in rows],
        _write("<", found[0][1:]) if found and has_previous else "",
        _write(">", found[-1][1:]) if found and has_next else "",
    )


def _page_in_order(
    cases: CaseQuerySet, now: datetime, hours: CallingHours, backwards: bool, values: Sequence[Any]
) -> Page:
    work = in_order(cases, now, hours)
    start = 0
    if values and backwards:
        start = max(0, bisect_left(work.places, Place(*values)) - PAGE)
    elif values:
        start = bisect_right(work.places, Place(*values))
    shown = work.places[start : start + PAGE]
    return Page(
        work.rows(shown),
        _write("<", shown[0]) if shown and start else "",
        _write(">", shown[-1]) if shown and start + PAGE < len(work.places) else "",
    )


def _flip(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"


def _beyond(columns: Sequence[str], values: Sequence[Any]) -> Q:
    """Rows that come after these values: a row comparison, column by column."""
    beyond, equal = Q(pk=None), Q()
    for column, value in zip(columns, values, strict=True):
        name = column.removeprefix("-")
        side = "lt" if column.startswith("-") else "gt"
        beyond |= equal & Q(**{f"{name}__{side}": value})
        equal &= Q(**{name: value})
    # Said once more for the first column alone, or the index would be walked from its beginning.
    first = columns[0].removeprefix("-")
    edge = "lte" if columns[0].startswith("-") else "gte"
    return Q(**{f"{first}__{edge}": values[0]}) & beyond


def _write(side: str, values: Sequence[Any]) -> str:
    plain_values = [one.astimezone(UTC).isoformat() if isinstance(one, datetime) else one for one in values]
    return base64.urlsafe_b64encode(json.dumps([side, *plain_values]).encode()).decode().rstrip("=")


def _read(cursor: str, order: Sequence[str]) -> tuple[bool, list[Any]]:
    """Direction and values; a cursor that is broken or of another list leads to the first page."""
    try:
        side, *raw = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        values = [datetime.fromisoformat(one) if isinstance(one, str) else one for one in raw]
    except (ValueError, TypeError, binascii.Error):
        return False, []
    fitting = len(values) == len(order) and all(map(_fits, order, values))
    return (side == "<", values) if fitting else (False, [])


def _fits(name: str, value: Any) -> bool:
    """Whether the database can compare the column with this."""
    if name.removeprefix("-") in TIMES:
        in_range = isinstance(value, datetime) and clock.FIRST_YEAR <= value.year <= clock.LAST_YEAR
        return in_range and value.tzinfo is not None
    return isinstance(value, int | float) and abs(value) < 2**63
