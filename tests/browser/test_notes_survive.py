"""Notes of a call in a real browser: a cut network or a closed tab loses nothing."""

from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from callbacks import contacts
from callbacks.models import CallLog
from reviews.models import Shop, Status, User
from tests.factories import make_case

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SAVE = "**/call/notes/"


@pytest.fixture
def desk(
    page: Page,
    live_server: LiveServer,
    calling_hour: datetime,
    shop: Shop,
    agent: User,
    client: Any,
    settings: Any,
) -> Page:
    """The case page while a call runs."""
    call = contacts.start_call(make_case(shop, assignee=agent, status=Status.IN_PROGRESS), by=agent)
    client.force_login(agent)
    name = settings.SESSION_COOKIE_NAME
    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
    page.goto(f"{live_server.url}/cases/{call.case_id}/")
    return page


def test_it_saves_what_was_typed_while_the_network_was_cut(desk: Page) -> None:
    desk.context.set_offline(True)
    desk.locator("#call_notes").fill("断网时写的")
    expect(desk.locator("#notes-state")).to_have_text("离线，稍后保存")
    desk.context.set_offline(False)
    expect(desk.locator("#notes-state")).to_have_text("已保存")
    assert CallLog.objects.get().notes == "断网时写的"


def test_it_brings_back_what_a_closed_tab_had_not_saved(desk: Page) -> None:
    desk.route(SAVE, lambda route: route.abort())
    desk.locator("#call_notes").fill("还没保存就关了")
    expect(desk.locator("#notes-state")).to_have_text("离线，稍后保存")
    again = desk.context.new_page()
    desk.close()
    address = f"/cases/{CallLog.objects.get().case_id}/"
    again.goto(desk.url.split("/cases/")[0] + address)
    expect(again.locator("#call_notes")).to_have_value("还没保存就关了")
    again.wait_for_timeout(1500)  # by the closing tab's last breath or by the new one
    assert CallLog.objects.get().notes == "还没保存就关了"


def test_it_shows_both_texts_when_another_window_saved(desk: Page) -> None:
    call = CallLog.objects.get()
    contacts.keep_notes(call, "另一个窗口", by=call.agent, base=0, draft="x:1")
    desk.locator("#call_notes").fill("这个窗口")
    expect(desk.locator("#notes-other")).to_contain_text("另一个窗口")
    desk.locator("[data-notes-take=mine]").click()
    expect(desk.locator("#notes-state")).to_have_text("已保存")
    assert CallLog.objects.get().notes == "这个窗口"
