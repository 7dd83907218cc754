"""My work, the list of cases, next case, on and off duty: what the person sees and the row after it."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from callbacks import contacts, remedies
from callbacks.case_list import PAGE
from reviews.models import Case, Shop, Status, User
from tests.factories import make_case, make_review

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("calling_hour")]

QUEUE = reverse("callbacks:queue")


@pytest.fixture
def browser(client: Client, agent: User) -> Client:
    """The agent's browser."""
    client.force_login(agent)
    return client


def text_of(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("name", ["desk", "queue", "promises"])
def test_it_asks_who_you_are(client: Client, name: str) -> None:
    response = client.get(reverse(f"callbacks:{name}"))
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("login"))


@pytest.mark.parametrize("name", ["desk", "queue", "promises"])
def test_it_is_for_reading(browser: Client, name: str) -> None:
    assert browser.post(reverse(f"callbacks:{name}")).status_code == 405


@pytest.mark.parametrize("name", ["next_case", "duty"])
def test_it_changes_nothing_on_get(browser: Client, name: str) -> None:
    assert browser.get(reverse(f"callbacks:{name}")).status_code == 405


def test_it_shows_my_queue_with_reasons_and_numbers(browser: Client, shop: Shop, agent: User) -> None:
    case = make_case(shop, assignee=agent, due_at=timezone.now())
    make_case(shop, assignee=agent, status=Status.CLOSED)
    page = browser.get("/")
    html = page.content.decode()
    assert reverse("callbacks:case", args=[case.pk]) in html
    assert "首次联系已超时" in html
    numbers = {figure["words"]: figure["number"] for figure in page.context["figures"]}
    assert numbers == {"未结": 1, "已超时": 1, "今日回访": 0, "今日结案": 1}


def test_it_opens_the_cases_behind_every_number(browser: Client, shop: Shop, agent: User) -> None:
    make_case(shop, assignee=agent, due_at=timezone.now())
    make_case(shop, assignee=agent, status=Status.CLOSED)
    for figure in browser.get("/").context["figures"]:
        shown = browser.get(figure["url"])
        if "entries" in shown.context:
            assert len(shown.context["entries"]) == figure["number"], figure["words"]


def test_it_says_what_to_do_when_nothing_waits(browser: Client, shop: Shop) -> None:
    assert "没有等你处理的案件" in text_of(browser, "/")
    make_case(shop)
    assert "还有 1 件没人领取" in text_of(browser, "/")


def test_it_tells_the_manager_what_waits_for_a_decision(
    client: Client, manager: User, agent: User, shop: Shop
) -> None:
    case = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    remedies.offer_remedy(case, "refund", amount=Decimal(999), reason="听买家描述", by=agent)
    client.force_login(manager)
    assert "1 件案件的补救方案等你审批" in text_of(client, "/")
    assert len(client.get(f"{QUEUE}?view=to_approve").context["entries"]) == 1


# --- next case and duty -------------------------------------------------------------------------


def test_it_takes_the_next_case_and_opens_it(browser: Client, shop: Shop, agent: User) -> None:
    case = make_case(shop)
    response = browser.post(reverse("callbacks:next_case"))
    assert response["Location"] == reverse("callbacks:case", args=[case.pk])
    case.refresh_from_db()
    assert (case.status, case.assignee) == (Status.IN_PROGRESS, agent)


def test_it_says_when_nothing_is_left(browser: Client) -> None:
    response = browser.post(reverse("callbacks:next_case"), follow=True)
    assert "没有可领取的案件了" in response.content.decode()


def test_it_does_not_offer_the_case_one_comes_from(browser: Client, shop: Shop, agent: User) -> None:
    here = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    other = make_case(shop, assignee=agent)
    response = browser.post(reverse("callbacks:next_case"), {"from": str(here.pk)})
    assert response["Location"] == reverse("callbacks:case", args=[other.pk])


def test_it_gives_who_comes_on_duty_what_waits(browser: Client, shop: Shop, agent: User) -> None:
    User.objects.filter(pk=agent.pk).update(on_duty=False)
    case = make_case(shop)
    browser.post(reverse("callbacks:duty"), {"on_duty": "1", "next": "/cases/"})
    agent.refresh_from_db()
    case.refresh_from_db()
    assert agent.on_duty
    assert (case.status, case.assignee) == (Status.ASSIGNED, agent)


def test_it_goes_off_duty_and_never_to_a_strange_address(browser: Client, agent: User) -> None:
    response = browser.post(reverse("callbacks:duty"), {"on_duty": "0", "next": "https://evil.example/"})
    agent.refresh_from_db()
    assert not agent.on_duty
    assert response["Location"] == "/"


# --- the list -----------------------------------------------------------------------------------


def entries(client: Client, query: str) -> list[Case]:
    return [entry.case for entry in client.get(f"{QUEUE}?{query}").context["entries"]]


def test_it_shows_only_cases_of_ones_shops(browser: Client, shop: Shop, other_shop: Shop) -> None:
    own = make_case(shop)
    make_case(other_shop)
    assert entries(browser, "view=all") == [own]


def test_it_starts_with_ones_own_and_with_all_once_filtered(browser: Client, shop: Shop, agent: User) -> None:
    own = make_case(shop, assignee=agent)
    closed = make_case(shop, assignee=agent, status=Status.CLOSED)
    assert entries(browser, "") == [own]
    assert set(entries(browser, "cause=product")) == {own, closed}
    assert entries(browser, "outcome=solved") == [closed]


def test_it_finds_what_is_searched_with_full_width_signs(browser: Client, shop: Shop) -> None:
    case = make_case(shop, review=make_review(shop, content="杯盖ABC裂了"))
    make_case(shop)
    assert entries(browser, "q=ＡＢＣ") == [case]


def test_it_says_which_filters_of_a_link_are_on(browser: Client, shop: Shop) -> None:
    case = make_case(shop)
    query = f"product={case.review.product_id}&from=2026-11-18&until=2026-11-18"
    response = browser.get(f"{QUEUE}?{query}")
    html = response.content.decode()
    assert [entry.case for entry in response.context["entries"]] == [case]
    assert "雾蓝保温杯 500ml" in html
    assert "2026-11-18 起" in html
    without_product = response.context["further"][0]["off"]
    assert without_product == "?from=2026-11-18&until=2026-11-18"


@pytest.mark.parametrize(
    "query", ["cause=nonsense", "from=x", "assignee=%27", "product=-1", "page=x", "shop=0"]
)
def test_it_leaves_out_what_it_does_not_understand(browser: Client, shop: Shop, query: str) -> None:
    make_case(shop)
    assert browser.get(f"{QUEUE}?{query}").status_code == 200


def test_it_turns_pages(browser: Client, shop: Shop, agent: User) -> None:
    for _number in range(PAGE + 2):
        make_case(shop)
    first = browser.get(f"{QUEUE}?view=to_take")
    assert len(first.context["entries"]) == PAGE
    second = browser.get(QUEUE + first.context["next_url"])
    assert len(second.context["entries"]) == 2
    assert second.context["next_url"] == ""
    assert len(browser.get(QUEUE + second.context["previous_url"]).context["entries"]) == PAGE


def test_it_keeps_names_and_numbers_covered(browser: Client, shop: Shop, agent: User) -> None:
    make_case(shop, assignee=agent)
    for url in ("/", f"{QUEUE}?view=all"):
        html = text_of(browser, url)
        assert "王小明" not in html
        assert "13800138000" not in html


@pytest.mark.parametrize(("url", "most"), [("/", 20), (f"{QUEUE}?view=mine", 20), (f"{QUEUE}?view=open", 20)])
def test_it_asks_the_database_as_often_for_many_rows_as_for_few(
    browser: Client, shop: Shop, agent: User, url: str, most: int, django_assert_max_num_queries: Any
) -> None:
    def rows(number: int) -> None:
        for _one in range(number):
            make_case(shop, assignee=agent)
            promised = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
            contacts.promise_callback(promised, datetime.fromisoformat("2026-11-18T19:00:00+08:00"), by=agent)

    rows(1)
    with django_assert_max_num_queries(most) as few:
        browser.get(url)
    rows(6)
    with django_assert_max_num_queries(most) as many:
        browser.get(url)
    assert len(few) == len(many)
