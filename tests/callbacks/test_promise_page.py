"""Call-backs by hour, and promising or taking one back on the case page."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from callbacks import contacts
from callbacks.models import CallbackPromise
from reviews.models import Case, Shop, Status, User
from tests.factories import make_case

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("calling_hour")]

PAGE = reverse("callbacks:promises")


@pytest.fixture
def browser(client: Client, agent: User) -> Client:
    client.force_login(agent)
    return client


def promised(shop: Shop, agent: User, at: str) -> CallbackPromise:
    case = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    return contacts.promise_callback(case, datetime.fromisoformat(f"{at}+08:00"), by=agent, note=f"备注{at}")


def titles(client: Client, url: str = PAGE) -> dict[str, int]:
    return {hour.title: len(hour.promises) for hour in client.get(url).context["hours"]}


def test_it_groups_by_hour(browser: Client, shop: Shop, agent: User) -> None:
    late = promised(shop, agent, "2026-11-18T11:00:00")
    CallbackPromise.objects.filter(pk=late.pk).update(due_at=timezone.now() - timedelta(minutes=9))
    for at in ("2026-11-18T15:05:00", "2026-11-18T15:50:00", "2026-11-19T10:00:00", "2026-11-22T10:00:00"):
        promised(shop, agent, at)
    assert titles(browser) == {"已超时": 1, "15:00": 2, "明天": 1, "以后": 1}


def test_it_shows_mine_or_everybodys_but_no_other_shops(
    client: Client, shop: Shop, agent: User, manager: User, other_shop: Shop, outsider: User
) -> None:
    promised(shop, agent, "2026-11-18T15:05:00")
    promised(other_shop, outsider, "2026-11-18T15:05:00")
    client.force_login(manager)
    assert titles(client) == {}
    assert titles(client, f"{PAGE}?whose=all") == {"15:00": 1}


def test_it_says_what_to_do_when_none_is_promised(browser: Client) -> None:
    assert "没有约定的回访" in browser.get(PAGE).content.decode()


def test_it_asks_as_often_for_many_as_for_one(
    browser: Client, shop: Shop, agent: User, django_assert_max_num_queries: Any
) -> None:
    promised(shop, agent, "2026-11-18T15:05:00")
    with django_assert_max_num_queries(10) as one:
        browser.get(PAGE)
    for minute in range(5):
        promised(shop, agent, f"2026-11-18T16:0{minute}:00")
    with django_assert_max_num_queries(10) as many:
        browser.get(PAGE)
    assert len(one) == len(many)


# --- on the case page ---------------------------------------------------------------------------


@pytest.fixture
def case(calling_hour: datetime, shop: Shop, agent: User) -> Case:
    return make_case(shop, assignee=agent, status=Status.IN_PROGRESS)


def post(client: Client, name: str, case: Case, **data: str) -> Any:
    return client.post(reverse(f"callbacks:{name}", args=[case.pk]), data)


def test_it_promises_the_hour_on_the_clock_of_the_shop(browser: Client, case: Case, shop: Shop) -> None:
    Shop.objects.filter(pk=shop.pk).update(time_zone="Asia/Urumqi")
    post(browser, "promise", case, callback_at="2026-11-18T15:30", callback_note="下班后")
    promise = CallbackPromise.objects.get()
    assert promise.due_at == datetime.fromisoformat("2026-11-18T15:30:00+06:00")
    assert promise.note == "下班后"


def test_it_promises_a_quick_hour(browser: Client, case: Case) -> None:
    assert post(browser, "promise", case, later_at="2026-11-18T19:00").status_code == 302
    assert CallbackPromise.objects.get().due_at == datetime.fromisoformat("2026-11-18T19:00:00+08:00")


def test_it_refuses_an_hour_outside_and_keeps_the_note(browser: Client, case: Case) -> None:
    response = post(browser, "promise", case, callback_at="2026-11-18T23:30", callback_note="她说很晚才下班")
    html = response.content.decode()
    assert response.status_code == 422
    assert "店铺的拨打时段是 09:00–20:30" in html
    assert "她说很晚才下班" in html
    assert not CallbackPromise.objects.exists()


def test_it_asks_for_the_hour(browser: Client, case: Case) -> None:
    assert post(browser, "promise", case).status_code == 422
    assert post(browser, "promise", case, callback_at="bald").status_code == 422


def test_it_takes_a_promise_back(browser: Client, case: Case, agent: User) -> None:
    post(browser, "promise", case, later_at="2026-11-18T19:00")
    assert post(browser, "cancel_promise", case).status_code == 302
    case.refresh_from_db()
    assert case.status == Status.IN_PROGRESS
    assert post(browser, "cancel_promise", case).status_code == 409


def test_it_leaves_a_colleagues_promise_alone(client: Client, case: Case, agent: User, manager: User) -> None:
    contacts.promise_callback(case, timezone.now() + timedelta(hours=2), by=agent)
    client.force_login(manager)
    assert post(client, "promise", case, later_at="2026-11-18T19:00").status_code == 422
    assert post(client, "cancel_promise", case).status_code == 422
    assert CallbackPromise.objects.pending().count() == 1
