"""The manager's queue of remedies: everything to decide on one card, decided once."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from callbacks import approvals, remedies
from callbacks.models import Remedy, RemedyBudget, RemedyStatus
from reviews.models import Case, Role, Shop, Status, User
from tests.factories import make_case, make_user

pytestmark = pytest.mark.django_db


def ask(shop: Shop, agent: User, amount: str = "40") -> Remedy:
    case = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    return remedies.offer_remedy(case, "cash", amount=Decimal(amount), by=agent, reason="平台通道已关")


@pytest.fixture
def desk(client: Client, manager: User) -> Client:
    client.force_login(manager)
    return client


def page(client: Client, **query: str) -> str:
    answer = client.get(reverse("callbacks:approvals"), query)
    assert answer.status_code == 200
    return answer.content.decode()


def decide(client: Client, remedy: Remedy, **data: str) -> Any:
    return client.post(reverse("callbacks:approval", args=[remedy.pk]), data)


def test_a_card_says_all_that_is_needed(desk: Client, shop: Shop, agent: User) -> None:
    RemedyBudget.objects.create(shop=shop, fen=100_000)
    ask(shop, agent)
    html = page(desk)
    asked = ("现金补偿", "¥40.00", "政策之外", "平台通道已关", "李娜")
    known = ("收到货有破损", "¥129.00", "部分退款 ¥5", "¥960.00")
    for words in (*asked, *known):
        assert words in html, words


def test_a_card_lists_what_the_case_already_got(desk: Client, shop: Shop, agent: User) -> None:
    case = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    remedies.offer_remedy(case, "coupon", amount=Decimal(5), by=agent)
    remedies.offer_remedy(case, "cash", amount=Decimal(40), by=agent, reason="平台通道已关")
    assert "优惠券 ¥5.00（已确定）" in page(desk)


def test_the_oldest_comes_first_and_other_shops_never(
    desk: Client, shop: Shop, agent: User, other_shop: Shop, outsider: User
) -> None:
    first, second = ask(shop, agent, "41"), ask(shop, agent, "42")
    ask(other_shop, outsider, "43")
    html = page(desk)
    assert html.index(f"approval-{first.pk}") < html.index(f"approval-{second.pk}")
    assert "¥43.00" not in html


def test_a_manager_approves_less(desk: Client, shop: Shop, agent: User, manager: User) -> None:
    remedy = ask(shop, agent)
    assert decide(desk, remedy, approve="1", amount="２５．５", words="按七成").status_code == 302
    remedy.refresh_from_db()
    assert (remedy.status, remedy.amount) == (RemedyStatus.OFFERED, Decimal("25.50"))
    assert "申请 ¥40.00" in desk.get(reverse("callbacks:case", args=[remedy.case_id])).content.decode()
    assert approvals.to_carry_out(manager) == []
    remedies.accept_remedy(remedy, by=agent)
    assert "¥25.50" in page(desk, show="to_pay")


def test_a_refusal_needs_its_reason_and_keeps_what_was_typed(desk: Client, shop: Shop, agent: User) -> None:
    remedy = ask(shop, agent)
    answer = decide(desk, remedy, approve="0", amount="38")
    assert answer.status_code == 422
    assert "请写明不同意的理由" in answer.content.decode()
    assert 'value="38"' in answer.content.decode()
    assert decide(desk, remedy, approve="0", words="先补发").status_code == 302
    assert Remedy.objects.get().decision == "先补发"


def test_a_wrong_amount_says_so(desk: Client, shop: Shop, agent: User) -> None:
    answer = decide(desk, ask(shop, agent), approve="1", amount="12.345")
    assert answer.status_code == 422
    assert "最多两位小数" in answer.content.decode()


def test_the_second_manager_is_told(desk: Client, client: Client, shop: Shop, agent: User) -> None:
    remedy = ask(shop, agent)
    deputy = make_user("deputy", shop=shop, role=Role.MANAGER, display_name="副店长")
    remedies.decide_remedy(Remedy.objects.get(pk=remedy.pk), approve=True, by=deputy)
    answer = decide(desk, remedy, approve="0", words="不行")
    assert answer.status_code == 409
    assert "副店长已先处理了这项补救" in answer.content.decode()


def test_the_agent_sees_the_decision(desk: Client, shop: Shop, agent: User) -> None:
    remedy = ask(shop, agent)
    decide(desk, remedy, approve="0", words="先补发")
    desk.force_login(agent)
    case_page = desk.get(reverse("callbacks:case", args=[remedy.case_id])).content.decode()
    assert "先补发" in case_page
    assert str(RemedyStatus.REFUSED.label) in case_page
    assert "店长已决定" in desk.get(reverse("callbacks:queue"), {"view": "mine"}).content.decode()


def test_it_asks_the_database_the_same_number_of_times(
    desk: Client, shop: Shop, agent: User, django_assert_max_num_queries: Any
) -> None:
    ask(shop, agent)
    with django_assert_max_num_queries(15) as few:
        page(desk)
    for _ in range(6):
        ask(shop, agent)
    with django_assert_max_num_queries(15) as many:
        page(desk)
    assert len(many) == len(few)


def test_statistics_show_the_months_spending(desk: Client, shop: Shop, agent: User) -> None:
    case: Case = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    remedies.offer_remedy(case, "coupon", amount=Decimal(5), by=agent)
    html = desk.get(reverse("reviews:statistics")).content.decode()
    assert "本月补救支出" in html
    assert "¥5.00" in html
