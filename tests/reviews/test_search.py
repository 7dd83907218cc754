"""Search of reviews and cases: exact whatever the words, kept up to date, fast by its index."""

from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from callbacks.case_list import narrow
from reviews import search
from reviews.intake import record_reviews
from reviews.models import Case, Product, Review, SearchText, Shop, User
from reviews.search import index_reviews, index_stale, reviews_with
from reviews.triage import read_waiting
from tests.factories import make_buyer, make_case, make_order, make_product, make_review

pytestmark = pytest.mark.django_db

SIGNS = "破损杯盖，。!%_\\'\" aAé１1😀"
PIECE = st.text(alphabet=SIGNS, max_size=6)


def found(words: str) -> set[int]:
    return set(reviews_with(words).values_list("review", flat=True))


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(texts=st.lists(st.text(alphabet=SIGNS, max_size=12), min_size=1, max_size=6), words=PIECE)
@example(texts=["盖破", "破盖"], words="破盖")
@example(texts=["破损杯", "破损 损杯"], words="破损杯")
@example(texts=["100%", "100"], words="%")
@example(texts=["a_b", "acb"], words="a_b")
def test_it_finds_what_reading_every_text_finds(shop: Shop, texts: list[str], words: str) -> None:
    Review.objects.all().delete()
    reviews = [
        Review.objects.create(
            shop=shop, review_key=f"-{n}-", content=text, rating="bad", created_at=timezone.now()
        )
        for n, text in enumerate(texts)
    ]
    index_reviews(reviews)
    asked = search.plain(words).lower().split()
    if not asked:
        return
    read = {one.pk for one in reviews if all(word in search.found_by(one).text for word in asked)}
    assert found(words) == read


@pytest.fixture
def case(shop: Shop) -> Case:
    order = make_order(
        shop,
        order_no="TB20261118007",
        buyer=make_buyer(shop, "爱喝茶的小明"),
        product=make_product(shop, "雾蓝保温杯 500ml"),
    )
    review = make_review(
        shop, order=order, content="杯盖坏了，Very bad", followup="客服不理人", review_key="RV-9"
    )
    make_case(shop, review=make_review(shop, content="颜色不对", product=make_product(shop, "毛衣")))
    return make_case(shop, review=review)


@pytest.mark.parametrize(
    "words",
    [
        *("杯", "杯盖", "坏了，v", "very　BAD", "盖坏 理人", "不理", "TB20261118007", "tb2026", "rv-9"),
        *("喝茶", "保温杯", "500ML"),
    ],
)
def test_it_finds_a_case_by_text_order_nick_and_product(case: Case, agent: User, words: str) -> None:
    assert list(narrow(Case.objects.visible_to(agent), {"q": words}, agent)) == [case]


@pytest.mark.parametrize("words", ["118007", "TB2", "杯盖坏了 色", "RV"])
def test_it_finds_no_inner_part_of_a_number_and_no_short_beginning(
    case: Case, agent: User, words: str
) -> None:
    assert not narrow(Case.objects.visible_to(agent), {"q": words}, agent).exists()


def test_every_word_has_to_be_there(case: Case, agent: User) -> None:
    assert not narrow(Case.objects.visible_to(agent), {"q": "杯盖 颜色"}, agent).exists()


def test_it_finds_a_case_by_its_number_and_what_has_that_number_in_it(
    case: Case, shop: Shop, agent: User
) -> None:
    other = make_case(shop, review=make_review(shop, content=f"等了{case.pk}天"))
    everything = Case.objects.visible_to(agent)
    assert set(narrow(everything, {"q": str(case.pk)}, agent)) >= {case, other}
    assert list(narrow(everything, {"q": f"＃{case.pk}"}, agent)) == [case]


@pytest.mark.parametrize("words", ["13912345678", "+86 139 1234 5678", "139-1234-5678"])
def test_it_finds_a_whole_phone_number_and_stores_none(shop: Shop, agent: User, words: str) -> None:
    case = make_case(shop, review=make_review(shop, order=make_order(shop, buyer_phone="13912345678")))
    make_case(shop)
    everything = Case.objects.visible_to(agent)
    assert list(narrow(everything, {"q": words}, agent)) == [case]
    assert not narrow(everything, {"q": "1391234"}, agent).exists()
    assert not SearchText.objects.filter(text__contains="139123").exists()


def test_it_finds_nothing_of_another_shop(other_shop: Shop, agent: User) -> None:
    make_case(other_shop, review=make_review(other_shop, content="杯盖"))
    assert not narrow(Case.objects.visible_to(agent), {"q": "杯盖"}, agent).exists()


def row(**fields: Any) -> dict[str, Any]:
    return {
        "review_key": "R1", "created_at": "2026-11-01T10:00:00+08:00", "rating": "bad", "content": "漏水",
        **fields,
    }  # fmt: skip


def test_the_worker_writes_it_and_follows_every_change(shop: Shop) -> None:
    record_reviews(shop, [row(item_id="7")])
    assert SearchText.objects.count() == 0  # not on the way in
    read_waiting(10)
    assert index_stale(10) == 1
    review = Review.objects.get()
    assert found("漏水") == {review.pk}
    now: dict[str, Any] = {"item_id": "7"}
    for change, words in (
        ({"content": "漏水了，很烫"}, "很烫"),
        ({"order_no": "A778899"}, "a7788"),
        ({"buyer_nick": "茶客"}, "茶客"),
        ({"item_title": "保温壶"}, "保温壶"),
    ):
        now |= change
        record_reviews(shop, [row(**now)])
        read_waiting(10)
        assert (index_stale(10), found(words)) == (1, {review.pk}), words
    assert index_stale(10) == 0


def test_a_title_that_comes_later_reaches_every_review_of_the_product(shop: Shop) -> None:
    record_reviews(shop, [row(item_id="7"), row(item_id="7", review_key="R2")])
    read_waiting(10)
    index_stale(10)
    record_reviews(shop, [row(item_id="7", item_title="保温壶", review_key="R3")])
    index_stale(10)
    assert Product.objects.get().title == "保温壶"
    assert len(found("保温壶")) == 2


def test_it_writes_stale_ones_in_batches_newest_first(shop: Shop) -> None:
    reviews = [make_review(shop, content=f"第{n}条") for n in range(5)]
    search.mark_stale(one.pk for one in reviews)
    SearchText.objects.update(text="")
    assert index_stale(2) == 2
    assert [bool(found(f"第{n}条")) for n in range(5)] == [False, False, False, True, True]
    assert (index_stale(2), index_stale(2), index_stale(2)) == (2, 1, 0)


@pytest.mark.postgres
def test_it_asks_the_index(shop: Shop) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        query, params = reviews_with("杯盖").query.sql_with_params()
        cursor.execute(f"EXPLAIN {query}", params)
        assert "search_pairs" in "\n".join(line for (line,) in cursor.fetchall())
