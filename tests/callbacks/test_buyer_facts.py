"""What to mind next time: facts on the buyer, never a judgement, corrected and deleted on record."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from callbacks.judgement import NoFact, check_facts_only
from callbacks.models import BuyerFact, CallLog
from reviews.colliding import mark_of
from reviews.models import AuditEntry, Case, Shop, Status, User
from tests.factories import make_case, make_order, make_review

FACTS = [
    "晚上八点以后再打",
    "要开电子发票，抬头是公司",
    "收货人是母亲，电话由女儿接",
    "不吃辣，下次发原味",
    "只用店铺聊天联系",
    "Speaks English only",
]
NO_FACTS = [
    "这人是神经病",
    "很难缠，贪小便宜",
    "素 质 低",
    "职业差评师",
    "她怀孕了",
    "a very rude lady",
    "傻·逼",
]


@pytest.mark.once
@pytest.mark.parametrize("text", FACTS)
def test_it_takes_facts(text: str) -> None:
    check_facts_only(text)


@pytest.mark.once
@pytest.mark.parametrize("text", NO_FACTS)
def test_it_refuses_a_judgement_of_the_person(text: str) -> None:
    with pytest.raises(NoFact):
        check_facts_only(text)


@pytest.fixture
def case(calling_hour: Any, shop: Shop, agent: User) -> Case:
    return make_case(shop, assignee=agent, status=Status.IN_PROGRESS)


@pytest.fixture
def browser(client: Client, agent: User) -> Client:
    client.force_login(agent)
    return client


def page(browser: Client, case: Case) -> str:
    return browser.get(reverse("callbacks:case", args=[case.pk])).content.decode()


def keep(browser: Client, case: Case, text: str) -> Any:
    return browser.post(reverse("callbacks:keep_fact", args=[case.pk]), {"text": text})


def change(browser: Client, case: Case, fact: BuyerFact, **data: str) -> Any:
    return browser.post(reverse("callbacks:change_fact", args=[case.pk, fact.pk]), data)


def test_it_shows_a_fact_at_the_next_call_with_this_buyer(browser: Client, case: Case, agent: User) -> None:
    assert keep(browser, case, "晚上八点以后再打").status_code == 302
    same = make_order(case.shop, buyer=case.review.buyer)
    following = make_case(
        case.shop, review=make_review(case.shop, order=same), assignee=agent, status=Status.IN_PROGRESS
    )
    html = page(browser, following)
    assert "晚上八点以后再打" in html
    assert "个人信息保护法" in html
    stranger = make_order(case.shop, buyer_phone="13900139000")
    other = make_case(case.shop, review=make_review(case.shop, order=stranger), assignee=agent)
    assert "晚上八点以后再打" not in page(browser, other)


def test_it_refuses_a_judgement_and_keeps_what_was_typed(browser: Client, case: Case) -> None:
    answer = keep(browser, case, "这人难缠")
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "难缠" in html
    assert 'value="这人难缠"' in html
    assert not BuyerFact.objects.exists()


def test_it_corrects_and_deletes_on_record_without_the_words(browser: Client, case: Case) -> None:
    keep(browser, case, "上午方便")
    fact = BuyerFact.objects.get()
    assert change(browser, case, fact, do="correct", text="下午方便").status_code == 302
    fact.refresh_from_db()
    assert fact.text == "下午方便"
    change(browser, case, fact, do="delete")
    assert not BuyerFact.objects.exists()
    entries = AuditEntry.objects.filter(action="buyer_fact").order_by("pk")
    assert [entry.data["done"] for entry in entries] == ["kept", "corrected", "deleted"]
    assert "方便" not in str([entry.data for entry in entries])


def test_it_keeps_the_words_encrypted(browser: Client, case: Case) -> None:
    keep(browser, case, "下午方便")
    with connection.cursor() as cursor:
        cursor.execute("SELECT text FROM callbacks_buyerfact")
        assert "下午" not in cursor.fetchone()[0]


def test_it_knows_nothing_of_another_shops_buyer(browser: Client, case: Case, other_shop: Shop) -> None:
    order = make_order(other_shop)
    theirs = BuyerFact.objects.create(shop=other_shop, buyer=order.buyer, text="别家的事")
    assert "别家的事" not in page(browser, case)
    assert change(browser, case, theirs, do="delete").status_code == 404
    assert BuyerFact.objects.filter(pk=theirs.pk).exists()


def test_it_lets_nobody_change_a_fact_who_does_not_hold_the_case(
    client: Client, case: Case, shop: Shop, agent: User
) -> None:
    from tests.factories import make_user

    fact = BuyerFact.objects.create(shop=shop, buyer=case.review.buyer, text="下午方便")
    client.force_login(make_user("colleague", shop=shop))
    assert change(client, case, fact, do="delete").status_code == 422
    assert BuyerFact.objects.exists()


# --- recordings ---------------------------------------------------------------------------------------


@pytest.fixture
def call(case: Case, agent: User) -> CallLog:
    return CallLog.objects.create(
        case=case, agent=agent, started_at=case.opened_at, ended_at=case.opened_at, outcome="reached"
    )


def record(browser: Client, call: CallLog, url: str) -> Any:
    return browser.post(
        reverse("callbacks:set_recording", args=[call.case_id, call.pk]), {"recording_url": url}
    )


def hear(browser: Client, call: CallLog, **extra: Any) -> Any:
    return browser.post(reverse("callbacks:hear_recording", args=[call.case_id, call.pk]), **extra)


LINK = "https://pbx.example.cn/r/1.mp3"


def test_it_keeps_a_recording_and_shows_its_link_on_record(browser: Client, call: CallLog) -> None:
    assert record(browser, call, LINK).status_code == 302
    assert LINK not in page(browser, call.case)
    answer = hear(browser, call, HTTP_HX_REQUEST="true")
    assert f'href="{LINK}"' in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    done = list(
        AuditEntry.objects.filter(action="recording").order_by("pk").values_list("data__done", flat=True)
    )
    assert done == ["linked", "shown"]
    assert LINK in hear(browser, call).content.decode()


def test_a_link_somebody_else_saved_meanwhile_stays_and_ones_own_is_not_lost(
    browser: Client, call: CallLog
) -> None:
    opened_with = mark_of("")
    assert record(browser, call, LINK).status_code == 302
    mine = "https://pbx.example.cn/mine.mp3"
    url = reverse("callbacks:set_recording", args=[call.case_id, call.pk])
    answer = browser.post(url, {"recording_url": mine, "mark": opened_with})
    words = answer.content.decode()
    assert answer.status_code == 409
    assert mine in words
    assert LINK not in words  # each look at it is recorded
    assert "另一个录音链接" in words
    call.refresh_from_db()
    assert call.recording_url == LINK
    assert browser.post(url, {"recording_url": mine, "mark": mark_of(LINK)}).status_code == 302
    call.refresh_from_db()
    assert call.recording_url == mine


@pytest.mark.parametrize("url", ["http://pbx.example.cn/1.mp3", "javascript:alert(1)", "ftp://a.cn/1"])
def test_it_takes_https_links_only(browser: Client, call: CallLog, url: str) -> None:
    assert record(browser, call, url).status_code == 422
    call.refresh_from_db()
    assert call.recording_url == ""


def test_it_lets_only_the_speaker_and_managers_hear(
    client: Client, call: CallLog, shop: Shop, manager: User
) -> None:
    from tests.factories import make_user

    CallLog.objects.update(recording_url=LINK)
    client.force_login(make_user("colleague", shop=shop))
    answer = hear(client, call)
    assert answer.status_code == 422
    assert LINK not in answer.content.decode()
    assert record(client, call, "").status_code == 422
    client.force_login(manager)
    assert LINK in hear(client, call).content.decode()
