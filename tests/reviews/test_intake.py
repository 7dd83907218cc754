"""The single way in: idempotent, versioned, one result a row, nothing half-done."""

from typing import Any

import pytest

from reviews.intake import record_orders, record_reviews
from reviews.models import ClassificationRequest, Order, Review, ReviewVersion, Shop
from tests.factories import make_case, make_review

pytestmark = pytest.mark.django_db


def row(key: str = "r1", **fields: Any) -> dict[str, Any]:
    return {
        "review_key": key,
        "created_at": "2026-11-18T10:00:00+08:00",
        "rating": "bad",
        "content": "杯子漏水",
        **fields,
    }


def statuses(shop: Shop, *rows: Any) -> list[str]:
    return [result.status for result in record_reviews(shop, rows)]


def test_it_takes_a_review_once(shop: Shop) -> None:
    assert statuses(shop, row()) == ["created"]
    assert statuses(shop, row()) == ["unchanged"]
    assert Review.objects.count() == ReviewVersion.objects.count() == 1


def test_it_keeps_every_version_of_what_the_buyer_said(shop: Shop) -> None:
    record_reviews(shop, [row()])
    assert statuses(shop, row(content="杯子漏水，客服不理人")) == ["changed"]
    assert statuses(shop, row(content="杯子漏水，客服不理人", followup="追评：还是没人理")) == ["changed"]
    assert [version.content for version in ReviewVersion.objects.all()][:2] == [
        "杯子漏水",
        "杯子漏水，客服不理人",
    ]
    assert Review.objects.get().version == 3


def test_it_leaves_what_a_row_does_not_mention(shop: Shop) -> None:
    record_reviews(shop, [row(followup="追评：裂了", sku="雾蓝")])
    assert statuses(shop, row()) == ["unchanged"]
    assert Review.objects.get().followup == "追评：裂了"


def test_it_makes_no_version_of_facts_around_the_review(shop: Shop) -> None:
    record_reviews(shop, [row()])
    assert statuses(shop, row(reply="亲，抱歉")) == ["changed"]
    assert ReviewVersion.objects.count() == 1


def test_it_treats_a_key_given_twice_in_one_batch_as_one_review(shop: Shop) -> None:
    assert statuses(shop, row(), row(), row(content="改了")) == ["created", "unchanged", "changed"]
    assert Review.objects.get().content == "改了"
    assert [version.number for version in ReviewVersion.objects.all()] == [1, 2]


def test_it_keeps_the_same_key_of_two_shops_apart(shop: Shop, other_shop: Shop) -> None:
    assert statuses(shop, row()) == statuses(other_shop, row()) == ["created"]


def test_it_reads_stars_as_a_rating(shop: Shop) -> None:
    rows = [row(f"s{stars}", stars=stars) for stars in range(1, 6)]
    for one in rows:
        del one["rating"]
    record_reviews(shop, rows)
    ratings = Review.objects.order_by("stars").values_list("rating", flat=True)
    assert list(ratings) == ["bad", "bad", "neutral", "good", "good"]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"rating": "awful"}, "rating"),
        ({"rating": None}, "rating"),
        ({"stars": 6}, "stars"),
        ({"created_at": "yesterday"}, "created_at"),
        ({"created_at": "2031-01-01T00:00:00Z"}, "created_at"),
        ({"order_no": 1.8446744073709552e19}, "order_no"),
        ({"content": "a\x00b"}, "content"),
        ({"images": "a.jpg"}, "images"),
        ({"mood": "bad"}, "mood"),
        ({"review_key": ""}, "review_key"),
    ],
)
def test_it_names_the_wrong_field(shop: Shop, fields: dict[str, Any], wrong: str) -> None:
    (result,) = record_reviews(shop, [row(**fields)])
    assert (result.status, list(result.errors)) == ("refused", [wrong])
    assert not Review.objects.exists()


@pytest.mark.parametrize("rubbish", ["text", 7, None, [1], True])
def test_it_refuses_what_is_no_object(shop: Shop, rubbish: Any) -> None:
    (result,) = record_reviews(shop, [rubbish])
    assert result.status == "refused"
    assert result.errors


def test_it_takes_the_good_rows_beside_a_refused_one(shop: Shop) -> None:
    assert statuses(shop, row("a"), row("b", rating="x"), row("c")) == ["created", "refused", "created"]


def test_it_reads_times_without_a_zone_in_the_shops(shop: Shop) -> None:
    record_reviews(shop, [row(created_at="2026-11-18T10:00:00")])
    assert Review.objects.get().created_at.isoformat() == "2026-11-18T02:00:00+00:00"


def test_it_queues_each_new_version_for_the_worker_once(shop: Shop) -> None:
    record_reviews(shop, [row()])
    record_reviews(shop, [row()])
    record_reviews(shop, [row(content="改了")])
    assert list(ClassificationRequest.objects.values_list("version", flat=True)) == [2]


def test_it_frees_a_parked_review_when_its_text_changes(shop: Shop) -> None:
    record_reviews(shop, [row()])
    ClassificationRequest.objects.update(parked_at="2026-11-18T00:00Z", attempts=5)
    record_reviews(shop, [row(content="改了")])
    request = ClassificationRequest.objects.get()
    assert (request.parked_at, request.attempts) == (None, 0)


# --- orders ---------------------------------------------------------------------------------------


def order(number: str = "o1", **fields: Any) -> dict[str, Any]:
    return {
        "order_no": number,
        "buyer_phone": "13800138000",
        "amount": "129.00",
        "item_title": "杯子",
        **fields,
    }


def test_it_takes_an_order_once_and_then_its_changes(shop: Shop) -> None:
    sent = [order(), order(), order(status="completed"), order(sub_order_no="2")]
    assert [result.status for result in record_orders(shop, sent)] == [
        "created",
        "unchanged",
        "changed",
        "created",
    ]
    assert Order.objects.get(sub_order_no="").status == "completed"


def test_it_matches_a_review_that_came_before_its_order(shop: Shop) -> None:
    record_reviews(shop, [row(order_no="o1")])
    record_orders(shop, [order()])
    assert Review.objects.get().order == Order.objects.get()


def test_it_matches_a_review_that_comes_after_its_order(shop: Shop) -> None:
    record_orders(shop, [order(sub_order_no="1", item_id="77"), order(sub_order_no="2", item_id="88")])
    record_reviews(shop, [row("a", order_no="o1", sub_order_no="2"), row("b", order_no="o1", item_id="77")])
    lines = Review.objects.order_by("review_key").values_list("order__sub_order_no", flat=True)
    assert list(lines) == ["2", "1"]


def test_it_never_matches_an_order_of_another_shop(shop: Shop, other_shop: Shop) -> None:
    record_orders(other_shop, [order()])
    record_reviews(shop, [row(order_no="o1")])
    assert Review.objects.get().order is None


def test_it_tells_the_open_case_the_value_of_an_order_that_comes_late(shop: Shop) -> None:
    case = make_case(shop, review=make_review(shop, order=None, order_no="late"))
    record_orders(shop, [order("late", amount="59.90")])
    case.refresh_from_db()
    assert str(case.value) == "59.90"


def test_it_asks_few_questions_however_many_rows_come(shop: Shop, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(25):
        record_reviews(shop, [row(f"k{n}", order_no=f"o{n}", item_title=f"杯{n}") for n in range(300)])


def test_it_encrypts_what_is_personal(shop: Shop) -> None:
    record_orders(shop, [order(buyer_name="王小明", address="浙江省杭州市西湖区文三路1号")])
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT buyer_phone, buyer_name, address, phone_index FROM reviews_order")
        stored = " ".join(cursor.fetchone())
    assert "13800138000" not in stored
    assert "王小明" not in stored
    assert "文三路" not in stored
    assert Order.objects.get().buyer_phone == "13800138000"


def test_a_corrected_order_number_brings_the_right_order(shop: Shop) -> None:
    """Else the agent would call the buyer of the wrong one."""
    for number in ("1001", "1002"):
        record_orders(shop, [{"order_no": number, "buyer_phone": f"1380013{number}"}])
    row = {"review_key": "r", "rating": "bad", "created_at": "2026-11-20T10:00:00+08:00"}
    record_reviews(shop, [{**row, "order_no": "1001"}])
    record_reviews(shop, [{**row, "order_no": "1002"}])
    assert Review.objects.get().order.order_no == "1002"  # type: ignore[union-attr]
    record_reviews(shop, [{**row, "order_no": "1003"}])
    assert Review.objects.get().order is None


def test_the_right_line_of_an_order_is_found_when_it_comes_later(shop: Shop) -> None:
    record_orders(shop, [{"order_no": "1", "sub_order_no": "a", "sku": "白"}])
    row = {"review_key": "r", "rating": "bad", "created_at": "2026-11-20T10:00:00+08:00"}
    record_reviews(shop, [{**row, "order_no": "1", "sub_order_no": "b"}])
    record_orders(shop, [{"order_no": "1", "sub_order_no": "b", "sku": "黑"}])
    assert Review.objects.get().order.sku == "黑"  # type: ignore[union-attr]
