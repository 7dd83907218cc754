"""Where call, case, promise, remedy and message meet. Verbs only; each is one transaction."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from callbacks.attempts import Attempts, attempts_of, hold_number, zones_of
from callbacks.calling_rules import CallPermission, Reason, may_call
from callbacks.holding import (
    NotAllowed,
    check_hold,
    has_promise,
    is_on_the_phone,
    locked,
    noted,
    waits_for_approval,
)
from callbacks.models import (
    Act,
    ActKind,
    Answer,
    BuyerAnswer,
    BuyerMessage,
    CallbackPromise,
    CallLog,
    CallOutcome,
    DoNotCall,
    Stage,
    StageReached,
)
from callbacks.models.calls import SPOKEN
from callbacks.phone_only import check_may_write
from callbacks.promising import LATEST_PROMISE, PROMISE_LEAD, check_window, drop_promise, keep_promise
from callbacks.promising import cancel_promise as cancel_promise
from callbacks.promising import promise_callback as promise_callback
from callbacks.script import review_words
from callbacks.script_spots import answers_at
from callbacks.undoing import remembered
from reviews import clock, colliding, replies
from reviews.complaints import follow_cause
from reviews.models import (
    AuditEntry,
    Case,
    InvalidTransition,
    Outcome,
    PublicReply,
    StaleCase,
    Status,
    User,
)
from reviews.models.audit import Action
from reviews.models.cases import EventKind
from reviews.models.replies import ReplyStatus
from reviews.outgoing import cleared
from reviews.posting import mark_reply_posted
from reviews.replies import draft_reply
from reviews.templatetags.ui import zdate

REVEALS_AN_HOUR = 60  # numbers one person may look at; nobody makes more calls, a leak does


def call_permission(case: Case, now: datetime, attempts: Attempts | None = None) -> CallPermission:
    """Whether this buyer may be called now; if not, why and from when.

    A call-back the buyer asked for (somebody spoke with them) is no further attempt: gap and caps do not
    count for it, the hours and do-not-call do.
    """
    shop, review, attempts = case.shop, case.review, attempts or attempts_of(case)
    due = CallbackPromise.objects.filter(case=case).due(now + PROMISE_LEAD)
    promised = getattr(case, "has_pending_promise", True) and due.exists()
    promised = promised and CallLog.objects.filter(case=case, outcome__in=SPOKEN).exists()
    return may_call(
        now=now,
        shop_zone=shop.zone,
        calling_from=shop.calling_from,
        calling_until=shop.calling_until,
        attempts=[] if promised else attempts.in_case,
        elsewhere=[] if promised else attempts.in_shop,
        other_shops=[] if promised else attempts.in_other_shops,
        attempts_per_day=shop.attempts_per_day,
        attempts_per_case=shop.attempts_per_case,
        hours_between=shop.hours_between_attempts,
        do_not_call=DoNotCall.objects.forbids(order=review.order, buyer=review.buyer),
        buyer_zones=zones_of(case),
    )


def words_of(permission: CallPermission, case: Case) -> str:
    """Why no call is permitted and from when one is; empty when it is."""
    if permission.reason is None:
        return ""
    if permission.next_at is None:
        if permission.reason in (Reason.OUTSIDE_HOURS, Reason.BUYER_HOURS) and zones_of(case):
            return _("No hour is permitted both in the shop and where the buyer lives: write by shop chat.")
        return str(permission.reason.label)
    at = zdate(permission.next_at, case.shop)
    return _("%(reason)s. The next permitted time is %(at)s.") % {"reason": permission.reason.label, "at": at}


class StaleNotes(StaleCase):
    """The notes were saved by another page meanwhile; `call` has them as they stand."""

    def __init__(self, call: CallLog) -> None:
        self.call = call
        super().__init__(
            _("The notes were changed in another window. Saved there: “%(notes)s”. Yours are kept below.")
            % {"notes": call.notes}
        )


# --- the call ----------------------------------------------------------------------------------


def reveal_phone(case: Case, *, by: User) -> str:
    """The buyer's full number, for a call that is permitted now or runs; every look is recorded.

    Empty if there is none. Outside the hours nobody needs it: with it any telephone could call.
    """
    check_hold(case, by)
    order = case.review.order
    if order is None or not order.buyer_phone:
        return ""
    if DoNotCall.objects.forbids(order=order, buyer=case.review.buyer):
        raise NotAllowed(_("This buyer asked not to be called."))
    if not CallLog.objects.filter(case=case, ended_at=None, agent=by).exists():
        _check_permitted(case)
    _check_reveals(by)
    with transaction.atomic():
        AuditEntry.note(
            Action.REVEAL_PHONE, case, user=by, shop=case.shop, purpose="call", order=order.order_no
        )
        case.log(EventKind.REVEAL, by=by)
    return str(order.buyer_phone)


def _check_permitted(case: Case) -> None:
    permission = call_permission(case, clock.now())
    if not permission.allowed:
        raise NotAllowed(words_of(permission, case))


def _check_reveals(user: User) -> None:
    looks = AuditEntry.objects.filter(user=user, action=Action.REVEAL_PHONE)
    if looks.filter(at__gt=clock.now() - timedelta(hours=1)).count() >= REVEALS_AN_HOUR:
        raise NotAllowed(_("You have looked at very many numbers. Go on in an hour, or ask your manager."))


@transaction.atomic
def start_call(case: Case, *, by: User) -> CallLog:
    """Begin a call attempt: the clock of first contact stops, a promise whose hour is near is kept."""
    check_hold(locked(case), by)
    order, now = case.review.order, clock.now()
    hold_number(order)
    _check_permitted(case)
    if CallLog.objects.filter(case=case, ended_at=None).exists():
        raise StaleCase(_("A call is already running in this case."))
    keep_promise(case, now)
    case.note_contact(now)
    number = order.phone_index if order else ""
    return CallLog.objects.create(case=case, agent=by, started_at=now, phone_index=number)


def _check_speaking(call: CallLog, by: User, words: str) -> None:
    """Only who makes the call writes in it, and only while it runs."""
    if not call.is_running or call.agent_id != by.pk:
        raise InvalidTransition(words)


def tick_stage(call: CallLog, stage: Stage | str, *, by: User, done: bool = True) -> None:
    """Tick a stage of the running call, or take the tick back."""
    _check_speaking(call, by, _("The call is over; its stages can no longer be ticked."))
    if done:
        StageReached.objects.get_or_create(call=call, stage=Stage(stage), defaults={"at": clock.now()})
    else:
        StageReached.objects.filter(call=call, stage=Stage(stage)).delete()


def tick_rest(call: CallLog, *, by: User) -> None:
    """Tick every stage that is not ticked yet: who knows the script by heart says so at its end."""
    _check_speaking(call, by, _("The call is over; its stages can no longer be ticked."))
    now = clock.now()
    rows = [StageReached(call=call, stage=stage, at=now) for stage in Stage]
    StageReached.objects.bulk_create(rows, ignore_conflicts=True)


def answer_stage(call: CallLog, stage: Stage | str, answer: Answer | str, *, by: User) -> None:
    """Note how the buyer answered in a stage; the same answer again takes it back."""
    _check_speaking(call, by, _("The call is over; the buyer's answers can no longer be noted."))
    stage, answer = Stage(stage), Answer(answer)
    if answer not in answers_at(stage):
        raise NotAllowed(
            _("In the stage “%(stage)s” there is no answer “%(answer)s”.")
            % {"stage": stage.label, "answer": answer.label}
        )
    given = BuyerAnswer.objects.filter(call=call, stage=stage)
    if not given.filter(answer=answer).delete()[0]:
        BuyerAnswer.objects.update_or_create(
            call=call, stage=stage, defaults={"answer": answer, "at": clock.now()}
        )


def keep_notes(call: CallLog, notes: str, *, by: User, base: int | None = None, draft: str = "") -> int:
    """Save the notes while the call runs, so that a closed tab loses nothing; which saving it was.

    `base` is the saving the text grew from, `draft` the page and the number of its draft ("token:7"). Raises
    StaleNotes when another page saved something else since.
    """
    _check_speaking(call, by, _("The call is over; its notes can no longer be changed."))
    # Only while it runs: a late autosave must not undo the notes the call was ended with.
    running = CallLog.objects.filter(_grown_from(call, notes, base, draft), pk=call.pk, ended_at=None)
    saved = running.update(notes=notes, notes_saved=F("notes_saved") + 1, notes_draft=draft)
    call.refresh_from_db(fields=["notes", "notes_saved", "ended_at"])
    if not saved:
        _refuse_notes(call)
    return call.notes_saved


def _grown_from(call: CallLog, notes: str, base: int | None, draft: str) -> Q:
    """The row as the writer of these notes knew it; without `base` any."""
    if base is None:
        return Q()
    known = Q(notes_saved=base) | Q(notes=notes)
    token, _colon, number = draft.partition(":")
    last_token, _colon, last_number = call.notes_draft.partition(":")
    if token and token == last_token and int(number or 0) > int(last_number or 0):
        known |= Q(notes_draft=call.notes_draft)
    return known


def _refuse_notes(call: CallLog) -> None:
    if call.is_running:
        raise StaleNotes(call)
    raise StaleCase(_("This call has already been ended."))


def end_call(
    call: CallLog,
    outcome: CallOutcome | str,
    *,
    by: User,
    notes: str = "",
    notes_base: int | None = None,
    notes_draft: str = "",
    callback_at: datetime | None = None,
    callback_note: str = "",
    callback_agent: User | None = None,
    callback_text: str = "",
) -> CallLog:
    """End the call with its outcome and do what follows from it.

    later → the promised hour is required, `callback_text` confirms it to the buyer; no answer → the case
    comes back at the next permitted hour; do not call → holds at once in every shop. `notes_base` and
    `notes_draft` as in `keep_notes`.
    """
    case, outcome = call.case, CallOutcome(outcome)
    if not call.is_running or call.agent_id != by.pk:
        raise StaleCase(_("This call has already been ended."))
    if outcome == CallOutcome.LATER and callback_at is None:
        raise NotAllowed(_("Name the hour of the promised call-back."))
    with noted(f"{notes}\n{callback_note}", case=case, by=by):
        _end(call, outcome, _grown_from(call, notes, notes_base, notes_draft), by=by, notes=notes)
        if outcome == CallOutcome.LATER and callback_at:
            promise_callback(
                case, callback_at, by=by, note=callback_note, agent=callback_agent, text=callback_text
            )
    return call


def end_call_for(call: CallLog, outcome: CallOutcome | str, *, by: User, reason: str) -> CallLog:
    """A manager ends the call of an agent who is gone, and says why. The agent's notes stay as they are."""
    case = call.case
    if not by.manages(case.shop_id):
        raise InvalidTransition(_("Only a manager of the shop ends somebody else's call."))
    with noted(reason, case=case, by=by):
        _end(call, CallOutcome(outcome), Q(), by=by, notes=call.notes, reason=reason, agent=call.agent_id)
    return call


def _end(call: CallLog, outcome: CallOutcome, known: Q, *, by: User, notes: str, **more: object) -> None:
    case, now = call.case, clock.now()
    ended_at = call.hung_up_at or now
    running = CallLog.objects.filter(known, pk=call.pk, ended_at=None)
    if not running.update(outcome=outcome, ended_at=ended_at, notes=notes):
        call.refresh_from_db(fields=["notes", "notes_saved", "ended_at"])
        _refuse_notes(call)
    call.outcome, call.ended_at, call.notes = outcome, ended_at, notes
    # A stage in which the buyer answered was reached, ticked or not.
    answered = [StageReached(call=call, stage=one.stage, at=one.at) for one in call.answers.all()]
    StageReached.objects.bulk_create(answered, ignore_conflicts=True)
    if outcome in SPOKEN:
        case.note_reached(now)
    case.log(
        EventKind.CALL,
        by=by,
        call=call.pk,
        outcome=outcome.value,
        notes=notes,
        apologies=call.apologies,
        **more,
    )
    draft_reply(case.review, case)
    if outcome == CallOutcome.NO_ANSWER:
        _wait_for_next_try(case, by=by, now=now)
    elif outcome == CallOutcome.DO_NOT_CALL:
        forbid_calls(case, by=by)


def _wait_for_next_try(case: Case, *, by: User, now: datetime) -> None:
    """Nobody answered: up again at the next permitted hour; with no try left the agent decides."""
    permission = call_permission(case, now)
    if permission.next_at and permission.next_at > now:
        case.set_waiting(permission.next_at, by=by, reason="no_answer")


@transaction.atomic
def forbid_calls(case: Case, *, by: User) -> None:
    """The buyer wants no calls: from this second on nobody in any shop calls this number."""
    order, buyer = case.review.order, case.review.buyer
    hold_number(order)
    number = order.phone_index if order else ""
    DoNotCall.objects.create(phone_index=number, buyer=buyer, case=case, by=by)
    theirs = Q(case=case) | Q(case__review__order__phone_index=number) if number else Q(case=case)
    for promise in CallbackPromise.objects.pending().filter(theirs).select_related("case__shop"):
        if drop_promise(promise.case, by=by, tell=False):
            due = promise.due_at.isoformat()
            promise.case.log(EventKind.PROMISE_CANCELLED, due_at=due, reason="do_not_call")
    AuditEntry.note(Action.DO_NOT_CALL, case, user=by, shop=case.shop)


# --- whose case it is, and what it is about -----------------------------------------------------


def give_back(case: Case, *, by: User) -> Act:
    """Put the case back for anybody to take; a promise in it stays and comes up to who takes it."""
    with remembered(case, ActKind.RELEASE, by=by) as act:
        check_give_back(case, by=by)
        case.release(by=by)
    return act


def check_give_back(case: Case, *, by: User) -> None:
    """Raise what forbids to give the case back."""
    _check_no_call(case)
    if case.assignee_id != by.pk and not by.manages(case.shop_id):
        raise InvalidTransition(_("This case is not yours to give back."))
    case.check_allows("release")


def hand_over(case: Case, to: User, *, by: User) -> Act:
    """A manager gives the case to another agent; a promise in it goes along."""
    with remembered(case, ActKind.ASSIGN, by=by) as act:
        check_hand_over(case, to, by=by)
        case.assign(to, by=by)
    return act


def check_hand_over(case: Case, to: User, *, by: User) -> None:
    """Raise what forbids to give the case to this person."""
    _check_no_call(case)
    if not by.manages(case.shop_id):
        raise NotAllowed(_("Only a manager of the shop hands its cases over."))
    if not to.is_active or not to.is_member_of(case.shop_id):
        raise NotAllowed(_("%(name)s does not work in %(shop)s.") % {"name": to, "shop": case.shop})
    case.check_allows("assign")


def _check_no_call(case: Case) -> None:
    if is_on_the_phone(case):
        raise NotAllowed(_("A call is running: end it with an outcome first."))


def wait(case: Case, until: datetime, *, by: User, note: str = "") -> Act:
    """Leave the queue and come up again at `until`, to the same agent; nothing is promised to the buyer."""
    with noted(note, case=case, by=by), remembered(case, ActKind.WAIT, by=by) as act:
        check_wait(case, until, by=by)
        if case.status == Status.ASSIGNED:
            case.take(by)
        case.set_waiting(until, by=by, reason="later")
        if note:
            case.log(EventKind.NOTE, by=by, note=note)
    return act


def check_wait(case: Case, until: datetime, *, by: User) -> None:
    """Raise what forbids to put the case off until this hour."""
    _check_no_call(case)
    if case.assignee_id != by.pk or not case.is_open:
        raise InvalidTransition(_("Take the case first: only who works on it can do this."))
    if has_promise(case):
        raise NotAllowed(_("A call-back is promised for an hour of its own: move or cancel that first."))
    now = clock.now()
    if not now < until <= now + LATEST_PROMISE:
        raise NotAllowed(_("Choose an hour within the next fourteen days."))
    check_window(until, case)


def add_note(case: Case, note: str, *, by: User) -> Act:
    """Keep a note in the case's timeline: facts, which the buyer may ask to read."""
    with noted(note, case=case, by=by), remembered(case, ActKind.NOTE, by=by) as act:
        check_note(case, by=by)
        case.log(EventKind.NOTE, by=by, note=note)
    return act


def check_note(case: Case, *, by: User) -> None:
    """Raise what forbids to note something in the case."""
    if not case.is_open:
        raise InvalidTransition(_("The case is closed: its page is for reading."))
    if case.assignee_id not in (None, by.pk) and not by.manages(case.shop_id):
        raise InvalidTransition(_("%(name)s works on this case.") % {"name": case.assignee})


def decide_cause(case: Case, sub_cause: str, *, by: User) -> Act:
    """A person decides the cause; the public reply nobody has touched yet is drafted anew for it."""
    with remembered(case, ActKind.CAUSE, by=by) as act:
        check_decide_cause(case, by=by)
        made = case.correct_cause(sub_cause, by=by)
        act.also["classification"] = made.pk
        follow_cause(case, by=by)
        draft_reply(case.review, case)
    return act


def check_decide_cause(case: Case, *, by: User) -> None:
    """Raise what forbids to decide the case's cause."""
    if case.assignee_id != by.pk and not by.manages(case.shop_id):
        raise InvalidTransition(_("Take the case first: only who works on it can decide its cause."))


def keep_reply(
    case: Case, text: str, *, by: User, posted: bool = False, hand_in: bool = False, mark: str = ""
) -> PublicReply:
    """Keep the wording of the public reply; `posted`: this very text now stands on the platform; `hand_in`:
    a manager is to approve it. `mark` is that of the text the form was opened with.

    Raises OffendingText when the law or the platform forbids the text, Collision when somebody else has
    changed it meanwhile.
    """
    replies_there = PublicReply.objects.select_related("review__shop", "edited_by")
    reply, _created = replies_there.get_or_create(review=case.review, defaults={"text": ""})
    if posted and reply.status == ReplyStatus.POSTED and reply.text == text:
        return reply  # said twice, it counts once
    if not by.manages(case.shop_id):
        check_hold(case, by)
    if reply.status == ReplyStatus.POSTED:
        raise StaleCase(_("The public reply has already been posted."))
    if reply.edited_by_id:  # what the program drafted anew is nobody's work
        colliding.check(mark, reply.text, text, who=reply.edited_by, at=reply.updated_at)
    if posted:
        mark_reply_posted(reply, text, by=by, case=case)
    elif hand_in:
        replies.hand_in(reply, text, by=by, case=case)
    else:
        replies.save_reply(reply, text, by=by, case=case)
    return reply


def record_message(case: Case, text: str, *, by: User) -> BuyerMessage:
    """Record the text the agent has sent by shop chat; refused if the law forbids it, and in weeks of
    telephone only (NotAllowed)."""
    check_hold(case, by)
    now = clock.now()
    check_may_write(case, now)
    with cleared(text, kind="chat", review=case.review, case=case, by=by, thing=case):
        message = BuyerMessage.objects.create(case=case, text=text, sent_by=by, sent_at=now)
        case.note_contact(now)
        case.log(EventKind.MESSAGE, by=by, text=text)
    return message


def tell_of_review(case: Case, *, by: User) -> None:
    """The agent tells the buyer that the review is theirs to update: from now on no compensation for 30 days.

    The words are those of the script. Raises OffendingText where a compensation stands, NotAllowed where the
    script has no such words or the shop's policy forbids them.
    """
    check_hold(case, by)
    words = review_words(case, by)
    if not words:
        raise NotAllowed(_("The script of this case says nothing about changing the review."))
    with cleared(words, kind="script", review=case.review, case=case, by=by, thing=case):
        case.log(EventKind.REVIEW_WORDS, by=by, text=words)


# --- the end -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a case cannot be closed yet, in words."""

    words: str


def obstacles_to_close(case: Case, outcome: str) -> list[Obstacle]:
    """What still stands between the case and this outcome."""
    found = []
    if is_on_the_phone(case):
        found.append(Obstacle(_("A call is running: end it with an outcome first.")))
    if case.needs_decision:
        found.append(Obstacle(_("The cause is not sure: decide it first.")))
    if outcome == Outcome.MALICIOUS and case.cause != "malicious":
        found.append(Obstacle(_("Closing as malicious needs the cause “malicious”, confirmed by a person.")))
    if waits_for_approval(case):
        found.append(Obstacle(_("A remedy waits for a manager's approval.")))
    return found


def settle(case: Case, outcome: Outcome | str, *, by: User, note: str = "", begin: bool = False) -> Act:
    """Close the case with its outcome. A promise still open is cancelled with it.

    With `begin` a case that nobody else has is taken first, as for many cases at once.
    """
    check_hold_to_settle(case, by=by, begin=begin)
    with noted(note, case=case, by=by), remembered(case, ActKind.CLOSE, by=by) as act:
        check_settle(case, outcome, by=by, begin=begin)
        if case.status != Status.IN_PROGRESS:
            case.take(by)
        drop_promise(case, by=by)
        case.close(outcome, by=by, note=note)
    return act


def check_hold_to_settle(case: Case, *, by: User, begin: bool = False) -> None:
    """Raise when the case is not this person's to close."""
    may_begin = begin and case.is_open and case.assignee_id in (None, by.pk)
    if not may_begin and (case.status != Status.IN_PROGRESS or case.assignee_id != by.pk):
        raise InvalidTransition(_("Take the case first: only who works on it can close it."))


def check_settle(case: Case, outcome: Outcome | str, *, by: User, begin: bool = False) -> None:
    """Raise what forbids to close the case with this outcome."""
    check_hold_to_settle(case, by=by, begin=begin)
    if obstacles := obstacles_to_close(case, str(outcome)):
        raise NotAllowed(" ".join(one.words for one in obstacles))


def reopen(case: Case, *, by: User, reason: str = "") -> None:
    """Bring a closed case back; the reason is a note like any other."""
    with noted(reason, case=case, by=by):
        case.reopen(by=by, reason=reason)
