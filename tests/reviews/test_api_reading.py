"""Reading orders, reviews and cases: filters, pages, rights, and what is never shown."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from reviews.models import Outcome, Shop, Status, User
from tests.factories import make_case, make_order, make_review
from tests.reviews.api import key_client

CASES, REVIEWS, ORDERS = "/api/v1/cases/", "/api/v1/reviews/", "/api/v1/orders/"
CASE_FIELDS = {
    "id", "shop", "review_key", "status", "outcome", "cause", "sub_cause", "also", "confidence",
    "needs_decision", "assignee", "opened_at", "due_at", "first_contact_at", "closed_at", "wait_until",
    "upset",
}  # fmt: skip


@pytest.fixture
def client(shop: Shop) -> APIClient:
    return key_client(shop)


def rows(client: APIClient, url: str, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(url, query)
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def test_it_shows_a_case_whole(client: APIClient, shop: Shop, agent: User) -> None:
    case = make_case(shop, assignee=agent)
    (row,) = rows(client, CASES)
    assert set(row) == CASE_FIELDS
    assert (row["review_key"], row["assignee"], row["status"]) == (
        case.review.review_key,
        "agent",
        case.status,
    )
    assert client.get(f"{CASES}{case.pk}/").json() == row


def test_it_finds_a_case_by_its_review(client: APIClient, shop: Shop) -> None:
    wanted, _other = make_case(shop), make_case(shop)
    assert [row["id"] for row in rows(client, CASES, review_key=wanted.review.review_key)] == [wanted.pk]


def test_it_filters_cases(client: APIClient, shop: Shop, agent: User) -> None:
    new = make_case(shop)
    closed = make_case(shop, assignee=agent)
    closed.close(Outcome.SOLVED, by=agent)
    assert [row["id"] for row in rows(client, CASES, status="closed", outcome="solved")] == [closed.pk]
    assert [row["id"] for row in rows(client, CASES, assignee="agent")] == [closed.pk]
    assert len(rows(client, CASES, status=["new", "closed"])) == 2
    assert rows(client, CASES, cause=new.cause, sub_cause=new.sub_cause)
    assert rows(client, CASES, opened_after="2099-01-01T00:00:00Z") == []
    assert len(rows(client, CASES, opened_before="2099-01-01T00:00:00Z")) == 2


def test_it_filters_reviews(client: APIClient, shop: Shop) -> None:
    good, bad = make_review(shop, rating="good"), make_review(shop, rating="bad")
    assert [row["id"] for row in rows(client, REVIEWS, rating="good")] == [good.pk]
    assert [row["id"] for row in rows(client, REVIEWS, review_key=bad.review_key)] == [bad.pk]
    assert rows(client, REVIEWS, created_after="2099-01-01") == []


def test_it_finds_an_order_and_masks_the_buyer(client: APIClient, shop: Shop) -> None:
    order = make_order(shop)
    make_order(shop)
    answer = client.get(ORDERS, {"order_no": order.order_no})
    assert [row["id"] for row in answer.json()["results"]] == [order.pk]
    detail = client.get(f"{ORDERS}{order.pk}/")
    assert detail.json()["buyer_phone"] == "138****8000"
    for text in (answer.content.decode(), detail.content.decode()):
        assert "13800138000" not in text
        assert "文三路" not in text
        assert "王小明" not in text


@pytest.mark.parametrize(("url", "make"), [(CASES, make_case), (REVIEWS, make_review), (ORDERS, make_order)])
def test_it_hides_other_shops(
    client: APIClient, other_shop: Shop, url: str, make: Callable[..., Any]
) -> None:
    theirs = make(other_shop)
    assert rows(client, url) == []
    answer = client.get(f"{url}{theirs.pk}/")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_it_shows_staff_the_cases_of_their_shops(
    agent: User, outsider: User, administrator: User, shop: Shop
) -> None:
    case = make_case(shop)
    for user, count in ((agent, 1), (outsider, 0), (administrator, 1)):
        client = APIClient()
        client.force_login(user)
        assert len(rows(client, CASES)) == count
        assert client.get(f"{CASES}{case.pk}/").status_code == (200 if count else 404)


def test_it_picks_one_of_several_shops(administrator: User, shop: Shop, other_shop: Shop) -> None:
    make_case(shop), make_case(other_shop)
    client = APIClient()
    client.force_login(administrator)
    assert [row["shop"] for row in rows(client, CASES, shop=other_shop.code)] == [other_shop.code]


def test_it_walks_every_page_once_while_rows_come_in(client: APIClient, shop: Shop) -> None:
    ids = [make_case(shop).pk for _ in range(5)]
    answer = client.get(CASES, {"page_size": 2}).json()
    assert answer["previous"] is None
    seen = [row["id"] for row in answer["results"]]
    make_case(shop)
    while answer["next"]:
        answer = client.get(answer["next"]).json()
        seen += [row["id"] for row in answer["results"]]
    assert seen == ids[::-1]
    assert set(answer) == {"next", "previous", "results"}


@pytest.mark.parametrize("size", ["0", "201", "-1", "abc", "٣", "9" * 30])
def test_it_refuses_other_page_sizes(client: APIClient, size: str) -> None:
    answer = client.get(CASES, {"page_size": size})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["page_size"])


def test_it_shows_200_rows_a_page_at_most(client: APIClient) -> None:
    assert client.get(CASES, {"page_size": 200}).status_code == 200


@pytest.mark.parametrize("url", [CASES, REVIEWS, ORDERS, "/api/v1/statistics/"])
def test_it_names_parameters_it_does_not_know(client: APIClient, url: str) -> None:
    answer = client.get(url, {"reviewkey": "1", "x": "2"})
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["reviewkey", "x"]


@pytest.mark.parametrize(
    ("url", "query"),
    [
        (CASES, {"status": "lost"}), (CASES, {"cause": "weather"}), (CASES, {"opened_after": "soon"}),
        (CASES, {"cursor": "nonsense"}), (CASES, {"review_key": "a\x00"}), (REVIEWS, {"rating": "awful"}),
    ],
)  # fmt: skip
def test_it_refuses_values_it_cannot_read(client: APIClient, url: str, query: dict[str, str]) -> None:
    answer = client.get(url, query)
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.status_code in (400, 404)


@pytest.mark.parametrize("url", [CASES, REVIEWS, ORDERS])
@pytest.mark.parametrize("number", [1, 12])
def test_it_reads_a_list_in_two_queries(
    client: APIClient, shop: Shop, url: str, number: int, django_assert_num_queries: Callable[..., Any]
) -> None:
    for _ in range(number):
        make_case(shop)
    with django_assert_num_queries(2):  # the key, the rows
        assert len(rows(client, url)) == number


def test_it_shows_a_waiting_case_with_its_hour(client: APIClient, shop: Shop, agent: User) -> None:
    case = make_case(shop, assignee=agent, status=Status.WAITING)
    (row,) = rows(client, CASES, status="waiting")
    assert row["wait_until"] == case.wait_until.astimezone(shop.zone).isoformat()  # type: ignore[union-attr]
