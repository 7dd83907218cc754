"""Remedies: what an agent gives alone, what waits for a manager, what becomes of it."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
import time_machine

from callbacks import ledger, remedies
from callbacks.demo_remedies import demo_picture
from callbacks.holding import NotAllowed
from callbacks.ledger import Balance
from callbacks.models import (
    Because,
    EntryKind,
    LedgerEntry,
    Payout,
    Remedy,
    RemedyBudget,
    RemedyKind,
    RemedyStatus,
)
from callbacks.models.ledger import AppendOnly
from callbacks.photos import add_photos
from reviews.models import Case, InvalidTransition, Shop, ShopMembership, StaleCase, Status, User
from reviews.models.cases import EventKind
from reviews.outgoing import OffendingText
from reviews.reply_facts import case_facts, events_of
from tests.factories import make_case, make_order, make_review, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(shop: Shop, agent: User) -> Case:
    """Damaged goods of ¥129, no picture yet: the policy gives a part refund or a coupon of ¥5."""
    return make_case(shop, assignee=agent, status=Status.IN_PROGRESS)


def offer(case: Case, kind: str = "part_refund", amount: Any = 5, **more: Any) -> Remedy:
    by = more.pop("by", case.assignee)
    return remedies.offer_remedy(
        case, kind, amount=None if amount is None else Decimal(amount), by=by, **more
    )


def at_work(shop: Shop, person: User, amount: str = "129") -> Case:
    """A further case of theirs, of an order of this value."""
    review = make_review(shop, order=make_order(shop, amount=Decimal(amount)))
    return make_case(shop, review=review, assignee=person, status=Status.IN_PROGRESS)


def proven(case: Case) -> Case:
    """With a picture: the policy gives a part refund, an exchange, a re-send, the freight."""
    assert case.assignee
    add_photos(case, [("a.jpg", demo_picture(f"{case.pk}"))], by=case.assignee)
    return fresh(case)


def sums() -> tuple[int, int]:
    found = ledger.totals()
    assert found.agree
    assert ledger.differences() == []
    return found.ledger.open_fen, found.ledger.paid_fen


# --- what the agent gives alone ------------------------------------------------------------------


def test_it_agrees_what_the_policy_gives(case: Case) -> None:
    remedy = offer(case)
    assert (remedy.status, remedy.because, remedy.proof) == (RemedyStatus.APPROVED, [], "statement")
    assert remedy.policy_version is None or remedy.policy_version > 0
    assert Case.objects.get(pk=case.pk).compensated_at is not None
    assert case.events.filter(kind=EventKind.REMEDY).count() == 1
    assert sums() == (500, 0)


def test_an_offer_the_buyer_thinks_over_counts_as_one(case: Case, agent: User) -> None:
    remedy = offer(case, accepted=False)
    assert remedy.status == RemedyStatus.OFFERED
    assert Case.objects.get(pk=case.pk).compensated_at is not None
    remedies.accept_remedy(remedy, by=agent)
    assert Remedy.objects.get().status == RemedyStatus.APPROVED
    assert sums() == (500, 0)


def test_it_refuses_what_is_outside_the_policy_without_a_reason(case: Case) -> None:
    with pytest.raises(NotAllowed, match="部分退款 ¥5；优惠券 ¥5"):
        offer(case, "cash", 20)
    assert not Remedy.objects.exists()
    assert sums() == (0, 0)


def test_with_a_reason_a_manager_decides(case: Case) -> None:
    remedy = offer(case, "cash", 20, reason="平台退款通道已关闭")
    assert (remedy.status, remedy.because) == (RemedyStatus.TO_APPROVE, [Because.POLICY])
    assert sums() == (2000, 0)


def test_what_needs_a_managers_eye_says_so(case: Case) -> None:
    assert offer(case, "refund", None, reason="整箱碎了").because[0] == Because.JUDGEMENT
    assert Remedy.objects.get().amount == 129


def test_it_stops_at_the_limit_of_the_case(shop: Shop, case: Case) -> None:
    Shop.objects.update(remedy_limit_per_case=30)
    case = proven(case)
    assert offer(case, "part_refund", "25.8").status == RemedyStatus.APPROVED
    assert offer(case, "return_freight", 8).because == [Because.CASE_LIMIT]


def test_it_stops_at_the_limit_of_the_day(shop: Shop, case: Case, agent: User) -> None:
    Shop.objects.update(remedy_limit_per_day=8)
    other = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    assert offer(fresh(case)).status == RemedyStatus.APPROVED
    assert offer(fresh(other)).because == [Because.DAY_LIMIT]


def test_a_colleagues_day_is_their_own(shop: Shop, case: Case) -> None:
    Shop.objects.update(remedy_limit_per_day=8)
    other = make_case(shop, assignee=make_user("zhao", shop=shop), status=Status.IN_PROGRESS)
    assert offer(fresh(case)).status == offer(fresh(other)).status == RemedyStatus.APPROVED


def test_ones_own_limit_goes_before_the_shops(shop: Shop, case: Case, agent: User) -> None:
    ShopMembership.objects.filter(user=agent).update(remedy_limit_per_case=4)
    assert offer(case).because == [Because.CASE_LIMIT]


def test_a_budget_is_the_shops_and_the_months(shop: Shop, case: Case, agent: User, manager: User) -> None:
    RemedyBudget.objects.create(shop=shop, fen=900)
    assert offer(case).status == RemedyStatus.APPROVED
    assert offer(at_work(shop, agent), "coupon").because == [Because.BUDGET]
    managed = make_case(shop, assignee=manager, status=Status.IN_PROGRESS)
    given = offer(managed)  # a manager may, and it is written down
    assert (given.status, given.because) == (RemedyStatus.APPROVED, [Because.BUDGET])


def test_a_budget_may_be_of_one_kind(shop: Shop, case: Case, agent: User) -> None:
    RemedyBudget.objects.create(shop=shop, kind="coupon", fen=400)
    assert offer(case).status == RemedyStatus.APPROVED
    assert offer(at_work(shop, agent), "coupon").because == [Because.BUDGET]


def test_last_months_money_is_gone(shop: Shop, case: Case, agent: User) -> None:
    other = at_work(shop, agent)
    RemedyBudget.objects.create(shop=shop, fen=500)
    with time_machine.travel("2026-10-31 15:59:00+00:00", tick=False):  # 23:59 in Shanghai
        assert offer(case).status == RemedyStatus.APPROVED
    with time_machine.travel("2026-10-31 16:00:00+00:00", tick=False):
        assert offer(other, "coupon").status == RemedyStatus.APPROVED


@pytest.mark.parametrize("kind", ["part_refund", "coupon", "cash"])
def test_money_without_its_amount_does_not_slip_under_the_limit(case: Case, kind: str) -> None:
    with pytest.raises(NotAllowed):
        offer(case, kind, 0)


def test_a_full_refund_is_what_was_paid(case: Case) -> None:
    with pytest.raises(NotAllowed, match="129"):
        offer(case, "refund", 1, reason="x")
    assert offer(case, "refund", None, reason="整箱碎了").amount == 129


def test_more_than_the_order_needs_a_reason_and_a_manager(case: Case) -> None:
    with pytest.raises(NotAllowed, match="订单"):
        offer(case, "refund", 200)
    assert Because.OVER_VALUE in offer(case, "refund", 200, reason="含运费和安装费").because


@pytest.mark.parametrize(("first", "second"), [("coupon", "coupon"), ("part_refund", "coupon")])
def test_what_the_case_has_is_not_given_again_without_reason_and_manager(
    case: Case, first: str, second: str
) -> None:
    """The ladder climbs by proven damage, not by the buyer's resistance."""
    offer(case, first)
    with pytest.raises(NotAllowed, match="本案已有补救"):
        offer(case, second)
    further = offer(case, second, reason="第二件也裂了")
    assert (further.status, further.because) == (RemedyStatus.TO_APPROVE, [Because.AGAIN])


@pytest.mark.parametrize(
    ("first", "second"), [(("exchange", None), ("return_freight", 12)), (("resend", None), ("coupon", 5))]
)
def test_two_that_belong_together_stay_the_agents(case: Case, first: Any, second: Any) -> None:
    Shop.objects.update(remedy_limit_per_case=999)
    case = proven(case)
    assert offer(case, *first).status == offer(case, *second).status == RemedyStatus.APPROVED


def test_all_together_is_held_against_what_the_order_cost(case: Case, manager: User) -> None:
    offer(case, "refund", None, reason="整箱碎了")
    assert Because.OVER_VALUE not in offer(case, "return_freight", 12, reason="退回来检查").because
    assert Because.OVER_VALUE in offer(case, "cash", 1, reason="还要补路费").because


def test_goods_sent_anew_count_with_what_the_order_cost(shop: Shop, case: Case, agent: User) -> None:
    assert offer(proven(case), "resend", None).because == [Because.CASE_LIMIT]
    for kind in ("resend", "exchange"):
        assert offer(proven(at_work(shop, agent, "20")), kind, None).status == RemedyStatus.APPROVED
    Shop.objects.update(remedy_limit_per_day=50)
    assert offer(proven(at_work(shop, agent, "20")), "resend", None).because == [Because.DAY_LIMIT]


def test_it_pays_nothing_where_malice_is_confirmed(shop: Shop, agent: User) -> None:
    case = make_case(shop, assignee=agent, status=Status.IN_PROGRESS, sub_cause="extortion")
    with pytest.raises(NotAllowed, match="恶意"):
        offer(case, "coupon", 5, reason="买家多次来电")


def test_only_who_works_on_the_case_offers(case: Case, shop: Shop, manager: User) -> None:
    for person in (manager, make_user("zhao", shop=shop)):
        with pytest.raises(InvalidTransition):
            offer(case, by=person)


def test_a_double_click_is_one_remedy(case: Case) -> None:
    key = uuid4()
    assert offer(case, key=key) == offer(case, key=key)
    assert sums() == (500, 0)


# --- what a manager decides ----------------------------------------------------------------------


@pytest.fixture
def asked(case: Case) -> Remedy:
    return offer(case, "cash", 40, reason="杯底裂了，平台通道已关")


def test_a_manager_approves_or_gives_less(asked: Remedy, manager: User) -> None:
    remedies.decide_remedy(asked, approve=True, by=manager, amount=Decimal("25.5"), words="按七成")
    asked.refresh_from_db()
    assert (asked.status, asked.amount, asked.asked) == (RemedyStatus.OFFERED, Decimal("25.50"), Decimal(40))
    assert (asked.decided_by, asked.decision) == (manager, "按七成")
    assert sums() == (2550, 0)


@pytest.mark.parametrize("accepted", [True, False])
def test_what_a_manager_approves_is_agreed_only_where_the_buyer_said_yes(
    case: Case, agent: User, manager: User, accepted: bool
) -> None:
    remedy = offer(case, "cash", 40, reason="平台通道已关", accepted=accepted)
    remedies.decide_remedy(remedy, approve=True, by=manager)
    stored = Remedy.objects.get()
    assert stored.status == remedy.status == (RemedyStatus.APPROVED if accepted else RemedyStatus.OFFERED)
    assert stored.accepted == accepted


def test_the_buyer_says_yes_to_the_lowered_amount_too(asked: Remedy, agent: User, manager: User) -> None:
    remedies.decide_remedy(asked, approve=True, by=manager, amount=Decimal(25))
    assert not Remedy.objects.get().accepted
    remedies.accept_remedy(asked, by=agent)
    stored = Remedy.objects.get()
    assert (stored.status, stored.accepted) == (RemedyStatus.APPROVED, True)
    assert sums() == (2500, 0)


def test_not_more_than_was_asked_for(asked: Remedy, manager: User) -> None:
    with pytest.raises(NotAllowed):
        remedies.decide_remedy(asked, approve=True, by=manager, amount=Decimal(41))
    assert Remedy.objects.get().status == RemedyStatus.TO_APPROVE
    assert sums() == (4000, 0)


def test_a_refusal_says_why(asked: Remedy, manager: User) -> None:
    with pytest.raises(NotAllowed):
        remedies.decide_remedy(asked, approve=False, by=manager)
    remedies.decide_remedy(asked, approve=False, by=manager, words="先补发")
    assert sums() == (0, 0)


def test_the_second_manager_is_told_who_was_first(asked: Remedy, manager: User, shop: Shop) -> None:
    again = Remedy.objects.get(pk=asked.pk)
    remedies.decide_remedy(asked, approve=True, by=manager)
    with pytest.raises(StaleCase, match="王店长"):
        remedies.decide_remedy(again, approve=False, by=manager, words="不行")
    assert sums() == (4000, 0)


# --- carried out ---------------------------------------------------------------------------------


def test_it_is_paid_once_with_its_number(case: Case, agent: User) -> None:
    remedy, key = offer(case), uuid4()
    with pytest.raises(NotAllowed):
        remedies.carry_out(remedy, "platform", by=agent)
    first = remedies.carry_out(remedy, "platform", by=agent, reference="T2026", key=key)
    assert remedies.carry_out(Remedy.objects.get(), "platform", by=agent, reference="T2026", key=key) == first
    with pytest.raises(StaleCase):
        remedies.carry_out(Remedy.objects.get(), "alipay", by=agent, reference="A1")
    assert sums() == (0, 500)


def test_what_came_back_is_owed_again(case: Case, agent: User, manager: User) -> None:
    remedy = offer(case)
    payout = remedies.carry_out(remedy, "platform", by=agent, reference="T1")
    remedies.reverse_payout(payout, by=manager, reason="账号不存在")
    assert sums() == (500, 0)
    with pytest.raises(StaleCase):
        remedies.reverse_payout(Payout.objects.get(), by=manager, reason="再来")
    remedies.carry_out(Remedy.objects.get(), "alipay", by=agent, reference="A2")
    assert sums() == (0, 500)
    assert Payout.objects.count() == 2


def test_an_account_is_the_managers(case: Case, agent: User, manager: User) -> None:
    remedy = offer(case, "cash", 20, reason="平台通道已关")
    remedies.decide_remedy(remedy, approve=True, by=manager)
    with pytest.raises(NotAllowed):
        remedies.carry_out(remedy, "bank", by=agent, reference="B1")
    remedies.carry_out(remedy, "bank", by=manager, reference="B1")
    assert sums() == (0, 2000)


def test_what_freight_or_goods_came_to_is_entered_when_it_is_carried_out(
    case: Case, agent: User, manager: User
) -> None:
    case = proven(case)
    remedy = offer(case, "return_freight", None)
    payout = remedies.carry_out(remedy, "platform", by=agent, reference="T1", cost=Decimal("12.35"))
    assert (payout.fen, Remedy.objects.get().amount) == (1235, Decimal("12.35"))
    assert sums() == (0, 1235)
    remedies.reverse_payout(payout, by=manager, reason="账号不存在")
    assert sums() == (1235, 0)


def test_what_came_dearer_than_the_agents_limits_a_manager_carries_out(
    case: Case, agent: User, manager: User
) -> None:
    remedy = offer(proven(case), "return_freight", None)
    with pytest.raises(NotAllowed, match="店长"):
        remedies.carry_out(remedy, "platform", by=agent, reference="T1", cost=Decimal(31))
    assert sums() == (0, 0)
    remedies.carry_out(Remedy.objects.get(), "platform", by=manager, reference="T1", cost=Decimal(31))
    assert sums() == (0, 3100)


def test_what_was_agreed_by_amount_is_paid_by_that_amount(case: Case, agent: User) -> None:
    with pytest.raises(NotAllowed):
        remedies.carry_out(offer(case), "platform", by=agent, reference="T1", cost=Decimal(6))
    assert sums() == (500, 0)


def test_the_number_of_a_payment_obeys_the_law_like_any_note(case: Case, agent: User) -> None:
    remedy = offer(case)
    with pytest.raises(OffendingText):
        remedies.carry_out(remedy, "platform", by=agent, reference="改好评后返现5元")
    assert sums() == (500, 0)


@pytest.mark.parametrize("kind", RemedyKind)
def test_the_public_reply_forgets_what_was_cancelled(shop: Shop, manager: User, kind: RemedyKind) -> None:
    case = at_work(shop, manager)
    named = kind in (RemedyKind.PART_REFUND, RemedyKind.COUPON, RemedyKind.CASH)
    remedy = offer(case, kind, 20 if named else None, reason="核实属实")
    assert case_facts(events_of([case])[case.pk], shop)["settled"]
    remedies.cancel_remedy(Remedy.objects.get(pk=remedy.pk), by=manager, reason="买家不要了")
    assert "settled" not in case_facts(events_of([case])[case.pk], shop)


def test_what_is_paid_cannot_be_cancelled(case: Case, agent: User) -> None:
    remedy = offer(case)
    remedies.carry_out(remedy, "platform", by=agent, reference="T1")
    with pytest.raises(StaleCase):
        remedies.cancel_remedy(remedy, by=agent, reason="不要了")


def test_a_cancelled_one_frees_limit_and_budget(shop: Shop, case: Case, agent: User) -> None:
    Shop.objects.update(remedy_limit_per_case=5)
    case = fresh(case)
    remedies.cancel_remedy(offer(case), by=agent, reason="买家改要券")
    assert offer(case, "coupon").status == RemedyStatus.APPROVED
    assert sums() == (500, 0)


# --- the ledger ----------------------------------------------------------------------------------


def test_entries_are_only_ever_added(case: Case) -> None:
    offer(case)
    entry = LedgerEntry.objects.first()
    assert entry is not None
    for act in (entry.save, entry.delete, LedgerEntry.objects.all().delete):
        with pytest.raises(AppendOnly):
            act()
    with pytest.raises(AppendOnly):
        LedgerEntry.objects.update(open_fen=0)


def test_the_check_finds_a_broken_entry(case: Case, agent: User) -> None:
    """The negative control: somebody changed a figure behind the program's back."""
    from django.db import connection

    remedy = offer(case)
    sums()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE callbacks_ledgerentry SET open_fen = open_fen + 1 WHERE kind = 'reserve'")
    assert not ledger.totals().agree
    assert [(one.remedy_id, one.what, one.ledger_fen, one.rows_fen) for one in ledger.differences()] == [
        (remedy.pk, "open", 501, 500)
    ]


def test_it_knows_what_a_month_bears(case: Case, agent: User, shop: Shop) -> None:
    paid = offer(case)
    offer(at_work(shop, agent), "coupon")
    remedies.carry_out(paid, "platform", by=agent, reference="T1")
    month = ledger.month_of(shop, paid.agreed_at)
    assert ledger.by_kind([shop], month) == {
        (shop.pk, "part_refund"): Balance(0, 500),
        (shop.pk, "coupon"): Balance(500, 0),
    }
    kinds = list(LedgerEntry.objects.filter(remedy=paid).values_list("kind", flat=True))
    assert kinds == [EntryKind.RESERVE, EntryKind.APPROVE, EntryKind.PAY]


def fresh(case: Case) -> Case:
    return Case.objects.select_related("shop", "assignee", "review").get(pk=case.pk)


def test_an_unknown_value_still_gets_the_small_steps(shop: Shop, agent: User) -> None:
    review = make_review(shop, order=None)
    case = make_case(shop, review=review, assignee=agent, status=Status.IN_PROGRESS, value=None)
    assert offer(case).status == RemedyStatus.APPROVED
