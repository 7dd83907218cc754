"""Ctrl K: cases by their number, the order's, or the buyer as shown; never another shop's."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from callbacks.palette import FOUND_AT_MOST, find_cases
from reviews.models import Buyer, Case, Shop, Status, User
from tests.factories import make_case, make_review

pytestmark = pytest.mark.django_db

URL = reverse("callbacks:palette")


@pytest.fixture
def case(shop: Shop) -> Case:
    buyer = Buyer.objects.create(shop=shop, nick="爱喝茶的王小明")
    return make_case(shop, review=make_review(shop, buyer=buyer, order_no="TB20261118"))


@pytest.mark.parametrize("words", ["{pk}", "#{pk}", "＃{pk}", "TB20261118", "爱喝茶", "爱**明", "爱***"])
def test_it_finds_a_case_by_what_is_at_hand(agent: User, case: Case, words: str) -> None:
    assert find_cases(agent, words.format(pk=case.pk)) == [case]


@pytest.mark.parametrize("words", ["", "  ", "明", "李**", "TB2026", "99999999999999999999"])
def test_it_finds_nothing_else(agent: User, case: Case, words: str) -> None:
    assert find_cases(agent, words) == []


def test_it_looks_in_ones_own_shops_only(agent: User, other_shop: Shop) -> None:
    foreign = make_case(other_shop)
    assert find_cases(agent, f"#{foreign.pk}") == []


def test_a_closed_case_is_found_by_number_only(agent: User, case: Case) -> None:
    case.take(agent)
    case.close("solved", by=agent)
    assert find_cases(agent, f"#{case.pk}") == [case]
    assert find_cases(agent, "爱喝茶") == []


def test_it_answers_with_masked_rows_and_few_queries(
    client: Client, agent: User, case: Case, shop: Shop, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(FOUND_AT_MOST + 2):
        make_case(shop, review=make_review(shop, buyer=case.review.buyer), status=Status.NEW)
    client.force_login(agent)
    with django_assert_max_num_queries(5):
        found = client.get(URL, {"q": "爱喝茶"}).json()["cases"]
    assert len(found) == FOUND_AT_MOST
    assert "王小明" not in str(found)
    assert found[0]["url"].startswith("/cases/")
