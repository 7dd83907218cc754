"""A save over somebody else's change is a 409 with both texts; nothing is lost."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.test import Client

from callbacks import buyer_facts, contacts, policy_editing
from callbacks.models import BuyerFact, Extension, ScriptStage
from callbacks.policy import parse
from reviews.colliding import Collision, check, mark_of
from reviews.models import Case, PublicReply, ReplyTemplate, Shop, ShopMembership, Status, User
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


@dataclass(frozen=True)
class Editor:
    """A page with a form over what stands: its address, a field, two values, where it is stored."""

    opened: str  # the page the form is on
    saved: str  # where it is sent to
    field: str
    theirs: str
    mine: str
    shown: str  # theirs as the collision shows it
    stored: Callable[[], str]


def editors(shop: Shop, agent: User) -> dict[str, Editor]:
    member = ShopMembership.objects.get(user=agent)
    limits, team, shifts = (
        f"/policy/limits/?shop={shop.code}",
        f"/team/{member.pk}/",
        f"/team/{member.pk}/shifts/",
    )
    hours, extension = f"/team/shops/{shop.pk}/", f"/telephone/extensions/{member.pk}/"

    def one(name: str) -> Callable[[], str]:
        return lambda: str(getattr(ShopMembership.objects.get(pk=member.pk), name))

    def case_limit() -> str:
        return str(Shop.objects.get(pk=shop.pk).remedy_limit_per_case)

    return {
        "limits": Editor(limits, limits, "per_case", "66", "77", "66", case_limit),
        "member": Editor("/team/", team, "max_open_cases", "6", "7", "上限 6 件", one("max_open_cases")),
        "shifts": Editor(shifts, shifts, "day_0", "09:00-12:00", "13:00-18:00", "09:00–12:00", one("week")),
        "hours": Editor(
            hours, hours, "day_2", "10:00-16:00", "11:00-17:00", "10:00–16:00",
            lambda: str(Shop.objects.get(pk=shop.pk).week),
        ),
        "extension": Editor(
            "/telephone/", extension, "number", "801", "802", "801",
            lambda: str(Extension.objects.filter(user=agent).values_list("number", flat=True).first()),
        ),
    }  # fmt: skip


def form_in(page: str, action: str) -> dict[str, str]:
    """What the form that is sent to `action` holds, as a browser would send it."""
    forms = [one.split("</form>")[0] for one in page.split("<form")[1:]]
    found = [one for one in forms if f'action="{action}"' in one or ("action=" not in one and "day_0" in one)]
    tail = action.partition("?")[2]
    found = found or [one for one in forms if tail and f'action="?{tail}"' in one]
    inputs = re.findall(r"<input[^>]+>", found[0])
    typed = [one for one in inputs if 'type="checkbox"' not in one or " checked" in one]
    pairs = [(re.search(r'name="([^"]+)"', one), re.search(r'value="([^"]*)"', one)) for one in typed]
    return {name[1]: value[1] if value else "" for name, value in pairs if name}


@pytest.mark.parametrize("name", ["limits", "member", "shifts", "hours", "extension"])
def test_no_editor_saves_over_a_colleagues_change(
    client: Client, shop: Shop, agent: User, manager: User, administrator: User, name: str
) -> None:
    """Two people open the same form; the second to save gets both texts, and may then choose."""
    one = editors(shop, agent)[name]
    mine, theirs = client, Client()
    mine.force_login(manager)
    theirs.force_login(administrator)
    opened = form_in(mine.get(one.opened).content.decode(), one.saved)
    assert len(opened["mark"]) == 20
    others = form_in(theirs.get(one.opened).content.decode(), one.saved)
    assert theirs.post(one.saved, {**others, one.field: one.theirs}).status_code == 302
    kept = one.stored()

    answer = mine.post(one.saved, {**opened, one.field: one.mine})

    assert answer.status_code == 409
    shown = answer.content.decode()
    collision = shown.split('class="collision"')[1].split("</section>")[0]
    assert one.shown in re.sub(r"<[^>]+>", "", collision)
    assert "管理员" in collision
    again = form_in(shown, one.saved)
    assert again[one.field] == one.mine
    assert one.stored() == kept
    assert mine.post(one.saved, again).status_code == 302  # keep mine
    assert one.stored() != kept


@pytest.mark.parametrize("name", ["limits", "member", "shifts", "hours", "extension"])
def test_without_its_mark_an_editor_would_overwrite(
    client: Client, shop: Shop, agent: User, manager: User, name: str
) -> None:
    """The negative control."""
    one = editors(shop, agent)[name]
    client.force_login(manager)
    opened = form_in(client.get(one.opened).content.decode(), one.saved)
    assert client.post(one.saved, {**opened, one.field: one.theirs}).status_code == 302
    kept = one.stored()
    assert client.post(one.saved, {**opened, "mark": "", one.field: one.mine}).status_code == 302
    assert one.stored() != kept


def test_a_fact_is_never_corrected_over_a_colleagues(client: Client, working: Case, manager: User) -> None:
    fact = buyer_facts.keep_fact(working, "晚上七点后方便", by=manager)
    page = client.get(f"/cases/{working.pk}/").content.decode()
    mark = page.split("facts-kept")[1].split('name="mark" value="')[1].split('"')[0]
    buyer_facts.correct_fact(working, fact, "只有周末方便", by=manager)
    url = f"/cases/{working.pk}/facts/{fact.pk}/"
    answer = client.post(url, {"text": "早上方便", "do": "correct", "mark": mark})
    assert answer.status_code == 409
    shown = answer.content.decode().split("facts-kept")[1].split("</ul>")[0]
    assert "只有周末方便" in shown.split('class="collision"')[1]
    assert 'value="早上方便"' in shown
    assert BuyerFact.objects.get().text == "只有周末方便"


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
