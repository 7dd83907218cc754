"""Signs gathered from the database, kept per case, shown one by one; only a person confirms malice."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from reviews import triage
from reviews.behaviour import SignalKind
from reviews.intake import record_orders, record_reviews
from reviews.models import Case, ChatRecord, Review, Shop, Status, User
from reviews.signals import refresh
from tests.factories import make_case, make_order, make_review, make_shop

pytestmark = pytest.mark.django_db

RING = "千万别买这家的东西，用两天就坏，老板态度恶劣，隔壁家的好多了"


def send(shop: Shop, key: str, nick: str, text: str, **fields: Any) -> None:
    at = (timezone.now() - timedelta(minutes=5)).isoformat()
    row = {"review_key": key, "created_at": at, "rating": "bad", "content": text, "buyer_nick": nick}
    record_reviews(shop, [{**row, **fields}])


def kinds(case: Case) -> set[str]:
    return set(case.signals.values_list("kind", flat=True))


def case_of(key: str) -> Case:
    return Case.objects.get(review__review_key=key)


@pytest.fixture
def orders_arrive(shop: Shop) -> None:
    """A shop whose reviews find their orders."""
    for _ in range(20):
        make_review(shop, rating="good", content="好", created_at=timezone.now() - timedelta(days=3))


@pytest.fixture
def ring(shop: Shop, agent: User, orders_arrive: None) -> Case:
    """Two accounts without orders write the same; the text itself sounds like a quality complaint."""
    send(shop, "r1", "路人甲", RING)
    triage.read_waiting(50)
    send(shop, "r2", "路人乙", RING + "！")
    triage.read_waiting(50)
    return case_of("r2")


def test_several_signs_propose_malice_and_never_decide_it(ring: Case) -> None:
    assert kinds(ring) == {SignalKind.SAME_TEXT, SignalKind.NO_ORDER}
    assert ring.suspected
    assert ring.needs_decision
    assert ring.cause != "malicious"
    assert ring in Case.objects.perhaps_malicious()
    assert ring.events.filter(kind="suspicion").count() == 1


def test_the_first_of_a_ring_is_found_when_the_second_comes(ring: Case) -> None:
    first = case_of("r1")
    assert first.suspected
    assert first.signals.get(kind="same_text").facts["reviews"] == [ring.review_id]


def test_one_sign_alone_raises_nothing(shop: Shop, agent: User, orders_arrive: None) -> None:
    send(shop, "r1", "路人甲", "杯子收到就是碎的，盖子也裂了")
    triage.read_waiting(50)
    case = case_of("r1")
    assert kinds(case) == {SignalKind.NO_ORDER}
    assert not case.suspected


def test_a_masked_nick_never_joins_strangers(shop: Shop, agent: User) -> None:
    for n in range(5):
        send(shop, f"r{n}", "t**6", f"第{n}次买，杯子收到就是碎的", item_id=f"p{n}", order_no=f"n{n}")
    triage.read_waiting(50)
    assert SignalKind.SAME_BUYER not in kinds(case_of("r4"))


def test_a_full_nick_is_followed_across_shops_of_the_platform(shop: Shop, agent: User) -> None:
    other = make_shop("second")
    for n, where in enumerate((shop, other, shop)):
        send(where, f"r{n}", "一棵会飞的树", f"第{n}次买，杯子碎了", item_id=f"p{n}", order_no=f"n{n}")
    triage.read_waiting(50)
    refresh(shop, [case_of("r2")])
    assert case_of("r2").signals.get(kind="same_buyer").facts["shops"] == 2


def test_the_same_number_is_one_buyer_whatever_the_nick(shop: Shop) -> None:
    reviews = [make_review(shop, order=make_order(shop, product=None, order_no=f"o{n}")) for n in range(3)]
    for n, review in enumerate(reviews):
        record_orders(shop, [{"order_no": f"o{n}", "item_id": f"i{n}", "buyer_phone": "13900001111"}])
        Review.objects.filter(pk=review.pk).update(product=Review.objects.get(pk=review.pk).order.product)  # type: ignore[union-attr]
    case = make_case(shop, review=Review.objects.get(pk=reviews[0].pk))
    refresh(shop, [case])
    assert SignalKind.SAME_BUYER in kinds(case)


def test_an_order_that_arrives_takes_its_sign_away(
    ring: Case, shop: Shop, client: Client, agent: User
) -> None:
    Review.objects.filter(pk=ring.review_id).update(order=make_order(shop))
    client.force_login(agent)
    assert "没有匹配的订单" not in signals_html(client, ring)
    client.post(reverse("callbacks:look_again", args=[ring.pk]))
    assert kinds(ring) == {SignalKind.SAME_TEXT}


def test_a_pasted_chat_in_which_money_is_asked_is_a_sign(shop: Shop, agent: User) -> None:
    case = make_case(shop)
    chat = {"source": "shop_chat", "said_at": timezone.now(), "pasted_by": agent}
    ChatRecord.objects.create(case=case, text="转账100元我马上给你删评价", **chat)
    refresh(shop, [case])
    assert case.signals.get(kind="demand").weight == 3


def test_what_a_person_decided_stays_decided(ring: Case, agent: User, shop: Shop) -> None:
    ring.correct_cause("quality", by=agent)
    assert not ring.suspected
    refresh(shop, [ring])
    ring.refresh_from_db()
    assert not ring.suspected
    assert not ring.needs_decision


def test_the_number_of_queries_does_not_grow_with_the_batch(shop: Shop, agent: User) -> None:
    make_order(shop, order_no="n1")

    def queries(batch: str, size: int) -> int:
        for n in range(size):
            send(shop, f"{batch}{n}", f"买家{batch}{n % 3}", f"{RING}{n}", item_id=f"p{n}", order_no="n1")
        with CaptureQueriesContext(
            connection,
        ) as captured:
            triage.read_waiting(200)
        return len(captured)

    queries("warm", 3)
    assert queries("small", 4) == queries("large", 40)


# --- the card on the case page ----------------------------------------------------------------------


def signals_html(client: Client, case: Case) -> str:
    html = client.get(reverse("callbacks:case", args=[case.pk])).content.decode()
    return html.partition('id="signals"')[2].partition("</section>")[0]


def test_the_page_shows_each_sign_with_what_speaks_against_it(
    ring: Case, client: Client, agent: User
) -> None:
    client.force_login(agent)
    html = signals_html(client, ring)
    assert html.count("反过来看") == 2
    assert reverse("reviews:review", args=[case_of("r1").review_id]) in html


def test_it_names_no_review_of_a_shop_the_reader_may_not_see(
    shop: Shop, agent: User, orders_arrive: None, client: Client
) -> None:
    other = make_shop("second")
    send(other, "far", "路人甲", RING)
    send(shop, "near", "路人乙", RING)
    triage.read_waiting(50)
    refresh(shop, [case_of("near")])
    client.force_login(agent)
    html = signals_html(client, case_of("near"))
    assert "不归你看的店里还有 1 条" in html
    assert reverse("reviews:review", args=[case_of("far").review_id]) not in html


def test_confirming_malice_takes_a_person(ring: Case, client: Client, agent: User) -> None:
    client.force_login(agent)
    page = reverse("callbacks:correct_cause", args=[ring.pk])
    client.post(page, {"sub_cause": "competitor"})
    ring.refresh_from_db()
    assert (ring.cause, ring.suspected, ring.needs_decision) == ("malicious", False, False)
    assert ring.status != Status.CLOSED
