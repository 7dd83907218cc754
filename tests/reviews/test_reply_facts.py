"""What a draft says was done: only what is in the case, no amount, no benefit beyond the cure."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviews.compliance import find_offences
from reviews.models import CaseEvent, PublicReply, ReplyTemplate, Shop, User
from reviews.models.cases import EventKind
from reviews.replies import draft_reply, save_reply
from reviews.reply_facts import CURES, case_facts, sample_done, sample_facts
from reviews.template_text import TemplateTextError, fill, spoken
from tests.factories import make_case

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
SHOP = Shop(code="s", name="测试店", platform="taobao")
SAID = {
    "resend": "补发", "exchange": "换货", "refund": "安排退款", "part_refund": "部分退款",
    "return_freight": "退货的运费",
}  # fmt: skip


def event(kind: str, minutes: int = 0, **data: Any) -> CaseEvent:
    return CaseEvent(kind=kind, at=NOON + timedelta(minutes=minutes), data=data)


def remedy(
    kind: str, status: str = "approved", amount: str = "12.50", minutes: int = 0, **more: Any
) -> CaseEvent:
    return event(EventKind.REMEDY, minutes, remedy=kind, amount=amount, status=status, **more)


def test_a_resend_is_named_and_no_amount() -> None:
    done = case_facts([remedy("resend")], SHOP)["done"]
    assert done == "已为您安排补发。"
    assert "12.5" not in case_facts([remedy("part_refund")], SHOP)["done"]


@pytest.mark.parametrize("kind", CURES)
def test_only_freight_that_was_agreed_is_promised(kind: str) -> None:
    assert ("运费" in case_facts([remedy(kind)], SHOP)["done"]) == (kind == "return_freight")


@pytest.mark.parametrize("kind", ["coupon", "gift", "cash", "membership", "free_shipping"])
def test_a_benefit_is_never_named_in_public(kind: str) -> None:
    facts = case_facts([remedy(kind)], SHOP)
    assert facts["done"] == "怎么处理已跟您说好，售后会跟到底。"
    assert find_offences(facts["done"], "public_reply", "taobao", benefit_in_case=True) == []


def test_what_waits_for_approval_or_was_refused_is_not_said() -> None:
    assert case_facts([remedy("refund", "to_approve")], SHOP)["done"] == ""
    assert case_facts([remedy("refund"), remedy("refund", "refused", minutes=5)], SHOP)["done"] == ""


def test_a_cancelled_one_is_told_from_its_like_by_id_or_of_old_by_kind_and_amount() -> None:
    for ids in ({}, {"id": 2}):
        past = [remedy("resend", amount="0"), remedy("resend", "cancelled", "0.00", 5, **ids)]
        assert case_facts(past, SHOP)["done"] == ""
    two = [remedy("resend", id=1), remedy("resend", id=2, minutes=1)]
    assert "补发" in case_facts([*two, remedy("resend", "cancelled", minutes=2, id=2)], SHOP)["done"]


def test_a_call_is_named_by_the_shops_day_only_when_somebody_spoke() -> None:
    spoken_ = event(EventKind.CALL, outcome="reached")
    spoken_.at = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)  # the 21st in Shanghai
    assert "11月21日已跟您通过电话" in case_facts([spoken_], SHOP)["done"]
    missed = case_facts([event(EventKind.CALL, outcome="no_answer")], SHOP)
    assert missed["done"] == ""
    assert "没有接通" in missed["next"]


def test_a_kept_or_cancelled_promise_is_not_promised_again() -> None:
    promise = event(EventKind.PROMISE, due_at="2026-11-25T06:00:00+00:00")
    assert "11月25日" in case_facts([promise], SHOP)["next"]
    for later in (EventKind.CALL, EventKind.PROMISE_CANCELLED):
        assert "11月25日" not in case_facts([promise, event(later, 5, outcome="agreed")], SHOP)["next"]


events = st.lists(
    st.builds(remedy, st.sampled_from([*CURES, "coupon", "gift"]), st.sampled_from(["approved", "refused"]))
    | st.builds(lambda one: event(EventKind.CALL, outcome=one), st.sampled_from(["reached", "no_answer"])),
    max_size=6,
)


@given(events)
def test_every_fact_in_a_draft_is_in_the_case(past: list[CaseEvent]) -> None:
    facts = case_facts(past, SHOP)
    latest = {one.data["remedy"]: one.data["status"] for one in past if one.kind == EventKind.REMEDY}
    for kind, words in SAID.items():
        assert (words in facts["done"]) == (latest.get(kind) == "approved"), (kind, facts)
    spoke = any(one.data.get("outcome") == "reached" for one in past)
    assert ("通过电话" in facts["done"]) == spoke


@pytest.mark.django_db
def test_every_common_template_is_lawful_whatever_was_done(db: None) -> None:
    for template in ReplyTemplate.objects.filter(shop=None):
        for facts in (sample_facts(None), sample_done(None)):
            text = fill(template.text, facts)
            assert "[" not in text
            assert "{" not in text
            assert find_offences(text, "public_reply", "taobao", benefit_in_case=True) == [], template.name


def test_a_stretch_is_left_out_when_its_condition_or_a_fact_fails() -> None:
    text = "您好。[[!settled|请发照片。]][[promised|{promise_day}联系您。]][[called&settled|办好了。]]"
    assert fill(text, {}) == "您好。请发照片。"
    assert fill(text, {"promised": "1"}) == "您好。请发照片。"  # the day is not known
    assert fill(text, {"promised": "1", "promise_day": "3日", "settled": "1"}) == "您好。3日联系您。"
    assert spoken(text) == "您好。请发照片。联系您。办好了。"


@pytest.mark.parametrize("text", ["[[nothing|x]]", "[[settled|x", "x]]", "[[settled&{item}|x]]"])
def test_a_broken_stretch_is_refused(text: str) -> None:
    with pytest.raises(TemplateTextError):
        fill(text, {})


def test_facts_with_brackets_are_put_in_as_they_are() -> None:
    assert fill("{item}", {"item": "[[settled|x]]"}) == "[[settled|x]]"


@pytest.mark.django_db
def test_it_drafts_anew_when_something_was_done_and_never_over_an_edit(shop: Shop, agent: User) -> None:
    case = make_case(shop, assignee=agent)
    draft_reply(case.review, case)
    case.log(EventKind.REMEDY, remedy="resend", amount="0", status="approved")
    redrafted = draft_reply(case.review, case)
    assert redrafted is not None
    assert "已为您安排补发" in redrafted.text
    assert redrafted.drafted_text == redrafted.text
    save_reply(redrafted, "您好，我自己写的。", by=agent, case=case)
    case.log(EventKind.REMEDY, remedy="refund", amount="9", status="approved")
    draft_reply(case.review, case)
    assert PublicReply.objects.get().text == "您好，我自己写的。"
