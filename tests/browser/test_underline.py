"""Unlawful words are underlined while they are typed, and a lawful sentence is offered."""

import pytest
from django.test import Client
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from reviews.models import Shop, Status, User
from tests.factories import make_case

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.usefixtures("calling_hour")
def test_it_underlines_while_one_types_and_offers_a_lawful_sentence(
    live_server: LiveServer, browser: Browser, client: Client, shop: Shop, agent: User
) -> None:
    case = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    client.force_login(agent)
    context = browser.new_context(locale="zh-CN")
    context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    page = context.new_page()
    page.goto(f"{live_server.url}/cases/{case.pk}/")
    field = page.locator("#message_text")
    field.fill("")
    field.press_sequentially("您好😀。您加一下我微信。谢谢。")
    expect(page.locator("#message .underlines mark")).to_have_text("加一下我微信")
    expect(field).to_be_focused()
    expect(page.locator("#message .verdict")).to_contain_text("R7")
    same = "f => getComputedStyle(f).lineHeight === getComputedStyle(f.previousElementSibling).lineHeight"
    assert field.evaluate(same)
    page.locator("#message .verdict button").click()
    expect(field).to_have_value("您好😀。有任何情况请在店铺聊天里找我们。谢谢。")
    expect(page.locator("#message .verdict")).to_have_count(0)

    # What is copied leaves too: the check comes first, and nothing is copied without its answer.
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("navigator.clipboard.writeText('以前的')")
    field.fill("您加一下我微信，返现给您。")
    page.locator("[data-copy='#message_text']").click()
    expect(page.locator("#message .verdicts")).to_be_focused()
    expect(page.locator("#toast")).to_contain_text("未复制")
    expect(field).to_have_attribute("aria-invalid", "true")
    assert page.evaluate("navigator.clipboard.readText()") == "以前的"
    context.set_offline(True)
    field.fill("已转质检核对，今天回复您。")
    page.locator("[data-copy='#message_text']").click()
    expect(page.locator("#toast")).to_contain_text("服务器没能检查")
    assert page.evaluate("navigator.clipboard.readText()") == "以前的"
    context.set_offline(False)
    page.locator("[data-copy='#message_text']").click()
    expect(page.locator("#toast")).to_contain_text("已复制")
    assert page.evaluate("navigator.clipboard.readText()") == "已转质检核对，今天回复您。"
    expect(field).not_to_have_attribute("aria-invalid", "true")
    context.close()
