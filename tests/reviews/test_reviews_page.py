"""The list of reviews, one review, its thank-you, and what the worker gave up on."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from reviews.models import ClassificationRequest, PublicReply, Rating, Review, ReviewVersion, Shop, User
from reviews.models.replies import ReplyStatus
from reviews.review_list import PAGE
from tests.factories import (
    make_buyer,
    make_case,
    make_classification,
    make_order,
    make_product,
    make_review,
    make_user,
)

URL = reverse("reviews:reviews")
PARKED = reverse("reviews:parked")
UNLAWFUL = "改成五星好评我们返您5元现金红包"
QUERIES = 8


def detail_url(review: Review) -> str:
    return reverse("reviews:review", args=[review.pk])


def reply_url(review: Review) -> str:
    return reverse("reviews:review_reply", args=[review.pk])


@pytest.fixture
def client_of_agent(client: Client, agent: User) -> Client:
    client.force_login(agent)
    return client


@pytest.fixture
def praise(shop: Shop) -> Review:
    review = make_review(shop, rating=Rating.GOOD, stars=5, content="杯子很好用")
    PublicReply.objects.create(review=review, text="谢谢您的认可。")
    return review


def keys(client: Client, **query: str) -> list[str]:
    return [review.review_key for review in client.get(URL, query).context["shown"].reviews]


# --- the list --------------------------------------------------------------------------------------


def test_a_stranger_signs_in_first(client: Client, db: None) -> None:
    assert client.get(URL).status_code == 302


def test_it_shows_ones_own_shops_only(client_of_agent: Client, shop: Shop, other_shop: Shop) -> None:
    mine, theirs = make_review(shop), make_review(other_shop)
    assert keys(client_of_agent) == [mine.review_key]
    assert client_of_agent.get(detail_url(theirs)).status_code == 404
    assert client_of_agent.post(reply_url(theirs)).status_code == 404


def test_it_filters_by_rating_cause_and_reply(client_of_agent: Client, shop: Shop, praise: Review) -> None:
    bad = make_review(shop)
    make_classification(bad)
    assert keys(client_of_agent, rating="good") == [praise.review_key]
    assert keys(client_of_agent, cause="product") == [bad.review_key]
    assert keys(client_of_agent, reply="draft") == [praise.review_key]
    assert keys(client_of_agent, reply="none") == [bad.review_key]
    assert keys(client_of_agent, cause="service") == []


def test_the_latest_judgement_counts(client_of_agent: Client, shop: Shop) -> None:
    review = make_review(shop)
    make_classification(review, made_at=timezone.now() - timedelta(hours=1))
    make_classification(review, sub_cause="delivery")
    assert keys(client_of_agent, cause="service") == [review.review_key]
    assert keys(client_of_agent, cause="product") == []


@pytest.mark.parametrize("words", ["线头", "雾蓝", "ＲＶ", "小花", "2026112"])
def test_it_finds_words_and_forgives_full_width_signs(
    client_of_agent: Client, shop: Shop, words: str
) -> None:
    order = make_order(shop, order_no="2026112999", buyer=make_buyer(shop, "小花"))
    wanted = make_review(shop, order=order, content="有线头 RV", product=make_product(shop, "雾蓝杯"))
    make_review(shop, order=None, content="别的")
    assert keys(client_of_agent, q=words) == [wanted.review_key]


def test_it_filters_by_days(client_of_agent: Client, shop: Shop) -> None:
    old = make_review(shop, created_at=timezone.now() - timedelta(days=40))
    make_review(shop)
    day = timezone.localdate(old.created_at).isoformat()
    assert keys(client_of_agent, **{"from": day, "until": day}) == [old.review_key]


def test_nonsense_filters_are_left_out(client_of_agent: Client, shop: Shop) -> None:
    make_review(shop)
    assert len(keys(client_of_agent, rating="x", cause="x", shop="x", before="x", after="1_2")) == 1


def test_it_pages_by_key_down_and_up(client_of_agent: Client, shop: Shop) -> None:
    now = timezone.now()
    # Two of each moment: the key must tell them apart.
    made = [
        make_review(shop, order=None, created_at=now - timedelta(minutes=n // 2)) for n in range(PAGE * 2 + 5)
    ]
    wanted = [one.review_key for one in sorted(made, key=lambda one: (one.created_at, one.pk), reverse=True)]
    seen, url = [], URL
    while url:
        response = client_of_agent.get(url)
        seen += [review.review_key for review in response.context["shown"].reviews]
        last, url = response, URL + response.context["older_url"] if response.context["older_url"] else ""
    assert seen == wanted
    above = client_of_agent.get(URL + last.context["newer_url"])
    assert [one.review_key for one in above.context["shown"].reviews] == wanted[PAGE : PAGE * 2]


def test_it_asks_the_same_whatever_the_rows(
    client_of_agent: Client, shop: Shop, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_case(shop)
    with django_assert_num_queries(QUERIES):
        client_of_agent.get(URL)
    for _n in range(10):
        make_case(shop)
    with django_assert_num_queries(QUERIES):
        client_of_agent.get(URL)


@pytest.mark.parametrize(("query", "words"), [({}, "还没有评价"), ({"rating": "bad"}, "没有符合条件的评价")])
def test_an_empty_list_says_what_to_do(client_of_agent: Client, query: dict[str, str], words: str) -> None:
    assert words in client_of_agent.get(URL, query).content.decode()


# --- one review ------------------------------------------------------------------------------------


def test_it_shows_the_order_masked(client_of_agent: Client, shop: Shop) -> None:
    html = client_of_agent.get(detail_url(make_review(shop))).content.decode()
    assert "138****8000" in html
    assert "王**" in html
    for secret in ("13800138000", "王小明", "文三路"):
        assert secret not in html


def test_it_shows_versions_judgements_and_cases(client_of_agent: Client, shop: Shop) -> None:
    review = make_review(shop, version=2)
    ReviewVersion.objects.create(review=review, number=2, rating="bad", content="又坏了", source="api")
    make_classification(review)
    case = make_case(shop, review=review)
    html = client_of_agent.get(detail_url(review)).content.decode()
    assert "又坏了" in html
    assert "<mark>破损</mark>" in html
    assert f"/cases/{case.pk}/" in html


def test_it_writes_a_buyers_markup_as_text(client_of_agent: Client, shop: Shop) -> None:
    review = make_review(shop, content="<script>alert(1)</script>破损")
    make_classification(review)
    for url in (detail_url(review), URL):
        assert "<script>alert" not in client_of_agent.get(url).content.decode()


def test_it_says_when_no_order_matches(client_of_agent: Client, shop: Shop) -> None:
    review = make_review(shop, order=None, order_no="77")
    assert "找不到订单号 77" in client_of_agent.get(detail_url(review)).content.decode()


# --- the thank-you ---------------------------------------------------------------------------------


def test_it_marks_a_thank_you_as_posted(client_of_agent: Client, agent: User, praise: Review) -> None:
    response = client_of_agent.post(reply_url(praise), {"text": "谢谢您。", "next": "/reviews/?rating=good"})
    assert response["Location"] == "/reviews/?rating=good"
    reply = PublicReply.objects.get(review=praise)
    assert (reply.status, reply.text, reply.edited_by) == (ReplyStatus.POSTED, "谢谢您。", agent)


def test_it_goes_nowhere_outside_the_site(client_of_agent: Client, praise: Review) -> None:
    response = client_of_agent.post(reply_url(praise), {"text": "谢谢。", "next": "https://evil.example/"})
    assert response["Location"] == detail_url(praise)


def test_unlawful_words_are_refused_and_kept_on_the_page(client_of_agent: Client, praise: Review) -> None:
    response = client_of_agent.post(reply_url(praise), {"text": UNLAWFUL})
    assert response.status_code == 422
    assert UNLAWFUL in response.content.decode()
    assert PublicReply.objects.get(review=praise).status == ReplyStatus.DRAFT


def test_an_empty_reply_is_refused(client_of_agent: Client, praise: Review) -> None:
    assert client_of_agent.post(reply_url(praise), {"text": " "}).status_code == 422


def test_a_posted_reply_stays_as_it_is(client_of_agent: Client, praise: Review) -> None:
    client_of_agent.post(reply_url(praise), {"text": "谢谢您。"})
    client_of_agent.post(reply_url(praise), {"text": "另一句。"})
    assert PublicReply.objects.get(review=praise).text == "谢谢您。"


def test_the_reply_is_only_posted(client_of_agent: Client, praise: Review) -> None:
    assert client_of_agent.get(reply_url(praise)).status_code == 405


# --- what the worker gave up on --------------------------------------------------------------------


def park(review: Review) -> ClassificationRequest:
    return ClassificationRequest.objects.create(
        review=review, version=1, attempts=5, error="ValueError: broken", parked_at=timezone.now()
    )


def retry_url(parked: ClassificationRequest) -> str:
    return reverse("reviews:parked_retry", args=[parked.pk])


def test_unread_reviews_are_for_managers(client_of_agent: Client, shop: Shop) -> None:
    assert client_of_agent.get(PARKED).status_code == 403
    assert client_of_agent.post(retry_url(park(make_review(shop)))).status_code == 403


def test_a_manager_sees_the_error_and_tries_again(client: Client, manager: User, shop: Shop) -> None:
    parked = park(make_review(shop))
    client.force_login(manager)
    assert "ValueError: broken" in client.get(PARKED).content.decode()
    client.post(retry_url(parked))
    parked.refresh_from_db()
    assert (parked.parked_at, parked.attempts) == (None, 0)
    assert "所有评价都读取了" in client.get(PARKED).content.decode()


def test_others_unread_reviews_are_not_there(client: Client, manager: User, other_shop: Shop) -> None:
    parked = park(make_review(other_shop))
    client.force_login(manager)
    assert client.post(retry_url(parked)).status_code == 404
    assert "ValueError" not in client.get(PARKED).content.decode()


def test_the_list_of_unread_reviews_asks_the_same_whatever_the_rows(
    client: Client, manager: User, shop: Shop, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(manager)
    for _n in range(2):
        park(make_review(shop))
        with django_assert_num_queries(8):
            client.get(PARKED)


def test_who_does_not_hold_the_case_does_not_speak_for_it(
    client_of_agent: Client, shop: Shop, agent: User
) -> None:
    """The case page asks for the same."""
    case = make_case(shop, assignee=make_user("zhao", shop=shop))
    PublicReply.objects.create(review=case.review, text="您好")
    assert client_of_agent.post(reply_url(case.review), {"text": "您好"}).status_code == 403
    assert not PublicReply.objects.filter(status=ReplyStatus.POSTED).exists()
