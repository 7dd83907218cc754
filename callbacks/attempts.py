"""Who was called when: every attempt to reach a buyer, in this case, in this shop and in all others."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import CharField, F, IntegerField, Value

from callbacks.models import CallLog, Direction, LineEvent, LineEventKind
from callbacks.regions import buyer_zones
from reviews.models import Case, Order, SequenceMark
from reviews.personal_data import NO_NUMBER
from reviews.prepared import Asked, Prepared


@dataclass(slots=True)
class Attempts:
    """Starts of outgoing calls; `outcomes` has those of the own shop with how they ended."""

    in_case: list[datetime] = field(default_factory=list)
    in_shop: list[datetime] = field(default_factory=list)
    in_other_shops: list[datetime] = field(default_factory=list)
    outcomes: list[tuple[datetime, str]] = field(default_factory=list)


def attempts_of(case: Case, *, but_line: str = "") -> Attempts:
    """Every attempt that counts for this case: by case, by buyer and by number, over all shops.

    Other shops are only counted; nothing of theirs is shown to anybody. A call the telephone system reported
    and nobody could place counts as well, save the one of this `but_line`.
    """
    order, buyer = case.review.order, case.review.buyer_id
    number = (order.phone_index if order else "") or NO_NUMBER
    found = Attempts()
    rows = _ATTEMPTS(case=case.pk, buyer=buyer or 0, number=number, but_line=but_line)
    for _call, case_id, shop_id, at, outcome in rows:
        where = found.in_other_shops if shop_id != case.shop_id else found.in_shop
        (found.in_case if case_id == case.pk else where).append(at)
        if shop_id == case.shop_id and outcome:
            found.outcomes.append((at, outcome))
    return found


def _attempts() -> Any:
    """Calls of the case, the buyer, the number, and events of the number: each by its index, none twice."""
    made = CallLog.objects.filter(direction=Direction.OUT).order_by()
    calls = made.values_list("pk", "case_id", "case__shop_id", "started_at", "outcome")
    same_buyer = Case.objects.filter(review__buyer=Asked("buyer")).values("pk")
    return calls.filter(case=Asked("case")).union(
        calls.filter(case__in=same_buyer), calls.filter(phone_index=Asked("number")), _unplaced()
    )


def _unplaced() -> Any:
    events = LineEvent.objects.filter(
        phone_index=Asked("number"), kind=LineEventKind.NEW_CALL, direction=Direction.OUT, call=None
    )
    none: tuple[Any, ...] = (Value(0, IntegerField()), F("shop_id"), F("at"), Value("", CharField()))
    return events.exclude(line_id=Asked("but_line")).order_by().values_list(-F("pk"), *none)


_ATTEMPTS = Prepared(_attempts)


def zones_of(case: Case) -> tuple[ZoneInfo, ...]:
    """The clocks of the buyer of this case."""
    order = case.review.order
    return buyer_zones(order.address, order.buyer_phone) if order else ()


def hold_number(order: Order | None) -> None:
    """Keep this number to oneself until the transaction ends: two shops never call it in the same moment."""
    if order is None or not order.phone_index:
        return
    key = f"phone:{order.phone_index}"
    SequenceMark.objects.bulk_create([SequenceMark(key=key)], ignore_conflicts=True)
    SequenceMark.objects.select_for_update().get(key=key)
