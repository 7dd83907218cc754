"""A save over somebody else's change is a 409 with both texts; nothing is lost."""

from collections.abc import Callable

import pytest
from django.test import Client

from callbacks import contacts, policy_editing
from callbacks.models import ScriptStage
from callbacks.policy import parse
from reviews.colliding import Collision, check, mark_of
from reviews.models import Case, PublicReply, ReplyTemplate, Shop, Status, User
from tests.factories import make_case

pytestmark = pytest.mark.django_db

MINE, THEIRS = "很抱歉给您添麻烦了，我们已安排补发。", "对不起，杯盖的问题我们已经登记，今天给您回电。"


def mark_in(client: Client, url: str) -> str:
    return client.get(url).content.decode().split('name="mark" value="')[1].split('"')[0]


def test_it_refuses_only_what_was_not_seen() -> None:
    check("", "a", "b")
    check(mark_of("a"), "a", "b")
    check(mark_of("x"), "b\r\n", "b")  # the very same words
    with pytest.raises(Collision) as collision:
        check(mark_of("x"), "a", "b", who="李娜")
    assert (collision.value.theirs.text, collision.value.theirs.who) == ("a", "李娜")


@pytest.fixture
def working(client: Client, shop: Shop, agent: User) -> Case:
    case = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    client.force_login(agent)
    return case


def test_a_reply_is_never_saved_over_a_colleagues(client: Client, working: Case, manager: User) -> None:
    page, save = f"/cases/{working.pk}/", f"/cases/{working.pk}/reply/"
    mark = mark_in(client, page)
    contacts.keep_reply(working, THEIRS, by=manager)
    answer = client.post(save, {"text": MINE, "mark": mark})
    assert answer.status_code == 409
    shown = answer.content.decode()
    assert THEIRS in shown
    assert MINE in shown
    assert "王店长" in shown
    assert PublicReply.objects.get().text == THEIRS
    fresh = shown.split('name="mark" value="')[1].split('"')[0]
    assert client.post(save, {"text": MINE, "mark": fresh}).status_code == 302  # keep mine
    assert PublicReply.objects.get().text == MINE


def test_what_the_program_drafted_anew_stops_nobody(client: Client, working: Case) -> None:
    mark = mark_in(client, f"/cases/{working.pk}/")
    PublicReply.objects.update_or_create(review=working.review, defaults={"text": "新的草稿"})
    assert client.post(f"/cases/{working.pk}/reply/", {"text": MINE, "mark": mark}).status_code == 302


def test_a_template_is_never_saved_over_a_colleagues(client: Client, shop: Shop, manager: User) -> None:
    template = ReplyTemplate.objects.create(shop=shop, name="破损", text="抱歉，{item}有破损。")
    client.force_login(manager)
    url = f"/templates/{template.pk}/"
    mark = mark_in(client, url)
    ReplyTemplate.objects.filter(pk=template.pk).update(text=THEIRS)
    data = {"shop": shop.pk, "name": "破损", "purpose": "reply", "text": MINE, "mark": mark}
    answer = client.post(url, data)
    assert answer.status_code == 409
    assert THEIRS in answer.content.decode()
    assert MINE in answer.content.decode()
    fresh = answer.content.decode().split('name="mark" value="')[1].split('"')[0]
    assert client.post(url, {**data, "mark": fresh}).status_code == 302
    template.refresh_from_db()
    assert template.text == MINE


def test_a_stage_of_the_script_is_never_saved_over_a_colleagues(
    client: Client, shop: Shop, manager: User
) -> None:
    client.force_login(manager)
    url = f"/scripts/identify/?shop={shop.code}"
    mark = mark_in(client, url)
    stands = ScriptStage.objects.fitting(shop, "", "")["identify"].text
    ScriptStage.objects.create(shop=shop, stage="identify", text=f"{stands}（对方的）")
    answer = client.post(url, {"text": f"{stands}（我的）", "mark": mark})
    assert answer.status_code == 409
    assert "（对方的）" in answer.content.decode()
    assert "（我的）" in answer.content.decode()
    assert ScriptStage.objects.get(shop=shop).text.endswith("（对方的）")


def test_a_ladder_is_never_saved_over_a_colleagues(client: Client, shop: Shop, manager: User) -> None:
    client.force_login(manager)
    url = f"/policy/damaged_missing/?shop={shop.code}"
    mark = mark_in(client, url)
    theirs = parse(policy_editing.in_force(None, "damaged_missing").as_rows()[:1])
    policy_editing.save_ladder(shop, "damaged_missing", theirs, by=manager)
    answer = client.post(url, {"mark": mark})
    assert answer.status_code == 409
    assert policy_editing.in_force(shop, "damaged_missing") == theirs


def test_without_its_mark_the_change_would_be_lost(
    client: Client, working: Case, manager: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the mark is what protects."""
    mark = mark_in(client, f"/cases/{working.pk}/")
    contacts.keep_reply(working, THEIRS, by=manager)
    off: Callable[..., None] = lambda *_args, **_words: None  # noqa: E731
    monkeypatch.setattr("reviews.colliding.check", off)
    assert client.post(f"/cases/{working.pk}/reply/", {"text": MINE, "mark": mark}).status_code == 302
    assert PublicReply.objects.get().text == MINE
