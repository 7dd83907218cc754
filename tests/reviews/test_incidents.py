"""Mass incidents: found by the sweep, once; dismissed ones keep quiet; their cases are grouped."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from reviews import clock, incidents
from reviews.causes import SubCause
from reviews.models import (
    AuditEntry,
    Case,
    ComplaintPace,
    Incident,
    IncidentCase,
    InvalidTransition,
    Review,
    Shop,
    User,
)
from reviews.models.incidents import QUIET_FOR, IncidentState
from reviews.outgoing import OffendingText
from reviews.tasks import watch_incidents
from reviews.template_text import TemplateTextError
from tests.factories import make_product, make_shop
from tests.reviews.incident_history import burst, complain, live_eight_weeks

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    return timezone.now().replace(second=30, microsecond=0)


@pytest.fixture
def incident(shop: Shop, now: datetime) -> Incident:
    product = live_eight_weeks(shop, now)[0]
    burst(shop, product, now)
    with clock.at(now):
        watch_incidents()
    return Incident.objects.get()


def sweep(at: datetime) -> int:
    with clock.at(at):
        return watch_incidents()


# --- found ----------------------------------------------------------------------------------------


def test_six_alike_complaints_open_an_incident_with_its_cases(incident: Incident) -> None:
    assert incident.sub_cause == SubCause.QUALITY
    assert incident.product is not None
    assert incident.state == IncidentState.SUSPECTED
    assert incident.observed >= 5
    assert incident.expected < 0.5
    assert incident.places.count() == 6


def test_without_a_burst_nothing_opens(shop: Shop, now: datetime) -> None:
    live_eight_weeks(shop, now)
    complain(shop, [now - timedelta(minutes=2)], [shop.products.get(title="商品0")], [SubCause.QUALITY])
    assert sweep(now) == 0


def test_the_same_is_opened_once(incident: Incident, shop: Shop, now: datetime) -> None:
    assert incident.product is not None
    burst(shop, incident.product, now + timedelta(minutes=5))
    assert sweep(now + timedelta(minutes=5)) == 0
    assert Incident.objects.count() == 1


def test_another_burst_of_another_product_opens_another(
    incident: Incident, shop: Shop, now: datetime
) -> None:
    other = shop.products.get(title="商品1")
    burst(shop, other, now + timedelta(minutes=5), sub_cause=SubCause.DELIVERY)
    assert sweep(now + timedelta(minutes=5)) == 1


@pytest.mark.parametrize(("observed", "rings"), [(9, 1), (150, 0)])
def test_a_product_stands_out_of_what_struck_the_whole_shop(
    shop: Shop, now: datetime, manager: User, observed: int, rings: int
) -> None:
    product = live_eight_weeks(shop, now)[0]
    of_shop = Incident.objects.create(
        shop=shop, rang_at=now - timedelta(hours=2), minutes=40, observed=observed, expected=3.0
    )
    incidents.dismiss(of_shop, by=manager, reason="促销日")
    burst(shop, product, now)
    assert sweep(now) == rings


def test_one_nobody_decided_does_not_ring_twice(incident: Incident, shop: Shop, now: datetime) -> None:
    later = now + QUIET_FOR + timedelta(hours=1)
    assert incident.product is not None
    burst(shop, incident.product, later)
    assert sweep(later) == 0


def test_one_that_was_confirmed_and_forgotten_rings_again_after_days(
    incident: Incident, shop: Shop, now: datetime, manager: User
) -> None:
    with clock.at(now):
        incidents.confirm(incident, by=manager)
    assert incident.product is not None
    for days, rings in [(2, 0), (4, 1)]:
        later = now + timedelta(days=days)
        burst(shop, incident.product, later)
        assert sweep(later) == rings


def test_follow_ups_to_old_reviews_are_counted_and_grouped_by_when_they_were_written(
    shop: Shop, now: datetime
) -> None:
    product = live_eight_weeks(shop, now)[0]
    keys = [case.review_id for case in burst(shop, product, now)]
    Review.objects.filter(pk__in=keys).update(
        followup_at=F("created_at"), created_at=now - timedelta(days=30)
    )
    assert sweep(now) == 1
    found = Incident.objects.get()
    assert found.places.count() == len(keys)
    assert sum(number for _at, number in incidents.counts_by_minutes(found, now)) >= len(keys)


def test_an_archive_taken_in_at_once_raises_nothing(shop: Shop, now: datetime) -> None:
    """Written over weeks, imported in a minute."""
    live_eight_weeks(shop, now)
    Case.objects.update(opened_at=now - timedelta(minutes=1))
    assert sweep(now) == 0


def test_days_without_hours_raise_nothing(shop: Shop, now: datetime) -> None:
    product = live_eight_weeks(shop, now)[0]
    cases = burst(shop, product, now, 12)
    midnight = now.astimezone(shop.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    for case in cases:
        case.review.created_at = midnight
        case.review.save(update_fields=["created_at"])
    assert sweep(now) == 0


def test_a_new_shop_has_no_usual_yet(shop: Shop, now: datetime) -> None:
    burst(shop, make_product(shop), now, 20)
    assert sweep(now) == 0
    assert ComplaintPace.objects.get(shop=shop).figures == {}


def test_queries_stay_the_same_with_more_shops(
    shop: Shop, now: datetime, django_assert_num_queries: Any
) -> None:
    shops = [shop, *(make_shop() for _n in range(4))]
    for one in shops:
        product = live_eight_weeks(one, now)[0]
        complain(one, [now - timedelta(minutes=2)], [product], [SubCause.QUALITY])
    sweep(now)  # learns
    with django_assert_num_queries(4):
        sweep(now + timedelta(minutes=1))


@pytest.mark.parametrize(("confirmed", "counted"), [(True, False), (False, True)])
def test_confirmed_incidents_are_left_out_of_what_is_usual(
    incident: Incident, manager: User, shop: Shop, now: datetime, confirmed: bool, counted: bool
) -> None:
    if confirmed:
        incidents.confirm(incident, by=manager)
    place, before = (incident.product_id, "quality"), _counts(shop)
    ComplaintPace.objects.update(learnt_at=now - timedelta(days=2))
    complain(shop, [now + timedelta(hours=3)], [shop.products.get(title="商品1")], [SubCause.ODOR])
    sweep(now + timedelta(hours=3, minutes=2))
    assert (_counts(shop)[place] > before[place]) is counted


def _counts(shop: Shop) -> dict[Any, int]:
    rows = ComplaintPace.objects.get(shop=shop).figures["counts"]
    return {(product, sub_cause): number for product, sub_cause, number in rows}


# --- decided --------------------------------------------------------------------------------------


def test_dismissed_it_keeps_quiet_for_half_a_day_and_frees_its_cases(
    incident: Incident, manager: User, shop: Shop, now: datetime
) -> None:
    with clock.at(now):
        incidents.dismiss(incident, by=manager, reason="促销日，都是问尺码的")
    assert not IncidentCase.objects.exists()
    assert incident.product is not None
    burst(shop, incident.product, now + timedelta(hours=2))
    assert sweep(now + timedelta(hours=2)) == 0
    late = now + QUIET_FOR + timedelta(hours=3)
    burst(shop, incident.product, late, 8)
    assert sweep(late) == 1


def test_it_is_dismissed_with_a_reason_only(incident: Incident, manager: User) -> None:
    with pytest.raises(InvalidTransition):
        incidents.dismiss(incident, by=manager, reason=" ")


def test_it_is_decided_once_and_on_record(incident: Incident, manager: User) -> None:
    incidents.confirm(incident, by=manager)
    with pytest.raises(InvalidTransition):
        incidents.dismiss(Incident.objects.get(), by=manager, reason="不是")
    incidents.close(incident, by=manager)
    assert Incident.objects.get().state == IncidentState.CLOSED
    states = AuditEntry.objects.filter(action="incident").order_by("id")
    assert [one.data["state"] for one in states] == ["confirmed", "closed"]


# --- its cases ------------------------------------------------------------------------------------


def test_later_ones_are_suggested_and_added_by_hand(
    incident: Incident, manager: User, shop: Shop, now: datetime
) -> None:
    assert incident.product is not None
    more = burst(shop, incident.product, now + timedelta(minutes=20), 3)
    assert set(incidents.suggested(incident)) == set(more)
    assert incidents.add_cases(incident, more, by=manager) == 3
    numbers = list(incident.places.values_list("number", flat=True))
    assert numbers == list(range(1, 10))


def test_a_case_of_another_shop_or_incident_is_not_added(
    incident: Incident, manager: User, other_shop: Shop, now: datetime
) -> None:
    product = live_eight_weeks(other_shop, now)[0]
    theirs = burst(other_shop, product, now)
    assert incidents.add_cases(incident, theirs, by=manager) == 0
    sweep(now)
    other = Incident.objects.get(shop=other_shop)
    assert incidents.add_cases(other, [place.case for place in other.places.all()], by=manager) == 0


def test_a_case_can_be_taken_out(incident: Incident, manager: User) -> None:
    case = incident.places.all()[2].case
    incidents.remove_case(incident, case, by=manager)
    assert not IncidentCase.objects.filter(case=case).exists()


# --- the statement --------------------------------------------------------------------------------


def test_a_lawful_statement_is_kept(incident: Incident, manager: User) -> None:
    incidents.save_plan(
        incident, statement="{item}这一批密封圈有缺陷，我们已停止发货。{done}{next}", by=manager
    )
    assert Incident.objects.get().statement.startswith("{item}")


def test_with_a_remedy_it_says_nothing_of_changing_the_review(incident: Incident, manager: User) -> None:
    incident.shop.may_mention_reviews = True
    incident.shop.save()
    words = "这一批的密封圈有缺陷，我们已停止发货。评价要不要修改由您自己决定。"
    incidents.save_plan(incident, statement=words, by=manager)
    with pytest.raises(InvalidTransition):
        incidents.save_plan(
            incident, statement=words, remedy_kind="resend", remedy_reason="整批补发", by=manager
        )


def test_an_unlawful_one_is_refused(incident: Incident, manager: User) -> None:
    with pytest.raises(OffendingText):
        incidents.save_plan(incident, statement="改成好评的每人返现20元", by=manager)
    assert Incident.objects.get().statement == ""


@pytest.mark.parametrize("text", ["{surname}您好", "{order_date}的订单", "{nonsense}"])
def test_it_says_nothing_personal(incident: Incident, manager: User, text: str) -> None:
    with pytest.raises((InvalidTransition, TemplateTextError)):
        incidents.save_plan(incident, statement=text, by=manager)


def test_the_course_is_counted_in_steps(incident: Incident, now: datetime) -> None:
    course = list(incidents.counts_by_minutes(incident, now))
    assert sum(number for _at, number in course) == 6 + 0
    assert course[1][0] - course[0][0] == timedelta(minutes=10)
