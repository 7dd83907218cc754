"""Where call, case, promise, remedy and message meet: what each verb does and what it refuses."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone

from callbacks import contacts, promises, remedies
from callbacks.callback_hours import quick_hours
from callbacks.holding import NotAllowed
from callbacks.models import CallbackPromise, CallLog, CallOutcome, DoNotCall, Stage
from reviews.models import (
    AuditEntry,
    Case,
    InvalidTransition,
    Outcome,
    PublicReply,
    ReplyTemplate,
    Shop,
    StaleCase,
    Status,
    User,
)
from reviews.models.audit import Action
from reviews.models.cases import EventKind
from reviews.outgoing import OffendingText
from reviews.replies import draft_reply
from tests.factories import make_case, make_order, make_review, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("calling_hour")]

UNLAWFUL = "给您返现5元，麻烦改成好评"


@pytest.fixture
def case(calling_hour: datetime, shop: Shop, agent: User) -> Case:
    """A case the agent works on, within calling hours."""
    return make_case(shop, assignee=agent, status=Status.IN_PROGRESS)


def kinds(case: Case) -> list[str]:
    return list(case.events.values_list("kind", flat=True))


def hours(number: float) -> datetime:
    return timezone.now() + timedelta(hours=number)


# --- the number and the call --------------------------------------------------------------------


def test_it_records_every_look_at_the_number(case: Case, agent: User) -> None:
    assert contacts.reveal_phone(case, by=agent) == "13800138000"
    entry = AuditEntry.objects.get(action=Action.REVEAL_PHONE)
    assert (entry.user, entry.object_id, entry.data["purpose"]) == (agent, str(case.pk), "call")
    assert "13800138000" not in str(entry.data)
    assert EventKind.REVEAL in kinds(case)


def test_it_shows_the_number_to_nobody_else(case: Case, manager: User) -> None:
    with pytest.raises(InvalidTransition):
        contacts.reveal_phone(case, by=manager)
    assert not AuditEntry.objects.exists()


def test_it_shows_no_number_of_a_buyer_who_wants_no_calls(case: Case, agent: User) -> None:
    contacts.forbid_calls(case, by=agent)
    with pytest.raises(NotAllowed):
        contacts.reveal_phone(case, by=agent)


def test_it_stops_the_clock_of_first_contact_with_the_first_attempt(case: Case, agent: User) -> None:
    call = contacts.start_call(case, by=agent)
    case.refresh_from_db()
    assert call.is_running
    assert case.first_contact_at == call.started_at


def test_it_refuses_a_call_outside_the_hours(case: Case, agent: User) -> None:
    with time_machine.travel("2026-11-18T21:00:00+08:00"), pytest.raises(NotAllowed, match="11月19日"):
        contacts.start_call(case, by=agent)
    assert not CallLog.objects.exists()


def test_it_refuses_a_second_call_at_once(case: Case, agent: User) -> None:
    contacts.start_call(case, by=agent)
    with pytest.raises((StaleCase, NotAllowed)):
        contacts.start_call(case, by=agent)
    assert CallLog.objects.count() == 1


def test_it_refuses_the_attempt_that_is_one_too_many(shop: Shop, agent: User) -> None:
    case = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    for day in (15, 16, 17):
        at = datetime.fromisoformat(f"2026-11-{day}T10:00:00+08:00")
        CallLog.objects.create(case=case, agent=agent, started_at=at, ended_at=at, outcome="no_answer")
    with pytest.raises(NotAllowed, match=r"用完|次数"):
        contacts.start_call(case, by=agent)


def test_it_ticks_stages_only_while_the_call_runs(case: Case, agent: User) -> None:
    call = contacts.start_call(case, by=agent)
    contacts.tick_stage(call, Stage.APOLOGISE, by=agent)
    contacts.tick_stage(call, Stage.APOLOGISE_AGAIN, by=agent)
    contacts.tick_stage(call, Stage.ASK, by=agent)
    contacts.tick_stage(call, Stage.ASK, by=agent, done=False)
    assert (call.stages.count(), call.apologies) == (2, 2)
    contacts.end_call(call, CallOutcome.AGREED, by=agent)
    with pytest.raises(InvalidTransition):
        contacts.tick_stage(call, Stage.CLOSE, by=agent)


def test_it_keeps_notes_of_the_speaker_only(case: Case, agent: User, manager: User) -> None:
    call = contacts.start_call(case, by=agent)
    contacts.keep_notes(call, "漏水", by=agent)
    with pytest.raises(InvalidTransition):
        contacts.keep_notes(call, "别的", by=manager)
    assert CallLog.objects.get().notes == "漏水"


def test_it_ends_a_call_once(case: Case, agent: User) -> None:
    call = contacts.start_call(case, by=agent)
    contacts.end_call(call, CallOutcome.REACHED, by=agent, notes="再想想")
    with pytest.raises(StaleCase):
        contacts.end_call(call, CallOutcome.AGREED, by=agent)
    assert CallLog.objects.get().outcome == CallOutcome.REACHED


def test_it_brings_an_unanswered_case_back_at_the_next_permitted_hour(case: Case, agent: User) -> None:
    call = contacts.start_call(case, by=agent)
    contacts.end_call(call, CallOutcome.NO_ANSWER, by=agent)
    case.refresh_from_db()
    assert case.status == Status.WAITING
    assert case.wait_until == call.started_at + timedelta(hours=4)


def test_it_needs_an_hour_for_later(case: Case, agent: User) -> None:
    call = contacts.start_call(case, by=agent)
    with pytest.raises(NotAllowed):
        contacts.end_call(call, CallOutcome.LATER, by=agent)
    assert CallLog.objects.get().is_running


def test_it_leaves_the_call_running_when_the_promised_hour_is_refused(case: Case, agent: User) -> None:
    call = contacts.start_call(case, by=agent)
    with pytest.raises(NotAllowed):
        contacts.end_call(call, CallOutcome.LATER, by=agent, callback_at=hours(12))
    assert CallLog.objects.get().is_running
    assert not CallbackPromise.objects.exists()


def test_it_stops_calls_to_this_number_in_every_shop(
    case: Case, agent: User, other_shop: Shop, outsider: User
) -> None:
    elsewhere = make_case(other_shop, assignee=outsider, status=Status.IN_PROGRESS)
    call = contacts.start_call(case, by=agent)
    contacts.end_call(call, CallOutcome.DO_NOT_CALL, by=agent)
    assert DoNotCall.objects.count() == 1
    with pytest.raises(NotAllowed):
        contacts.start_call(elsewhere, by=outsider)
    with pytest.raises(NotAllowed):
        contacts.promise_callback(elsewhere, hours(2), by=outsider)


# --- promises -----------------------------------------------------------------------------------


def test_it_waits_for_the_promised_hour_and_keeps_the_promise_with_the_call(case: Case, agent: User) -> None:
    promise = contacts.promise_callback(case, hours(3), by=agent, note="下班后")
    case.refresh_from_db()
    assert (case.status, case.wait_until) == (Status.WAITING, promise.due_at)
    with time_machine.travel(promise.due_at, tick=True):
        case.take(agent)
        contacts.start_call(case, by=agent)
    promise.refresh_from_db()
    assert promise.kept_at is not None


def test_it_calls_back_as_promised_though_the_gap_is_short(case: Case, agent: User) -> None:
    call = contacts.start_call(case, by=agent)
    contacts.end_call(call, CallOutcome.LATER, by=agent, callback_at=hours(1))
    case.refresh_from_db()
    with time_machine.travel(hours(1), tick=True):
        case.take(agent)
        assert contacts.call_permission(case, timezone.now()).allowed


@pytest.mark.parametrize("ahead", [-1, 12, 24 * 15])
def test_it_refuses_an_hour_nobody_can_keep(case: Case, agent: User, ahead: float) -> None:
    with pytest.raises(NotAllowed):
        contacts.promise_callback(case, hours(ahead), by=agent)
    assert not CallbackPromise.objects.exists()


def test_a_promise_nobody_was_asked_for_lifts_no_limit(case: Case, agent: User) -> None:
    contacts.end_call(contacts.start_call(case, by=agent), "no_answer", by=agent)
    case.refresh_from_db()
    promise = contacts.promise_callback(case, hours(2), by=agent)
    with time_machine.travel(promise.due_at, tick=True):
        case.take(agent)
        with pytest.raises(NotAllowed):
            contacts.start_call(case, by=agent)


def test_a_second_promise_moves_the_first(case: Case, agent: User) -> None:
    older = contacts.promise_callback(case, hours(2), by=agent)
    newer = contacts.promise_callback(case, hours(3), by=agent)
    assert list(CallbackPromise.objects.pending()) == [newer]
    assert (newer.pk, newer.moves, newer.judged_at) == (older.pk, 1, newer.due_at)


def test_it_takes_a_promise_back_once_and_only_for_its_agent(case: Case, agent: User, manager: User) -> None:
    promise = contacts.promise_callback(case, hours(2), by=agent)
    with pytest.raises(InvalidTransition):
        contacts.cancel_promise(promise, by=manager)
    contacts.cancel_promise(promise, by=agent)
    case.refresh_from_db()
    assert case.status == Status.IN_PROGRESS
    with pytest.raises(StaleCase):
        contacts.cancel_promise(promise, by=agent)


def test_it_offers_only_hours_the_shop_calls_at(shop: Shop) -> None:
    def labels(at: str) -> list[str]:
        now = datetime.fromisoformat(at)
        found = quick_hours(
            now, zone=shop.zone, calling_from=shop.calling_from, calling_until=shop.calling_until
        )
        assert all(hour.at > now for hour in found)
        return [f"{hour.label} {hour.at:%H:%M}" for hour in found]

    tomorrow = ["明早 10:00", "明晚 19:00"]
    assert labels("2026-11-18T10:22:00+08:00") == ["一小时后 11:25", "今晚 19:00", *tomorrow]
    assert labels("2026-11-18T19:45:00+08:00") == tomorrow
    assert labels("2026-11-18T19:10:00+08:00") == ["一小时后 20:10", *tomorrow]


# --- whose case, and its cause ------------------------------------------------------------------


def test_it_moves_no_case_in_the_middle_of_a_call(case: Case, agent: User, manager: User) -> None:
    contacts.start_call(case, by=agent)
    with pytest.raises(NotAllowed):
        contacts.give_back(case, by=agent)
    with pytest.raises(NotAllowed):
        contacts.hand_over(case, manager, by=manager)
    assert Case.objects.get(pk=case.pk).assignee == agent


def test_it_lets_nobody_else_give_a_case_back(case: Case, shop: Shop, manager: User) -> None:
    with pytest.raises(InvalidTransition):
        contacts.give_back(case, by=make_user("colleague", shop=shop))
    contacts.give_back(case, by=manager)
    assert Case.objects.get(pk=case.pk).status == Status.NEW


def test_it_hands_a_promise_over_with_its_case(case: Case, shop: Shop, agent: User, manager: User) -> None:
    colleague = make_user("colleague", shop=shop)
    promise = contacts.promise_callback(case, hours(2), by=agent)
    contacts.hand_over(case, colleague, by=manager)
    assert list(promises.for_agent(colleague)) == [promise]
    assert not promises.for_agent(agent).exists()


def test_it_drafts_the_reply_anew_for_the_decided_cause(shop: Shop, agent: User) -> None:
    ReplyTemplate.objects.all().delete()
    ReplyTemplate.objects.create(name="破损", cause="product", text="破损的我们来补")
    ReplyTemplate.objects.create(name="尺码", cause="subjective", text="尺码可以换")
    case = make_case(shop, assignee=agent, status=Status.IN_PROGRESS, needs_decision=True)
    draft_reply(case.review, case)
    contacts.decide_cause(case, "size_fit", by=agent)
    assert PublicReply.objects.get().text == "尺码可以换"
    case.refresh_from_db()
    assert (case.cause, case.needs_decision, case.confidence) == ("subjective", False, 1.0)
    assert case.review.classifications.get().decided_by == agent


def test_it_leaves_the_cause_to_who_holds_the_case_or_manages(case: Case, shop: Shop, manager: User) -> None:
    with pytest.raises(InvalidTransition):
        contacts.decide_cause(case, "size_fit", by=make_user("colleague", shop=shop))
    contacts.decide_cause(case, "size_fit", by=manager)


# --- remedies, texts, the end -------------------------------------------------------------------


def test_it_keeps_a_record_of_a_text_the_law_forbids(case: Case, agent: User) -> None:
    PublicReply.objects.create(review=case.review, text="草稿")
    acts: tuple[Callable[[], object], ...] = (
        lambda: contacts.record_message(case, UNLAWFUL, by=agent),
        lambda: remedies.offer_remedy(case, "coupon", amount=Decimal(5), note=UNLAWFUL, by=agent),
        lambda: contacts.keep_reply(case, UNLAWFUL, by=agent),
        lambda: contacts.keep_reply(case, UNLAWFUL, by=agent, posted=True),
    )
    for number, act in enumerate(acts, 1):
        with pytest.raises(OffendingText):
            act()
        assert AuditEntry.objects.filter(action=Action.COMPLIANCE).count() == number
    assert PublicReply.objects.get().text == "草稿"
    assert not case.messages.exists()
    assert not case.remedies.exists()


def test_it_notes_a_sent_message_as_contact(case: Case, agent: User) -> None:
    contacts.record_message(case, "您好，破损的给您补发，运费我们出。", by=agent)
    case.refresh_from_db()
    assert case.first_contact_at is not None
    assert EventKind.MESSAGE in kinds(case)


def test_it_posts_a_reply_once(case: Case, agent: User) -> None:
    reply = contacts.keep_reply(case, "抱歉，破损的给您补发。", by=agent, posted=True)
    assert reply.posted_at is not None
    with pytest.raises(StaleCase):
        contacts.keep_reply(case, "别的", by=agent)


def test_it_names_what_stands_before_the_end(shop: Shop, agent: User) -> None:
    case = make_case(shop, assignee=agent, status=Status.IN_PROGRESS, needs_decision=True)
    contacts.start_call(case, by=agent)
    remedies.offer_remedy(case, "refund", amount=Decimal(999), reason="听买家描述", by=agent)
    assert len(contacts.obstacles_to_close(case, Outcome.SOLVED)) == 3
    assert len(contacts.obstacles_to_close(case, Outcome.MALICIOUS)) == 4
    with pytest.raises(NotAllowed):
        contacts.settle(case, Outcome.SOLVED, by=agent)


def test_it_closes_and_cancels_what_was_still_promised(case: Case, agent: User) -> None:
    contacts.promise_callback(case, hours(2), by=agent)
    case.take(agent)
    contacts.settle(case, Outcome.SOLVED, by=agent, note="补发")
    case.refresh_from_db()
    assert (case.status, case.outcome) == (Status.CLOSED, Outcome.SOLVED)
    assert not CallbackPromise.objects.pending().exists()
    with pytest.raises(InvalidTransition):
        contacts.settle(case, Outcome.SOLVED, by=agent)


def test_it_works_a_case_without_a_phone_by_chat(shop: Shop, agent: User) -> None:
    review = make_review(shop, order=make_order(shop, buyer_phone=""))
    case = make_case(shop, review=review, assignee=agent, status=Status.IN_PROGRESS)
    assert contacts.reveal_phone(case, by=agent) == ""
    contacts.record_message(case, "您好，请把照片发到这里，我来处理。", by=agent)
    contacts.settle(case, Outcome.SOLVED, by=agent)
    assert not AuditEntry.objects.filter(action=Action.REVEAL_PHONE).exists()


# --- two at once --------------------------------------------------------------------------------


def test_it_ends_a_call_once_though_two_read_it_running(case: Case, agent: User) -> None:
    call = contacts.start_call(case, by=agent)
    again = CallLog.objects.get(pk=call.pk)
    contacts.end_call(call, CallOutcome.REACHED, by=agent, notes="盖子裂了")
    with pytest.raises(StaleCase):
        contacts.end_call(again, CallOutcome.AGREED, by=agent)
    assert kinds(case).count(EventKind.CALL) == 1
    assert CallLog.objects.get().outcome == CallOutcome.REACHED


def test_a_late_autosave_leaves_the_final_notes_alone(case: Case, agent: User) -> None:
    call = contacts.start_call(case, by=agent)
    still_running = CallLog.objects.get(pk=call.pk)
    contacts.end_call(call, CallOutcome.REACHED, by=agent, notes="盖子裂了，要补发")
    with pytest.raises(StaleCase):
        contacts.keep_notes(still_running, "盖子裂", by=agent)
    assert CallLog.objects.get().notes == "盖子裂了，要补发"


def test_it_acts_on_the_case_as_it_stands_now(case: Case, agent: User, manager: User, shop: Shop) -> None:
    """The page was read before a manager handed the case over."""
    as_read = Case.objects.get(pk=case.pk)
    contacts.hand_over(case, make_user("zhao", shop=shop), by=manager)
    with pytest.raises(InvalidTransition):
        contacts.start_call(as_read, by=agent)
    with pytest.raises(InvalidTransition):
        remedies.offer_remedy(as_read, "resend", amount=Decimal(5), note="", reason="听买家描述", by=agent)
    assert not CallLog.objects.exists()


# --- the law, by other orders of acts ------------------------------------------------------------


def test_the_day_and_the_gap_are_the_buyers_not_the_cases(shop: Shop, case: Case, agent: User) -> None:
    call = contacts.start_call(case, by=agent)
    contacts.end_call(call, CallOutcome.REACHED, by=agent)
    other = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)  # another order, the same number
    with pytest.raises(NotAllowed):
        contacts.start_call(other, by=agent)


def test_a_plan_or_an_end_must_be_lawful_too_and_the_refusal_is_kept(case: Case, agent: User) -> None:
    acts: list[Callable[[], object]] = [
        lambda: contacts.settle(case, Outcome.SOLVED, by=agent, note=UNLAWFUL),
        lambda: contacts.promise_callback(case, hours(2), by=agent, note=UNLAWFUL),
    ]
    for act in acts:
        with pytest.raises(OffendingText):
            act()
    assert AuditEntry.objects.filter(action=Action.COMPLIANCE).count() == 2
    case.refresh_from_db()
    assert case.status == Status.IN_PROGRESS


def test_a_call_cannot_end_with_an_unlawful_promise(case: Case, agent: User) -> None:
    call = contacts.start_call(case, by=agent)
    with pytest.raises(OffendingText):
        contacts.end_call(call, CallOutcome.LATER, by=agent, callback_at=hours(2), callback_note=UNLAWFUL)
    assert CallLog.objects.get().is_running
    assert AuditEntry.objects.filter(action=Action.COMPLIANCE).exists()


def test_it_stops_who_looks_at_number_after_number(
    case: Case, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contacts, "REVEALS_AN_HOUR", 2)
    contacts.reveal_phone(case, by=agent)
    contacts.reveal_phone(case, by=agent)
    with pytest.raises(NotAllowed):
        contacts.reveal_phone(case, by=agent)


def test_a_wish_not_to_be_called_outlives_the_shop(case: Case, shop: Shop, other_shop: Shop) -> None:
    contacts.forbid_calls(case, by=case.assignee)  # type: ignore[arg-type]
    order = make_order(other_shop)
    shop.delete()
    assert DoNotCall.objects.forbids(order=order, buyer=order.buyer)
    assert AuditEntry.objects.filter(action=Action.DO_NOT_CALL).exists()
