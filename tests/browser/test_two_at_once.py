"""Two people at once in real browsers: a list that does not jump, who else looks, a save over a save."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, Response, expect
from pytest_django.live_server_helper import LiveServer

from callbacks import defaults
from reviews.models import Case, PublicReply, Shop, Status, User
from reviews.replies import draft_reply
from tests.browser.test_pages_in_browser import open_as
from tests.factories import make_case, make_classification, make_review

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SECONDS = 12  # a page asks every five seconds


@pytest.fixture
def at_once(
    browser: Browser, live_server: LiveServer, agent: User, manager: User, calling_hour: datetime
) -> Iterator[tuple[Page, Page]]:
    """Two browsers: the agent's and the manager's, whose clocks go as the server's does."""
    contexts = [open_as(person, browser, live_server, "desk") for person in (agent, manager)]
    for context in contexts:
        context.clock.install(time=timezone.now())
    yield contexts[0].new_page(), contexts[1].new_page()
    for context in contexts:
        context.close()


def held_case(shop: Shop, agent: User) -> Case:
    defaults.load()
    review = make_review(shop)
    make_classification(review)
    case = make_case(shop, review=review, assignee=agent, status=Status.IN_PROGRESS)
    draft_reply(review, case)
    return case


def due_in(minutes: int) -> datetime:
    return timezone.now() + timedelta(minutes=minutes)


def shown(page: Page) -> list[Any]:
    return list(page.locator(".row-link").evaluate_all("rows => rows.map((row) => row.id)"))


def test_new_cases_wait_behind_a_bar_and_nothing_jumps(
    at_once: tuple[Page, Page], live_server: LiveServer, shop: Shop
) -> None:
    page, _other = at_once
    first, second = (make_case(shop, due_at=due_in(minutes)) for minutes in (60, 90))
    page.goto(f"{live_server.url}/cases/?view=to_take")
    tick = page.locator(f"input[name=case][value='{first.pk}']")
    tick.check()
    page.locator(f"#row-{second.pk}").focus()
    countdown = page.locator(f"#row-{first.pk} time[data-due] span").first
    before = countdown.inner_text()
    stood = page.locator(f"#row-{second.pk}").bounding_box()

    sooner = [make_case(shop, due_at=due_in(minutes)) for minutes in (10, 20, 75)]

    bar = page.locator("[data-live-show]")
    expect(bar).to_be_visible()
    expect(bar).to_contain_text("3")
    assert shown(page) == [f"row-{first.pk}", f"row-{second.pk}"]
    expect(page.locator(f"#row-{second.pk}")).to_be_focused()
    expect(tick).to_be_checked()
    now = page.locator(f"#row-{second.pk}").bounding_box()
    assert stood
    assert now
    assert (round(now["x"]), round(now["y"])) == (round(stood["x"]), round(stood["y"]))
    page.clock.fast_forward(180_000)
    expect(countdown).not_to_have_text(before)

    bar.click()
    expect(page.locator(".row-link")).to_have_count(5)
    expected = [sooner[0], sooner[1], first, sooner[2], second]
    assert shown(page) == [f"row-{one.pk}" for one in expected]
    expect(tick).to_be_checked()


def test_who_else_looks_is_shown_within_seconds(
    at_once: tuple[Page, Page], live_server: LiveServer, shop: Shop, agent: User
) -> None:
    mine, theirs = at_once
    url = f"{live_server.url}/cases/{held_case(shop, agent).pk}/"
    mine.goto(url)
    expect(mine.locator("#viewers")).not_to_contain_text("王店长")
    theirs.goto(url)
    began = time.monotonic()
    expect(mine.locator("#viewers")).to_contain_text("王店长", timeout=SECONDS * 1000)
    expect(theirs.locator("#viewers")).to_contain_text("李娜", timeout=SECONDS * 1000)
    assert time.monotonic() - began < 2 * SECONDS


def test_a_save_over_a_colleagues_change_loses_neither_text(
    at_once: tuple[Page, Page], live_server: LiveServer, shop: Shop, agent: User
) -> None:
    """Even after the page has brought itself up to date beneath what is being typed."""
    case = held_case(shop, agent)
    mine, theirs = at_once
    url = f"{live_server.url}/cases/{case.pk}/"
    for page in (mine, theirs):
        page.goto(url)
    mine.locator("#reply_text").fill("很抱歉，我们今天就补发。")
    with mine.expect_response(lambda answer: is_fresh(answer, case), timeout=30_000):
        theirs.locator("#reply_text").fill("对不起，杯盖的问题我们已经登记。")
        theirs.locator("#reply").get_by_role("button", name="保存草稿").click()
    expect(mine.locator("#reply_text")).to_have_value("很抱歉，我们今天就补发。")

    with mine.expect_response(f"**/cases/{case.pk}/reply/") as saved:
        mine.locator("#reply").get_by_role("button", name="保存草稿").click()

    assert saved.value.status == 409
    collision = mine.locator("#reply .collision")
    expect(collision).to_contain_text("对不起，杯盖的问题我们已经登记。")
    expect(collision).to_contain_text("王店长")
    expect(mine.locator("#reply_text")).to_have_value("很抱歉，我们今天就补发。")
    assert PublicReply.objects.get().text == "对不起，杯盖的问题我们已经登记。"
    collision.get_by_role("button", name="保留我的").click()
    expect(mine.locator("#reply .collision")).to_have_count(0)
    expect(mine.locator("#reply_text")).to_have_value("很抱歉，我们今天就补发。")
    assert PublicReply.objects.get().text == "很抱歉，我们今天就补发。"


def is_fresh(answer: Response, case: Case) -> bool:
    return answer.url.endswith(f"/cases/{case.pk}/look/") and answer.status == 200
