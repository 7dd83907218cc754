"""Texts by a gateway: sent once whatever fails, within the hours, corrected when a promise moves."""

import json
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import pytest
import time_machine
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from callbacks import contacts, promising, sending, texts, undoing
from callbacks.holding import NotAllowed
from callbacks.models import CallbackPromise, MessageState, OutgoingMessage, ShopGateway
from callbacks.models.messages import LEASE
from callbacks.promise_texts import HOUR
from callbacks.signing import is_genuine, signed
from reviews.models import AuditEntry, Case, Shop, StaleCase, Status, User
from reviews.models.audit import Action
from reviews.models.cases import EventKind
from reviews.outgoing import OffendingText
from reviews.releases import Subject, ask_release, decide_release
from tests.factories import make_case
from tests.providers import SmsHouse, sms_house

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("calling_hour")]

CONFIRM = f"您好，我是李娜，跟您约好{HOUR}给您回电。"
UNLAWFUL = "给您返现5元，麻烦改成好评"


@pytest.fixture
def house() -> Iterator[SmsHouse]:
    with sms_house() as running:
        yield running


@pytest.fixture
def gateway(shop: Shop, house: SmsHouse) -> ShopGateway:
    return ShopGateway.objects.create(
        shop=shop, channel="sms", provider="signed_http", endpoint=house.url, secret=house.secret,
        signature="测试店",
    )  # fmt: skip


@pytest.fixture
def case(calling_hour: datetime, gateway: ShopGateway, shop: Shop, agent: User) -> Case:
    return make_case(shop, assignee=agent, status=Status.IN_PROGRESS)


def hours(number: float) -> datetime:
    return timezone.now() + timedelta(hours=number)


def promised(case: Case, agent: User, at: float = 2) -> CallbackPromise:
    return promising.promise_callback(case, hours(at), by=agent, note="下班后", text=CONFIRM)


def later(seconds: float = 16) -> Any:
    return time_machine.travel(timezone.now() + timedelta(seconds=seconds), tick=True)


def send_all(seconds: float = 16) -> None:
    with later(seconds):
        while sending.send_due():
            pass


def states() -> list[str]:
    return list(OutgoingMessage.objects.order_by("pk").values_list("state", flat=True))


# --- one act ----------------------------------------------------------------------------------------


def test_a_promise_and_its_text_are_one_act(case: Case, agent: User, house: SmsHouse) -> None:
    promise = promised(case, agent)
    text = promise.texts.get()
    assert (text.state, text.kind, text.hour) == ("queued", "confirmed", promise.due_at)
    assert HOUR not in text.text
    assert "11月18日" in text.text
    assert "12:22" in text.text
    send_all()
    text.refresh_from_db()
    assert text.state == MessageState.SENT
    assert [one["to"] for one in house.sent.values()] == ["13800138000"]
    assert next(iter(house.sent.values()))["text"].startswith("【测试店】您好")
    assert case.events.get(kind=EventKind.MESSAGE).data["text"] == text.text


def test_it_leaves_within_thirty_seconds_and_can_be_taken_back_before(case: Case, agent: User) -> None:
    text = promised(case, agent).texts.get()
    assert timedelta(seconds=15) == text.next_attempt_at - text.queued_at  # and the sweep comes every 3 s
    texts.take_back(text, by=agent)
    send_all()
    assert states() == ["cancelled"]


def test_what_has_left_cannot_be_taken_back(case: Case, agent: User) -> None:
    text = promised(case, agent).texts.get()
    send_all()
    with pytest.raises(StaleCase):
        texts.take_back(text, by=agent)


def test_an_unlawful_text_leaves_neither_promise_nor_text(case: Case, agent: User) -> None:
    with pytest.raises(OffendingText):
        promising.promise_callback(case, hours(2), by=agent, note="好的", text=f"{UNLAWFUL}{HOUR}")
    assert not CallbackPromise.objects.exists()
    assert not OutgoingMessage.objects.exists()
    assert AuditEntry.objects.filter(action=Action.COMPLIANCE).exists()
    case.refresh_from_db()
    assert case.status == Status.IN_PROGRESS


def test_a_text_is_judged_again_when_it_leaves(case: Case, agent: User, house: SmsHouse) -> None:
    text = promised(case, agent).texts.get()
    OutgoingMessage.objects.filter(pk=text.pk).update(text=UNLAWFUL)
    send_all()
    text.refresh_from_db()
    assert text.state == MessageState.FAILED
    assert "R1" in text.reason
    assert not house.keys


def test_a_text_its_manager_released_leaves_under_a_signature(
    case: Case, agent: User, manager: User, house: SmsHouse
) -> None:
    lure = "您加一下我微信，我发图给您看。"
    with pytest.raises(OffendingText) as refused:
        texts.send_text(case, lure, by=agent)
    release = ask_release(Subject(refused.value.text, refused.value.kind, case.shop, case), by=agent)
    decide_release(release, release_it=True, reason="平台允许企业客服", by=manager)
    texts.send_text(case, lure, by=agent)
    send_all()
    assert states() == ["sent"]
    assert [one["text"] for one in house.sent.values()] == [f"【测试店】{lure}"]


def test_the_recipient_is_read_when_it_leaves_and_never_kept(case: Case, agent: User) -> None:
    text = texts.send_text(case, "您好，已为您登记。", by=agent)
    assert text.recipient == ""
    send_all()
    text.refresh_from_db()
    assert (text.recipient, text.provider) == ("", "signed_http")


# --- nothing twice -----------------------------------------------------------------------------------


def test_an_answer_that_got_lost_is_asked_for_not_sent_again(
    case: Case, agent: User, house: SmsHouse
) -> None:
    house.script = ["drop"]
    promised(case, agent)
    send_all()
    assert states() == ["sending"]
    send_all(60)
    assert states() == ["sent"]
    assert len(house.keys) == 1
    assert house.asked == house.keys


def test_a_text_the_provider_never_saw_goes_again_under_the_same_key(
    case: Case, agent: User, house: SmsHouse
) -> None:
    house.script = ["lose"]
    promised(case, agent)
    send_all()
    send_all(60)
    assert states() == ["sent"]
    assert len(house.keys) == 2
    assert len(set(house.keys)) == len(house.sent) == 1


def test_a_process_lost_between_mark_and_answer_sends_nothing_twice(
    case: Case, agent: User, house: SmsHouse
) -> None:
    promised(case, agent)
    with mock.patch.object(sending, "_keep", side_effect=SystemExit), pytest.raises(SystemExit):
        send_all()
    message = OutgoingMessage.objects.get()
    assert (message.state, message.attempts, bool(message.handed_at)) == ("sending", 1, True)
    send_all(20)
    assert states() == ["sending"]  # its lease lasts
    send_all(16 + LEASE.total_seconds())
    assert states() == ["sent"]
    assert len(house.sent) == len(house.keys) == 1


def test_without_the_mark_a_lost_process_would_send_twice(case: Case, agent: User, house: SmsHouse) -> None:
    """The negative control: forget that it was handed over, and a new key each time."""
    promised(case, agent)
    with mock.patch.object(sending, "_keep", side_effect=SystemExit), pytest.raises(SystemExit):
        send_all()
    OutgoingMessage.objects.update(handed_at=None, key=uuid.uuid4())
    send_all(16 + LEASE.total_seconds())
    assert len(house.sent) == 2


def test_five_failures_park_it_where_a_manager_sees_it(
    case: Case, agent: User, manager: User, house: SmsHouse, client: Client
) -> None:
    house.script = [503] * 5
    promised(case, agent, at=5)
    for pause in (16, 40, 120, 500, 2000):
        send_all(pause)
    message = OutgoingMessage.objects.get()
    assert message.is_parked
    assert message.attempts == 5
    client.force_login(manager)
    assert "HTTP 503" not in message.text
    page = client.get(reverse("callbacks:texts")).content.decode()
    assert message.text in page
    client.post(reverse("callbacks:text_decide", args=[message.pk]), {"do": "retry"})
    send_all()
    assert states() == ["sent"]


def test_a_refusal_is_final(case: Case, agent: User, house: SmsHouse) -> None:
    house.script = [422]
    promised(case, agent)
    send_all()
    send_all(100)
    assert states() == ["failed"]
    assert len(house.keys) == 1


def test_a_dead_provider_holds_up_no_other_shop(case: Case, agent: User, gateway: ShopGateway) -> None:
    ShopGateway.objects.filter(pk=gateway.pk).update(endpoint="http://127.0.0.1:1/sms")
    for _number in range(3):
        texts.send_text(case, "您好。", by=agent)
    with later():
        sending.send_due()
    assert sorted(OutgoingMessage.objects.values_list("attempts", flat=True)) == [0, 1, 1]


def test_one_lost_answer_holds_up_no_other_text(case: Case, agent: User, house: SmsHouse) -> None:
    house.script = ["drop", 200, "lose", 200]
    for _number in range(4):
        texts.send_text(case, "您好。", by=agent)
    with later():
        sending.send_due()
    assert len(house.keys) == 4


# --- it follows the promise ---------------------------------------------------------------------------


def test_a_queued_text_is_replaced_when_the_promise_moves(case: Case, agent: User, house: SmsHouse) -> None:
    promise = promised(case, agent)
    promising.move_promise(promise, by=agent, at=hours(4), at_buyers_wish=True)
    assert states() == ["cancelled", "queued"]
    send_all()
    assert [("14:22" in one["text"], "改到" in one["text"]) for one in house.sent.values()] == [(True, False)]


def test_a_sent_text_is_corrected_when_the_promise_moves(case: Case, agent: User, house: SmsHouse) -> None:
    promise = promised(case, agent)
    send_all()
    promising.move_promise(promise, by=agent, at=hours(4), at_buyers_wish=True)
    promising.move_promise(promise, by=agent, at=hours(5), at_buyers_wish=True)
    send_all()
    assert states() == ["sent", "cancelled", "sent"]
    last = list(house.sent.values())[-1]["text"]
    assert "12:22" in last
    assert "15:22" in last
    promise.refresh_from_db()
    promising.move_promise(promise, by=agent, at=promise.due_at)  # the buyer knows this hour
    assert len(states()) == 3


def test_a_cancellation_takes_the_text_back(case: Case, agent: User, house: SmsHouse) -> None:
    promise = promised(case, agent)
    send_all()
    promising.cancel_promise(promise, by=agent)
    send_all()
    assert states() == ["sent", "sent"]
    assert "取消" in list(house.sent.values())[-1]["text"]


def test_a_correction_never_overtakes_what_it_corrects(case: Case, agent: User, house: SmsHouse) -> None:
    house.script = ["lose"]
    promise = promised(case, agent)
    send_all()
    promising.move_promise(promise, by=agent, at=hours(4))
    with later(17):
        sending.send_due()
    assert states() == ["sending", "queued"]
    assert not house.sent
    send_all(60)
    assert ["改到" in one["text"] for one in house.sent.values()] == [False, True]


def test_a_call_that_is_made_takes_the_queued_text_along(case: Case, agent: User) -> None:
    promise = promised(case, agent, at=0.1)
    case.take(agent)
    contacts.start_call(case, by=agent)
    promise.refresh_from_db()
    assert promise.kept_at
    assert states() == ["cancelled"]


# --- hours and wishes ---------------------------------------------------------------------------------

NIGHT = datetime.fromisoformat("2026-11-18T21:00:00+08:00")


def test_no_text_leaves_at_night_but_waits_for_the_morning(case: Case, agent: User, house: SmsHouse) -> None:
    with time_machine.travel(NIGHT, tick=True):
        texts.send_text(case, "您好，已为您登记。", by=agent)
        send_all()
    assert not house.keys
    with time_machine.travel(NIGHT + timedelta(hours=12, minutes=1), tick=True):
        sending.send_due()
    assert len(house.keys) == 1


def test_the_call_back_just_agreed_is_confirmed_at_once(case: Case, agent: User, house: SmsHouse) -> None:
    with time_machine.travel(datetime.fromisoformat("2026-11-18T20:28:00+08:00"), tick=True):
        call = contacts.start_call(case, by=agent)
    with time_machine.travel(datetime.fromisoformat("2026-11-18T20:41:00+08:00"), tick=True):
        contacts.end_call(call, "later", by=agent, callback_at=hours(20), callback_text=CONFIRM)
        send_all()
    assert len(house.keys) == 1


def test_do_not_call_stops_texts_but_not_what_was_agreed(case: Case, agent: User, house: SmsHouse) -> None:
    texts.send_text(case, "您好，请看看新品。", by=agent)
    call = contacts.start_call(case, by=agent)
    contacts.end_call(call, "do_not_call", by=agent)
    send_all()
    assert states() == ["cancelled"]
    texts.send_text(case, "您好，换货今天寄出，运费我们出。", by=agent)
    with pytest.raises(NotAllowed):
        texts.send_text(case, "您好。", by=agent)
    send_all()
    assert len(house.sent) == 1


def test_a_text_too_late_for_its_hour_does_not_leave(case: Case, agent: User, house: SmsHouse) -> None:
    promised(case, agent, at=0.2)
    send_all(13 * 60)
    assert states() == ["cancelled"]
    assert not house.keys


# --- receipts -----------------------------------------------------------------------------------------


def receipt(client: Client, gateway: ShopGateway, secret: str = "", **said: Any) -> int:
    body = json.dumps(said).encode()
    headers = signed(secret or gateway.secret, body, timezone.now())
    url = reverse("callbacks:receipts", args=[gateway.code])
    return client.post(url, body, content_type="application/json", headers=headers).status_code


def test_a_signed_receipt_is_shown_on_the_case(
    case: Case, agent: User, gateway: ShopGateway, client: Client
) -> None:
    key = str(promised(case, agent).texts.get().key)
    assert receipt(client, gateway, key=key, status="delivered") == 404  # it has not left yet
    send_all()
    assert receipt(client, gateway, "x" * 32, key=key, status="delivered") == 401
    assert receipt(client, gateway, key=key, status="delivered", at="2026-11-18T10:20:00+08:00") == 204
    assert receipt(client, gateway, key=key, status="failed") == 204  # late, and changes nothing
    assert states() == ["delivered"]
    assert receipt(client, gateway, key=str(uuid.uuid4()), status="delivered") == 404
    assert receipt(client, gateway, key="7", status="delivered") == 400
    assert receipt(client, gateway, key=key, status="read") == 400
    client.force_login(agent)
    page = client.get(reverse("callbacks:case", args=[case.pk])).content.decode()
    assert "10:20" in page.partition('id="texts"')[2]


def test_a_receipt_before_the_workers_own_note_counts_once(
    case: Case, agent: User, gateway: ShopGateway, client: Client
) -> None:
    promised(case, agent)
    with mock.patch.object(sending, "_keep", side_effect=SystemExit), pytest.raises(SystemExit):
        send_all()
    key = str(OutgoingMessage.objects.get().key)
    assert receipt(client, gateway, key=key, status="delivered") == 204
    send_all(100)
    assert states() == ["delivered"]
    assert case.events.filter(kind=EventKind.MESSAGE).count() == 1


def test_an_old_signature_is_refused() -> None:
    headers = signed("k", b"{}", timezone.now())
    assert is_genuine("k", headers, b"{}", timezone.now())
    assert not is_genuine("k", headers, b"{}", timezone.now() + timedelta(minutes=6))
    assert not is_genuine("k", headers, b"{ }", timezone.now())
    assert not is_genuine("", signed("", b"{}", timezone.now()), b"{}", timezone.now())


def test_a_provider_that_can_be_asked_is_asked(case: Case, agent: User, house: SmsHouse) -> None:
    promised(case, agent)
    send_all()
    house.status = "delivered"
    assert sending.ask_for_receipts() == 0
    with later(120):
        assert sending.ask_for_receipts() == 1
    assert states() == ["delivered"]


# --- gateways ------------------------------------------------------------------------------------------


def test_the_console_says_nothing_of_what_or_to_whom(
    case: Case, agent: User, caplog: pytest.LogCaptureFixture, gateway: ShopGateway
) -> None:
    ShopGateway.objects.filter(pk=gateway.pk).update(provider="console")
    texts.send_text(case, "王小明您好，13800138000。", by=agent)
    with caplog.at_level("INFO"):
        send_all()
    assert states() == ["sent"]
    assert "characters, not sent" in caplog.text
    assert "王小明" not in caplog.text
    assert "13800138000" not in caplog.text


def test_an_e_mail_carries_the_key_as_its_id(case: Case, agent: User, shop: Shop) -> None:
    ShopGateway.objects.create(shop=shop, channel="email", provider="mail")
    texts.send_text(case, "您好，已登记。", by=agent, channel="email", recipient="a@example.com")
    key = OutgoingMessage.objects.get().key
    send_all()
    assert states() == ["sent"]
    assert mail.outbox[0].to == ["a@example.com"]
    assert str(key) in str(mail.outbox[0].message()["Message-ID"])


def test_the_secret_is_shown_once_and_never_stored_in_the_clear(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError):
        call_command("set_gateway", shop=shop.code, provider="signed_http", endpoint="http://sms.example/x")
    arguments = {"shop": shop.code, "provider": "signed_http", "endpoint": "https://sms.example/x"}
    call_command("set_gateway", **arguments)
    secret = capsys.readouterr().out.strip()
    assert ShopGateway.objects.get().secret == secret
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM callbacks_shopgateway")
        raw = cursor.fetchone()[0]
    assert secret not in raw
    call_command("set_gateway", **arguments)
    assert secret not in capsys.readouterr().out


def test_an_unlawful_signature_is_refused(shop: Shop) -> None:
    with pytest.raises(CommandError, match="R1"):
        call_command("set_gateway", shop=shop.code, provider="console", signature="好评返现五元")
    assert not ShopGateway.objects.exists()


# --- the pages ------------------------------------------------------------------------------------------


def test_what_may_go_as_a_text_message_is_judged_as_one(client: Client, case: Case, agent: User) -> None:
    client.force_login(agent)
    url = reverse("callbacks:case", args=[case.pk])
    place = f'" data-check-case="{case.pk}"><label class="visually-hidden" for="message_text"'
    assert f'data-check="sms{place}' in client.get(url).content.decode()
    ShopGateway.objects.update(is_active=False)
    assert f'data-check="chat{place}' in client.get(url).content.decode()


def test_the_form_promises_and_texts_at_once(client: Client, case: Case, agent: User) -> None:
    client.force_login(agent)
    page = client.get(reverse("callbacks:case", args=[case.pk])).content.decode()
    assert HOUR in page
    url = reverse("callbacks:promise", args=[case.pk])
    data = {"later_at": "2026-11-18T14:00", "callback_tell": "on", "callback_text": "没有时间的文字"}
    assert client.post(url, data).status_code == 422
    assert client.post(url, {**data, "callback_text": CONFIRM}).status_code == 302
    assert "14:00" in OutgoingMessage.objects.get().text
    move = reverse("callbacks:move_promise", args=[case.pk])
    assert client.post(move, {"later_at": "2026-11-18T19:00", "at_buyers_wish": "on"}).status_code == 302
    assert CallbackPromise.objects.get().moves == 1
    text = OutgoingMessage.objects.get(state="queued")
    back = reverse("callbacks:take_back_text", args=[case.pk, text.pk])
    assert client.post(back).status_code == 302
    assert states() == ["cancelled", "cancelled"]


def test_without_a_gateway_the_page_offers_the_chat_only(
    client: Client, case: Case, agent: User, gateway: ShopGateway
) -> None:
    gateway.delete()
    client.force_login(agent)
    page = client.get(reverse("callbacks:case", args=[case.pk])).content.decode()
    assert HOUR not in page
    url = reverse("callbacks:send_text", args=[case.pk])
    assert client.post(url, {"text": "您好", "channel": "sms"}).status_code == 422


def test_an_undone_close_tells_the_buyer_again(case: Case, agent: User, house: SmsHouse) -> None:
    promised(case, agent)
    send_all()
    case.take(agent)
    act = contacts.settle(case, "refused", by=agent)
    send_all()
    undoing.undo(act, by=agent)
    send_all()
    said = ["取消" in one["text"] for one in house.sent.values()]
    assert said == [False, True, False]
    assert CallbackPromise.objects.pending().count() == 1
