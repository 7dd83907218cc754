"""Draft → approved → posted, refused or removed: who may, until when, and every answer of a platform."""

from collections.abc import Callable
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.utils import timezone

from reviews import posting, replies
from reviews.models import (
    AuditEntry,
    Case,
    InvalidTransition,
    PublicReply,
    Review,
    Shop,
    StaleCase,
    User,
)
from reviews.models.cases import EventKind
from reviews.models.replies import MOVES, Move, ReplyStatus
from reviews.outgoing import OffendingText
from reviews.posting import PostResult
from tests.factories import make_case, make_review, make_shop

pytestmark = pytest.mark.django_db


class Recorder:
    """A connector that gives the answers it was told to, and remembers what it was asked."""

    def __init__(self, *answers: PostResult) -> None:
        self.answers, self.asked = list(answers), [("", "", "")][:0]

    def post_reply(self, review_key: str, text: str, token: str) -> PostResult:
        self.asked.append((review_key, text, token))
        return self.answers.pop(0)


@pytest.fixture
def case(shop: Shop, agent: User) -> Case:
    case = make_case(shop, assignee=agent)
    replies.draft_reply(case.review, case)
    return case


@pytest.fixture
def reply(case: Case) -> PublicReply:
    return PublicReply.objects.select_related("review__shop").get()


def test_it_keeps_who_did_what_when(reply: PublicReply, case: Case, agent: User, manager: User) -> None:
    replies.hand_in(reply, "您好，抱歉。", by=agent, case=case)
    replies.approve_reply(reply, by=manager)
    posting.mark_reply_posted(reply, "您好，抱歉。", by=agent, case=case)
    posting.mark_reply_removed(reply, "平台误删", by=manager)
    assert list(reply.moves.values_list("move", flat=True)) == [
        "edit", "submit", "approve", "send", "post", "remove",
    ]  # fmt: skip
    assert (reply.approved_by, reply.posted_by, reply.reason) == (manager, agent, "平台误删")
    kinds = set(case.events.values_list("kind", flat=True))
    assert {EventKind.REPLY, EventKind.REPLY_MOVED} <= kinds


@pytest.mark.parametrize(("move", "status"), list(product(Move, ReplyStatus)))
def test_only_the_table_moves_a_reply(reply: PublicReply, move: Move, status: ReplyStatus) -> None:
    if move not in MOVES:
        return
    posted_at = timezone.now() if status in ("posted", "removed") else None
    PublicReply.objects.update(status=status, posted_at=posted_at)
    reply.refresh_from_db()
    changes: dict[str, Any] = {"posted_at": timezone.now()} if move == Move.POST else {}
    if move == Move.REVISE:
        changes = {"posted_at": None}
    if status in MOVES[move][0]:
        reply.move(move, by=None, **changes)
        assert PublicReply.objects.get().status == MOVES[move][1]
    else:
        with pytest.raises(InvalidTransition):
            reply.move(move, by=None, **changes)


def test_the_slower_of_two_is_told_so(reply: PublicReply, manager: User, agent: User) -> None:
    other = PublicReply.objects.get()
    reply.approve(by=manager)
    with pytest.raises(StaleCase):
        other.edit("别的话", by=agent)


def test_an_approval_is_for_the_very_text(reply: PublicReply, manager: User, agent: User, case: Case) -> None:
    replies.approve_reply(reply, by=manager)
    replies.save_reply(reply, "您好，换一种说法。", by=agent, case=case)
    assert (reply.status, reply.approved_by) == ("draft", None)


def test_where_a_manager_approves_an_agent_cannot_post_without(
    reply: PublicReply, case: Case, agent: User, manager: User, shop: Shop
) -> None:
    replies.set_approval_rule(shop, True, by=manager)
    reply.review.shop.refresh_from_db()
    with pytest.raises(InvalidTransition, match="审批"):
        posting.mark_reply_posted(reply, reply.text, by=agent, case=case)
    reply.refresh_from_db()
    assert reply.status == "draft"
    replies.hand_in(reply, reply.text, by=agent, case=case)
    replies.approve_reply(reply, by=manager)
    with pytest.raises(InvalidTransition, match="审批"):  # other words than those approved
        posting.mark_reply_posted(reply, "抱歉让您久等了，售后已在处理。", by=agent, case=case)
    reply = PublicReply.objects.select_related("review__shop").get()
    assert reply.status == "approved"
    posting.mark_reply_posted(reply, reply.text, by=agent, case=case)
    assert reply.status == "posted"
    assert AuditEntry.objects.filter(action="shop_rule").count() == 1


def test_sending_back_needs_a_reason(reply: PublicReply, case: Case, agent: User, manager: User) -> None:
    replies.hand_in(reply, reply.text, by=agent, case=case)
    with pytest.raises(InvalidTransition):
        replies.send_back(reply, by=manager, reason=" ")
    replies.send_back(reply, by=manager, reason="先说清楚什么时候补发")
    assert (reply.status, reply.reason) == ("draft", "先说清楚什么时候补发")


def test_said_twice_it_is_posted_once(reply: PublicReply, case: Case, agent: User) -> None:
    again = PublicReply.objects.select_related("review__shop").get()
    posting.mark_reply_posted(reply, reply.text, by=agent, case=case)
    posting.mark_reply_posted(again, again.text, by=agent, case=case)  # loaded before the first click
    assert case.events.filter(kind=EventKind.REPLY).count() == 1
    assert reply.moves.filter(move="post").count() == 1


def test_a_closed_window_hands_no_text_out(
    reply: PublicReply, case: Case, agent: User, manager: User
) -> None:
    Review.objects.update(created_at=timezone.now() - timedelta(days=31))
    reply = PublicReply.objects.select_related("review__shop").get()
    doors: list[Callable[[], None]] = [
        lambda: posting.leave_unconfirmed(reply, reply.text, by=agent, case=case),
        lambda: posting.post_reply(reply, reply.text, Recorder(), by=agent, case=case),
        lambda: replies.hand_in(reply, reply.text, by=agent, case=case),
        lambda: replies.approve_reply(reply, by=manager),
    ]
    for door in doors:
        with pytest.raises(OffendingText) as refusal:
            door()
        assert refusal.value.offences[0].rule == "R8"
    assert PublicReply.objects.get().status == "draft"
    assert AuditEntry.objects.filter(action="compliance").count() == len(doors)


def test_a_followup_closes_taobaos_window(reply: PublicReply, case: Case, agent: User) -> None:
    reply.review.followup = "用了两天又坏了"
    with pytest.raises(OffendingText, match="追评"):
        posting.leave_unconfirmed(reply, reply.text, by=agent, case=case)


def test_what_was_done_on_the_platform_is_recorded_after_the_window_too(
    reply: PublicReply, case: Case, agent: User
) -> None:
    Review.objects.update(created_at=timezone.now() - timedelta(days=31))
    reply = PublicReply.objects.select_related("review__shop").get()
    posting.mark_reply_refused(reply, reply.text, "已超过回复时间", by=agent, case=case)
    assert (reply.status, reply.reason) == ("refused", "已超过回复时间")
    reply.revise(by=agent)
    with pytest.raises(OffendingText, match="R2"):
        posting.mark_reply_posted(reply, "麻烦给个五星好评", by=agent, case=case)
    reply = PublicReply.objects.select_related("review__shop").get()
    posting.mark_reply_posted(reply, reply.text, by=agent, case=case)
    assert reply.status == "posted"


def test_what_was_sent_in_time_may_be_confirmed_later(reply: PublicReply, case: Case, agent: User) -> None:
    posting.leave_unconfirmed(reply, reply.text, by=agent, case=case)
    Review.objects.update(created_at=timezone.now() - timedelta(days=31))
    reply = PublicReply.objects.select_related("review__shop").get()
    posting.mark_reply_posted(reply, reply.text, by=agent, case=case)
    assert reply.status == "posted"


@pytest.mark.parametrize(
    ("answer", "status"), [("sent", "posted"), ("already", "posted"), ("refused", "refused")]
)
def test_each_answer_of_a_connector_is_kept(
    reply: PublicReply, case: Case, agent: User, answer: str, status: str
) -> None:
    poster = Recorder(PostResult(answer, "含联系方式" if answer == "refused" else ""))  # type: ignore[arg-type]
    posting.post_reply(reply, reply.text, poster, by=agent, case=case)
    reply.refresh_from_db()
    assert reply.status == status
    assert poster.asked == [(case.review.review_key, reply.text, str(reply.token))]
    assert reply.reason == ("含联系方式" if answer == "refused" else "")


def test_an_unknown_answer_is_asked_again_with_the_same_token(
    reply: PublicReply, case: Case, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    poster = Recorder(PostResult("unknown"), PostResult("unknown"), PostResult("already"))
    monkeypatch.setattr(posting, "_connectors", {"taobao": lambda _shop: poster})
    posting.post_reply(reply, reply.text, poster, by=agent, case=case)
    assert PublicReply.objects.get().status == "sending"
    assert posting.ask_unconfirmed() == 0  # not so soon
    for settled in (0, 1):
        PublicReply.objects.update(asked_at=timezone.now() - timedelta(minutes=5))
        assert posting.ask_unconfirmed() == settled
    assert PublicReply.objects.get().status == "posted"
    assert len({token for _key, _text, token in poster.asked}) == 1
    assert case.events.filter(kind=EventKind.REPLY).count() == 1


def test_a_process_lost_in_the_middle_leaves_it_to_be_asked_again(
    reply: PublicReply, case: Case, agent: User
) -> None:
    class Lost:
        def post_reply(self, review_key: str, text: str, token: str) -> PostResult:
            raise ConnectionError

    with pytest.raises(ConnectionError):
        posting.post_reply(reply, reply.text, Lost(), by=agent, case=case)
    assert PublicReply.objects.get().status == "sending"


def test_the_platforms_own_copy_confirms_what_a_person_left_open(
    reply: PublicReply, case: Case, agent: User
) -> None:
    posting.leave_unconfirmed(reply, reply.text, by=agent, case=case)
    PublicReply.objects.update(asked_at=timezone.now() - timedelta(minutes=5))
    assert posting.ask_unconfirmed() == 0
    Review.objects.update(reply=reply.text)
    assert posting.ask_unconfirmed() == 1
    assert PublicReply.objects.get().status == "posted"


def test_the_platforms_own_copy_confirms_what_was_approved(
    reply: PublicReply, case: Case, agent: User, manager: User
) -> None:
    replies.approve_reply(reply, by=manager)
    Review.objects.update(reply="别的话")
    assert posting.ask_unconfirmed() == 0
    Review.objects.update(reply=reply.text[:5] + "\n" + reply.text[5:])
    assert posting.ask_unconfirmed() == 1
    assert PublicReply.objects.get().status == "posted"
    assert case.events.filter(kind=EventKind.REPLY).count() == 1


def test_what_stands_there_against_the_law_is_left_to_a_person_once(
    reply: PublicReply, case: Case, agent: User, manager: User
) -> None:
    replies.approve_reply(reply, by=manager)
    PublicReply.objects.update(text="麻烦给个五星好评")  # approved before today's rules
    Review.objects.update(reply="麻烦给个五星好评")
    assert [posting.ask_unconfirmed() for _minute in range(3)] == [0, 0, 0]
    assert PublicReply.objects.get().status == "approved"
    assert AuditEntry.objects.filter(action="compliance").count() == 1


def test_replies_nobody_confirms_do_not_hold_up_a_connector(
    reply: PublicReply, case: Case, agent: User, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "ASKED_AT_ONCE", 1)
    posting.leave_unconfirmed(reply, reply.text, by=agent, case=case)
    other = make_shop(platform="jd")
    waits = PublicReply.objects.create(
        review=make_review(other), text="您好，抱歉。", status="sending", asked_at=timezone.now()
    )
    monkeypatch.setattr(posting, "_connectors", {"jd": lambda _shop: Recorder(PostResult("sent"))})
    for minutes, one in ((9, reply), (5, waits)):
        PublicReply.objects.filter(pk=one.pk).update(asked_at=timezone.now() - timedelta(minutes=minutes))
    assert posting.ask_unconfirmed() == 1
    waits.refresh_from_db()
    assert waits.status == "posted"


def test_not_there_after_all_it_is_posted_again_under_a_new_token(
    reply: PublicReply, case: Case, agent: User
) -> None:
    posting.leave_unconfirmed(reply, reply.text, by=agent, case=case)
    first = reply.token
    posting.take_back(reply, by=agent)
    posting.mark_reply_posted(reply, reply.text, by=agent, case=case)
    assert reply.token != first


def test_a_refused_reply_is_written_anew(reply: PublicReply, case: Case, agent: User) -> None:
    posting.mark_reply_refused(reply, reply.text, "含有链接", by=agent, case=case)
    reply.revise(by=agent)
    replies.save_reply(reply, "您好，去掉链接再说一遍。", by=agent, case=case)
    posting.mark_reply_posted(reply, reply.text, by=agent, case=case)
    assert reply.status == "posted"


def test_nobody_drafts_over_what_is_handed_in_or_out(reply: PublicReply, case: Case, agent: User) -> None:
    text = reply.text
    replies.hand_in(reply, text, by=agent, case=case)
    case.correct_cause("delivery", by=agent)
    replies.draft_reply(case.review, case)
    assert PublicReply.objects.get().text == text


def test_while_a_case_is_open_its_agent_or_a_manager_speaks(case: Case, agent: User, manager: User) -> None:
    from tests.factories import make_user

    colleague = make_user("mei", shop=case.shop)
    assert [replies.may_write(case.review, one) for one in (agent, manager, colleague)] == [True, True, False]
    assert replies.may_write(make_review(case.shop, rating="good"), colleague)
