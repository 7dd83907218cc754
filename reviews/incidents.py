"""Mass incidents: found every minute from the latest complaints, confirmed or dismissed by a manager.

A complaint is a case; its time is when the buyer wrote, so that a connector that brings an hour's reviews at
once, or an archive, raises nothing. The rule is reviews.incident_rule.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Case as CaseWhen
from django.db.models import F, Max, Q, When
from django.utils.translation import gettext as _

from reviews import clock
from reviews.colliding import check
from reviews.compliance import mentions_review_change
from reviews.incident_rule import (
    LEARNT_DAYS,
    LOOK_BACK,
    Burst,
    Complaint,
    Place,
    Usual,
    Watch,
    inside,
    learn,
    worst,
)
from reviews.models import (
    AuditEntry,
    Case,
    ComplaintPace,
    Incident,
    IncidentCase,
    InvalidTransition,
    Shop,
    User,
)
from reviews.models.audit import Action
from reviews.models.cases import CaseQuerySet
from reviews.models.incidents import INCIDENT_MOVES, IncidentState
from reviews.outgoing import check_outgoing
from reviews.template_text import spoken, variables

ARRIVED = timedelta(minutes=15)  # a sweep that came late still looks at what came in meanwhile
WRITTEN = timedelta(days=1)  # what was written longer ago is history, no alarm
UNSURE = timedelta(hours=2)  # the newest may be an incident: nothing is learnt from them
LEARN_EVERY = timedelta(days=1)
MOST_CASES = 500  # of one incident
WHOLE_SHOP: Place = (0, "")
STANDS_OUT = 2.0  # times more than the shop, and a place has an incident of its own within the shop's
MOST_NOTICES = 3  # of unseen incidents on a page at once
# When a buyer wrote what opened the case: the follow-up, where it was there already.
WRITTEN_AT = CaseWhen(
    When(review__followup_at__lte=F("opened_at"), then=F("review__followup_at")),
    default=F("review__created_at"),
)
# What a statement may say of its case: never what names the buyer or the order.
STATEMENT_VARIABLES = (
    "item",
    "shop",
    "buyer_nick_masked",
    "reply_name",
    "call_day",
    "promise_day",
    "done",
    "next",
)


# --- found ---------------------------------------------------------------------------------------------


def watch_shops() -> int:
    """Look at every shop that got a complaint lately, in a few queries; how many incidents began."""
    now = clock.now()
    lately = Case.objects.filter(opened_at__gt=now - ARRIVED, opened_at__lte=now)
    shops = {
        shop.pk: shop for shop in Shop.objects.filter(pk__in=lately.order_by().values("shop").distinct())
    }
    if not shops:
        return 0
    since = now - timedelta(seconds=LOOK_BACK) - WRITTEN
    heard = _heard(shops, since, now)
    usual = _usual(shops, now)
    covered = _covered(shops, now)
    found = 0
    for pk, shop in shops.items():
        if pk in usual and (burst := _burst(usual[pk], heard[pk], covered[pk], now)):
            found += _open(shop, burst, now)
    return found


def _heard(
    shops: dict[int, Shop], since: datetime, until: datetime
) -> dict[int, list[tuple[datetime, Complaint]]]:
    """The complaints of these shops in the order they were written, each with when it came in; one query."""
    rows = (
        Case.objects.filter(shop__in=shops, opened_at__gt=since, opened_at__lte=until)
        .annotate(written=WRITTEN_AT)
        .order_by()
        .values_list(
            "shop_id",
            "opened_at",
            "written",
            "review__product_id",
            "sub_cause",
            "review__buyer_id",
        )
    )
    heard: dict[int, list[tuple[datetime, Complaint]]] = defaultdict(list)
    for shop, came, written, product, sub_cause, buyer in rows.iterator(chunk_size=5000):
        if _is_told_by_day(written, shops[shop]):
            continue
        at = min(written, came).timestamp()
        heard[shop].append((came, Complaint(at, product or 0, sub_cause, buyer or 0)))
    for found in heard.values():
        found.sort(key=lambda one: one[1].at)
    return heard


def _is_told_by_day(written: datetime, shop: Shop) -> bool:
    """A file that names days without hours puts them all at midnight: they say nothing about minutes."""
    local = written.astimezone(shop.zone)
    return (local.hour, local.minute, local.second) == (0, 0, 0)


def _usual(shops: dict[int, Shop], now: datetime) -> dict[int, Usual]:
    """What is usual in each shop, learnt anew where that is a day old."""
    known = {pace.shop_id: pace for pace in ComplaintPace.objects.filter(shop__in=shops)}
    old = {
        pk: shop for pk, shop in shops.items() if pk not in known or known[pk].learnt_at < now - LEARN_EVERY
    }
    found = {pk: _read(pace.figures) for pk, pace in known.items() if pk not in old}
    if old:
        found |= _learn(old, now)
    return {pk: one for pk, one in found.items() if one}


def _learn(shops: dict[int, Shop], now: datetime) -> dict[int, Usual | None]:
    """Learn what is usual in these shops, without what belonged to incidents; kept until tomorrow."""
    until = now - UNSURE
    since = until - timedelta(days=LEARNT_DAYS)
    heard = _heard(shops, since, until)
    struck = _struck(shops, since)
    found: dict[int, Usual | None] = {}
    for pk, shop in shops.items():
        told = [one for _came, one in heard[pk]]
        first = max(since.timestamp(), told[0].at) if told else until.timestamp()
        offset = now.astimezone(shop.zone).utcoffset() or timedelta()
        quiet = [one for one in told if not _belongs(one, struck[pk])]
        found[pk] = learn(quiet, first, until.timestamp(), offset.total_seconds())
    paces = [ComplaintPace(shop_id=pk, learnt_at=now, figures=_written(one)) for pk, one in found.items()]
    ComplaintPace.objects.bulk_create(
        paces, update_conflicts=True, unique_fields=["shop"], update_fields=["learnt_at", "figures"]
    )
    return found


Struck = list[tuple[Place, float, float]]


def _struck(shops: Iterable[int], since: datetime) -> dict[int, Struck]:
    """Where and when each shop had confirmed incidents: from the minutes that rang to the end."""
    states = (IncidentState.CONFIRMED, IncidentState.CLOSED)
    found: dict[int, Struck] = defaultdict(list)
    for one in Incident.objects.filter(shop__in=shops, state__in=states, rang_at__gt=since):
        until = one.ended_at or clock.now()
        found[one.shop_id].append((place_of(one), one.began_at.timestamp(), until.timestamp()))
    return found


def _belongs(complaint: Complaint, struck: Struck) -> bool:
    return any(place in complaint.places and start <= complaint.at <= end for place, start, end in struck)


def _written(usual: Usual | None) -> Any:
    if usual is None:
        return {}
    counts = [[product, sub_cause, number] for (product, sub_cause), number in usual.counts.items()]
    return {
        "hourly": [round(one, 6) for one in usual.hourly],
        "counts": counts,
        "spread": usual.spread,
        "days": usual.days,
        "offset": usual.offset,
    }


def _read(figures: Any) -> Usual | None:
    if not figures:
        return None
    counts = {(product, sub_cause): number for product, sub_cause, number in figures["counts"]}
    return Usual(tuple(figures["hourly"]), counts, figures["spread"], figures["days"], figures["offset"])


@dataclass(frozen=True, slots=True)
class Covered:
    """A place that has rung, and how many times the usual it had."""

    place: Place
    times: float

    def explains(self, burst: Burst) -> bool:
        """Whether a burst is this one again, or a part of it. One of the whole shop explains no place that
        stands out far more than the shop did."""
        again = inside(burst.place, self.place)
        if again and self.place == WHOLE_SHOP != burst.place:
            return burst.times_usual < STANDS_OUT * self.times
        return again


def _covered(shops: Iterable[int], now: datetime) -> dict[int, list[Covered]]:
    found: dict[int, list[Covered]] = defaultdict(list)
    for one in Incident.objects.filter(shop__in=shops).covering(now):
        found[one.shop_id].append(Covered(place_of(one), one.times_usual))
    return found


def _burst(
    usual: Usual, heard: list[tuple[datetime, Complaint]], covered: list[Covered], now: datetime
) -> Burst | None:
    """The worst burst ending at a complaint that came in lately; what an incident of a part of the shop
    explains counts nowhere else."""
    watch, bursts = Watch(usual), []
    oldest = (now - WRITTEN).timestamp()
    struck = {old.place for old in covered} - {WHOLE_SHOP}
    for came, one in heard:
        if not struck.isdisjoint(one.places):
            continue
        watch.add(one)
        if came > now - ARRIVED and one.at > oldest:
            bursts += [
                burst for burst in watch.bursts(one) if not any(old.explains(burst) for old in covered)
            ]
    return worst(bursts)


@transaction.atomic
def _open(shop: Shop, burst: Burst, now: datetime) -> bool:
    """Keep it with the cases that fit; False when another worker was quicker (the shop's row is the lock)."""
    Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
    if any(old.explains(burst) for old in _covered([shop.pk], now)[shop.pk]):
        return False
    product, sub_cause = burst.place
    incident = Incident.objects.create(
        shop=shop,
        product_id=product or None,
        sub_cause=sub_cause,
        rang_at=datetime.fromtimestamp(burst.at, now.tzinfo),
        opened_at=now,
        minutes=burst.minutes,
        observed=burst.observed,
        expected=burst.expected,
    )
    _place(incident, suggested(incident), None)
    return True


def place_of(incident: Incident) -> Place:
    """Where it struck, as the rule names it."""
    return incident.product_id or 0, incident.sub_cause


# --- the cases that belong ------------------------------------------------------------------------------


def suggested(incident: Incident) -> CaseQuerySet:
    """Cases that fit and belong to no incident yet: same product and sub-cause, written since it began."""
    found = _of_place(incident, incident.began_at).filter(incident_place=None)
    return found.filter(Q(written__lte=incident.ended_at)) if incident.ended_at else found


def _of_place(incident: Incident, since: datetime) -> CaseQuerySet:
    """Cases of where it struck whose complaint was `written` since then.

    When they came in is asked as well, since only that has an index: nothing comes in long before it is
    written, whatever the platform's clock says.
    """
    found = Case.objects.annotate(written=WRITTEN_AT).filter(
        shop=incident.shop_id, opened_at__gte=since - WRITTEN, written__gte=since
    )
    if incident.product_id:
        found = found.filter(review__product=incident.product_id)
    return found.filter(sub_cause=incident.sub_cause) if incident.sub_cause else found


def add_cases(incident: Incident, cases: Iterable[Case], *, by: User) -> int:
    """Let cases of the same shop belong to it; how many were added. Those of another incident stay there."""
    _check_open(incident)
    return _place(incident, cases, by)


@transaction.atomic
def _place(incident: Incident, cases: Iterable[Case], by: User | None) -> int:
    held = Incident.objects.select_for_update().get(pk=incident.pk)
    last = held.places.aggregate(last=Max("number"))["last"] or 0
    keys = [case.pk for case in cases if case.shop_id == incident.shop_id][: max(0, MOST_CASES - last)]
    free = Case.objects.filter(pk__in=keys, incident_place=None).order_by("opened_at", "id")
    made = IncidentCase.objects.bulk_create(
        [
            IncidentCase(incident=incident, case=case, number=last + n, added_by=by, added_at=clock.now())
            for n, case in enumerate(free, 1)
        ]
    )
    return len(made)


def remove_case(incident: Incident, case: Case, *, by: User) -> None:
    """The case does not belong to it."""
    _check_open(incident)
    IncidentCase.objects.filter(incident=incident, case=case).delete()


def _check_open(incident: Incident) -> None:
    if not incident.is_open:
        raise InvalidTransition(_("This incident is over."))


# --- decided --------------------------------------------------------------------------------------------


def unseen_by_managers(user: User) -> list[Incident]:
    """The newest incidents in the shops this person manages that nobody has opened; no query for agents."""
    if not user.is_manager:
        return []
    found = Incident.objects.unseen().filter(user.managed_shop_filter("shop"))
    return list(found.select_related("shop", "product")[:MOST_NOTICES])


def note_seen(incident: Incident, *, by: User) -> None:
    """Somebody who manages the shop has opened it."""
    Incident.objects.filter(pk=incident.pk, seen_at=None).update(seen_at=clock.now(), seen_by=by)


def confirm(incident: Incident, *, by: User) -> None:
    """It is one: its complaints ring no more, and its cases can be answered together."""
    _move(incident, "confirm", by=by, decided_by=by, decided_at=clock.now())


def dismiss(incident: Incident, *, by: User, reason: str) -> None:
    """It is none: the same does not ring again for half a day, and its cases are free."""
    if not reason.strip():
        raise InvalidTransition(_("Say why it is no incident."))
    now = clock.now()
    with transaction.atomic():
        fresh = {"decided_by": by, "decided_at": now, "ended_at": now, "words": reason.strip()}
        _move(incident, "dismiss", by=by, **fresh)
        incident.places.all().delete()


def close(incident: Incident, *, by: User) -> None:
    """It is over; its cases stay with it."""
    _move(incident, "close", by=by, ended_at=clock.now())


@transaction.atomic
def _move(incident: Incident, verb: str, *, by: User, **changes: Any) -> None:
    """The one private move: compare-and-set on the state, and the record of it."""
    before, target = INCIDENT_MOVES[verb]
    moved = Incident.objects.filter(pk=incident.pk, state=before)
    if not moved.update(state=target, **changes):
        raise InvalidTransition(_("This incident has been decided meanwhile. Load it again."))
    for name, value in {"state": target, **changes}.items():
        setattr(incident, name, value)
    AuditEntry.note(Action.INCIDENT, incident, user=by, shop=incident.shop, state=target.value)


# --- the plan -------------------------------------------------------------------------------------------


def save_plan(
    incident: Incident,
    *,
    statement: str,
    by: User,
    remedy_kind: str = "",
    remedy_amount: Decimal | None = None,
    remedy_reason: str = "",
    mark: str = "",
) -> None:
    """Keep what every case of it is answered and offered; `mark`: of the plan the form was opened with.

    Raises TemplateTextError, OffendingText, InvalidTransition, Collision.
    """
    _check_open(incident)
    if wrong := variables(statement) - set(STATEMENT_VARIABLES):
        words = _("A public statement cannot say {%(name)s}.")
        raise InvalidTransition(words % {"name": min(wrong)})
    check_outgoing(spoken(statement), kind="public_reply", shop=incident.shop, by=by, thing=incident)
    if remedy_kind and mentions_review_change(spoken(statement)):
        raise InvalidTransition(
            _("With a remedy, the statement may not speak of changing a review: leave the review out.")
        )
    check_outgoing(remedy_reason, kind="note", shop=incident.shop, by=by, thing=incident)
    fresh: dict[str, Any] = {
        "statement": statement,
        "remedy_kind": remedy_kind,
        "remedy_amount": remedy_amount,
        "remedy_reason": remedy_reason,
    }
    with transaction.atomic():
        stands = Incident.objects.select_for_update().get(pk=incident.pk)
        for name, value in fresh.items():
            setattr(incident, name, value)
        check(mark, plan_of(stands), plan_of(incident), words=stands.statement or "–")
        Incident.objects.filter(pk=incident.pk).update(**fresh)


def plan_of(incident: Incident) -> list[str]:
    """The plan as a form's mark knows it."""
    amount = incident.remedy_amount
    return [
        incident.statement,
        incident.remedy_kind,
        "" if amount is None else f"{amount:.2f}",
        incident.remedy_reason,
    ]


def counts_by_minutes(
    incident: Incident, until: datetime, *, minutes: int = 10
) -> Iterator[tuple[datetime, int]]:
    """Complaints of its place in steps of minutes, from two hours before it began; one query."""
    step = timedelta(minutes=minutes)
    start = incident.began_at - timedelta(hours=2)
    cases = _of_place(incident, start).filter(Q(written__lt=until))
    found: dict[int, int] = defaultdict(int)
    for written in cases.order_by().values_list(WRITTEN_AT, flat=True):
        found[(written - start) // step] += 1
    for n in range((until - start) // step + 1):
        yield start + n * step, found[n]
