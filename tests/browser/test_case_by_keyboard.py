"""One case from the queue to closed without a mouse, in a real browser."""

import re
from datetime import datetime
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from callbacks import defaults
from callbacks.models import BuyerMessage, CallLog, CallOutcome, Remedy, Stage
from reviews.models import AuditEntry, Case, CaseEvent, Outcome, PublicReply, Shop, Status, User
from reviews.replies import draft_reply
from tests.factories import make_case, make_classification, make_review

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


SETTLED = """() => document.readyState === "complete" &&
  !document.querySelector(".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added")"""


def press(page: Page, key: str) -> None:
    """Press a key as a person does: when the page stands still."""
    page.wait_for_timeout(60)
    page.wait_for_function(SETTLED)
    page.keyboard.press(key)


@pytest.fixture
def signed_in(
    page: Page, live_server: LiveServer, calling_hour: datetime, agent: User, client: Any, settings: Any
) -> Page:
    """The agent's browser, on the page of own work."""
    client.force_login(agent)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
    )
    page.goto(live_server.url)
    return page


@pytest.fixture
def case(shop: Shop, agent: User, calling_hour: datetime) -> Case:
    defaults.load()
    review = make_review(shop)
    make_classification(review)
    case = make_case(shop, review=review, assignee=agent)
    draft_reply(review, case)
    return case


def test_it_works_a_case_from_queue_to_closed_by_keyboard(signed_in: Page, case: Case) -> None:
    page = signed_in
    press(page, "n")
    expect(page.get_by_role("button", name="开始通话")).to_be_visible()
    press(page, "p")
    expect(page.get_by_role("link", name="13800138000")).to_have_attribute("href", "tel:13800138000")
    press(page, "s")
    expect(page.get_by_role("link", name="结束通话")).to_be_visible()
    expect(page.get_by_role("link", name="13800138000")).to_be_visible()
    press(page, "t")
    expect(page.locator(".stage.is-done")).to_have_count(1)
    press(page, "w")
    page.keyboard.type("杯盖磕掉一块，换一个盖子。rncb1")
    expect(page.locator("#notes-state")).to_have_text("已保存")
    press(page, "Escape")
    page.locator("#call_notes").blur()
    press(page, "a")
    expect(page.locator(".calls")).to_contain_text("谈妥方案")
    press(page, "r")
    expect(page.locator(".case-title").get_by_text("已解决")).to_be_visible()

    case.refresh_from_db()
    call = CallLog.objects.get()
    assert (case.status, case.outcome) == (Status.CLOSED, Outcome.SOLVED)
    assert (call.outcome, call.notes) == (CallOutcome.AGREED, "杯盖磕掉一块，换一个盖子。rncb1")
    assert call.stages.count() == 1
    assert AuditEntry.objects.filter(action="reveal_phone").count() == 1


def test_it_takes_a_whole_case_with_twelve_keys(signed_in: Page, case: Case) -> None:
    """Claim, number, call, stages, the buyer's answer, outcome, remedy, public reply, message, closed."""
    page, keys = signed_in, []

    def key(name: str, seen: str) -> None:
        press(page, name)
        keys.append(name)
        expect(page.locator(seen).first).to_be_visible()

    key("n", "button[data-key=s]")
    key("p", "a.phone-number")
    key("s", "#call-form")
    key("Shift+T", ".script-count:has-text('道歉 2/2')")
    key("5", ".answer-words")
    expect(page.locator(".answer-words")).to_contain_text("那就这么说定了")
    key("e", "#close")
    key("o", ".remedies li")
    key("c", "#toast li")
    key("Shift+C", "#reply .card-header .push")
    key("m", "#toast li")
    key("Shift+M", "#message .sent")
    key("r", ".case-title :text('已解决')")

    assert len(keys) <= 12
    case.refresh_from_db()
    call = CallLog.objects.get()
    assert (case.status, case.outcome) == (Status.CLOSED, Outcome.SOLVED)
    assert (call.outcome, call.stages.count(), call.apologies) == (CallOutcome.AGREED, len(Stage), 2)
    assert call.answers.get().answer == "settled"
    assert Remedy.objects.count() == BuyerMessage.objects.count() == 1
    assert PublicReply.objects.get().status == "posted"
    assert AuditEntry.objects.filter(action="reveal_phone").count() == 1


def test_an_answer_that_ends_the_call_later_leads_to_the_hour(signed_in: Page, case: Case) -> None:
    page = signed_in
    for key in ("n", "s", "t"):
        press(page, key)
    expect(page.locator(".stage.is-done")).to_have_count(1)
    press(page, "5")
    expect(page.locator(".answer-words")).to_contain_text("到点我本人给您打")
    press(page, "e")
    expect(page.locator(".quick-hours button").first).to_be_focused()
    press(page, "Enter")
    expect(page.locator(".case-title")).to_contain_text("等待中")
    assert CallLog.objects.get().outcome == CallOutcome.LATER


def test_it_never_acts_while_chinese_is_composed(signed_in: Page, case: Case) -> None:
    """Through the browser's own input method door, in a field and on the bare page."""
    page = signed_in
    press(page, "n")
    expect(page.get_by_role("button", name="开始通话")).to_be_visible()
    page.locator("#message_text").fill("")
    page.locator("#message_text").focus()
    ime = page.context.new_cdp_session(page)
    for text in ("s", "sr", "s r n"):
        ime.send(
            "Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)}
        )
        ime.send(
            "Input.dispatchKeyEvent",
            {"type": "rawKeyDown", "key": "Process", "windowsVirtualKeyCode": 229, "code": "KeyS"},
        )
    ime.send("Input.insertText", {"text": "输入"})
    expect(page.locator("#message_text")).to_have_value("输入")
    page.evaluate("document.activeElement.blur()")
    for event in (
        '{key: "s", isComposing: true}',
        '{key: "s", keyCode: 229}',
        '{key: "Process", code: "KeyS"}',
    ):
        page.evaluate(
            f"document.body.dispatchEvent(new KeyboardEvent('keydown', {{bubbles: true, ...{event}}}))"
        )
    page.wait_for_timeout(200)
    assert not CallLog.objects.exists()
    press(page, "s")
    expect(page.get_by_role("link", name="结束通话")).to_be_visible()


def test_it_never_acts_with_a_modifier_in_editable_text_or_behind_a_dialog(
    signed_in: Page, case: Case
) -> None:
    page = signed_in
    press(page, "n")
    expect(page.get_by_role("button", name="开始通话")).to_be_visible()
    for key in ("Control+s", "Alt+s", "Meta+s"):
        press(page, key)
    page.locator("h1").evaluate("one => { one.contentEditable = 'plaintext-only'; one.focus(); }")
    page.keyboard.type("s")
    page.evaluate("document.querySelector('h1').contentEditable = 'false'; document.activeElement.blur()")
    press(page, "3")
    expect(page.get_by_role("dialog")).to_be_visible()
    press(page, "s")
    press(page, "Shift+?")
    expect(page.locator("#keys")).to_be_hidden()
    press(page, "Escape")
    page.wait_for_timeout(200)
    assert not CallLog.objects.exists()


def test_who_has_switched_shortcuts_off_presses_nothing(signed_in: Page, case: Case, agent: User) -> None:
    page = signed_in
    press(page, "Shift+?")
    page.locator("[data-keys-on]").uncheck()
    page.wait_for_function(SETTLED)
    press(page, "Escape")
    page.reload()
    press(page, "n")
    page.wait_for_timeout(300)
    agent.refresh_from_db()
    assert not agent.shortcuts_on
    case.refresh_from_db()
    assert case.status == Status.ASSIGNED
    press(page, "Control+k")
    expect(page.get_by_role("combobox")).to_be_focused()


def test_the_palette_runs_commands_opens_pages_and_finds_cases(signed_in: Page, case: Case) -> None:
    page = signed_in
    press(page, "Control+k")
    box = page.get_by_role("combobox")
    expect(box).to_be_focused()
    assert Axe().run(page).violations_count == 0
    page.keyboard.type(f"#{case.pk}")
    found = page.get_by_role("option").first
    expect(found).to_contain_text(f"#{case.pk}")
    expect(found).to_have_attribute("aria-selected", "true")
    press(page, "Enter")
    expect(page).to_have_url(re.compile(rf"/cases/{case.pk}/$"))
    press(page, "Control+k")
    page.keyboard.type("回访")
    expect(page.get_by_role("option").first).to_contain_text("回访")
    press(page, "Escape")
    expect(box).to_be_hidden()
    press(page, "Control+k")
    page.keyboard.type("开始处理")
    press(page, "Enter")
    page.locator("#message_text").focus()
    press(page, "Control+k")
    expect(box).to_be_hidden()


def test_it_corrects_the_cause_with_two_keys(signed_in: Page, case: Case) -> None:
    page = signed_in
    press(page, "n")
    expect(page.get_by_role("button", name="开始通话")).to_be_visible()
    press(page, "3")
    expect(page.get_by_role("dialog")).to_be_visible()
    press(page, "1")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator(".cause-line")).to_contain_text("回复慢")
    case.refresh_from_db()
    assert case.cause == "service"


def test_it_keeps_what_is_typed_elsewhere_when_the_page_changes(signed_in: Page, case: Case) -> None:
    page = signed_in
    press(page, "n")
    reply = page.locator("#reply_text")
    expect(reply).to_be_visible()
    reply.fill("还没写完的回复")
    reply.blur()
    press(page, "s")
    expect(page.get_by_role("link", name="结束通话")).to_be_visible()
    expect(reply).to_have_value("还没写完的回复")


def test_it_promises_a_call_back_with_two_keys(signed_in: Page, case: Case) -> None:
    page = signed_in
    press(page, "n")
    expect(page.get_by_role("button", name="开始通话")).to_be_visible()
    press(page, "s")
    expect(page.get_by_role("link", name="结束通话")).to_be_visible()
    press(page, "b")
    expect(page.locator(".quick-hours button").first).to_be_focused()
    press(page, "Enter")
    expect(page.locator(".case-title")).to_contain_text("等待中")
    case.refresh_from_db()
    assert case.status == Status.WAITING
    assert case.promises.get().due_at > case.opened_at


def test_it_chooses_no_outcome_by_enter_in_a_field(signed_in: Page, case: Case) -> None:
    page = signed_in
    press(page, "n")
    note = page.locator("#close_note")
    note.fill("已补发")
    note.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("请选择结案结果")
    expect(note).to_have_value("已补发")
    case.refresh_from_db()
    assert case.is_open


def test_it_never_acts_while_somebody_types(signed_in: Page, case: Case) -> None:
    page = signed_in
    press(page, "n")
    expect(page.get_by_role("button", name="开始通话")).to_be_visible()
    page.locator("#message_text").focus()
    page.keyboard.type("srnb1")
    page.wait_for_timeout(300)
    assert not CallLog.objects.exists()
    assert not CaseEvent.objects.filter(kind="close").exists()


def test_it_moves_through_the_rows_with_j_and_k(signed_in: Page, case: Case, shop: Shop, agent: User) -> None:
    other = make_case(shop, assignee=agent)
    page = signed_in
    page.reload()
    press(page, "j")
    expect(page.locator(f"#row-{case.pk}")).to_be_focused()
    press(page, "j")
    expect(page.locator(f"#row-{other.pk}")).to_be_focused()
    press(page, "k")
    press(page, "Enter")
    expect(page).to_have_url(re.compile(rf"/cases/{case.pk}/$"))


def test_it_shows_what_a_colleague_did_meanwhile_and_keeps_the_typed_text(
    signed_in: Page, case: Case, agent: User, manager: User, shop: Shop
) -> None:
    page = signed_in
    press(page, "n")
    note = page.locator("#close_note")
    expect(note).to_be_visible()
    note.fill("已补发")
    case.refresh_from_db()
    case.assign(manager)
    note.press("Tab")
    press(page, "Enter")
    expect(page.get_by_role("alert").first).to_contain_text("案件有了变化")
    expect(page.get_by_role("alert").first).to_be_in_viewport()
    expect(page.locator(".case-head textarea")).to_have_value("已补发")
    case.refresh_from_db()
    assert case.is_open


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_it_has_no_accessibility_faults(
    signed_in: Page, live_server: LiveServer, case: Case, scheme: Any, width: int
) -> None:
    page = signed_in
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    for path in ("/", "/cases/", "/callbacks/", f"/cases/{case.pk}/"):
        page.goto(live_server.url + path)
        result = Axe().run(page)
        assert result.violations_count == 0, result.generate_report()
