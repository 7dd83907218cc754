"""The complaint to the platform: never before a person, never without fitting evidence, counted by reason."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from callbacks import contacts
from callbacks.chats import keep_chat, take_back_chat
from reviews import clock, complaints
from reviews.complaints import MissingEvidence, NotYetConfirmed
from reviews.models import (
    BehaviourSignal,
    Case,
    ChatRecord,
    Complaint,
    EvidencePack,
    InvalidTransition,
    Shop,
    StaleCase,
    Status,
    User,
)
from reviews.models.cases import EventKind
from reviews.models.complaints import MOVES, ComplaintStatus, Reason
from reviews.platforms.complaint_rules import complaint_rule
from tests.factories import make_case, make_review, make_shop, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(shop: Shop, agent: User) -> Case:
    return make_case(shop, assignee=agent, status=Status.IN_PROGRESS)


def confirm(case: Case, by: User, sub_cause: str = "spam") -> Complaint:
    contacts.decide_cause(case, sub_cause, by=by)
    return case.complaints.get(status="draft")


def make_pack(case: Case) -> EvidencePack:
    facts = complaints.facts_of(case)
    return EvidencePack.objects.create(
        case=case, status="ready", manifest_sha256="a" * 64, facts_sha256=facts, built_at=clock.now()
    )


def ready(case: Case, by: User, sub_cause: str = "spam") -> Complaint:
    """A draft with everything a complaint of this reason needs, besides the reason's own evidence."""
    complaint = confirm(case, by, sub_cause)
    make_pack(case)
    quote = case.review.content
    complaints.save_draft(complaint, reason=sub_cause, statement="全文是广告", quote=quote, due_at=None)
    return complaint


def filed(case: Case, by: User) -> Complaint:
    complaint = ready(case, by)
    complaints.file_complaint(complaint, by=by, platform_no="TS1")
    return complaint


# --- it begins with a person --------------------------------------------------------------------------


def test_confirming_malice_begins_the_complaint_with_its_deadline(case: Case, agent: User) -> None:
    complaint = confirm(case, agent, "extortion")
    assert (complaint.reason, complaint.status) == ("extortion", "draft")
    assert complaint.due_at == case.review.created_at + timedelta(days=complaint_rule("taobao").days or 0)
    assert case.events.filter(kind="complaint").count() == 1


def test_a_proposal_begins_nothing(shop: Shop, agent: User) -> None:
    case = make_case(shop, sub_cause="spam", needs_decision=True, assignee=agent)
    with pytest.raises(NotYetConfirmed):
        complaints.draft_complaint(case, by=agent)


def test_correcting_the_cause_withdraws_the_draft(case: Case, agent: User) -> None:
    confirm(case, agent)
    contacts.decide_cause(case, "quality", by=agent)
    assert case.complaints.get().status == ComplaintStatus.WITHDRAWN


def test_another_kind_of_malice_changes_the_draft(case: Case, agent: User) -> None:
    confirm(case, agent, "spam")
    contacts.decide_cause(case, "abuse", by=agent)
    assert case.complaints.get().reason == "abuse"


def test_an_unknown_deadline_stays_unknown(agent: User) -> None:
    case = make_case(make_shop(platform="own"), assignee=agent)
    assert confirm(case, agent).due_at is None
    assert complaint_rule("own").is_doubtful(timezone.localdate())


# --- no filing without evidence that fits ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "words"),
    [("extortion", "要钱要物"), ("competitor", "不是真实买家"), ("coordinated", "雷同")],
)
def test_it_is_not_filed_without_the_evidence_its_reason_needs(
    case: Case, agent: User, reason: str, words: str
) -> None:
    complaint = ready(case, agent)
    complaints.save_draft(complaint, reason=reason, statement="经过", quote="", due_at=None)
    with pytest.raises(MissingEvidence, match=words):
        complaints.file_complaint(complaint, by=agent)
    assert Complaint.objects.get().status == "draft"


@pytest.mark.parametrize("reason", ["unrelated", "spam", "abuse"])
def test_a_review_without_text_gives_no_ground_by_its_text(shop: Shop, agent: User, reason: str) -> None:
    case = make_case(shop, review=make_review(shop, content=""), assignee=agent)
    complaint = ready(case, agent)
    complaints.save_draft(complaint, reason=reason, statement="经过", quote="", due_at=None)
    with pytest.raises(MissingEvidence, match="没有文字"):
        complaints.file_complaint(complaint, by=agent)


def test_extortion_is_filed_with_the_chat_that_shows_it(case: Case, agent: User) -> None:
    complaint = ready(case, agent, "extortion")
    chat: dict[str, Any] = {"case": case, "source": "shop_chat", "said_at": clock.now(), "pasted_by": agent}
    ChatRecord.objects.create(text="不给我退款就给差评", **chat)  # anger, no extortion
    with pytest.raises(MissingEvidence):
        complaints.file_complaint(complaint, by=agent)
    ChatRecord.objects.create(text="给我转100元红包，不然差评", **chat)
    complaints.file_complaint(complaint, by=agent)
    assert complaint.evidence is not None


def test_a_chat_taken_back_proves_nothing(case: Case, agent: User) -> None:
    complaint = ready(case, agent, "extortion")
    ChatRecord.objects.create(
        case=case,
        source="other",
        said_at=clock.now(),
        pasted_by=agent,
        text="转100元红包，不然差评",
        taken_back_at=clock.now(),
    )
    with pytest.raises(MissingEvidence):
        complaints.file_complaint(complaint, by=agent)


@pytest.mark.parametrize(("kind", "reason"), [("same_buyer", "competitor"), ("same_text", "coordinated")])
def test_signs_in_behaviour_are_evidence(case: Case, agent: User, kind: str, reason: str) -> None:
    complaint = ready(case, agent)
    BehaviourSignal.objects.create(case=case, kind=kind, weight=2)
    make_pack(case)
    complaints.save_draft(complaint, reason=reason, statement="经过", quote="", due_at=None)
    complaints.file_complaint(complaint, by=agent)
    assert complaint.status == "filed"


def test_it_is_not_filed_without_a_pack_or_a_statement(case: Case, agent: User) -> None:
    complaint = confirm(case, agent)
    with pytest.raises(MissingEvidence, match=r"证据包.*写明经过"):
        complaints.file_complaint(complaint, by=agent)


def test_it_is_filed_with_a_pack_of_todays_facts_only(case: Case, agent: User) -> None:
    complaint = ready(case, agent)
    keep_chat(case, source="other", said_at=clock.now() - timedelta(hours=1), text="新的记录", by=agent)
    with pytest.raises(MissingEvidence, match="重新生成"):
        complaints.file_complaint(complaint, by=agent)
    pack = make_pack(case)
    complaints.file_complaint(complaint, by=agent)
    assert complaint.evidence == pack
    assert case.events.filter(kind="complaint").latest("id").data["pack"] == pack.manifest_sha256


def test_whoever_looks_at_the_case_makes_no_pack_old(case: Case, agent: User) -> None:
    complaint = ready(case, agent)
    case.log(EventKind.REVEAL, by=agent)
    case.log(EventKind.LAPSE)
    complaints.file_complaint(complaint, by=agent)


def test_what_is_quoted_stands_in_the_review_or_a_chat(case: Case, agent: User) -> None:
    complaint = ready(case, agent)
    said: dict[str, Any] = {"reason": "spam", "statement": "经过", "due_at": None}
    complaints.save_draft(complaint, quote="加我主页领券", **said)
    with pytest.raises(MissingEvidence, match="没有这句原话：“加我主页领券”"):
        complaints.file_complaint(complaint, by=agent)
    keep_chat(case, source="other", said_at=clock.now(), text="买家：加我主页 领券", by=agent)
    make_pack(case)
    complaints.save_draft(complaint, quote=f"“加我主页领券”\n{case.review.content}", **said)
    complaints.file_complaint(complaint, by=agent)


def test_every_reason_says_what_it_needs() -> None:
    assert set(complaints.NEEDS) == set(Reason)


# --- its life -------------------------------------------------------------------------------------------


def test_a_lost_one_may_be_appealed_once(case: Case, agent: User) -> None:
    complaint = filed(case, agent)
    complaints.decide_complaint(complaint, won=False, by=agent, verdict="证据不足")
    assert complaint.may_appeal
    complaints.appeal(complaint, by=agent, note="补交聊天记录")
    complaints.decide_complaint(complaint, won=False, by=agent)
    with pytest.raises(InvalidTransition):
        complaints.appeal(complaint, by=agent)


def test_an_appeal_after_its_deadline_is_refused(case: Case, agent: User) -> None:
    complaint = filed(case, agent)
    complaints.decide_complaint(complaint, won=False, by=agent)
    complaint.appeal_due_at = clock.now() - timedelta(minutes=1)
    with pytest.raises(InvalidTransition):
        complaints.appeal(complaint, by=agent)


def test_an_appeal_needs_what_the_complaint_needs(case: Case, agent: User) -> None:
    complaint = ready(case, agent, "extortion")
    chat = keep_chat(
        case, source="other", said_at=clock.now(), text="买家：给我转100元红包，不然差评", by=agent
    )
    make_pack(case)
    complaints.file_complaint(complaint, by=agent)
    complaints.decide_complaint(complaint, won=False, by=agent)
    take_back_chat(chat, by=agent)
    with pytest.raises(MissingEvidence, match=r"要钱要物.*重新生成"):
        complaints.appeal(complaint, by=agent)
    keep_chat(case, source="other", said_at=clock.now(), text="买家：给我100元我就改", by=agent)
    pack = make_pack(case)
    complaints.appeal(complaint, by=agent)
    assert complaint.evidence == pack


def test_nobody_appeals_what_no_person_holds_for_malicious(case: Case, agent: User) -> None:
    complaint = filed(case, agent)
    complaints.decide_complaint(complaint, won=False, by=agent)
    contacts.decide_cause(case, "quality", by=agent)
    with pytest.raises(NotYetConfirmed):
        complaints.appeal(complaint, by=agent)


def test_who_recorded_a_wrong_verdict_takes_it_back_with_a_reason(
    case: Case, agent: User, manager: User
) -> None:
    complaint = filed(case, agent)
    complaints.decide_complaint(complaint, won=True, by=agent, verdict="成立")
    for by, reason in ((manager, "录错了"), (agent, " ")):
        with pytest.raises(InvalidTransition):
            complaints.take_back_verdict(complaint, by=by, reason=reason)
    complaints.take_back_verdict(complaint, by=agent, reason="录错了")
    kept = Complaint.objects.get()
    assert (kept.status, kept.decided_at, kept.decided_by, kept.verdict) == ("filed", None, None, "")
    assert "录错了" in case.events.filter(kind="complaint").latest("id").data["note"]


def test_the_verdict_on_an_appeal_goes_back_to_the_appeal(case: Case, agent: User) -> None:
    complaint = filed(case, agent)
    complaints.decide_complaint(complaint, won=False, by=agent)
    complaints.appeal(complaint, by=agent)
    complaints.decide_complaint(complaint, won=True, by=agent)
    complaints.take_back_verdict(complaint, by=agent, reason="录错了")
    assert Complaint.objects.get().status == "appealed"


def test_an_open_appeal_is_in_hand_again_when_the_next_complaint_is_withdrawn(
    case: Case, agent: User
) -> None:
    lost = filed(case, agent)
    complaints.decide_complaint(lost, won=False, by=agent)
    second = complaints.draft_complaint(case, by=agent)
    assert complaints.in_hand(case) == second
    with pytest.raises(StaleCase):
        complaints.appeal(lost, by=agent)
    with pytest.raises(StaleCase):
        complaints.take_back_verdict(lost, by=agent, reason="录错了")
    complaints.withdraw(second, by=agent)
    assert complaints.in_hand(case) == lost
    complaints.appeal(lost, by=agent)


VERBS: dict[str, Any] = {
    "file": lambda one, by: complaints.file_complaint(one, by=by),
    "win": lambda one, by: complaints.decide_complaint(one, won=True, by=by),
    "lose": lambda one, by: complaints.decide_complaint(one, won=False, by=by),
    "appeal": lambda one, by: complaints.appeal(one, by=by),
    "withdraw": lambda one, by: complaints.withdraw(one, by=by),
    "unsettle": lambda one, by: complaints.take_back_verdict(one, by=by, reason="录错了"),
}


@pytest.mark.parametrize("status", list(ComplaintStatus))
@pytest.mark.parametrize("verb", list(VERBS))
def test_only_the_moves_of_the_table_are_possible(
    case: Case, agent: User, verb: str, status: ComplaintStatus
) -> None:
    complaint = ready(case, agent)
    complaint.status, complaint.filed_at, complaint.decided_by = status, clock.now(), agent
    complaint.save()
    if status in MOVES[verb][0]:
        VERBS[verb](complaint, agent)
        assert Complaint.objects.get().status == MOVES[verb][1]
    else:
        with pytest.raises(InvalidTransition):
            VERBS[verb](complaint, agent)
        assert Complaint.objects.get().status == status


def test_two_who_decide_at_once_do_not_both(case: Case, agent: User) -> None:
    complaint = filed(case, agent)
    other = Complaint.objects.get()
    complaints.decide_complaint(complaint, won=True, by=agent)
    with pytest.raises(StaleCase):
        complaints.decide_complaint(other, won=False, by=agent)


def test_who_moved_it_and_when_is_in_the_case(case: Case, agent: User) -> None:
    filed(case, agent)
    said = [(event.by, event.data["status"]) for event in case.events.filter(kind="complaint")]
    assert said == [(agent, "draft"), (agent, "filed")]


def test_only_one_complaint_is_pending_at_a_time(case: Case, agent: User) -> None:
    confirm(case, agent)
    with pytest.raises(StaleCase):
        complaints.draft_complaint(case, by=agent)


# --- who, and how it went ---------------------------------------------------------------------------------


def test_whoever_holds_the_case_or_handles_complaints_may(case: Case, shop: Shop, agent: User) -> None:
    skilled = make_user("skilled", shop=shop, skills=["malicious"])
    other = make_user("other", shop=shop, skills=["product"])
    assert complaints.may_handle(agent, case)
    assert complaints.may_handle(skilled, case)
    assert not complaints.may_handle(other, case)
    assert not other.handles_complaints


def test_it_counts_won_by_reason(shop: Shop, agent: User) -> None:
    for reason, status in [("spam", "won"), ("spam", "won"), ("spam", "lost"), ("abuse", "filed")]:
        case = make_case(shop, sub_cause="spam")
        Complaint.objects.create(case=case, reason=reason, status=status, filed_at=clock.now())
    Complaint.objects.create(case=make_case(shop), reason="spam", status="withdrawn")
    spam, abuse = complaints.by_reason([shop.pk])
    assert (spam.won, spam.lost, spam.won_share) == (2, 1, 2 / 3)
    assert (abuse.pending, abuse.won_share) == (1, None)
