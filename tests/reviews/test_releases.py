"""The live verdict, words kept knowingly, and texts a manager releases."""

from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import reverse

from callbacks import contacts
from reviews.models import AuditEntry, Case, Shop, Status, TextRelease, User
from reviews.outgoing import OffendingText
from reviews.releases import NotReleasable, Subject, ask_release, decide_release
from reviews.views import compliance
from tests.factories import make_case

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("calling_hour")]

CHECK, ASK, LIST = (reverse(f"reviews:{name}") for name in ("compliance_check", "compliance_ask", "releases"))
WARNED = "这款的质量最好，请您放心使用。"
LURE = "您加一下我微信，我发图给您看。"
UNLAWFUL = "给您返现5元，麻烦改成好评"
PLAIN = "已转质检核对，今天回复您。"


@pytest.fixture
def case(shop: Shop, agent: User) -> Case:
    return make_case(shop, assignee=agent, status=Status.IN_PROGRESS)


@pytest.fixture
def desk(client: Client, agent: User) -> Client:
    cache.clear()
    client.force_login(agent)
    return client


def verdict_of(client: Client, text: str, **more: Any) -> Any:
    return client.post(CHECK, {"text": text, "kind": "chat", **more}).json()


def send(client: Client, case: Case, text: str, **more: str) -> Any:
    return client.post(reverse("callbacks:message", args=[case.pk]), {"text": text, **more})


# --- while typing ------------------------------------------------------------------------------------


def test_it_names_words_place_rule_reason_and_a_lawful_wording(desk: Client) -> None:
    found = verdict_of(desk, f"😀您好。{LURE}")
    assert found["verdict"] == "block"
    one = found["offences"][0]
    assert (one["rule"], f"😀您好。{LURE}"[one["start"] : one["end"]]) == ("R7", one["words"])
    assert one["why"]
    assert one["suggestion"]
    assert one["wording"] == "有任何情况请在店铺聊天里找我们。"


def test_it_passes_what_is_lawful_and_keeps_nothing(desk: Client, case: Case) -> None:
    assert verdict_of(desk, PLAIN, case=case.pk) == {"verdict": "pass", "offences": []}
    verdict_of(desk, UNLAWFUL, case=case.pk)
    assert not AuditEntry.objects.exists()


def test_it_knows_what_the_case_holds(desk: Client, case: Case) -> None:
    case.shop.may_mention_reviews = True
    case.shop.save()
    told = "评价是您自己的，想修改评价在订单页。"
    assert verdict_of(desk, told, case=case.pk)["verdict"] == "pass"
    case.note_compensation(case.opened_at)
    assert verdict_of(desk, told, case=case.pk)["verdict"] == "block"


def test_it_knows_the_case_of_a_review(desk: Client, case: Case) -> None:
    case.shop.may_mention_reviews = True
    case.shop.save()
    case.note_compensation(case.opened_at)
    told = "评价是您自己的，想修改评价在订单页。"
    answer = verdict_of(desk, told, kind="public_reply", review=case.review_id)
    assert answer["verdict"] == "block"


def test_it_knows_what_a_manager_released(desk: Client, case: Case, agent: User, manager: User) -> None:
    """What may be sent may be copied; the words stay underlined."""
    release = ask_release(Subject(LURE, "chat", case.shop, case), by=agent)
    assert verdict_of(desk, LURE, case=case.pk)["verdict"] == "block"
    decide_release(release, release_it=True, reason="平台允许企业客服", by=manager)
    found = verdict_of(desk, LURE, case=case.pk)
    assert (found["verdict"], found["offences"][0]["rule"]) == ("released", "R7")
    assert verdict_of(desk, f"{LURE}快点。", case=case.pk)["verdict"] == "block"
    assert verdict_of(desk, LURE)["verdict"] == "block"


def test_it_shows_nobody_anothers_case(client: Client, case: Case, outsider: User) -> None:
    client.force_login(outsider)
    answer = client.post(CHECK, {"text": PLAIN, "kind": "chat", "case": case.pk})
    assert answer.status_code == 404


def test_it_refuses_nonsense_in_words(desk: Client) -> None:
    assert desk.post(CHECK, {"text": "x", "kind": "poem"}).status_code == 400
    assert desk.post(CHECK, {"text": "x" * 5001, "kind": "chat"}).status_code == 400


def test_it_slows_down_a_program_that_asks_without_end(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compliance, "CHECKS_A_MINUTE", 2)
    statuses = [desk.post(CHECK, {"text": PLAIN, "kind": "chat"}).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


# --- warnings, kept knowingly --------------------------------------------------------------------------


def test_a_warning_comes_back_once_and_is_kept_knowingly(desk: Client, case: Case) -> None:
    first = send(desk, case, WARNED)
    assert first.status_code == 422
    knowingly = first.content.decode().split('name="knowingly" value="')[1].split('"')[0]
    assert send(desk, case, f"{WARNED}全网第一。", knowingly=knowingly).status_code == 422
    assert send(desk, case, WARNED, knowingly=knowingly).status_code == 302
    assert case.messages.get().text == WARNED
    assert AuditEntry.objects.get(action="text_sent").data["outcome"] == "kept"


# --- the manager ---------------------------------------------------------------------------------------


def test_a_manager_releases_one_text_for_one_case_and_kind(desk: Client, case: Case, manager: User) -> None:
    page = send(desk, case, LURE)
    assert (page.status_code, ASK in page.content.decode()) == (422, True)
    asked = desk.post(ASK, {"text": LURE, "kind": "chat", "case": case.pk})
    assert asked.status_code == 302
    release = TextRelease.objects.get()
    assert send(desk, case, LURE).status_code == 422

    desk.force_login(manager)
    assert LURE[1:4] in desk.get(LIST).content.decode()
    decide = reverse("reviews:release_decide", args=[release.pk])
    desk.post(decide, {"release": "1", "reason": ""})
    release.refresh_from_db()
    assert release.status == "asked"
    desk.post(decide, {"release": "1", "reason": "平台允许企业客服"})
    outcomes = {entry.data["outcome"] for entry in AuditEntry.objects.filter(object_type="textrelease")}
    assert outcomes == {"asked", "released"}

    assert case.assignee is not None
    contacts.record_message(case, LURE, by=case.assignee)
    assert AuditEntry.objects.get(action="text_sent").data["outcome"] == "released"
    with pytest.raises(OffendingText):
        contacts.record_message(case, f"{LURE}快点。", by=case.assignee)
    other = make_case(case.shop, assignee=case.assignee, status=Status.IN_PROGRESS)
    with pytest.raises(OffendingText):
        contacts.record_message(other, LURE, by=case.assignee)
    with pytest.raises(OffendingText):
        contacts.settle(case, "refused", by=case.assignee, note=LURE)


def test_a_refused_text_stays_refused(case: Case, agent: User, manager: User) -> None:
    release = ask_release(Subject(LURE, "chat", case.shop, case), by=agent)
    decide_release(release, release_it=False, reason="不行", by=manager)
    with pytest.raises(OffendingText):
        contacts.record_message(case, LURE, by=agent)


def test_an_agent_releases_nothing(desk: Client, case: Case, agent: User) -> None:
    release = ask_release(Subject(LURE, "chat", case.shop, case), by=agent)
    decide = reverse("reviews:release_decide", args=[release.pk])
    assert desk.post(decide, {"release": "1", "reason": "x"}).status_code == 403
    assert LURE in desk.get(LIST).content.decode()


@pytest.mark.parametrize("text", [UNLAWFUL, f"{UNLAWFUL}，{LURE}", PLAIN])
def test_nobody_is_asked_about_r1_to_r4_or_about_nothing(case: Case, agent: User, text: str) -> None:
    with pytest.raises(NotReleasable):
        ask_release(Subject(text, "chat", case.shop, case), by=agent)


def test_a_text_that_waits_is_encrypted(case: Case, agent: User) -> None:
    ask_release(Subject(f"{LURE}13800138000", "chat", case.shop, case), by=agent)
    with connection.cursor() as cursor:
        cursor.execute("select text from reviews_textrelease")
        assert "138" not in str(cursor.fetchone()[0])
