"""The case page: what it shows in each state, and every act besides the call."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from callbacks import contacts, remedies
from callbacks.models import RemedyKind, RemedyStatus
from callbacks.remedy_kinds import KINDS
from reviews import clock
from reviews.models import Case, Outcome, Review, ReviewVersion, Shop, Status, User
from reviews.replies import draft_reply
from tests.factories import make_case, make_classification, make_order, make_review, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("calling_hour")]

ACTS = [
    "take",
    "release",
    "reassign",
    "correct_cause",
    "reveal",
    "start_call",
    "tick",
    "keep_notes",
    "end_call",
    "promise",
    "cancel_promise",
    "move_promise",
    "take_over_promise",
    "send_text",
    "remedy",
    "reply_save",
    "reply_posted",
    "message",
    "close",
    "reopen",
]
UNLAWFUL = "给您返现5元，麻烦改成好评"
HTMX: dict[str, Any] = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def case(calling_hour: datetime, shop: Shop, agent: User) -> Case:
    """The agent works on it; the machine has read it and a reply is drafted."""
    review = make_review(shop)
    make_classification(review)
    case = make_case(shop, review=review, assignee=agent, status=Status.IN_PROGRESS)
    draft_reply(review, case)
    return case


@pytest.fixture
def browser(client: Client, agent: User) -> Client:
    client.force_login(agent)
    return client


def address(name: str, case: Case, *more: int) -> str:
    return reverse(f"callbacks:{name}", args=[case.pk, *more])


def html_of(client: Client, case: Case) -> str:
    response = client.get(address("case", case))
    assert response.status_code == 200
    return response.content.decode()


def post(client: Client, name: str, case: Case, data: dict[str, str] | None = None, **extra: Any) -> Any:
    return client.post(address(name, case), data or {}, **extra)


# --- who may see and do what --------------------------------------------------------------------


def test_it_is_not_found_by_another_shop(client: Client, case: Case, outsider: User) -> None:
    client.force_login(outsider)
    assert client.get(address("case", case)).status_code == 404
    for name in ACTS:
        assert post(client, name, case).status_code == 404, name


def test_it_sends_strangers_to_the_sign_in_page(client: Client, case: Case) -> None:
    for name in ("case", *ACTS):
        response = client.post(address(name, case))
        assert response["Location"].startswith(reverse("login")), name


def test_it_leads_back_to_the_page_an_act_was_done_on(client: Client, case: Case) -> None:
    page = address("case", case)
    response = post(client, "close", case, HTTP_REFERER=f"http://testserver{page}")
    assert response["Location"] == f"{reverse('login')}?next={page}"
    response = post(client, "close", case, HTTP_REFERER="https://elsewhere.example/cases/")
    assert response["Location"] == f"{reverse('login')}?next=/"


def test_it_keeps_the_page_of_who_is_signed_out(client: Client, case: Case) -> None:
    response = post(client, "close", case, **HTMX)
    assert (response.status_code, response.content) == (401, b"")
    assert "登录已失效" in json.loads(response["HX-Trigger"])["toast"]["text"]


def test_it_acts_on_post_only(browser: Client, case: Case) -> None:
    for name in ACTS:
        assert browser.get(address(name, case)).status_code == 405, name
    assert browser.post(address("case", case)).status_code == 405


def test_it_refuses_a_managers_act_to_an_agent(browser: Client, case: Case, agent: User) -> None:
    remedy = remedies.offer_remedy(case, "refund", amount=Decimal(999), reason="听买家描述", by=agent)
    assert post(browser, "reassign", case, {"assignee": str(agent.pk)}).status_code == 403
    decided = browser.post(address("decide_remedy", case, remedy.pk), {"approve": "1"})
    assert decided.status_code == 403
    remedy.refresh_from_db()
    assert remedy.status == RemedyStatus.TO_APPROVE


def test_it_writes_nothing_when_it_is_read(browser: Client, case: Case) -> None:
    with CaptureQueriesContext(connection) as queries:
        html_of(browser, case)
    assert not [one["sql"] for one in queries if one["sql"].split()[0] in ("INSERT", "UPDATE", "DELETE")]


# --- what it shows ------------------------------------------------------------------------------


def test_it_shows_review_order_script_and_reply(browser: Client, case: Case) -> None:
    html = html_of(browser, case)
    assert "收到货有<mark>破损</mark>，还有线头，失望" in html
    assert "把握 91%" in html
    assert "¥129.00" in html
    assert "75312345678901" in html
    assert case.review.public_reply.text in html
    assert "李娜" in html
    assert "致电话术" in html


def test_it_covers_the_buyer_until_the_number_is_asked_for(browser: Client, case: Case) -> None:
    html = html_of(browser, case)
    assert "王**" in html
    assert "138****8000" in html
    assert "浙江省杭州市***" in html
    for secret in ("13800138000", "tel:", "王小明", "文三路"):
        assert secret not in html


def test_it_escapes_what_a_buyer_wrote(browser: Client, shop: Shop, agent: User) -> None:
    review = make_review(shop, content="<script>alert(1)</script> 破损 <b>")
    make_classification(review, words=["破损", "<b>"])
    html = html_of(browser, make_case(shop, review=review, assignee=agent))
    assert "<script>alert(1)" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; <mark>破损</mark> <mark>&lt;b&gt;</mark>" in html


def test_it_says_when_there_is_no_order_and_no_phone(browser: Client, shop: Shop, agent: User) -> None:
    case = make_case(shop, review=make_review(shop, order=None), assignee=agent, status=Status.IN_PROGRESS)
    html = html_of(browser, case)
    assert "没有对应的订单" in html
    assert "没有电话号码，请用店铺聊天联系" in html


def test_it_counts_what_else_the_buyer_wrote(browser: Client, shop: Shop, agent: User) -> None:
    order = make_order(shop)
    make_review(shop, order=make_order(shop, buyer=order.buyer))
    make_review(shop, order=make_order(shop, buyer=order.buyer), rating="good", stars=5)
    case = make_case(shop, review=make_review(shop, order=order), assignee=agent)
    html = html_of(browser, case)
    assert "另有 2 单" in html
    assert "另有 2 条评价，其中 1 条中差评" in html


def test_it_shows_earlier_versions(browser: Client, case: Case) -> None:
    ReviewVersion.objects.filter(review=case.review).update(content="最早写的是这样")
    Review.objects.filter(pk=case.review_id).update(version=2)
    assert "最早写的是这样" in html_of(browser, case)


def test_it_says_why_no_call_is_permitted_and_from_when(browser: Client, case: Case) -> None:
    Shop.objects.update(calling_from="14:00", calling_until="18:00")
    html = html_of(browser, case)
    assert "不在允许的拨打时段" in html
    assert "14:00" in html


def test_it_is_for_reading_when_a_colleague_has_it(client: Client, case: Case, shop: Shop) -> None:
    client.force_login(make_user("colleague", shop=shop))
    html = html_of(client, case)
    assert "李娜 正在跟进，本页只读" in html
    for name in ("start_call", "reveal", "close", "remedy", "take", "message"):
        assert f'action="{address(name, case)}"' not in html, name


def test_it_tells_the_manager_what_may_be_done_in_an_agents_case(
    client: Client, case: Case, manager: User
) -> None:
    client.force_login(manager)
    html = html_of(client, case)
    assert "李娜 正在跟进。您可以更正原因" in html
    assert "本页只读" not in html


def test_it_offers_a_free_case_and_shows_a_closed_one_for_reading(
    browser: Client, shop: Shop, agent: User
) -> None:
    free = make_case(shop)
    assert f'action="{address("take", free)}"' in html_of(browser, free)
    closed = make_case(shop, assignee=agent, status=Status.CLOSED)
    html = html_of(browser, closed)
    assert "本页只读" in html
    assert f'action="{address("reopen", closed)}"' in html
    assert f'action="{address("close", closed)}"' not in html


def test_it_treats_an_unconfirmed_accusation_as_one(browser: Client, shop: Shop, agent: User) -> None:
    case = make_case(shop, assignee=agent, sub_cause="extortion", needs_decision=True)
    html = html_of(browser, case)
    assert "系统建议，待确认" in html
    assert "“恶意”是一种指控" in html


def test_it_asks_the_database_the_same_number_of_times_as_the_case_grows(
    browser: Client, case: Case, shop: Shop, agent: User, django_assert_max_num_queries: Any
) -> None:
    def more() -> None:
        contacts.record_message(case, "您好，破损的给您补发。", by=agent)
        remedies.offer_remedy(case, "gift", amount=Decimal(1), note="", reason="听买家描述", by=agent)
        call = contacts.start_call(case, by=agent)
        for stage in ("identify", "apologise"):
            contacts.tick_stage(call, stage, by=agent)
        contacts.end_call(call, "reached", by=agent)
        make_case(shop, assignee=agent)

    Shop.objects.update(attempts_per_case=9, attempts_per_day=9, hours_between_attempts=0)
    case = Case.objects.select_related("shop", "review__order").get(pk=case.pk)
    more()
    with django_assert_max_num_queries(45) as few:
        html_of(browser, case)
    for _time in range(4):
        more()
    with django_assert_max_num_queries(45) as many:
        html_of(browser, case)
    assert len(few) == len(many)


# --- whose case ---------------------------------------------------------------------------------


def test_it_takes_gives_back_and_hands_over(client: Client, shop: Shop, agent: User, manager: User) -> None:
    case = make_case(shop)
    client.force_login(agent)
    assert post(client, "take", case).status_code == 302
    case.refresh_from_db()
    assert (case.status, case.assignee) == (Status.IN_PROGRESS, agent)
    post(client, "release", case)
    case.refresh_from_db()
    assert (case.status, case.released_by) == (Status.NEW, agent)
    client.force_login(manager)
    post(client, "reassign", case, {"assignee": str(agent.pk)})
    case.refresh_from_db()
    assert (case.status, case.assignee) == (Status.ASSIGNED, agent)


def test_it_hands_over_to_agents_of_the_shop_only(
    client: Client, case: Case, manager: User, outsider: User
) -> None:
    client.force_login(manager)
    assert post(client, "reassign", case, {"assignee": str(outsider.pk)}).status_code == 422


def test_it_does_not_take_what_a_colleague_has(client: Client, case: Case, shop: Shop, agent: User) -> None:
    client.force_login(make_user("colleague", shop=shop))
    response = post(client, "take", case)
    assert response.status_code in (409, 422)
    case.refresh_from_db()
    assert case.assignee == agent


def test_it_says_when_the_case_changed_meanwhile_and_keeps_the_text(
    browser: Client, case: Case, manager: User
) -> None:
    seen = browser.get(address("case", case)).context["page"].seen
    case.assign(manager)
    response = post(browser, "message", case, {"seen": seen, "text": "写了半天的话"}, **HTMX)
    html = response.content.decode()
    assert response.status_code == 409
    assert "案件有了变化" in html
    assert "写了半天的话" in html
    assert not case.messages.exists()


def test_it_answers_htmx_with_the_part_and_others_with_the_page(browser: Client, shop: Shop) -> None:
    case = make_case(shop)
    part = post(browser, "take", case, **HTMX)
    assert part.status_code == 200
    assert part["HX-Retarget"] == "#case"
    assert part.content.decode().lstrip().startswith('<div id="case"')
    assert post(browser, "release", case)["Location"] == address("case", case)


# --- cause --------------------------------------------------------------------------------------


def test_it_corrects_the_cause(browser: Client, case: Case) -> None:
    post(browser, "correct_cause", case, {"sub_cause": "delivery"})
    case.refresh_from_db()
    assert (case.cause, case.sub_cause, case.needs_decision) == ("service", "delivery", False)
    assert "李娜 已判定" in html_of(browser, case)


def test_it_lets_the_manager_correct_any_and_a_colleague_none(
    client: Client, case: Case, manager: User, shop: Shop
) -> None:
    client.force_login(make_user("colleague", shop=shop))
    assert post(client, "correct_cause", case, {"sub_cause": "delivery"}).status_code == 422
    client.force_login(manager)
    assert post(client, "correct_cause", case, {"sub_cause": "delivery"}).status_code == 302


def test_it_knows_only_the_fixed_causes(browser: Client, case: Case) -> None:
    assert post(browser, "correct_cause", case, {"sub_cause": "rude"}).status_code == 422


# --- remedies and texts -------------------------------------------------------------------------


def test_it_agrees_a_remedy_and_lets_the_manager_decide_above_the_limit(
    client: Client, case: Case, agent: User, manager: User
) -> None:
    client.force_login(agent)
    post(client, "remedy", case, {"kind": "part_refund", "amount": "5", "note": "杯盖"})
    post(client, "remedy", case, {"kind": "refund", "amount": "129", "note": "", "reason": "杯底裂了"})
    small, large = case.remedies.all()
    assert (small.status, large.status) == (RemedyStatus.APPROVED, RemedyStatus.TO_APPROVE)
    client.force_login(manager)
    client.post(address("decide_remedy", case, large.pk), {"approve": "0", "words": "先补发"})
    large.refresh_from_db()
    assert large.status == RemedyStatus.REFUSED
    again = client.post(address("decide_remedy", case, large.pk), {"approve": "1"})
    assert again.status_code == 409


@pytest.mark.parametrize("amount", ["-1", "x", "99999999999"])
def test_it_refuses_an_amount_that_is_none(browser: Client, case: Case, amount: str) -> None:
    response = post(browser, "remedy", case, {"kind": "refund", "amount": amount, "note": "我写的备注"})
    assert response.status_code == 422
    assert "我写的备注" in response.content.decode()
    assert not case.remedies.exists()


@pytest.mark.parametrize(
    ("name", "field"),
    [("reply_save", "text"), ("reply_posted", "text"), ("message", "text"), ("remedy", "note")],
)
def test_it_refuses_unlawful_words_beside_the_form_and_keeps_them(
    browser: Client, case: Case, name: str, field: str
) -> None:
    response = post(browser, name, case, {field: UNLAWFUL, "kind": "coupon", "amount": "5"}, **HTMX)
    html = response.content.decode()
    assert response.status_code == 422
    assert UNLAWFUL in html
    assert "R1" in html


def test_it_names_each_broken_rule_on_its_own_line(browser: Client, case: Case) -> None:
    response = post(browser, "reply_save", case, {"text": "返现5元改好评，加微信13812345678"})
    problems = response.context["page"].problems["reply"]
    assert len(problems) > 2
    assert all("不能这样写" in problem for problem in problems)


def test_it_speaks_to_the_buyer_in_chinese_whatever_the_agent_reads(
    browser: Client, case: Case, agent: User
) -> None:
    contacts.promise_callback(case, clock.now() + timedelta(hours=5), by=agent)
    case.refresh_from_db()
    case.take(agent)
    page = browser.get(address("case", case), headers={"Accept-Language": "en"}).context["page"]
    said = "".join(line.text for line in page.script) + page.form["message"].initial["text"]
    assert "11月13日" in said
    assert "11月18日 (周三)" in said
    assert "Nov" not in said


def test_it_saves_and_posts_the_reply(browser: Client, case: Case) -> None:
    post(browser, "reply_save", case, {"text": "抱歉，马上补发。"})
    case.review.public_reply.refresh_from_db()
    assert (case.review.public_reply.text, case.review.public_reply.status) == ("抱歉，马上补发。", "draft")
    post(browser, "reply_posted", case, {"text": "抱歉，已经补发。"})
    case.review.public_reply.refresh_from_db()
    assert (case.review.public_reply.text, case.review.public_reply.status) == ("抱歉，已经补发。", "posted")
    assert "公开回复已发布" in html_of(browser, case)


def test_it_drafts_the_chat_text_from_what_is_agreed(browser: Client, case: Case, agent: User) -> None:
    remedies.offer_remedy(case, "part_refund", amount=Decimal("5.00"), note="", reason="听买家描述", by=agent)
    text = browser.get(address("case", case)).context["page"].form["message"].initial["text"]
    assert "退您5元" in text
    assert "评" not in text
    assert post(browser, "message", case, {"text": text}).status_code == 302
    assert case.messages.get().text == text


@pytest.mark.parametrize("kind", RemedyKind)
def test_it_draws_the_page_and_the_chat_text_whatever_was_agreed(
    client: Client, shop: Shop, manager: User, kind: RemedyKind
) -> None:
    case = make_case(shop, assignee=manager, status=Status.IN_PROGRESS)
    amount = None if kind == RemedyKind.REFUND else Decimal(20)
    remedies.offer_remedy(case, kind, amount=amount, reason="核实属实", by=manager)
    client.force_login(manager)
    response = client.get(address("case", case))
    assert response.status_code == 200
    text = response.context["page"].form["message"].initial["text"]
    assert "跟您说好的是：" in text
    assert ("运费" in text) == (kind == RemedyKind.RETURN_FREIGHT)
    assert ('name="cost"' in response.content.decode()) == (not KINDS[kind].needs_amount)


def test_it_takes_what_the_freight_came_to(client: Client, shop: Shop, manager: User) -> None:
    case = make_case(shop, assignee=manager, status=Status.IN_PROGRESS)
    remedy = remedies.offer_remedy(case, "return_freight", amount=None, reason="核实属实", by=manager)
    client.force_login(manager)
    paid = {"method": "platform", "reference": "T1", "cost": "１２．５"}
    assert client.post(address("carry_out_remedy", case, remedy.pk), paid).status_code == 302
    assert remedy.payouts.get().fen == 1250


# --- the end ------------------------------------------------------------------------------------


def test_it_closes_with_an_outcome(browser: Client, case: Case) -> None:
    post(browser, "close", case, {"outcome": "solved", "note": "补发"})
    case.refresh_from_db()
    assert (case.status, case.outcome) == (Status.CLOSED, Outcome.SOLVED)
    assert "结案：已解决" in html_of(browser, case)


def test_it_closes_nothing_without_an_outcome(browser: Client, case: Case) -> None:
    response = post(browser, "close", case, {"outcome": "", "note": "写好的"})
    html = response.content.decode()
    assert response.status_code == 422
    assert "请选择结案结果" in html
    assert "写好的" in html


def test_it_closes_and_goes_on(browser: Client, case: Case, shop: Shop) -> None:
    url = address("close", case) + "?then=next"
    following = make_case(shop)
    response = browser.post(url, {"outcome": "solved", "note": ""}, **HTMX)
    assert response["HX-Redirect"] == address("case", following)


def test_it_does_not_go_on_from_a_case_it_could_not_close(browser: Client, shop: Shop, agent: User) -> None:
    case = make_case(shop, assignee=agent, status=Status.IN_PROGRESS, needs_decision=True)
    response = browser.post(address("close", case) + "?then=next", {"outcome": "solved", "note": "已联系过"})
    html = response.content.decode()
    assert response.status_code == 422
    assert "原因还没有确定" in html
    assert "已联系过" in html


def test_it_closes_as_malicious_only_what_is_confirmed(browser: Client, case: Case) -> None:
    assert post(browser, "close", case, {"outcome": "malicious", "note": ""}).status_code == 422
    post(browser, "correct_cause", case, {"sub_cause": "extortion"})
    assert post(browser, "close", case, {"outcome": "malicious", "note": ""}).status_code == 302


def test_it_opens_again_for_the_manager_and_who_had_it(
    client: Client, shop: Shop, agent: User, manager: User
) -> None:
    case = make_case(shop, assignee=agent, status=Status.CLOSED)
    client.force_login(make_user("colleague", shop=shop))
    assert post(client, "reopen", case).status_code == 403
    client.force_login(manager)
    assert post(client, "reopen", case, {"reason": "买家又来电"}).status_code == 302
    case.refresh_from_db()
    assert case.status == Status.NEW
