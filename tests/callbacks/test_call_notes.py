"""Notes of a running call: nothing newer is overwritten, both texts are shown."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from callbacks import contacts
from callbacks.models import CallLog
from reviews.models import Case, Shop, Status, User
from tests.factories import make_case

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("calling_hour")]


@pytest.fixture
def call(client: Client, calling_hour: Any, shop: Shop, agent: User) -> CallLog:
    client.force_login(agent)
    case = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    return contacts.start_call(case, by=agent)


def save(client: Client, call: CallLog, notes: str, base: int, draft: str = "") -> Any:
    data = {"notes": notes, "notes_saved": base, "notes_draft": draft}
    return client.post(reverse("callbacks:keep_notes", args=[call.case_id]), data, HTTP_HX_REQUEST="true")


def end(client: Client, call: CallLog, notes: str, base: int, draft: str = "") -> Any:
    data = {"notes": notes, "notes_saved": base, "notes_draft": draft, "outcome": "reached"}
    return client.post(reverse("callbacks:end_call", args=[call.case_id]), data)


def test_it_counts_every_saving(client: Client, call: CallLog) -> None:
    assert save(client, call, "漏", 0)["X-Notes-Saved"] == "1"
    assert save(client, call, "漏水", 1)["X-Notes-Saved"] == "2"


def test_it_refuses_a_stale_overwrite_and_answers_with_what_is_saved(client: Client, call: CallLog) -> None:
    save(client, call, "第一个窗口", 0, "a:1")
    answer = save(client, call, "第二个窗口", 0, "b:1")
    assert answer.status_code == 409
    assert answer.json() == {"saved": 1, "notes": "第一个窗口"}
    call.refresh_from_db()
    assert call.notes == "第一个窗口"
    assert save(client, call, "第二个窗口", 1, "b:2").status_code == 204


def test_it_takes_the_same_words_again_after_a_lost_answer(client: Client, call: CallLog) -> None:
    save(client, call, "漏水", 0)
    assert save(client, call, "漏水", 0).status_code == 204


def test_it_takes_a_newer_draft_of_the_same_page_whose_answer_is_still_on_its_way(
    client: Client, call: CallLog
) -> None:
    save(client, call, "漏", 0, "a:1")
    assert save(client, call, "漏水", 0, "a:2").status_code == 204
    assert save(client, call, "漏", 0, "a:1").status_code == 409
    call.refresh_from_db()
    assert call.notes == "漏水"


def test_it_ends_no_call_with_older_notes_and_shows_both(client: Client, call: CallLog) -> None:
    save(client, call, "另一个窗口写的", 0, "a:1")
    answer = end(client, call, "这个窗口写的", 0, "b:1")
    html = answer.content.decode()
    assert answer.status_code == 409
    assert "另一个窗口写的" in html
    assert "这个窗口写的</textarea>" in html
    assert 'name="notes_saved" value="1"' in html
    call.refresh_from_db()
    assert call.is_running
    assert end(client, call, "这个窗口写的", 1, "b:2").status_code == 302


def test_it_ends_a_call_while_the_last_saving_is_on_its_way(client: Client, call: CallLog) -> None:
    save(client, call, "漏", 0, "a:1")
    assert end(client, call, "漏水", 0, "a:2").status_code == 302
    call.refresh_from_db()
    assert (call.notes, call.outcome) == ("漏水", "reached")


@pytest.mark.parametrize("draft", ["a", "a:b", "a:1;drop", "x" * 30 + ":1"])
def test_it_refuses_a_draft_that_is_none(client: Client, call: CallLog, draft: str) -> None:
    assert save(client, call, "漏", 0, draft).status_code == 422


def test_without_the_check_the_older_text_wins(client: Client, call: CallLog, monkeypatch: Any) -> None:
    """The negative control."""
    from django.db.models import Q

    monkeypatch.setattr(contacts, "_grown_from", lambda *_: Q())
    save(client, call, "第一个窗口", 0, "a:1")
    assert save(client, call, "第二个窗口", 0, "b:1").status_code == 204


def test_it_is_no_other_agents_to_write(client: Client, call: CallLog, manager: User) -> None:
    client.force_login(manager)
    assert save(client, call, "别人", 0).status_code == 422
    assert Case.objects.get().calls.get().notes == ""
