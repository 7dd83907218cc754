"""The evidence page of a case and the list of malicious cases."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from callbacks import contacts, malicious_page
from callbacks.case_list import VIEWS, cases_of
from callbacks.chats import keep_chat, take_back_chat
from callbacks.queue import agent_queue
from reviews import clock, complaints
from reviews.models import Case, Complaint, EvidencePack, Shop, Status, User
from tests.factories import make_case, make_shop, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("calling_hour")]


@pytest.fixture
def case(shop: Shop, agent: User) -> Case:
    """Confirmed, with a draft."""
    case = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    contacts.decide_cause(case, "extortion", by=agent)
    return case


@pytest.fixture
def browser(client: Client, agent: User) -> Client:
    client.force_login(agent)
    return client


def address(name: str, case: Case) -> str:
    return reverse(f"callbacks:{name}", args=[case.pk])


def html_of(client: Client, case: Case) -> str:
    return client.get(address("evidence", case)).content.decode()


def drafted(**more: str) -> dict[str, str]:
    return {
        "reason": "extortion",
        "statement": "聊天里要求转账 60 元",
        "quote": "",
        "platform_no": "",
        **more,
    }


def make_pack(case: Case) -> EvidencePack:
    facts = complaints.facts_of(case)
    return EvidencePack.objects.create(
        case=case, status="ready", manifest_sha256="a" * 64, facts_sha256=facts, built_at=clock.now()
    )


# --- the evidence page ------------------------------------------------------------------------------


def test_it_says_what_is_missing_before_anybody_files(browser: Client, case: Case) -> None:
    assert "还缺：对方拿评价要钱要物的聊天记录" in html_of(browser, case)
    answer = browser.post(address("complaint_file", case), drafted(filed="1"))
    assert answer.status_code == 422
    html = answer.content.decode()
    assert "还缺：证据包" in html
    assert "聊天里要求转账 60 元" in html
    assert Complaint.objects.get().status == "draft"


def test_a_complaint_goes_from_draft_to_verdict_by_hand(browser: Client, case: Case, agent: User) -> None:
    keep_chat(case, source="shop_chat", said_at=clock.now(), text="转我60块红包，不然差评", by=agent)
    make_pack(case)
    browser.post(address("complaint_file", case), drafted(platform_no="TS-0"))
    assert Complaint.objects.get().statement == "聊天里要求转账 60 元"
    assert 'value="TS-0"' in html_of(browser, case)
    browser.post(address("complaint_file", case), drafted(filed="1", platform_no="TS-1"))
    assert Complaint.objects.get().platform_no == "TS-1"
    browser.post(address("complaint_decide", case), {"won": "0", "verdict": "证据不足"})
    browser.post(address("complaint_appeal", case), {"note": "补交录音"})
    browser.post(address("complaint_decide", case), {"won": "1", "verdict": ""})
    assert Complaint.objects.get().status == "won"
    assert "成立" in html_of(browser, case)
    assert browser.post(address("take_back_verdict", case), {"why": ""}).status_code == 422
    browser.post(address("take_back_verdict", case), {"why": "点错了"})
    assert Complaint.objects.get().status == "appealed"


def test_enter_in_what_the_platform_said_decides_nothing(browser: Client, case: Case) -> None:
    """In a field of one line Enter presses the first button, "won"."""
    Complaint.objects.update(status="filed", filed_at=clock.now())
    html = html_of(browser, case)
    assert '<textarea name="verdict"' in html
    assert '<input type="text" name="verdict"' not in html


def test_an_old_pack_or_one_with_a_chat_taken_back_says_so(browser: Client, case: Case, agent: User) -> None:
    chat = keep_chat(case, source="shop_chat", said_at=clock.now(), text="给我100元我就改", by=agent)
    pack = make_pack(case)
    assert "请重新生成" not in html_of(browser, case)
    assert "/pack/" in html_of(browser, case)
    keep_chat(case, source="other", said_at=clock.now(), text="在吗", by=agent)
    assert "案件又有了新内容，请重新生成" in html_of(browser, case)
    take_back_chat(chat, by=agent)
    html = html_of(browser, case)
    link = reverse("callbacks:download_pack", args=[case.pk, pack.pk])
    assert "有已撤回的聊天记录，请重新生成" in html
    assert link not in html
    answer = browser.get(link)
    assert answer.status_code == 409
    assert "有已撤回的聊天记录" in answer.content.decode()


def test_a_second_click_files_nothing_twice(browser: Client, case: Case, agent: User) -> None:
    keep_chat(case, source="shop_chat", said_at=clock.now(), text="转我60块红包，不然差评", by=agent)
    make_pack(case)
    codes = [browser.post(address("complaint_file", case), drafted(filed="1")).status_code for _ in range(2)]
    assert codes == [302, 409]
    assert case.events.filter(kind="complaint").count() == 2  # draft, filed


def test_the_deadline_of_the_platform_can_be_entered(browser: Client, case: Case) -> None:
    browser.post(address("complaint_file", case), drafted(due_at="2026-11-25T18:00"))
    due = Complaint.objects.get().due_at
    assert due is not None
    assert due.hour == 10  # UTC


def test_it_tells_that_the_rule_is_not_confirmed(browser: Client, case: Case) -> None:
    assert "未经平台核实" in html_of(browser, case)


def test_a_counted_deadline_says_that_nobody_has_confirmed_it(browser: Client, case: Case) -> None:
    assert "未核实" in browser.get(reverse("callbacks:malicious")).content.decode()
    browser.post(address("complaint_file", case), drafted(due_at="2026-11-25T18:00"))
    assert (
        "未核实" not in browser.get(reverse("callbacks:malicious")).content.decode()
    )  # a person looked it up


def test_an_agent_without_the_skill_may_read_only(client: Client, case: Case, shop: Shop) -> None:
    client.force_login(make_user("other", shop=shop, skills=["product"]))
    assert "后续由本店负责投诉的人处理" in html_of(client, case)
    assert client.post(address("complaint_file", case), drafted()).status_code == 403
    assert client.post(address("keep_chat", case), {}).status_code == 403
    assert client.get(reverse("callbacks:malicious")).status_code == 403


def test_before_a_person_confirmed_only_chats_can_be_kept(browser: Client, shop: Shop, agent: User) -> None:
    case = make_case(shop, sub_cause="spam", needs_decision=True, assignee=agent)
    html = html_of(browser, case)
    assert "还没有人确认" in html
    assert address("build_pack", case) not in html
    assert browser.post(address("build_pack", case)).status_code == 422
    assert browser.post(address("complaint_new", case)).status_code == 422


ROUNDABOUT = "客服：您好，给您补发\n买家：老板表示一下诚意，星星自然会亮"


def test_a_person_marks_the_demand_the_program_does_not_see(browser: Client, case: Case, agent: User) -> None:
    keep_chat(case, source="shop_chat", said_at=clock.now(), text=ROUNDABOUT, by=agent)
    assert "没有找到要钱要物" in html_of(browser, case)
    browser.post(address("mark_demand", case), {"words": "老板表示一下诚意，星星自然会亮"})
    chat = case.chats.get()
    assert (chat.demand, chat.marked_by) == ("老板表示一下诚意，星星自然会亮", agent)
    assert chat.marked_at is not None
    assert complaints.missing_evidence(case, "extortion") == []
    assert "已标为要钱要物" in html_of(browser, case)
    take_back_chat(chat, by=agent)
    assert complaints.missing_evidence(case, "extortion")


@pytest.mark.parametrize("words", ["您好，给您补发", "转我100元"])
def test_what_the_shop_said_or_nobody_cannot_be_marked(
    browser: Client, case: Case, agent: User, words: str
) -> None:
    keep_chat(case, source="shop_chat", said_at=clock.now(), text=ROUNDABOUT, by=agent)
    answer = browser.post(address("mark_demand", case), {"words": words})
    assert answer.status_code == 422
    assert "没有说过这句原话" in answer.content.decode()
    assert case.chats.get().demand == ""


# --- the list and the queue ----------------------------------------------------------------------------


def test_the_list_shows_confirmed_cases_of_ones_own_shops(
    browser: Client, case: Case, shop: Shop, manager: User
) -> None:
    make_case(shop, sub_cause="spam", needs_decision=True)
    foreign = make_case(make_shop("far"), sub_cause="spam")
    html = browser.get(reverse("callbacks:malicious")).content.decode()
    assert html.count("row-link") == 1
    assert address("evidence", case) in html
    assert address("evidence", foreign) not in html


def test_the_first_deadline_stands_first(browser: Client, case: Case, shop: Shop, agent: User) -> None:
    soon = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    contacts.decide_cause(soon, "spam", by=agent)
    Complaint.objects.filter(case=soon).update(due_at=clock.now() + timedelta(hours=3))
    html = browser.get(reverse("callbacks:malicious")).content.decode()
    assert html.index(address("evidence", soon)) < html.index(address("evidence", case))


def test_a_complaint_stays_on_the_list_when_the_cause_is_corrected(
    browser: Client, case: Case, agent: User
) -> None:
    Complaint.objects.update(status="filed", filed_at=clock.now())
    contacts.decide_cause(case, "quality", by=agent)
    html = browser.get(reverse("callbacks:malicious") + "?view=filed").content.decode()
    assert html.count("row-link") == 1
    assert address("complaint_withdraw", case) in html_of(browser, case)
    browser.post(address("complaint_withdraw", case))
    assert "row-link" not in browser.get(reverse("callbacks:malicious")).content.decode()


def test_the_nearest_deadline_is_on_the_list_however_many_newer_cases_there_are(
    browser: Client, case: Case, shop: Shop, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(malicious_page, "SHOWN", 1)
    Complaint.objects.update(due_at=clock.now() + timedelta(hours=3))
    contacts.decide_cause(make_case(shop, assignee=agent, status=Status.IN_PROGRESS), "spam", by=agent)
    html = browser.get(reverse("callbacks:malicious")).content.decode()
    assert html.count("row-link") == 1
    assert address("evidence", case) in html


def test_it_shows_the_won_share_by_reason(browser: Client, case: Case, agent: User) -> None:
    Complaint.objects.update(status="won", filed_at=clock.now())
    html = browser.get(reverse("callbacks:malicious") + "?view=won").content.decode()
    assert "100%" in html
    assert html.count("row-link") == 1
    assert "row-link" not in browser.get(reverse("callbacks:malicious") + "?view=lost").content.decode()


def test_the_number_of_queries_does_not_grow_with_the_cases(browser: Client, shop: Shop, agent: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            browser.get(reverse("callbacks:malicious"))
        return len(captured)

    def add(number: int) -> None:
        for _ in range(number):
            one = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
            contacts.decide_cause(one, "spam", by=agent)

    add(2)
    few = queries()
    add(8)
    assert queries() == few <= 15


def test_the_queue_counts_the_deadline_down(case: Case, agent: User) -> None:
    case.note_contact(clock.now())
    Complaint.objects.update(due_at=clock.now() + timedelta(days=3, hours=1))
    assert agent_queue(agent, clock.now())[0].reason == "平台投诉须在 3 天内提交"
    assert case in cases_of(VIEWS["complaints"], agent, clock.now())
    complaints.withdraw(Complaint.objects.get(), by=agent)
    assert case not in cases_of(VIEWS["complaints"], agent, clock.now())
