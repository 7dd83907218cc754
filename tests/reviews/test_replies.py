"""Public replies: the fitting draft, the law before everything, posted once."""

import pytest

from reviews.models import AuditEntry, PublicReply, ReplyTemplate, Shop, User
from reviews.outgoing import OffendingText
from reviews.posting import mark_reply_posted
from reviews.replies import choose_template, draft_reply, save_reply
from tests.factories import make_case, make_review

pytestmark = pytest.mark.django_db


def test_it_chooses_the_template_of_the_very_sub_cause(shop: Shop) -> None:
    case = make_case(shop, sub_cause="delivery")
    template = choose_template(list(ReplyTemplate.objects.usable_in(shop)), case.review, case)
    assert template is not None
    assert (template.cause, template.sub_cause) == ("service", "delivery")


def test_it_falls_back_to_a_common_template(shop: Shop) -> None:
    ReplyTemplate.objects.filter(sub_cause="delivery").delete()
    case = make_case(shop, sub_cause="delivery")
    template = choose_template(list(ReplyTemplate.objects.usable_in(shop)), case.review, case)
    assert template is not None
    assert template.sub_cause == ""


def test_it_names_nothing_personal(shop: Shop) -> None:
    case = make_case(shop)
    reply = draft_reply(case.review, case)
    assert reply is not None
    assert "{" not in reply.text
    assert "王小明" not in reply.text
    assert "13800138000" not in reply.text


def test_it_drafts_anew_when_the_cause_is_corrected_but_never_over_an_edit(shop: Shop, agent: User) -> None:
    case = make_case(shop, assignee=agent)
    first = draft_reply(case.review, case)
    case.correct_cause("delivery", by=agent)
    second = draft_reply(case.review, case)
    assert first is not None
    assert second is not None
    assert first.text != second.text
    save_reply(second, "您好，快递已催。", by=agent, case=case)
    case.correct_cause("attitude", by=agent)
    draft_reply(case.review, case)
    assert PublicReply.objects.get().text == "您好，快递已催。"


def test_it_refuses_to_tie_a_benefit_to_the_review_and_keeps_the_refusal(shop: Shop, agent: User) -> None:
    case = make_case(shop, assignee=agent)
    reply = draft_reply(case.review, case)
    assert reply is not None
    with pytest.raises(OffendingText) as refusal:
        mark_reply_posted(reply, "给您返现5元，麻烦改成好评", by=agent, case=case)
    assert refusal.value.offences[0].words
    reply.refresh_from_db()
    assert reply.status == "draft"
    assert AuditEntry.objects.get().action == "compliance"


@pytest.mark.parametrize("text", ["评价您可以自己更新", "评价是您自己的，可以随时更新", "追评也可以的"])
def test_it_mentions_no_mark_in_a_case_with_a_compensation(shop: Shop, agent: User, text: str) -> None:
    from django.utils import timezone

    case = make_case(shop, assignee=agent)
    reply = draft_reply(case.review, case)
    assert reply is not None
    save_reply(reply, "您的评价我们很重视，仓库流程已经调整。", by=agent, case=case)
    case.note_compensation(timezone.now())
    with pytest.raises(OffendingText):
        save_reply(reply, text, by=agent, case=case)


def test_two_good_reviews_side_by_side_get_different_thanks(shop: Shop) -> None:
    texts = set()
    for _number in range(3):
        reply = draft_reply(make_review(shop, rating="good"), None)
        assert reply is not None
        texts.add(reply.text)
    assert len(texts) == 3


def test_it_signs_in_the_language_of_the_templates_whatever_the_agent_reads(shop: Shop, agent: User) -> None:
    from django.utils import translation

    ReplyTemplate.objects.create(
        shop=shop, name="t", cause="service", sub_cause="delivery", text="{reply_name}"
    )
    ReplyTemplate.objects.filter(shop=None).delete()
    case = make_case(shop, sub_cause="delivery")
    with translation.override("en"):
        reply = draft_reply(case.review, case)
    assert reply is not None
    assert reply.text == "售后团队"
