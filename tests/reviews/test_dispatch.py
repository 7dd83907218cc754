"""Who gets the next case."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from reviews.dispatch import Candidate, Roster, dispatch_waiting, rank_agents
from reviews.models import Absence, Case, InvalidTransition, Shop, ShopDay, StaleCase, Status, User
from tests.factories import make_case, make_user

NOON = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)
ALL = frozenset(["product", "subjective", "service", "malicious"])


def ids(candidates: list[Candidate], cause: str = "product", but: int | None = None) -> list[int]:
    return [one.user_id for one in rank_agents(candidates, cause, but=but)]


def test_it_prefers_the_least_loaded() -> None:
    assert ids([Candidate(1, ALL, load=3), Candidate(2, ALL, load=1), Candidate(3, ALL, load=2)]) == [2, 3, 1]


def test_it_breaks_a_tie_by_who_waited_longest() -> None:
    early, late = NOON - timedelta(hours=1), NOON
    assert ids([Candidate(1, ALL, last_assigned_at=late), Candidate(2, ALL, last_assigned_at=early)]) == [
        2,
        1,
    ]


def test_it_leaves_out_who_lacks_the_skill_is_full_or_gave_the_case_back() -> None:
    unskilled = Candidate(1, frozenset(["service"]))
    full = Candidate(2, ALL, load=5, cap=5)
    assert ids([unskilled, full, Candidate(3, ALL), Candidate(4, ALL)], but=3) == [4]


def test_it_lets_anybody_look_at_a_bad_mark_without_a_complaint() -> None:
    assert ids([Candidate(1, frozenset(["service"]))], cause="none") == [1]


@pytest.mark.django_db
def test_it_deals_evenly_between_equal_agents(shop: Shop, agent: User) -> None:
    make_user("second", shop=shop, on_duty=True)
    make_user("third", shop=shop, on_duty=True)
    roster = Roster(shop)
    for _number in range(10):
        roster.deal(make_case(shop), NOON)
    loads = sorted(user.cases.count() for user in roster.users.values())
    assert loads == [3, 3, 4]


@pytest.mark.django_db
def test_it_never_deals_to_who_is_off_duty_inactive_manager_or_elsewhere(
    shop: Shop, manager: User, outsider: User
) -> None:
    make_user("off", shop=shop, on_duty=False)
    make_user("gone", shop=shop, on_duty=True, is_active=False)
    User.objects.filter(pk=manager.pk).update(on_duty=True)
    make_case(shop)
    assert dispatch_waiting() == 0
    assert Case.objects.get().status == Status.NEW


@pytest.mark.django_db
def test_it_deals_what_waited_once_somebody_comes_on_duty(shop: Shop, agent: User) -> None:
    make_case(shop)
    assert dispatch_waiting() == 1
    assert Case.objects.get().assignee == agent


@pytest.mark.django_db
def test_it_does_not_give_a_case_back_to_who_returned_it(shop: Shop, agent: User) -> None:
    case = make_case(shop, assignee=agent)
    case.release(by=agent)
    assert dispatch_waiting() == 0
    second = make_user("second", shop=shop, on_duty=True)
    assert dispatch_waiting() == 1
    case.refresh_from_db()
    assert case.assignee == second


@pytest.mark.django_db
def test_it_counts_the_load_of_all_shops(shop: Shop, other_shop: Shop, agent: User) -> None:
    from reviews.models import ShopMembership

    ShopMembership.objects.create(user=agent, shop=other_shop)
    make_case(other_shop, assignee=agent)
    second = make_user("second", shop=shop, on_duty=True)
    make_case(shop)
    dispatch_waiting()
    assert Case.objects.get(shop=shop).assignee == second


MORNING: list[list[list[int]]] = [[[540, 720]]] * 7  # 09:00-12:00 every day; NOON is the end of it


def names(shop: Shop, at: datetime) -> set[str]:
    return {user.username for user in Roster(shop, at).users.values()}


@pytest.mark.django_db
def test_it_deals_only_to_who_is_on_shift(shop: Shop, agent: User) -> None:
    agent.memberships.update(week=MORNING)
    make_user("any", shop=shop, on_duty=True)  # no shifts entered: the switch alone decides
    assert names(shop, NOON - timedelta(minutes=1)) == {"agent", "any"}
    assert names(shop, NOON) == {"any"}


@pytest.mark.django_db
def test_the_shops_hours_hold_for_who_has_none(shop: Shop, agent: User) -> None:
    shop.week = MORNING
    shop.save()
    make_user("late", shop=shop, on_duty=True).memberships.update(week=[[[720, 1080]]] * 7)
    assert names(shop, NOON - timedelta(minutes=1)) == {"agent"}
    assert names(shop, NOON) == {"late"}


@pytest.mark.django_db
def test_nobody_is_on_shift_on_a_day_off(shop: Shop, agent: User) -> None:
    ShopDay.objects.create(shop=shop, day=NOON.date(), is_worked=False)
    assert names(shop, NOON) == set()
    assert names(shop, NOON + timedelta(days=1)) == {"agent"}


@pytest.mark.django_db
def test_an_absence_holds_from_its_first_instant_to_its_last(shop: Shop, agent: User) -> None:
    Absence.objects.create(user=agent, begins=NOON, ends=NOON + timedelta(hours=2))
    moments = [NOON - timedelta(seconds=1), NOON, NOON + timedelta(hours=2)]
    assert [names(shop, at) for at in moments] == [{"agent"}, set(), {"agent"}]


@pytest.mark.django_db
def test_who_had_the_case_gets_it_back_only_while_there_is_room(shop: Shop, agent: User) -> None:
    agent.memberships.update(max_open_cases=1)
    colleague = make_user("colleague", shop=shop, on_duty=True)
    roster = Roster(shop, NOON)
    case = make_case(shop)
    assert [roster.choose(case, NOON, had_it=agent.pk) for _n in range(2)] == [agent, colleague]


@pytest.mark.django_db
def test_a_batch_asks_twice_however_many_it_deals(
    shop: Shop, agent: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    agent.memberships.update(week=MORNING)
    for n in range(8):
        make_user(f"agent-{n}", shop=shop, on_duty=True)
    case = make_case(shop)
    shop = Shop.objects.get()
    with django_assert_num_queries(2):  # the agents with their loads; the days off
        shop.first_contact_due(NOON)
        roster = Roster(shop, NOON - timedelta(hours=1))
        assert all(roster.choose(case, NOON) for _n in range(500))


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_it_deals_the_rest_when_agents_take_cases_meanwhile(shop: Shop, agent: User) -> None:
    taker = make_user("taker", shop=shop)
    for _number in range(30):
        make_case(shop)

    def take_all() -> int:
        taken = 0
        try:
            for case in Case.objects.order_by("-id"):
                with suppress(StaleCase, InvalidTransition):
                    case.take(taker)
                    taken += 1
            return taken
        finally:
            connection.close()

    def deal_all() -> int:
        try:
            return dispatch_waiting()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        taking, dealing = pool.submit(take_all), pool.submit(deal_all)
        assert taking.result() + dealing.result() == 30
