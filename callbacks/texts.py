"""Texts to buyers put into the queue, taken back, corrected. callbacks.sending lets them leave."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from callbacks.holding import NotAllowed, check_hold, locked
from callbacks.models import (
    CallbackPromise,
    CallLog,
    Channel,
    DoNotCall,
    MessageKind,
    MessageState,
    OutgoingMessage,
    ShopGateway,
)
from callbacks.models.calls import SPOKEN
from callbacks.models.messages import UNDER_WAY, OutgoingMessageQuerySet
from callbacks.phone_only import check_may_write
from callbacks.promise_texts import cancelled, confirmation, hour_words, moved, with_hour
from callbacks.tasks import wake_sender
from reviews import clock
from reviews.models import AuditEntry, Case, StaleCase, User
from reviews.models.audit import Action
from reviews.outgoing import OffendingText, cleared

HOLD = timedelta(seconds=15)  # in which a text can still be taken back
AGREED_WITHIN = timedelta(hours=24)  # after a call a text tells what was agreed in it
OUT = (MessageState.SENDING, MessageState.SENT, MessageState.DELIVERED)


def channel_for(case: Case) -> Channel | None:
    """By which gateway this buyer can be told something; None: by shop chat, carried by a person."""
    return channel_among(set(ShopGateway.objects.of(case.shop_id).values_list("channel", flat=True)), case)


def channel_among(ways: set[str], case: Case) -> Channel | None:
    """The same, the shop's channels being known."""
    order, buyer = case.review.order, case.review.buyer
    if Channel.SMS in ways and order and order.buyer_phone:
        return Channel.SMS
    return Channel.CHAT if Channel.CHAT in ways and buyer else None


def worded(text: str, gateway: ShopGateway | None) -> str:
    """The text as it leaves: with the shop's signature before it."""
    return f"【{gateway.signature}】{text}" if gateway and gateway.signature else text


def rule_kind(channel: Channel | str) -> str:
    """By which rules of compliance a text of this channel is judged."""
    return "sms" if channel == Channel.SMS else "chat"


@contextmanager
def cleared_to_queue(case: Case, text: str, channel: Channel | None, *, by: User | None) -> Iterator[None]:
    """A transaction in which a text may be queued, when there is one. Raises OffendingText."""
    with ExitStack() as stack:
        if text and channel:
            kind = rule_kind(channel)
            stack.enter_context(
                cleared(text, kind=kind, review=case.review, case=case, by=by, thing=case, leaves=False)
            )
        yield


def send_text(
    case: Case, text: str, *, by: User, channel: Channel | str = Channel.SMS, recipient: str = ""
) -> OutgoingMessage:
    """Queue a text the agent has written; for fifteen seconds it can be taken back.

    Raises NotAllowed without a gateway or recipient and after do-not-call, OffendingText.
    """
    channel = Channel(channel)
    check_text(case, channel, by=by, recipient=recipient)
    kind = kind_of(case, clock.now())
    with cleared_to_queue(case, text, channel, by=by):
        return queue_text(case, text, kind=kind, channel=channel, by=by, recipient=recipient)


def check_text(case: Case, channel: Channel, *, by: User, recipient: str = "") -> None:
    """Raise what forbids to send this buyer a text, whatever it says."""
    check_hold(case, by)
    order = case.review.order
    if not ShopGateway.objects.of(case.shop_id).filter(channel=channel).exists():
        raise NotAllowed(_("This shop has no gateway for such texts. Use the shop chat."))
    if channel == Channel.SMS and not (order and order.buyer_phone):
        raise NotAllowed(_("No phone number: reach the buyer by shop chat."))
    if channel == Channel.EMAIL and not recipient:
        raise NotAllowed(_("Name the buyer's e-mail address."))
    now = clock.now()
    check_may_write(case, now)
    kind = kind_of(case, now)
    if kind != MessageKind.AGREED and DoNotCall.objects.forbids(order=order, buyer=case.review.buyer):
        raise NotAllowed(_("This buyer asked not to be contacted."))


def kind_of(case: Case, now: datetime) -> MessageKind:
    """A text within a day of a call tells what was agreed in it, once; any other is a message."""
    spoken = CallLog.objects.filter(case=case, outcome__in=SPOKEN, ended_at__gt=now - AGREED_WITHIN)
    told = OutgoingMessage.objects.filter(case=case, kind=MessageKind.AGREED)
    told = told.exclude(state__in=[MessageState.FAILED, MessageState.CANCELLED])
    return MessageKind.AGREED if spoken.exists() and not told.exists() else MessageKind.OTHER


def queue_text(
    case: Case,
    text: str,
    *,
    kind: MessageKind,
    channel: Channel,
    by: User | None,
    recipient: str = "",
    promise: CallbackPromise | None = None,
    hour: datetime | None = None,
) -> OutgoingMessage:
    """Put a text that was cleared into the queue. Belongs in the transaction of what it tells about."""
    now = clock.now()
    message = OutgoingMessage.objects.create(
        case=case,
        promise=promise,
        kind=kind,
        channel=channel,
        text=text,
        recipient=recipient,
        queued_by=by,
        queued_at=now,
        next_attempt_at=now + HOLD,
        hour=hour,
    )
    return message  # beat asks every three seconds


@transaction.atomic
def take_back(message: OutgoingMessage, *, by: User) -> None:
    """Cancel a text the provider has not got yet."""
    locked(message.case)
    if message.queued_by_id != by.pk and not by.manages(message.case.shop_id):
        raise NotAllowed(_("Only who wrote this text can take it back."))
    if not _cancel(OutgoingMessage.objects.filter(pk=message.pk), _("taken back")):
        raise StaleCase(_("This text has already left."))
    message.refresh_from_db()


def _cancel(messages: OutgoingMessageQuerySet, reason: str) -> int:
    return messages.not_handed_over().update(
        state=MessageState.CANCELLED, settled_at=clock.now(), recipient="", reason=reason, parked_at=None
    )


# --- a promise and its texts ----------------------------------------------------------------------


def follow_move(promise: CallbackPromise, *, by: User | None) -> None:
    """Bring the buyer's knowledge in line with the promised hour: a text still queued is replaced, one that
    has left is followed by a correction. In the transaction of the move, the case being locked."""
    queued = (
        promise.texts.not_handed_over().filter(kind__in=(MessageKind.CONFIRMED, MessageKind.MOVED)).last()
    )
    _cancel(promise.texts.all(), _("replaced"))
    known = _last_told(promise)
    if known and known.hour:
        if known.hour != promise.due_at:
            text = moved(promise.case, promise.agent, known.hour, promise.due_at)
            _follow(promise, text, MessageKind.MOVED, Channel(known.channel), by=by)
    elif queued and queued.hour:
        shop = promise.case.shop
        text = queued.text.replace(hour_words(queued.hour, shop), hour_words(promise.due_at, shop))
        _follow(promise, text, MessageKind.CONFIRMED, Channel(queued.channel), by=by)


def follow_cancellation(promise: CallbackPromise, *, by: User | None) -> None:
    """The call-back is off: a text still queued goes with it, one that has left is taken back by another."""
    _cancel(promise.texts.all(), _("the call-back was cancelled"))
    known = _last_told(promise)
    if known and known.hour and known.kind != MessageKind.CANCELLED and known.hour > clock.now():
        text = cancelled(promise.case, promise.agent, known.hour)
        _follow(promise, text, MessageKind.CANCELLED, Channel(known.channel), by=by, hour=known.hour)


def follow_restoration(promise: CallbackPromise, *, by: User | None) -> None:
    """The call-back is on again: who was told of it and may think it cancelled is told once more."""
    was_told = promise.texts.exclude(kind=MessageKind.CANCELLED).order_by("pk").last()
    _cancel(promise.texts.all(), _("replaced"))
    known = _last_told(promise)
    stands = known and known.kind != MessageKind.CANCELLED and known.hour == promise.due_at
    if was_told and not stands and promise.due_at > clock.now():
        case, agent = promise.case, promise.agent
        text = with_hour(confirmation(case, agent), promise.due_at, case.shop)
        _follow(promise, text, MessageKind.CONFIRMED, Channel(was_told.channel), by=by)


def forget_texts(promise: CallbackPromise, reason: str) -> None:
    """Cancel what has not left, without another word to the buyer."""
    _cancel(promise.texts.all(), reason)


def _last_told(promise: CallbackPromise) -> OutgoingMessage | None:
    """The last text of the promise the buyer has, or may have."""
    return promise.texts.filter(state__in=OUT, handed_at__isnull=False).order_by("pk").last()


def _follow(
    promise: CallbackPromise,
    text: str,
    kind: MessageKind,
    channel: Channel,
    *,
    by: User | None,
    hour: datetime | None = None,
) -> None:
    """Queue what follows by itself. Refused words stay on record; the act they tell of stands anyway."""
    case = promise.case
    if not text:
        return
    with suppress(OffendingText), cleared_to_queue(case, text, channel, by=by):
        queue_text(
            case, text, kind=kind, channel=channel, by=by, promise=promise, hour=hour or promise.due_at
        )


# --- messages a manager looks after -----------------------------------------------------------------


def retry(message: OutgoingMessage) -> None:
    """Let a parked text be tried again, with the same key."""
    now = clock.now()
    parked = OutgoingMessage.objects.parked().filter(pk=message.pk)
    if not parked.update(parked_at=None, attempts=0, next_attempt_at=now, token=None):
        raise StaleCase(_("Somebody has already decided about this text."))
    transaction.on_commit(wake_sender)


@transaction.atomic
def give_up(message: OutgoingMessage, *, by: User) -> None:
    """Let a parked text be; what the provider may have stays unknown."""
    if not message.settle(MessageState.FAILED, was=UNDER_WAY, parked_at=None):
        raise StaleCase(_("Somebody has already decided about this text."))
    AuditEntry.note(Action.TEXT_SENT, message, user=by, shop=message.case.shop, outcome="given_up")
