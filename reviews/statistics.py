"""The numbers a manager steers by: read-only, each with the cases behind it.

One cohort: the cases opened on the days of a period, a day being the shop's own. How a case ended, who
holds it and when it was first contacted is read from those cases as they stand now. Nothing here counts
changed reviews or ranks anybody by ratings: those are no aims (platform and competition law).

The number of queries does not depend on the number of rows.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Case as When_
from django.db.models import Count, DateField, DurationField, ExpressionWrapper, F, Q, Value, When, Window
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, RowNumber, TruncDate

from reviews.causes import COMPLAINTS, SUB_CAUSES, TYPICAL_SHARES, Cause, SubCause
from reviews.models import Case, CaseEvent, Outcome, Rating, Review, Shop, Status, User
from reviews.models.cases import SOLVED, CaseQuerySet, EventKind
from reviews.models.reviews import ReviewQuerySet

PRODUCTS_SHOWN = 20

ANY_SOLVED = "any_solved"  # both outcomes that count as solved

Query = tuple[tuple[str, str], ...]

# The saved views of the case list that numbers lead to.
_VIEWS: dict[str, Callable[[CaseQuerySet, datetime], CaseQuerySet]] = {
    "all": lambda cases, _now: cases,
    "open": lambda cases, _now: cases.open(),
    "closed": lambda cases, _now: cases.closed(),
    "overdue": lambda cases, now: cases.overdue(now),
}


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `first` to `last`, both counted."""

    first: date
    last: date

    @classmethod
    def of_days(cls, days: int, until: date) -> "Period":
        return cls(until - timedelta(days=days - 1), until)

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]


@dataclass(frozen=True, slots=True)
class Number:
    """A count and the parameters that make the list of cases show just the rows it counted.

    `query` holds pairs of the case list's parameters; shop and period come from the scope.
    `stock` counts what is there now, whenever it was opened.
    """

    count: int
    query: Query = ()
    stock: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """Which shops and which days are counted."""

    shops: tuple[Shop, ...]
    period: Period

    def cases(self) -> CaseQuerySet:
        """The cohort: cases opened in the period."""
        return Case.objects.filter(self.within("opened_at"))

    def reviews(self) -> ReviewQuerySet:
        """Reviews written in the period."""
        return Review.objects.filter(self.within("created_at"))

    def within(self, field: str, period: Period | None = None, path: str = "") -> Q:
        """Restrict to the shops and to the days of the period, each in the shop's zone."""
        days, rule = period or self.period, Q(pk__in=[])
        for zone, shops in _by_zone(self.shops).items():
            rule |= Q(
                **{
                    f"{path}shop__in": shops,
                    f"{path}{field}__gte": _midnight(days.first, zone),
                    f"{path}{field}__lt": _midnight(days.last + timedelta(days=1), zone),
                }
            )
        return rule

    def day_of(self, field: str) -> Combinable:
        """The day of a moment in the zone of its shop."""
        zones = [(shops, TruncDate(field, tzinfo=zone)) for zone, shops in _by_zone(self.shops).items()]
        if len(zones) == 1:
            return zones[0][1]
        branches = [When(shop__in=shops, then=day) for shops, day in zones]
        return When_(*branches, default=Value(None), output_field=DateField())

    def behind(self, number: Number, now: datetime) -> CaseQuerySet:
        """The cases a number counted."""
        wanted: dict[str, list[str]] = defaultdict(list)
        for name, value in number.query:
            wanted[name].append(value)
        period = _period_of(wanted) or self.period
        where = Q(shop__in=self.shops) if number.stock else self.within("opened_at", period)
        cases = _VIEWS[wanted.pop("view", ["all"])[0]](Case.objects.filter(where), now)
        if wanted.get("outcome") == [ANY_SOLVED]:
            cases, _outcome = cases.solved(), wanted.pop("outcome")
        if contacted := wanted.pop("contacted", None):
            cases = cases.filter(first_contact_at__isnull=contacted == ["0"])
        paths = {"product": "review__product"}
        return cases.filter(**{f"{paths.get(name, name)}__in": values for name, values in wanted.items()})


def _by_zone(shops: Iterable[Shop]) -> dict[ZoneInfo, list[int]]:
    zones: dict[ZoneInfo, list[int]] = defaultdict(list)
    for shop in shops:
        zones[shop.zone].append(shop.pk)
    return zones


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _period_of(wanted: dict[str, list[str]]) -> Period | None:
    first, last = wanted.pop("from", None), wanted.pop("until", None)
    return Period(date.fromisoformat(first[0]), date.fromisoformat(last[0])) if first and last else None


@dataclass(frozen=True, slots=True)
class Ending:
    """How the cases of one group stand: how many, still open, closed, solved."""

    cases: Number
    open: Number
    closed: Number
    solved: Number
    malicious: Number

    @property
    def solved_share(self) -> float | None:
        """Solved among the closed, 0–1; nothing while none is closed.

        What ended as malicious had nothing to solve: it counts neither way.
        """
        solvable = self.closed.count - self.malicious.count
        return self.solved.count / solvable if solvable else None


@dataclass(frozen=True, slots=True)
class SubCauseRow:
    sub_cause: SubCause
    ending: Ending


@dataclass(frozen=True, slots=True)
class CauseRow:
    """One cause among the complaints: `percent` are whole numbers that add up to 100 over the causes."""

    cause: Cause
    ending: Ending
    percent: int
    typical: int
    sub_causes: tuple[SubCauseRow, ...]

    @property
    def difference(self) -> int:
        """Percentage points above (or below) the typical share."""
        return self.percent - self.typical


@dataclass(frozen=True, slots=True)
class DayRow:
    """The cases opened on one day: in all, by cause (in the order of COMPLAINTS), without a complaint."""

    day: date
    cases: Number
    by_cause: tuple[Number, ...]
    no_complaint: Number


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something took: `size` measured, their median and 90th percentile (nearest rank)."""

    size: int = 0
    median: timedelta | None = None
    p90: timedelta | None = None


@dataclass(frozen=True, slots=True)
class FirstContact:
    """From opening a case to the first attempt to reach the buyer, nights included."""

    contacted: Number
    waiting: Number
    spread: Spread


@dataclass(frozen=True, slots=True)
class ProductRow:
    product_id: int
    title: str
    ending: Ending
    main_sub_cause: str
    main_count: Number


@dataclass(frozen=True, slots=True)
class AgentRow:
    user_id: int
    name: str
    ending: Ending
    first_contact: Spread
    calls: Number


@dataclass(frozen=True, slots=True)
class Statistics:
    """Everything the manager's page and the API show of one scope."""

    scope: Scope
    ratings: Mapping[Rating, int]
    ending: Ending
    open_now: Number
    overdue_now: Number
    causes: tuple[CauseRow, ...]
    no_complaint: Number
    trend: tuple[DayRow, ...]
    first_contact: FirstContact
    products: tuple[ProductRow, ...]
    without_product: int
    agents: tuple[AgentRow, ...]

    @property
    def reviews(self) -> int:
        return sum(self.ratings.values())

    @property
    def complaints(self) -> int:
        """Cases whose cause is one of the four."""
        return sum(row.ending.cases.count for row in self.causes)

    @property
    def is_empty(self) -> bool:
        return not (self.reviews or self.ending.cases.count)


def read(scope: Scope, now: datetime) -> Statistics:
    """Count everything of one scope; `now` decides what is overdue."""
    ending = _ending(scope.cases().aggregate(**_ENDINGS), ())
    causes, no_complaint = _causes(scope)
    open_now, overdue_now = _stock(scope, now)
    products = _products(scope)
    return Statistics(
        scope=scope,
        ratings=ratings(scope),
        ending=ending,
        open_now=open_now,
        overdue_now=overdue_now,
        causes=causes,
        no_complaint=no_complaint,
        trend=trend(scope),
        first_contact=_first_contact(scope, ending),
        products=products,
        without_product=scope.cases().filter(review__product=None).count(),
        agents=_agents(scope),
    )


# --- parts -----------------------------------------------------------------------------------------

_ENDINGS = {
    "cases": Count("pk"),
    "closed": Count("pk", filter=Q(status=Status.CLOSED)),
    "solved": Count("pk", filter=Q(outcome__in=SOLVED)),
    "malicious": Count("pk", filter=Q(outcome=Outcome.MALICIOUS)),
}
_OPEN_QUERY: Query = (("view", "open"),)
_CLOSED_QUERY: Query = (("view", "closed"),)
_SOLVED_QUERY: Query = (("outcome", ANY_SOLVED),)
_MALICIOUS_QUERY: Query = (("outcome", Outcome.MALICIOUS.value),)


def _ending(row: Mapping[str, Any], query: Query) -> Ending:
    return Ending(
        cases=Number(row["cases"], query),
        open=Number(row["cases"] - row["closed"], query + _OPEN_QUERY),
        closed=Number(row["closed"], query + _CLOSED_QUERY),
        solved=Number(row["solved"], query + _SOLVED_QUERY),
        malicious=Number(row["malicious"], query + _MALICIOUS_QUERY),
    )


def ratings(scope: Scope) -> dict[Rating, int]:
    """How many reviews of each rating were written."""
    found = dict(scope.reviews().order_by().values_list("rating").annotate(Count("pk")))
    return {rating: found.get(rating.value, 0) for rating in Rating}


def _causes(scope: Scope) -> tuple[tuple[CauseRow, ...], Number]:
    rows = scope.cases().order_by().values("cause", "sub_cause").annotate(**_ENDINGS)
    by_sub: dict[str, list[SubCauseRow]] = defaultdict(list)
    for row in rows:
        query: Query = (("cause", row["cause"]), ("sub_cause", row["sub_cause"]))
        by_sub[row["cause"]].append(SubCauseRow(SubCause(row["sub_cause"]), _ending(row, query)))
    wholes = [_sum([row.ending for row in by_sub[cause]], (("cause", cause.value),)) for cause in COMPLAINTS]
    percents = whole_percents([ending.cases.count for ending in wholes])
    causes = tuple(
        CauseRow(cause, ending, percent, TYPICAL_SHARES[cause], _in_order(by_sub[cause]))
        for cause, ending, percent in zip(COMPLAINTS, wholes, percents, strict=True)
    )
    return causes, _sum([row.ending for row in by_sub[Cause.NONE]], (("cause", Cause.NONE.value),)).cases


def _sum(endings: Sequence[Ending], query: Query) -> Ending:
    names = ("cases", "closed", "solved", "malicious")
    return _ending({name: sum(getattr(one, name).count for one in endings) for name in names}, query)


def _in_order(rows: list[SubCauseRow]) -> tuple[SubCauseRow, ...]:
    """Most frequent first; equal ones in the order of the codes."""
    order = [sub for subs in SUB_CAUSES.values() for sub in subs]
    return tuple(sorted(rows, key=lambda row: (-row.ending.cases.count, order.index(row.sub_cause))))


def whole_percents(counts: Sequence[int]) -> list[int]:
    """Shares in whole percent that add up to 100 (largest remainder); all zero when nothing was counted."""
    total = sum(counts)
    if not total:
        return [0] * len(counts)
    exact = [Fraction(100 * count, total) for count in counts]
    percents = [int(share) for share in exact]
    by_rest = sorted(range(len(counts)), key=lambda n: percents[n] - exact[n])
    for n in by_rest[: 100 - sum(percents)]:
        percents[n] += 1
    return percents


def trend(scope: Scope) -> tuple[DayRow, ...]:
    """New cases by day and cause; days without any are there too."""
    counted: dict[date, dict[str, int]] = defaultdict(dict)
    rows = scope.cases().order_by().annotate(day=scope.day_of("opened_at")).values_list("day", "cause")
    for day, cause, count in rows.annotate(count=Count("pk")):
        counted[day][cause] = count
    return tuple(_day_row(day, counted[day]) for day in scope.period.days)


def _day_row(day: date, counted: Mapping[str, int]) -> DayRow:
    query: Query = (("from", day.isoformat()), ("until", day.isoformat()))
    return DayRow(
        day,
        Number(sum(counted.values()), query),
        tuple(Number(counted.get(cause, 0), (*query, ("cause", cause.value))) for cause in COMPLAINTS),
        Number(counted.get(Cause.NONE, 0), (*query, ("cause", Cause.NONE.value))),
    )


def _stock(scope: Scope, now: datetime) -> tuple[Number, Number]:
    stock = Case.objects.filter(shop__in=scope.shops)
    return (
        Number(stock.open().count(), _OPEN_QUERY, stock=True),
        Number(stock.overdue(now).count(), (("view", "overdue"),), stock=True),
    )


def _first_contact(scope: Scope, ending: Ending) -> FirstContact:
    found = spreads(scope.cases()).get((), Spread())
    return FirstContact(
        contacted=Number(found.size, (("contacted", "1"),)),
        waiting=Number(ending.cases.count - found.size, (("contacted", "0"),)),
        spread=found,
    )


def spreads(cases: CaseQuerySet, *by: str) -> dict[tuple[object, ...], Spread]:
    """Time to first contact of each group of contacted cases; `by` names the fields that group them.

    The database numbers the rows and hands out two or three a group: the same on SQLite and PostgreSQL,
    and as little to carry from a million cases as from ten.
    """
    took = ExpressionWrapper(
        F("first_contact_at") - Coalesce("reopened_at", "opened_at"), output_field=DurationField()
    )
    group = [F(name) for name in by] or None
    rows = (
        cases.exclude(first_contact_at=None)
        .order_by()
        .annotate(
            took=took,
            place=Window(RowNumber(), partition_by=group, order_by=[F("took").asc(), F("pk").asc()]),
            size=Window(Count("pk"), partition_by=group),
        )
        .annotate(for_median=F("place") * 2 - F("size"), for_p90=F("place") * 10 - F("size") * 9)
        .filter(Q(for_median__range=(0, 2)) | Q(for_p90__range=(0, 9)))
        .values_list(*by, "took", "size", "for_median", "for_p90")
    )
    groups: dict[tuple[object, ...], list[tuple[timedelta, int, int, int]]] = defaultdict(list)
    for row in rows:
        groups[row[: len(by)]].append(row[len(by) :])
    return {key: _spread(chosen) for key, chosen in groups.items()}


def _spread(chosen: list[tuple[timedelta, int, int, int]]) -> Spread:
    middle = [took for took, _size, for_median, _p90 in chosen if 0 <= for_median <= 2]
    p90 = next(took for took, _size, _median, for_p90 in chosen if 0 <= for_p90 <= 9)
    return Spread(chosen[0][1], sum(middle, timedelta()) / len(middle), p90)


def _products(scope: Scope) -> tuple[ProductRow, ...]:
    """The products most complained of, with what most of them are about."""
    names = ("review__product", "review__product__title", "review__product__item_id")
    top = scope.cases().exclude(review__product=None).order_by().values(*names).annotate(**_ENDINGS)
    rows = list(top.order_by("-cases", "review__product")[:PRODUCTS_SHOWN])
    main = _main_sub_causes(scope, [row["review__product"] for row in rows])
    return tuple(_product_row(row, *main.get(row["review__product"], ("", 0))) for row in rows)


def _main_sub_causes(scope: Scope, products: list[int]) -> dict[int, tuple[str, int]]:
    found = (
        scope.cases()
        .filter(review__product__in=products)
        .exclude(sub_cause=SubCause.NONE)
        .order_by()
        .values_list("review__product", "sub_cause")
        .annotate(count=Count("pk"))
        .order_by("count", "-sub_cause")
    )
    return {product: (sub_cause, count) for product, sub_cause, count in found}


def _product_row(row: Mapping[str, Any], sub_cause: str, count: int) -> ProductRow:
    product = row["review__product"]
    query: Query = (("product", str(product)),)
    return ProductRow(
        product_id=product,
        title=row["review__product__title"] or row["review__product__item_id"],
        ending=_ending(row, query),
        main_sub_cause=sub_cause,
        main_count=Number(count, (*query, ("sub_cause", sub_cause))),
    )


def _agents(scope: Scope) -> tuple[AgentRow, ...]:
    """Who holds the cases, and who made calls in them."""
    held = scope.cases().exclude(assignee=None)
    endings = {row["assignee"]: row for row in held.order_by().values("assignee").annotate(**_ENDINGS)}
    called = CaseEvent.objects.filter(scope.within("opened_at", path="case__"), kind=EventKind.CALL)
    calls = dict(called.exclude(by=None).order_by().values_list("by").annotate(Count("pk")))
    took = spreads(held, "assignee")
    nothing = {"cases": 0, "closed": 0, "solved": 0, "malicious": 0}
    rows = [
        AgentRow(
            user_id=user.pk,
            name=str(user),
            ending=_ending(endings.get(user.pk, nothing), (("assignee", str(user.pk)),)),
            first_contact=took.get((user.pk,), Spread()),
            calls=Number(calls.get(user.pk, 0), (("assignee", str(user.pk)), ("contacted", "1"))),
        )
        for user in User.objects.filter(pk__in=[*endings, *calls])
    ]
    return tuple(sorted(rows, key=lambda row: (-row.ending.cases.count, row.name)))
