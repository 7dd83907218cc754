"""The manager's numbers for other systems."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from reviews.causes import SubCause
from reviews.models import Outcome, Shop, User
from tests.factories import make_case, make_review, make_user
from tests.reviews.api import key_client

URL = "/api/v1/statistics/"


@pytest.fixture
def client(shop: Shop) -> APIClient:
    return key_client(shop)


def test_it_counts_the_shop_of_the_key(client: APIClient, shop: Shop, other_shop: Shop, agent: User) -> None:
    make_case(shop, assignee=agent).close(Outcome.SOLVED, by=agent)
    make_case(shop, sub_cause=SubCause.SIZE_FIT)
    make_case(other_shop)
    body = client.get(URL).json()
    assert body["ending"] == {
        "cases": 2,
        "open": 1,
        "closed": 1,
        "solved": 1,
        "malicious": 0,
        "solved_share": 1,
    }
    shares = {row["cause"]: (row["percent"], row["typical"]) for row in body["causes"]}
    assert shares == {
        "product": (50, 50), "subjective": (50, 20), "service": (0, 25), "malicious": (0, 5),
    }  # fmt: skip
    assert body["reviews"] == {"good": 0, "neutral": 0, "bad": 2}
    assert [row["agent"] for row in body["agents"]] == ["李娜"]
    assert body["trend"][-1]["by_cause"]["product"] + body["trend"][-2]["by_cause"]["product"] == 1


def test_it_measures_minutes_to_first_contact(client: APIClient, shop: Shop, agent: User) -> None:
    case = make_case(shop, assignee=agent)
    case.note_contact(case.opened_at + timedelta(minutes=7, seconds=30))
    assert client.get(URL).json()["first_contact_minutes"] == {"size": 1, "median": 7.5, "p90": 7.5}


def test_it_takes_a_period(client: APIClient, shop: Shop) -> None:
    opened = timezone.now() - timedelta(days=40)
    make_case(shop, opened_at=opened, due_at=opened)
    day = opened.astimezone(shop.zone).date()
    assert client.get(URL).json()["ending"]["cases"] == 0
    body = client.get(URL, {"from": str(day), "until": str(day)}).json()
    assert (body["from"], body["until"], body["ending"]["cases"]) == (str(day), str(day), 1)
    assert len(body["trend"]) == 1


def test_it_counts_thirty_days_when_none_are_named(client: APIClient) -> None:
    assert len(client.get(URL).json()["trend"]) == 30


@pytest.mark.parametrize(
    "query", [{"from": "soon"}, {"from": "2026-02-01", "until": "2026-01-01"}, {"from": "2020-01-01"}]
)
def test_it_refuses_a_period_that_is_none(client: APIClient, query: dict[str, str]) -> None:
    answer = client.get(URL, query)
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


def test_it_refuses_the_dawn_of_time(client: APIClient) -> None:
    assert client.get(URL, {"until": "0001-01-01"}).status_code == 400


def test_it_picks_one_shop_for_people_of_several(administrator: User, shop: Shop, other_shop: Shop) -> None:
    make_case(shop), make_case(other_shop)
    client = APIClient()
    client.force_login(administrator)
    assert client.get(URL).json()["ending"]["cases"] == 2
    assert client.get(URL, {"shop": shop.code}).json()["ending"]["cases"] == 1


def test_it_finds_nothing_for_who_has_no_shop(client: APIClient, other_shop: Shop) -> None:
    nobody = APIClient()
    nobody.force_login(make_user("nobody"))
    assert nobody.get(URL).status_code == 404
    assert client.get(URL, {"shop": other_shop.code}).status_code == 404


@pytest.mark.parametrize("number", [1, 8])
def test_it_counts_in_a_fixed_number_of_queries(
    client: APIClient, shop: Shop, agent: User, number: int, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for _ in range(number):
        make_case(shop, review=make_review(shop), assignee=agent)
    with django_assert_max_num_queries(20):
        client.get(URL)
