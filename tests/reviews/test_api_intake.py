"""Posting orders and reviews: what is taken, what is refused, and that nothing is doubled."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import close_old_connections, connection, connections
from rest_framework.test import APIClient

from reviews.models import ClassificationRequest, Order, Review, ReviewVersion, Shop, User
from tests.factories import make_shop
from tests.reviews.api import key_client, order_row, review_row

REVIEWS, ORDERS = "/api/v1/reviews/", "/api/v1/orders/"


@pytest.fixture
def client(shop: Shop) -> APIClient:
    return key_client(shop)


def test_it_takes_a_review_and_answers_it(client: APIClient, shop: Shop) -> None:
    answer = client.post(REVIEWS, review_row(stars=1, item_title="保温杯", images=["https://a.cn/1.jpg"]))
    assert answer.status_code == 201
    body = answer.json()
    assert body["status"] == "created"
    assert body["content"] == "盖子漏水"
    assert body["shop"] == shop.code
    assert body["images"] == ["https://a.cn/1.jpg"]
    review = Review.objects.get(pk=body["id"])
    assert (review.shop, review.stars, review.rating) == (shop, 1, "bad")


def test_it_hands_every_new_review_to_the_worker(client: APIClient) -> None:
    client.post(REVIEWS, review_row())
    assert ClassificationRequest.objects.get().review.review_key == "r1"


def test_it_changes_nothing_when_the_same_comes_again(client: APIClient) -> None:
    first = client.post(REVIEWS, review_row()).json()
    again = client.post(REVIEWS, review_row())
    assert again.status_code == 200
    assert again.json() == {**first, "status": "unchanged"}
    assert ReviewVersion.objects.count() == 1


def test_it_keeps_both_wordings_of_a_changed_review(client: APIClient) -> None:
    client.post(REVIEWS, review_row())
    answer = client.post(REVIEWS, review_row(followup="用了一周还是漏"))
    assert (answer.status_code, answer.json()["status"], answer.json()["version"]) == (200, "changed", 2)
    assert [version.followup for version in ReviewVersion.objects.all()] == ["", "用了一周还是漏"]


def test_it_needs_only_key_time_and_stars(client: APIClient) -> None:
    row = {"review_key": "r1", "created_at": "2026-11-20 21:14", "stars": 2}
    body = client.post(REVIEWS, row).json()
    assert (body["rating"], body["created_at"]) == ("bad", "2026-11-20T21:14:00+08:00")


def test_it_takes_an_order_and_masks_the_buyer(client: APIClient) -> None:
    answer = client.post(ORDERS, order_row())
    body = answer.json()
    assert answer.status_code == 201
    assert (body["status"], body["order_status"]) == ("created", "交易成功")
    assert body["buyer_phone"] == "138****8000"
    assert (body["buyer_name"], body["buyer_nick"], body["address"]) == ("王**", "爱**", "浙江省杭州市***")
    assert Order.objects.get().buyer_phone == "13800138000"
    for secret in ("13800138000", "小明", "文三路", "喝茶"):
        assert secret not in answer.content.decode()


def test_it_says_that_an_order_changed(client: APIClient) -> None:
    client.post(ORDERS, order_row())
    answer = client.post(ORDERS, {"order_no": "1001", "tracking_no": "YT1"})
    assert (answer.status_code, answer.json()["status"], answer.json()["amount"]) == (200, "changed", "89.00")


def test_it_names_every_wrong_field(client: APIClient) -> None:
    answer = client.post(REVIEWS, {"review_key": "", "rating": "awful", "created_at": "yesterday"})
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert set(answer.json()["errors"]) == {"review_key", "rating", "created_at"}
    assert not Review.objects.exists()


def test_it_refuses_a_field_it_does_not_know(client: APIClient) -> None:
    answer = client.post(ORDERS, order_row(colour="red"))
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["colour"]


def test_it_refuses_a_number_that_lost_digits(client: APIClient) -> None:
    answer = client.post(ORDERS, {"order_no": 1.23e17})
    assert "order_no" in answer.json()["errors"]


@pytest.mark.parametrize("sent", [[], "text", 5, None, [review_row()]])
def test_it_refuses_what_is_no_object(client: APIClient, sent: Any) -> None:
    answer = client.post(REVIEWS, json.dumps(sent), content_type="application/json")
    assert answer.status_code == 400
    assert not Review.objects.exists()


def test_it_answers_a_batch_in_its_order(client: APIClient) -> None:
    client.post(REVIEWS, review_row("known"))
    rows = [review_row("a"), {"review_key": "b"}, "no object", review_row("known"), review_row("a", stars=1)]
    answer = client.post(f"{REVIEWS}batch/", rows)
    assert answer.status_code == 200
    verdicts = [(row["review_key"], row["status"]) for row in answer.json()]
    assert verdicts == [
        ("a", "created"), ("b", "refused"), ("", "refused"), ("known", "unchanged"), ("a", "changed"),
    ]  # fmt: skip
    assert set(answer.json()[1]["errors"]) == {"created_at"}
    assert answer.json()[0]["errors"] == {}
    assert answer.json()[2]["errors"]
    assert Review.objects.count() == 2


def test_it_takes_a_batch_of_orders(client: APIClient) -> None:
    answer = client.post(f"{ORDERS}batch/", [order_row("1"), order_row("2"), None])
    assert [(row["order_no"], row["status"]) for row in answer.json()] == [
        ("1", "created"), ("2", "created"), ("", "refused"),
    ]  # fmt: skip


def test_it_takes_an_empty_batch(client: APIClient) -> None:
    answer = client.post(f"{REVIEWS}batch/", [])
    assert (answer.status_code, answer.json()) == (200, [])


def test_it_takes_500_rows_but_not_501(client: APIClient) -> None:
    rows = [review_row(f"r{n}") for n in range(501)]
    answer = client.post(f"{REVIEWS}batch/", rows)
    assert (answer.status_code, answer["Content-Type"]) == (413, "application/problem+json")
    assert not Review.objects.exists()
    assert {row["status"] for row in client.post(f"{REVIEWS}batch/", rows[:500]).json()} == {"created"}


def test_it_refuses_a_batch_that_is_no_array(client: APIClient) -> None:
    assert client.post(f"{REVIEWS}batch/", {"rows": []}).status_code == 400


@pytest.mark.parametrize("path", [REVIEWS, f"{REVIEWS}batch/", ORDERS, f"{ORDERS}batch/"])
@pytest.mark.parametrize("body", ["{", "[" * 100_000, '{"a": NaN}', b"\xff\xfe", '{"review_key": 1e999}'])
def test_it_answers_broken_json_with_a_problem(client: APIClient, path: str, body: Any) -> None:
    answer = client.post(path, body, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


def test_it_survives_half_a_surrogate_pair(client: APIClient) -> None:
    lone = "\\ud83d"
    single = f'{{"review_key": "{lone}", "{lone}": 1, "content": "{lone}"}}'
    assert client.post(REVIEWS, single, content_type="application/json").status_code == 400
    batch = client.post(f"{REVIEWS}batch/", f"[{single}]", content_type="application/json")
    assert batch.json()[0]["status"] == "refused"


def test_it_keeps_emoji_and_rare_signs(client: APIClient) -> None:
    words = "😡 𠮷野家的碗 \u200d"
    assert client.post(REVIEWS, review_row(content=words)).json()["content"] == words


def test_it_refuses_zero_bytes(client: APIClient) -> None:
    assert client.post(REVIEWS, review_row("a\x00b", content="\x00")).status_code == 400


def test_it_wants_json(client: APIClient) -> None:
    answer = client.post(REVIEWS, "review_key=1", content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, answer["Content-Type"]) == (415, "application/problem+json")


def test_it_refuses_a_body_without_end(client: APIClient, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = client.post(REVIEWS, review_row(content="字" * 2000))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_it_asks_for_the_length_of_a_chunked_body(client: APIClient) -> None:
    answer = client.generic("POST", REVIEWS, headers={"transfer-encoding": "chunked"})
    assert (answer.status_code, answer.json()["code"]) == (411, "length_required")


def test_it_writes_only_into_the_shop_of_the_key(shop: Shop, other_shop: Shop) -> None:
    key_client(shop).post(REVIEWS, review_row())
    answer = key_client(other_shop).post(REVIEWS, review_row())
    assert answer.status_code == 201
    assert list(Review.objects.order_by("pk").values_list("shop", flat=True)) == [shop.pk, other_shop.pk]


@pytest.mark.parametrize("path", [REVIEWS, f"{REVIEWS}batch/", ORDERS, f"{ORDERS}batch/"])
def test_it_lets_signed_in_people_only_read(manager: User, path: str) -> None:
    client = APIClient()
    client.force_login(manager)
    answer = client.post(path, review_row())
    assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")


@pytest.mark.parametrize("rows", [1, 100])
def test_it_needs_the_same_queries_for_every_batch_size(
    client: APIClient, rows: int, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    batch = [
        review_row(f"r{n}", order_no=f"{n}", item_title=f"杯{n}", buyer_nick=f"买家{n}") for n in range(rows)
    ]
    with django_assert_max_num_queries(16):
        client.post(f"{REVIEWS}batch/", batch)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", [REVIEWS, ORDERS])
def test_it_never_doubles_what_two_servers_get_at_once(path: str) -> None:
    shop = make_shop("busy")
    row = review_row if path == REVIEWS else order_row
    rows = [row(f"{n}") for n in range(60)]
    clients = [key_client(shop) for _ in range(4)]

    def post(client: APIClient) -> list[str]:
        try:
            return [verdict["status"] for verdict in client.post(f"{path}batch/", rows).json()]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(post, clients))
    close_old_connections()
    statuses = sorted(status for answer in answers for status in answer)
    assert statuses == ["created"] * 60 + ["unchanged"] * 180
    assert (Review if path == REVIEWS else Order).objects.count() == 60
    assert connection.vendor in ("sqlite", "postgresql")
