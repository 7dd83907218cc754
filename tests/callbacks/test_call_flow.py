"""A call on the case page: number, begin, stages, notes, end."""

from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from callbacks.models import CallbackPromise, CallLog, DoNotCall
from reviews.models import AuditEntry, Case, Shop, Status, User
from tests.factories import make_case

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("calling_hour")]

HTMX: dict[str, Any] = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def case(calling_hour: datetime, shop: Shop, agent: User) -> Case:
    return make_case(shop, assignee=agent, status=Status.IN_PROGRESS)


@pytest.fixture
def browser(client: Client, agent: User) -> Client:
    client.force_login(agent)
    return client


def post(client: Client, name: str, case: Case, data: dict[str, str] | None = None, **extra: Any) -> Any:
    return client.post(reverse(f"callbacks:{name}", args=[case.pk]), data or {}, **extra)


@pytest.fixture
def call(browser: Client, case: Case) -> CallLog:
    """A call that runs."""
    assert post(browser, "start_call", case).status_code == 302
    return CallLog.objects.get()


def test_it_shows_the_number_in_this_answer_only(browser: Client, case: Case) -> None:
    answer = post(browser, "reveal", case, **HTMX)
    html = answer.content.decode()
    assert 'href="tel:13800138000"' in html
    assert "no-store" in answer["Cache-Control"]
    assert len(html) < 1500
    assert AuditEntry.objects.filter(action="reveal_phone").count() == 1
    assert "13800138000" not in browser.get(reverse("callbacks:case", args=[case.pk])).content.decode()


def test_it_shows_the_number_without_scripts_too(browser: Client, case: Case) -> None:
    answer = post(browser, "reveal", case)
    assert answer.status_code == 200
    assert 'href="tel:13800138000"' in answer.content.decode()


def test_it_keeps_the_number_from_who_does_not_work_on_the_case(
    client: Client, case: Case, manager: User
) -> None:
    client.force_login(manager)
    answer = post(client, "reveal", case, **HTMX)
    assert answer.status_code == 422
    assert "请先领取案件" in answer.content.decode()
    assert "13800138000" not in answer.content.decode()
    assert not AuditEntry.objects.exists()


def test_it_begins_a_call_with_the_clock_running(browser: Client, case: Case, call: CallLog) -> None:
    html = browser.get(reverse("callbacks:case", args=[case.pk])).content.decode()
    assert "data-since=" in html
    assert "结束通话" in html
    assert post(browser, "start_call", case).status_code in (409, 422)


def test_it_refuses_a_call_outside_the_hours(browser: Client, case: Case) -> None:
    Shop.objects.update(calling_from="14:00", calling_until="18:00")
    answer = post(browser, "start_call", case)
    assert answer.status_code == 422
    assert "不在允许的拨打时段" in answer.content.decode()
    assert not CallLog.objects.exists()


def test_it_ticks_and_unticks_a_stage(browser: Client, case: Case, call: CallLog) -> None:
    html = post(browser, "tick", case, {"stage": "identify", "done": "1"}, **HTMX).content.decode()
    assert "1 / 10" in html
    assert call.stages.get().stage == "identify"
    post(browser, "tick", case, {"stage": "identify", "done": "0"})
    assert not call.stages.exists()


@pytest.mark.parametrize("data", [{"stage": "sing", "done": "1"}, {"stage": "ask"}, {}])
def test_it_knows_only_the_ten_stages(
    browser: Client, case: Case, call: CallLog, data: dict[str, str]
) -> None:
    assert post(browser, "tick", case, data).status_code == 422


def test_it_ticks_nothing_without_a_call(browser: Client, case: Case) -> None:
    assert post(browser, "tick", case, {"stage": "ask", "done": "1"}).status_code == 409


def test_it_saves_notes_while_they_are_typed(browser: Client, case: Case, call: CallLog) -> None:
    assert post(browser, "keep_notes", case, {"notes": "杯盖漏水 "}, **HTMX).status_code == 204
    call.refresh_from_db()
    assert call.notes == "杯盖漏水 "


def test_it_gives_notes_back_that_came_too_late(browser: Client, case: Case) -> None:
    answer = post(browser, "keep_notes", case, {"notes": "通话已经结束了才写的"}, **HTMX)
    assert answer.status_code == 409
    assert "通话已经结束了才写的" in answer.content.decode()


def test_it_needs_an_outcome_to_end_and_keeps_the_notes(browser: Client, case: Case, call: CallLog) -> None:
    answer = post(browser, "end_call", case, {"notes": "说了很多"})
    assert answer.status_code == 422
    assert "请选择通话结果" in answer.content.decode()
    assert "说了很多" in answer.content.decode()
    call.refresh_from_db()
    assert call.is_running


@pytest.mark.parametrize("outcome", ["agreed", "reached", "refused", "wrong_number"])
def test_it_ends_the_call_and_stays_with_the_case(
    browser: Client, case: Case, call: CallLog, outcome: str
) -> None:
    assert post(browser, "end_call", case, {"outcome": outcome, "notes": "好"}).status_code == 302
    call.refresh_from_db()
    case.refresh_from_db()
    assert (call.outcome, call.notes, case.status) == (outcome, "好", Status.IN_PROGRESS)


def test_it_puts_an_unanswered_case_away_until_the_next_try(
    browser: Client, case: Case, call: CallLog
) -> None:
    post(browser, "end_call", case, {"outcome": "no_answer"})
    case.refresh_from_db()
    assert case.status == Status.WAITING


def test_it_promises_the_hour_in_the_same_act(browser: Client, case: Case, call: CallLog) -> None:
    post(
        browser, "end_call", case, {"later_at": "2026-11-18T19:00", "callback_note": "下班后", "notes": "忙"}
    )
    call.refresh_from_db()
    promise = CallbackPromise.objects.get()
    assert (call.outcome, call.notes, promise.note) == ("later", "忙", "下班后")
    assert promise.due_at == datetime.fromisoformat("2026-11-18T19:00:00+08:00")


def test_it_takes_a_typed_hour_without_a_button_for_later(browser: Client, case: Case, call: CallLog) -> None:
    post(browser, "end_call", case, {"outcome": "", "callback_at": "2026-11-18T17:30"})
    call.refresh_from_db()
    assert call.outcome == "later"


def test_it_asks_for_the_hour_and_keeps_the_notes(browser: Client, case: Case, call: CallLog) -> None:
    answer = post(browser, "end_call", case, {"outcome": "later", "notes": "她在开会"})
    assert answer.status_code == 422
    assert "请填写约定回访的时间" in answer.content.decode()
    assert "她在开会" in answer.content.decode()


def test_it_registers_do_not_call(browser: Client, case: Case, call: CallLog) -> None:
    post(browser, "end_call", case, {"outcome": "do_not_call"})
    assert DoNotCall.objects.count() == 1
    html = browser.get(reverse("callbacks:case", args=[case.pk])).content.decode()
    assert "不再" in html
    assert post(browser, "start_call", case).status_code == 422


def test_it_shows_the_call_afterwards_with_its_stages(browser: Client, case: Case, call: CallLog) -> None:
    for stage in ("identify", "apologise", "apologise_again"):
        post(browser, "tick", case, {"stage": stage, "done": "1"})
    post(browser, "end_call", case, {"outcome": "agreed", "notes": "换盖子"})
    html = browser.get(reverse("callbacks:case", args=[case.pk])).content.decode()
    assert "3 步" in html
    assert "通话：谈妥方案 · 道歉 2 次" in html
    assert html.count("换盖子") == 2


def test_it_lets_only_the_speaker_end_the_call(
    client: Client, case: Case, call: CallLog, manager: User
) -> None:
    client.force_login(manager)
    assert "李娜 正在与买家通话" in client.get(reverse("callbacks:case", args=[case.pk])).content.decode()
    assert post(client, "end_call", case, {"outcome": "agreed"}).status_code in (409, 422)
    call.refresh_from_db()
    assert call.is_running
