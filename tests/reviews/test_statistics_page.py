"""The statistics page: who sees it, what it shows, where its numbers lead."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from reviews.models import ClassificationRequest, Rating, Role, Shop, ShopMembership, User
from tests.factories import make_case, make_product, make_review, make_shop, make_user

URL = reverse("reviews:statistics")
QUERIES = 26


def page(client: Client, user: User, **query: str) -> str:
    client.force_login(user)
    response = client.get(URL, query)
    assert response.status_code == 200
    return response.content.decode()


def links_to_cases(html: str) -> list[str]:
    return [unescape(url) for url in re.findall(r'href="(/cases/\?[^"]*)"', html)]


@pytest.fixture
def cases(shop: Shop, agent: User) -> None:
    now = timezone.now()
    cup = make_review(shop, product=make_product(shop, "雾蓝保温杯"))
    make_case(shop, review=cup, assignee=agent, first_contact_at=now, opened_at=now - timedelta(minutes=95))
    make_case(shop, sub_cause="delivery", status="closed", assignee=agent)  # type: ignore[arg-type]
    make_case(shop, sub_cause="none")


def test_it_is_for_managers(client: Client, agent: User) -> None:
    client.force_login(agent)
    assert client.get(URL).status_code == 403


def test_it_asks_a_stranger_to_sign_in(client: Client, db: None) -> None:
    assert client.get(URL).status_code == 302


def test_it_is_only_read(client: Client, manager: User) -> None:
    client.force_login(manager)
    assert client.post(URL).status_code == 405


@pytest.mark.usefixtures("cases")
def test_it_shows_shares_beside_the_typical_ones(client: Client, manager: User) -> None:
    html = page(client, manager)
    assert "商品问题" in html
    for typical in ("50%", "20%", "25%", "5%"):
        assert f'<td class="num quiet">{typical}</td>' in html


@pytest.mark.usefixtures("cases")
def test_it_writes_times_in_words(client: Client, manager: User) -> None:
    assert "1 小时 35 分" in page(client, manager)


@pytest.mark.usefixtures("cases")
def test_its_numbers_open_just_their_cases(client: Client, manager: User) -> None:
    urls = set(links_to_cases(page(client, manager)))
    assert len(urls) > 20
    for url in urls:
        assert client.get(url).status_code == 200


@pytest.mark.usefixtures("cases")
def test_the_list_behind_a_number_is_as_long_as_the_number(client: Client, manager: User) -> None:
    html = page(client, manager)
    found = re.findall(r'<a class="number" href="(/cases/\?[^"]*)">(\d+)</a>', html)
    assert found
    for url, count in set(found):
        assert str(client.get(unescape(url)).context["number"]) == count, url


@pytest.mark.usefixtures("cases")
def test_it_draws_the_charts_from_the_numbers_of_the_tables(client: Client, manager: User) -> None:
    client.force_login(manager)
    response = client.get(URL)
    chart = response.context["chart"]
    assert [row["count"] for row in chart["causes"]] == [1, 0, 1, 0]
    assert sum(sum(day["counts"]) for day in chart["days"]) == 3
    assert 'id="chart-data" type="application/json"' in response.content.decode()
    assert "echarts.min.js" in response.content.decode()


def test_an_empty_period_says_what_to_do(client: Client, manager: User) -> None:
    html = page(client, manager)
    assert "这段时间没有评价" in html
    assert "echarts.min.js" not in html


def test_it_counts_only_shops_one_manages(client: Client, manager: User, other_shop: Shop) -> None:
    ShopMembership.objects.create(user=manager, shop=other_shop, role=Role.AGENT)
    make_case(other_shop)
    client.force_login(manager)
    assert client.get(URL).context["found"].ending.cases.count == 0
    assert client.get(URL, {"shop": other_shop.code}).context["found"].ending.cases.count == 0


def test_it_names_the_shop_in_links_where_one_sees_more(client: Client, manager: User, shop: Shop) -> None:
    ShopMembership.objects.create(user=manager, shop=make_shop("third"), role=Role.AGENT)
    make_case(shop)
    assert all(f"shop={shop.pk}" in url for url in links_to_cases(page(client, manager)))


def test_an_administrator_counts_every_shop_or_one(
    client: Client, administrator: User, shop: Shop, other_shop: Shop
) -> None:
    make_case(shop)
    make_case(other_shop)
    client.force_login(administrator)
    assert client.get(URL).context["found"].ending.cases.count == 2
    assert client.get(URL, {"shop": shop.code}).context["found"].ending.cases.count == 1


@pytest.mark.parametrize(
    ("query", "days"), [({}, 30), ({"days": "7"}, 7), ({"days": "90"}, 90), ({"days": "8"}, 30)]
)
def test_it_offers_periods(client: Client, manager: User, query: dict[str, str], days: int) -> None:
    client.force_login(manager)
    assert len(client.get(URL, query).context["found"].scope.period.days) == days


def test_it_takes_two_days(client: Client, manager: User) -> None:
    client.force_login(manager)
    response = client.get(URL, {"from": "2026-11-01", "until": "2026-11-11"})
    assert len(response.context["found"].scope.period.days) == 11


@pytest.mark.parametrize(
    ("first", "words"), [("2026-11-12", "开始日期晚于结束日期"), ("2020-01-01", "最多选 366 天")]
)
def test_it_says_what_is_wrong_with_a_period(client: Client, manager: User, first: str, words: str) -> None:
    assert words in page(client, manager, **{"from": first, "until": "2026-11-11"})


def test_it_points_at_unread_reviews_only_when_there_are_any(
    client: Client, manager: User, shop: Shop
) -> None:
    parked_url = reverse("reviews:parked")
    assert parked_url not in page(client, manager)
    ClassificationRequest.objects.create(
        review=make_review(shop), version=1, attempts=5, parked_at=timezone.now()
    )
    assert parked_url in page(client, manager)


def test_it_counts_good_reviews_and_leads_to_them(client: Client, manager: User, shop: Shop) -> None:
    make_review(shop, rating=Rating.GOOD)
    html = page(client, manager)
    [url] = set(re.findall(r'href="(/reviews/\?[^"]*rating=good)"', html))
    assert client.get(unescape(url)).context["number"] == "1"


@pytest.mark.usefixtures("cases")
def test_it_asks_the_same_whatever_the_rows(
    client: Client, manager: User, shop: Shop, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(manager)
    with django_assert_num_queries(QUERIES):
        client.get(URL)
    for n in range(12):
        make_case(shop, assignee=make_user(f"more-{n}", shop=shop))
    with django_assert_num_queries(QUERIES):
        client.get(URL)


def test_it_reads_in_english(client: Client, manager: User) -> None:
    client.cookies["django_language"] = "en"
    assert "Share by cause" in page(client, manager) or "No reviews in these days" in page(client, manager)
