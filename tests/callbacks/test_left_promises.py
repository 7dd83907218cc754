"""A promise a colleague has left two minutes after its hour: the next case of whoever is at work."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from callbacks import contacts
from callbacks.models import CallbackPromise
from callbacks.queue import next_entry
from reviews import clock
from reviews.models import Absence, Case, Shop, ShopMembership, Status, User
from tests.factories import make_case, make_shop, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("calling_hour")]

NOTHING = (0, "")
HOUR = datetime.fromisoformat("2026-11-18T15:00:00+08:00")


@pytest.fixture
def colleague(shop: Shop) -> User:
    return make_user("colleague", shop=shop, display_name="陈晨", on_duty=True)


@pytest.fixture
def promise(shop: Shop, colleague: User) -> CallbackPromise:
    return promised(shop, colleague, HOUR)


def promised(shop: Shop, by: User, hour: datetime) -> CallbackPromise:
    case = make_case(shop, assignee=by, status=Status.IN_PROGRESS)
    return contacts.promise_callback(case, hour, by=by)


def at(seconds: float) -> Any:
    """So many seconds after the promised hour."""
    return time_machine.travel(HOUR + timedelta(seconds=seconds), tick=False)


def next_of(user: User) -> tuple[int, str]:
    """The case the next key leads to, and why."""
    entry = next_entry(user, clock.now())
    return (entry.case.pk, entry.reason) if entry else NOTHING


def test_it_comes_next_two_minutes_after_its_hour_with_its_reason(
    promise: CallbackPromise, agent: User
) -> None:
    with at(119):
        assert next_of(agent) == NOTHING
    with at(120):
        assert next_of(agent) == (promise.case_id, "陈晨约好 15:00 回访，还没有人打")
    promise.refresh_from_db()
    assert (promise.agent, promise.case.assignee, promise.case.status) == (agent, agent, Status.IN_PROGRESS)


def test_it_names_the_day_when_it_was_left_yesterday(promise: CallbackPromise, agent: User) -> None:
    with at(20 * 3600):
        assert next_of(agent)[1] == "陈晨约好 昨天 15:00 回访，还没有人打"


def test_ones_own_promise_is_first_and_everything_else_after(
    promise: CallbackPromise, shop: Shop, agent: User
) -> None:
    own = promised(shop, agent, HOUR + timedelta(minutes=6))
    overdue = make_case(shop, assignee=agent, due_at=HOUR - timedelta(hours=2))
    free = make_case(shop, due_at=HOUR - timedelta(hours=3))
    with at(150):
        order = []
        for _turn in range(4):
            order.append(next_of(agent)[0])
            Case.objects.filter(pk=order[-1]).update(assignee=None, status=Status.NEW, released_by=agent)
    assert order == [own.case_id, promise.case_id, overdue.pk, free.pk]


def test_the_oldest_comes_first(promise: CallbackPromise, shop: Shop, agent: User, colleague: User) -> None:
    older = promised(shop, colleague, HOUR - timedelta(minutes=20))
    with at(150):
        assert [next_of(agent)[0], next_of(agent)[0]] == [older.case_id, older.case_id]  # now one's own
        contacts.start_call(Case.objects.get(pk=older.case_id), by=agent)
        assert next_entry(agent, clock.now(), but=older.case_id).case.pk == promise.case_id  # type: ignore[union-attr]


def test_it_reaches_nobody_who_is_not_at_work(
    promise: CallbackPromise, agent: User, outsider: User, administrator: User
) -> None:
    with at(150):
        assert next_of(outsider) == next_of(administrator) == NOTHING
        User.objects.filter(pk=agent.pk).update(on_duty=False)
        assert next_of(User.objects.get(pk=agent.pk)) == NOTHING
        User.objects.filter(pk=agent.pk).update(on_duty=True)
        away = Absence.objects.create(user=agent, begins=HOUR, ends=HOUR + timedelta(hours=3))
        assert next_of(User.objects.get(pk=agent.pk)) == NOTHING
        away.delete()
        ShopMembership.objects.filter(user=agent).update(week=[[(540, 720)]] * 7)  # 9 to 12
        assert next_of(User.objects.get(pk=agent.pk)) == NOTHING
    assert Case.objects.get(pk=promise.case_id).status == Status.WAITING


def test_it_leaves_what_somebody_works_on_and_what_may_not_be_called(
    promise: CallbackPromise, shop: Shop, agent: User, colleague: User
) -> None:
    with at(150):
        Case.objects.get(pk=promise.case_id).take(colleague)
        assert next_of(agent) == NOTHING
    shut = make_shop("evening", calling_until=datetime(2026, 1, 1, 15, 1).time())
    for one in (agent, colleague):
        ShopMembership.objects.create(user=one, shop=shut)
    evening = promised(shut, colleague, HOUR)
    with at(150):
        assert next_of(agent) == NOTHING
    assert Case.objects.get(pk=evening.case_id).assignee == colleague


def test_the_key_leads_to_it_and_says_why(promise: CallbackPromise, agent: User, client: Client) -> None:
    with at(150):
        client.force_login(agent)
        page = client.post(reverse("callbacks:next_case"), follow=True)
        assert page.redirect_chain[0][0] == reverse("callbacks:case", args=[promise.case_id])
        assert "陈晨约好 15:00 回访" in page.content.decode()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_who_ask_at_once_never_get_the_same(shop: Shop, colleague: User) -> None:
    agents = [make_user(f"racer{number}", shop=shop, on_duty=True) for number in range(8)]
    left = {
        promised(shop, colleague, timezone.now() + timedelta(hours=1, seconds=number)).case_id
        for number in range(8)
    }

    def ask(agent: User) -> int | None:
        try:
            entry = next_entry(agent, clock.now())
            return entry.case.pk if entry else None
        finally:
            connection.close()

    with time_machine.travel(timezone.now() + timedelta(hours=2), tick=True), ThreadPoolExecutor(8) as pool:
        taken = [pk for pk in pool.map(ask, agents) if pk]
    assert len(taken) == len(set(taken)) == 8
    assert set(taken) == left
    held = dict(Case.objects.filter(pk__in=taken).values_list("pk", "assignee"))
    assert sorted(held.values()) == sorted(one.pk for one in agents)
