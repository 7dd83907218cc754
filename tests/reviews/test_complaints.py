"""The complaint to the platform: never before a person, never without fitting evidence, counted by reason."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from callbacks import contacts
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
    return EvidencePack.objects.create(case=case, status="ready", manifest_sha256="a" * 64)


def ready(case: Case, by: User, sub_cause: str = "spam") -> Complaint:
    """A draft with everything a complaint of this reason needs, besides the reason's own evidence."""
    complaint = confirm(case, by, sub_cause)
    make_pack(case)
    complaints.save_draft(complaint, reason=sub_cause, statement="全文是广告", quote="加我主页", due_at=None)
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
    complaints.save_draft(complaint, reason=reason, statement="经过", quote="", due_at=None)
    complaints.file_complaint(complaint, by=agent)
    assert complaint.status == "filed"


def test_it_is_not_filed_without_a_pack_or_a_statement(case: Case, agent: User) -> None:
    complaint = confirm(case, agent)
    with pytest.raises(MissingEvidence, match=r"证据包.*写明经过"):
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


VERBS: dict[str, Any] = {
    "file": lambda one, by: complaints.file_complaint(one, by=by),
    "win": lambda one, by: complaints.decide_complaint(one, won=True, by=by),
    "lose": lambda one, by: complaints.decide_complaint(one, won=False, by=by),
    "appeal": lambda one, by: complaints.appeal(one, by=by),
    "withdraw": lambda one, by: complaints.withdraw(one, by=by),
}


@pytest.mark.parametrize("status", list(ComplaintStatus))
@pytest.mark.parametrize("verb", list(VERBS))
def test_only_the_moves_of_the_table_are_possible(
    case: Case, agent: User, verb: str, status: ComplaintStatus
) -> None:
    complaint = ready(case, agent)
    Complaint.objects.filter(pk=complaint.pk).update(status=status, filed_at=clock.now())
    complaint.status = status
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
