"""Undo by one key, rows chosen by tick, range and key, and the whole of a case on a telephone's screen."""

from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from callbacks import defaults
from callbacks.models import BulkRow, Remedy
from reviews.models import Case, Outcome, PublicReply, Shop, Status, User
from reviews.replies import draft_reply
from tests.browser.test_case_by_keyboard import press
from tests.browser.test_pages_in_browser import sign_in
from tests.factories import make_case, make_classification, make_review

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def cases(shop: Shop, agent: User, calling_hour: datetime) -> list[Case]:
    defaults.load()
    made = []
    for _number in range(4):
        review = make_review(shop)
        make_classification(review)
        made.append(make_case(shop, review=review, assignee=agent, status=Status.IN_PROGRESS))
        draft_reply(review, made[-1])
    return made


@pytest.fixture
def desk(page: Page, live_server: LiveServer, agent: User, cases: list[Case]) -> Page:
    sign_in(agent, page.context, live_server)
    return page


def test_it_undoes_the_last_act_with_one_key(desk: Page, live_server: LiveServer, cases: list[Case]) -> None:
    for key in ("u", "Control+z"):
        desk.goto(f"{live_server.url}/cases/{cases[0].pk}/")
        press(desk, "r")
        expect(desk.locator("#toast")).to_contain_text("撤销")
        press(desk, key)
        expect(desk.locator("#toast")).to_contain_text("已撤销")
        assert Case.objects.get(pk=cases[0].pk).status == Status.IN_PROGRESS


def test_it_chooses_rows_by_tick_range_and_key(
    desk: Page, live_server: LiveServer, cases: list[Case]
) -> None:
    desk.goto(f"{live_server.url}/cases/?view=mine")
    ticks = desk.locator("input[name=case]")
    chosen = desk.locator("[data-ticked]")
    ticks.nth(0).click()
    ticks.nth(2).click(modifiers=["Shift"])
    expect(chosen).to_have_text("已选 3 件")
    desk.locator(f"#row-{cases[3].pk}").focus()
    press(desk, "x")
    expect(chosen).to_have_text("已选 4 件")
    expect(desk.locator(f"#row-{cases[3].pk}")).to_be_focused()
    press(desk, "x")
    expect(chosen).to_have_text("已选 3 件")
    desk.get_by_role("button", name="处理所选").click()
    desk.get_by_text("退回", exact=True).click()
    desk.locator("details[open]").get_by_role("button", name="预览改动").click()
    expect(desk.get_by_role("heading", name="将改动 3 件")).to_be_visible()
    assert BulkRow.objects.filter(state="to_do").count() == 3


def test_the_whole_of_a_case_fits_a_telephone(
    browser: Browser, live_server: LiveServer, agent: User, cases: list[Case]
) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, locale="zh-CN"
    )
    sign_in(agent, context, live_server)
    page: Any = context.new_page()
    page.goto(f"{live_server.url}/cases/?view=mine")
    page.locator(f"#row-{cases[0].pk}").tap()
    call = page.get_by_role("button", name="开始通话")
    expect(call).to_be_in_viewport()  # without scrolling: the bar stays in sight
    call.tap()
    page.get_by_role("link", name="结束通话").tap()
    page.locator("#call_notes").fill("杯盖磕掉一块，换一个盖子。")
    page.get_by_role("button", name="谈妥方案").tap()
    expect(page.locator(".calls")).to_contain_text("谈妥方案")
    page.locator(".offer-buttons button").first.tap()
    expect(page.locator(".remedies")).to_be_visible()
    page.get_by_role("button", name="已在平台发布").or_(page.get_by_role("button", name="已发布")).tap()
    expect(page.locator("#reply")).to_contain_text("已发布")
    page.get_by_role("button", name="已解决", exact=True).tap()
    expect(page.locator(".case-title").get_by_text("已解决")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()
    assert Case.objects.get(pk=cases[0].pk).outcome == Outcome.SOLVED
    assert Remedy.objects.filter(case=cases[0]).exists()
    assert PublicReply.objects.get(review=cases[0].review).status == "posted"
