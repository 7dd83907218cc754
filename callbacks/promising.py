"""A promised call-back: made, moved, taken back, taken over, kept; the text to the buyer goes along.

Each verb is one transaction: hour, agent, note and text stand together or not at all.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from callbacks.attempts import zones_of
from callbacks.calling_rules import window_closes_at, window_on
from callbacks.holding import NotAllowed, locked, noted
from callbacks.models import CallbackPromise, CallLog, DoNotCall, MessageKind
from callbacks.promise_texts import with_hour
from callbacks.texts import (
    channel_for,
    cleared_to_queue,
    follow_cancellation,
    follow_move,
    forget_texts,
    queue_text,
)
from reviews import clock
from reviews.models import Case, InvalidTransition, Role, StaleCase, Status, User
from reviews.models.cases import EventKind
from reviews.replies import draft_reply

LATEST_PROMISE = timedelta(days=14)
PROMISE_LEAD = timedelta(minutes=5)  # a promised call-back comes up this long before its hour
TO_THE_TEAM = timedelta(minutes=2)  # after its hour, when nobody has called, it comes up to everybody
TOLERANCE = timedelta(minutes=10)  # before or after its hour, within which a call keeps a promise


def promise_callback(
    case: Case, at: datetime, *, by: User, note: str = "", agent: User | None = None, text: str = ""
) -> CallbackPromise:
    """Promise a call-back for one hour: the case waits until then and comes up to `agent`, or to `by`.

    `text` confirms it to the buyer (`{hour}` stands for the hour) by the shop's gateway. A promise that is
    still open moves. Raises NotAllowed, InvalidTransition, OffendingText.
    """
    channel = channel_for(case) if text else None
    if text and channel is None:
        raise NotAllowed(_("No text can be sent to this buyer: copy it into the shop chat."))
    told = with_hour(text, at, case.shop)
    with noted(note, case=case, by=by), cleared_to_queue(case, told, channel, by=by):
        promise = make_promise(case, at, by=by, note=note, agent=agent, retold=bool(told))
        if told and channel:
            kind = MessageKind.CONFIRMED
            queue_text(case, told, kind=kind, channel=channel, by=by, promise=promise, hour=at)
    return promise


def make_promise(
    case: Case, at: datetime, *, by: User, note: str, agent: User | None = None, retold: bool = False
) -> CallbackPromise:
    """The promise itself, inside the caller's transaction. `retold`: a new text of the caller's says it."""
    if case.status not in (Status.IN_PROGRESS, Status.WAITING) or case.assignee_id != by.pk:
        raise InvalidTransition(_("Take the case first: only who works on it can promise a call-back."))
    check_hour(case, at)
    agent = _caller(case, agent or by)
    if pending := CallbackPromise.objects.filter(case=case).pending().select_for_update().first():
        return _move(pending, case, at, agent, by=by, note=note, at_buyers_wish=True, retold=retold)
    promise = CallbackPromise.objects.create(case=case, agent=agent, due_at=at, judged_at=at, note=note)
    case.set_waiting(at, by=by, reason="promise", to=agent)
    case.log(EventKind.PROMISE, by=by, due_at=at.isoformat(), note=note)
    draft_reply(case.review, case)
    return promise


def check_hour(case: Case, at: datetime) -> None:
    """Refuse an hour nobody may call at. Raises NotAllowed with the reason."""
    now = clock.now()
    if at <= now:
        raise NotAllowed(_("The promised hour is already over. Choose a later one."))
    if at > now + LATEST_PROMISE:
        raise NotAllowed(_("Promise a call-back within fourteen days."))
    check_window(at, case)
    if DoNotCall.objects.forbids(order=case.review.order, buyer=case.review.buyer):
        raise NotAllowed(_("This buyer asked not to be called."))


def check_window(at: datetime, case: Case) -> None:
    """Refuse an hour outside the calling hours of the shop or of where the buyer lives. Raises NotAllowed."""
    shop = case.shop
    window = window_on(at.astimezone(shop.zone).date(), shop.zone, shop.calling_from, shop.calling_until)
    if window is None:
        raise NotAllowed(_("The shop has no calling hours. A manager can set them."))
    if not window[0] <= at < window[1]:
        opens, closes = (timezone.localtime(edge, shop.zone) for edge in window)
        raise NotAllowed(
            _("The shop calls from %(from)s to %(until)s. Choose an hour in between.")
            % {"from": f"{opens:%H:%M}", "until": f"{closes:%H:%M}"}
        )
    opens_at, closes_at = shop.calling_from, shop.calling_until
    shut = (
        zone
        for zone in zones_of(case)
        if not window_closes_at(at, shop_zone=zone, calling_from=opens_at, calling_until=closes_at)
    )
    if zone := next(shut, None):
        raise NotAllowed(
            _("Where the buyer lives it is %(hour)s then: too early or too late for a call.")
            % {"hour": f"{at.astimezone(zone):%H:%M}"}
        )


def _caller(case: Case, agent: User) -> User:
    member = agent.memberships.filter(shop=case.shop_id, role__in=(Role.AGENT, Role.MANAGER)).exists()
    if agent.pk != case.assignee_id and not (member and agent.is_active):
        raise NotAllowed(_("%(name)s does not work for this shop.") % {"name": agent})
    return agent


def move_promise(
    promise: CallbackPromise,
    *,
    by: User | None,
    at: datetime | None = None,
    agent: User | None = None,
    note: str | None = None,
    at_buyers_wish: bool = False,
) -> CallbackPromise:
    """Move an open promise to another hour, another agent, or both; the case goes along.

    What the buyer was told follows: a queued text is replaced, one that has left is corrected. `by` is empty
    when the system moves (an agent is absent). Only a move at the buyer's wish, made before the hour, takes
    along the hour by which the promise counts as kept. Raises StaleCase, InvalidTransition, NotAllowed,
    OffendingText.
    """
    with noted(note or "", case=promise.case, by=by):
        case = locked(promise.case)
        found = CallbackPromise.objects.filter(pk=promise.pk).pending().select_for_update().first()
        if found is None:
            raise StaleCase(_("This call-back has already been made or cancelled."))
        if by and case.assignee_id != by.pk and not by.manages(case.shop_id):
            raise InvalidTransition(_("Take the case first: only who works on it can do this."))
        if CallLog.objects.filter(case=case, ended_at=None).exists():
            raise NotAllowed(_("A call is running: end it with an outcome first."))
        if at and at != found.due_at:
            check_hour(case, at)
        agent = _caller(case, agent or found.agent)
        wish = at_buyers_wish
        return _move(found, case, at or found.due_at, agent, by=by, note=note, at_buyers_wish=wish)


def _move(
    promise: CallbackPromise,
    case: Case,
    at: datetime,
    agent: User,
    *,
    by: User | None,
    note: str | None,
    at_buyers_wish: bool,
    retold: bool = False,
) -> CallbackPromise:
    before, now = promise.due_at, clock.now()
    promise.case, promise.agent, promise.due_at = case, agent, at
    if at_buyers_wish and now <= (promise.judged_at or before):
        promise.judged_at = at
    promise.note = promise.note if note is None else note
    promise.moves += 1
    promise.save(update_fields=["agent", "due_at", "judged_at", "note", "moves"])
    if case.status in (Status.IN_PROGRESS, Status.WAITING):
        case.set_waiting(at, by=by, reason="promise", to=agent)
    elif case.assignee_id != agent.pk:
        case.assign(agent, by=by, reason="promise")
    if at != before:
        case.log(EventKind.PROMISE, by=by, due_at=at.isoformat(), note=promise.note, moved=before.isoformat())
        draft_reply(case.review, case)
    if retold:
        forget_texts(promise, _("replaced"))
    else:
        follow_move(promise, by=by)
    return promise


@transaction.atomic
def cancel_promise(promise: CallbackPromise, *, by: User) -> None:
    """Take a promise back; the case is in progress again, and the buyer is told if they were told of it."""
    case = promise.case
    if case.assignee_id != by.pk:
        raise InvalidTransition(_("Take the case first: only who works on it can do this."))
    locked(case)
    if not drop_promise(case, by=by):
        raise StaleCase(_("This call-back has already been made or cancelled."))
    case.log(EventKind.PROMISE_CANCELLED, by=by, due_at=promise.due_at.isoformat())
    draft_reply(case.review, case)
    if case.status == Status.WAITING:
        case.take(by)


def drop_promise(case: Case, *, by: User | None, tell: bool = True) -> bool:
    """Cancel the open promise of a case, inside the caller's transaction; False: there is none."""
    promise = CallbackPromise.objects.filter(case=case).pending().select_for_update().first()
    if promise is None:
        return False
    CallbackPromise.objects.filter(pk=promise.pk).update(cancelled_at=clock.now())
    promise.case = case
    if tell:
        follow_cancellation(promise, by=by)
    else:
        forget_texts(promise, _("the buyer asked not to be called"))
    return True


def keep_promise(case: Case, now: datetime) -> None:
    """A call begins: it keeps a promise whose hour is near; one for a later hour stays promised."""
    for promise in (
        CallbackPromise.objects.filter(case=case).due(now + TOLERANCE).select_for_update(of=("self",))
    ):
        CallbackPromise.objects.filter(pk=promise.pk).update(kept_at=now)
        forget_texts(promise, _("the call was made"))


@transaction.atomic
def take_over(case: Case, *, by: User) -> None:
    """Anybody in the shop takes a promise over that nobody has acted on two minutes after its hour, or
    whose case nobody has."""
    case = locked(case)
    up_to = clock.now() + PROMISE_LEAD if case.assignee_id is None else clock.now() - TO_THE_TEAM
    late = CallbackPromise.objects.filter(case=case).due(up_to)
    pending = late.select_for_update().first()
    if pending is None:
        raise StaleCase(_("Somebody has already taken care of this call-back."))
    if CallLog.objects.filter(case=case, ended_at=None).exists():
        raise StaleCase(_("A call is already running in this case."))
    if case.status == Status.IN_PROGRESS and case.assignee_id != by.pk:
        raise StaleCase(_("%(name)s already has this case.") % {"name": case.assignee})
    if case.assignee_id != by.pk:
        case.assign(by, by=by, reason="promise")
    if case.status != Status.IN_PROGRESS:
        case.take(by)
    CallbackPromise.objects.filter(pk=pending.pk).update(agent=by)
