"""The telephone system's webhook: signed, fresh, once; it fills the log whatever the order of events."""

import itertools
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from callbacks import contacts, signing, telephone
from callbacks.holding import NotAllowed
from callbacks.models import CallLog, Extension, LineEvent, LineKey
from reviews.models import AuditEntry, Case, Shop, Status, User
from tests.factories import make_case, make_shop

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("calling_hour")]

URL = "/api/v1/calls/events/"
KINDS = ("new_call", "answer", "hang_up")


class Line:
    """A telephone system that holds a key."""

    def __init__(self, client: Client, shop: Shop) -> None:
        self.client = client
        self.key, self.secret = telephone.create_key(shop, by=None)
        self.began = timezone.now()

    def post(self, body: bytes, **headers: str) -> Any:
        stamp = headers.pop("stamp", str(int(timezone.now().timestamp())))
        signed = headers.pop("signed", signing.digest(self.secret, stamp, body))
        return self.client.post(
            URL, body, content_type="application/json",
            headers={
                "X-Huiping-Key": headers.pop("key", self.key.key_id), "X-Huiping-Timestamp": stamp,
                "X-Huiping-Signature": f"v1={signed}",
            },
        )  # fmt: skip

    def tell(self, kind: str, *, seconds: int = 0, **more: Any) -> Any:
        at = self.began + timedelta(seconds=seconds)
        said = {"call_id": "pbx-1", "event": kind, "at": at.isoformat(), **more}
        with time_machine.travel(max(at, timezone.now()), tick=False):
            return self.post(json.dumps(said).encode())


@pytest.fixture
def line(client: Client, calling_hour: datetime, shop: Shop) -> Line:
    return Line(client, shop)


@pytest.fixture
def case(calling_hour: datetime, shop: Shop, agent: User) -> Case:
    Extension.objects.create(shop=shop, user=agent, number="8001")
    return make_case(shop, assignee=agent, status=Status.IN_PROGRESS)


def by_extension(**more: str) -> dict[str, Any]:
    return {"number": "13800138000", "extension": "8001", **more}


def test_it_fills_the_log_of_the_call_our_reference_names(line: Line, case: Case, agent: User) -> None:
    call = contacts.start_call(case, by=agent)
    for seconds, kind in enumerate(KINDS):
        answer = line.tell(kind, seconds=seconds * 20 + 5, reference=call.reference)
        assert (answer.status_code, answer.json()) == (200, {"status": "recorded"})
    call.refresh_from_db()
    assert call.answered_at
    assert call.hung_up_at
    assert call.talk_time == "0:20"
    assert call.is_running  # the outcome is the agent's to say
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        contacts.end_call(call, "agreed", by=agent)
    assert call.ended_at == call.hung_up_at


def test_it_begins_the_log_by_extension_and_number(line: Line, case: Case, agent: User) -> None:
    assert line.tell("new_call", **by_extension()).json() == {"status": "recorded"}
    call = CallLog.objects.get()
    assert (call.case, call.agent, call.against, call.is_running) == (case, agent, "", True)
    case.refresh_from_db()
    assert case.first_contact_at
    assert not contacts.call_permission(case, timezone.now()).allowed


@pytest.mark.parametrize("order", itertools.permutations(range(3)))
@pytest.mark.parametrize("started", [True, False])
def test_the_order_of_events_and_their_repetition_do_not_matter(
    line: Line, case: Case, agent: User, order: tuple[int, ...], started: bool
) -> None:
    if started:
        contacts.start_call(case, by=agent)
    for _twice in range(2):
        for number in order:
            line.tell(KINDS[number], seconds=number * 30 - 90, **by_extension())
    call = CallLog.objects.get()
    assert (bool(call.answered_at), bool(call.hung_up_at)) == (True, True)
    assert LineEvent.objects.filter(call=call).count() == 3
    assert not LineEvent.objects.unplaced().exists()


def test_it_marks_a_call_against_the_rules(line: Line, case: Case, shop: Shop) -> None:
    Shop.objects.update(calling_from="14:00", calling_until="18:00")
    line.tell("new_call", **by_extension())
    assert CallLog.objects.get().against == "outside_hours"
    assert AuditEntry.objects.filter(action="telephone", data__reason="outside_hours").exists()


def test_it_keeps_what_finds_no_place_and_counts_it(line: Line, case: Case, shop: Shop, agent: User) -> None:
    assert line.tell("new_call", **by_extension(extension="9999")).json() == {"status": "kept"}
    event = LineEvent.objects.unplaced().get()
    assert (event.case, event.masked_number) == (case, "138****8000")
    with pytest.raises(NotAllowed):
        contacts.start_call(case, by=agent)


def test_an_incoming_call_is_no_attempt(line: Line, case: Case, agent: User) -> None:
    line.tell("new_call", **by_extension(direction="in"))
    CallLog.objects.update(ended_at=timezone.now(), outcome="reached")
    assert contacts.call_permission(case, timezone.now()).allowed


def test_it_knows_an_event_it_was_told_before(line: Line, case: Case) -> None:
    line.tell("new_call", **by_extension())
    assert line.tell("new_call", **by_extension()).json() == {"status": "known"}


# --- who may report ------------------------------------------------------------------------------------


def test_it_refuses_a_wrong_signature_an_old_one_and_a_revoked_key(
    line: Line, case: Case, manager: User
) -> None:
    body = json.dumps({"call_id": "1", "event": "answer", "at": "2026-11-18T10:00:00+08:00"}).encode()
    assert line.post(body, signed="0" * 64).status_code == 401
    assert line.post(body, signed="签").status_code == 401
    assert line.post(body, key="line_none").status_code == 401
    old = str(int(timezone.now().timestamp()) - 301)
    assert line.post(body, stamp=old).status_code == 401
    assert line.post(body, stamp="soon").status_code == 401
    signed = signing.digest(line.secret, old, body)
    assert line.post(body, signed=signed).status_code == 401  # another time than was signed
    assert line.post(body + b" ", signed=signing.digest(line.secret, old, body)).status_code == 401
    assert line.post(body).status_code == 200
    telephone.revoke_key(line.key, by=manager)
    assert line.post(body).status_code == 401
    assert line.client.post(URL, body, content_type="application/json").status_code == 401


def test_without_the_check_anybody_could_report(line: Line, case: Case, monkeypatch: Any) -> None:
    """The negative control."""
    monkeypatch.setattr("callbacks.api.telephone.is_signed", lambda *_: True)
    body = json.dumps({"call_id": "1", "event": "answer", "at": "2026-11-18T10:00:00+08:00"}).encode()
    assert line.post(body, signed="0" * 64).status_code == 200


def test_a_key_speaks_for_its_shop_only(client: Client, case: Case, agent: User) -> None:
    call = contacts.start_call(case, by=agent)
    stranger = Line(client, make_shop("stranger"))
    assert stranger.tell("hang_up", reference=call.reference).json() == {"status": "kept"}
    call.refresh_from_db()
    assert call.hung_up_at is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("event", "sing"), ("at", "yesterday"), ("recording_url", "http://a.cn/1.mp3"), ("call_id", ""),
        ("direction", "up"), ("colour", "red"), ("number", "1" * 99),
    ],
)  # fmt: skip
def test_it_names_the_wrong_field(line: Line, field: str, value: str) -> None:
    said = {"call_id": "1", "event": "answer", "at": "2026-11-18T10:00:00+08:00", field: value}
    answer = line.post(json.dumps(said).encode())
    assert answer.status_code == 400
    assert field in answer.json()["errors"]
    assert not LineEvent.objects.exists()


# --- the page and the command ----------------------------------------------------------------------------


def test_a_manager_makes_a_key_sees_its_secret_once_and_revokes_it(
    client: Client, shop: Shop, manager: User
) -> None:
    client.force_login(manager)
    answer = client.post(reverse("callbacks:telephone_key"), {"shop": shop.code})
    key = LineKey.objects.get()
    assert key.secret in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    page = client.get(reverse("callbacks:telephone")).content.decode()
    assert key.key_id in page
    assert key.secret not in page
    client.post(reverse("callbacks:telephone_revoke", args=[key.pk]))
    assert not LineKey.objects.usable().exists()
    assert AuditEntry.objects.filter(action="telephone").count() == 2


def test_a_manager_gives_extensions_and_clears_unplaced_calls(
    client: Client, shop: Shop, manager: User, agent: User, case: Case
) -> None:
    line = Line(Client(), shop)
    line.tell("hang_up", number="13900139000", extension="77")
    client.force_login(manager)
    page = client.get(reverse("callbacks:telephone")).content.decode()
    assert "139****9000" in page
    assert "13900139000" not in page
    client.post(reverse("callbacks:telephone_seen", args=[LineEvent.objects.get().pk]))
    assert not LineEvent.objects.unplaced().exists()
    member = manager.memberships.get()
    url = reverse("callbacks:telephone_extension", args=[member.pk])
    assert client.post(url, {"number": "8001"}).status_code == 422
    assert client.post(url, {"number": "abc"}).status_code == 422
    assert client.post(url, {"number": "8002"}).status_code == 302
    assert Extension.objects.get(user=manager).number == "8002"


def test_the_command_prints_the_key_once(shop: Shop, capsys: Any) -> None:
    call_command("create_telephone_key", shop=shop.code)
    key_id, secret = capsys.readouterr().out.split()
    assert LineKey.objects.get(key_id=key_id).secret == secret


def test_the_clock_of_the_page_follows_the_line(client: Client, line: Line, case: Case, agent: User) -> None:
    call = contacts.start_call(case, by=agent)
    client.force_login(agent)
    url = reverse("callbacks:call_clock", args=[case.pk])
    assert f'hx-get="{url}"' in client.get(reverse("callbacks:case", args=[case.pk])).content.decode()
    assert client.get(url).status_code == 204
    line.tell("answer", seconds=2, reference=call.reference)
    line.tell("hang_up", seconds=3, reference=call.reference)
    html = client.get(url).content.decode()
    assert "0:01" in html
    assert "hx-get" not in html
