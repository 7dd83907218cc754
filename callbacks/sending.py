"""How queued texts leave: claimed, judged once more, marked as handed over, given to the provider, settled.

Nothing is sent twice. Before the provider is asked the row says that it may have the text; whatever happens
to the process then, the next one asks the provider about the key, or hands over the very same key again.
"""

import logging
from collections import Counter
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from callbacks.gateways import Answer, Gateway, Parcel, gateway_for
from callbacks.models import (
    CallLog,
    Channel,
    DoNotCall,
    MessageKind,
    MessageState,
    OutgoingMessage,
    ShopGateway,
)
from callbacks.models.calls import SPOKEN
from callbacks.models.messages import ATTEMPTS, OF_A_PROMISE
from callbacks.texting_rules import TextPermission, may_text
from callbacks.texts import rule_kind, worded
from reviews import clock
from reviews.models.cases import EventKind
from reviews.outgoing import OffendingText, cleared

log = logging.getLogger(__name__)

BATCH = 20
SILENT_AFTER = 2  # tries in a row without an answer: one may be lost, two are a provider that is away
BEHIND_A_DEAD_ONE = timedelta(seconds=5)  # pause of further texts while their provider is away
FIRST_ASK = timedelta(minutes=1)  # after sending; then after twice the time each
LAST_ASK = timedelta(hours=48)


class _NotOurs(Exception):
    """Somebody else has the message by now."""


def send_due(limit: int = BATCH) -> int:
    """Let up to `limit` due texts leave; how many were looked after."""
    messages = OutgoingMessage.objects.claim(limit, clock.now())
    shops = {message.case.shop_id for message in messages}
    rows = {(row.shop_id, row.channel): row for row in ShopGateway.objects.filter(shop__in=shops)}
    unanswered: Counter[int] = Counter()  # by gateway, in a row
    for message in messages:
        row = rows.get((message.case.shop_id, message.channel))
        if row is None or not row.is_active:
            _fail(message, _("the shop has no gateway for such texts"))
        elif unanswered[row.pk] >= SILENT_AFTER:
            message.put_back(clock.now() + BEHIND_A_DEAD_ONE, message.reason)
        elif _send(message, row, gateway_for(row)):
            unanswered[row.pk] = 0
        else:
            unanswered[row.pk] += 1
    return len(messages)


def _send(message: OutgoingMessage, row: ShopGateway, gateway: Gateway) -> bool:
    """Bring one claimed text a step on; False when its provider does not answer."""
    handed_before, now = message.handed_at, clock.now()
    if message.attempts >= ATTEMPTS:  # its worker was lost each time: nobody was left to note the failure
        message.try_again(_("the worker was lost each time it sent this text"), now, handed_at=handed_before)
        return True
    if handed_before and gateway.can_ask:
        answer = gateway.ask(str(message.key))
        if answer.state != "unheard":
            message.count_try()
            return _keep(message, row, answer, handed_before)
    if not handed_before and _is_held_up(message, now):
        return True
    recipient = message.recipient or _recipient(message)
    if not recipient:
        _fail(message, _("there is no number to send it to"))
        return True
    if not _hand_over(message):
        return True
    text, sender = worded(message.text, row), row.signature or message.case.shop.name
    parcel = Parcel(str(message.key), message.channel, recipient, text, sender)
    return _keep(message, row, gateway.send(parcel), handed_before)


def _is_held_up(message: OutgoingMessage, now: datetime) -> bool:
    """Leave it for a permitted hour, or drop what is no longer true or wanted."""
    if message.hour and message.hour <= now:
        return _drop(message, _("its hour had come before it could leave"))
    permission = permission_for(message, now)
    if permission.allowed:
        return False
    if permission.next_at is None:
        return _drop(message, str(permission.reason.label) if permission.reason else "")
    if message.hour and message.hour <= permission.next_at:
        return _drop(message, _("no permitted hour before the call-back"))
    message.put_back(permission.next_at, str(permission.reason.label) if permission.reason else "")
    return True


def permission_for(message: OutgoingMessage, now: datetime) -> TextPermission:
    """Whether this text may leave now, by hours and do-not-call."""
    case, shop = message.case, message.case.shop
    spoken = CallLog.objects.filter(case=case, outcome__in=SPOKEN, ended_at__lte=now).order_by("-ended_at")
    return may_text(
        now=now,
        shop_zone=shop.zone,
        calling_from=shop.calling_from,
        calling_until=shop.calling_until,
        is_confirmation=message.kind == MessageKind.CONFIRMED,
        is_agreement=message.kind == MessageKind.AGREED,
        call_ended_at=spoken.values_list("ended_at", flat=True).first(),
        do_not_call=DoNotCall.objects.forbids(order=case.review.order, buyer=case.review.buyer),
    )


def _recipient(message: OutgoingMessage) -> str:
    review = message.case.review
    if message.channel == Channel.SMS:
        return str(review.order.buyer_phone) if review.order else ""
    if message.channel == Channel.CHAT:
        return review.buyer.nick if review.buyer else ""
    return ""


def _hand_over(message: OutgoingMessage) -> bool:
    """Judge the words as of now and mark the text as handed over, in one transaction that holds the case.

    The same words as when it was queued: a manager may have released them. The signature was judged when it
    was set.
    """
    case, first = message.case, message.attempts == 0
    judged = cleared(
        message.text,
        kind=rule_kind(message.channel),
        review=case.review,
        case=case,
        by=message.queued_by,
        thing=message,
        leaves=first,
    )
    try:
        with judged:
            if not message.hand_over(clock.now()):
                raise _NotOurs
    except OffendingText as refusal:
        _fail(message, " ".join(refusal.sentences))
        return False
    except _NotOurs:
        return False
    return True


# --- what the provider said ------------------------------------------------------------------------


def _keep(message: OutgoingMessage, row: ShopGateway, answer: Answer, handed_before: datetime | None) -> bool:
    """Store the answer; False when there was none to speak of."""
    now = clock.now()
    if answer.state in ("accepted", "delivered", "failed"):
        _went_out(message, row, answer)
    elif answer.state == "refused":
        _fail(message, answer.reason)
    else:
        handed = message.handed_at if answer.state == "unknown" else handed_before
        message.try_again(answer.reason, now, handed_at=handed)
        if message.is_parked:
            log.warning("Text %s is parked after %d tries: %s", message.key, message.attempts, answer.reason)
        return False
    return True


def _went_out(message: OutgoingMessage, row: ShopGateway, answer: Answer) -> None:
    """The provider has it. Whoever is first to say so, worker or receipt, notes it in the case."""
    now = clock.now()
    asks = gateway_for(row).can_ask
    with transaction.atomic():
        moved = message.settle(
            MessageState.SENT,
            was=[MessageState.SENDING, MessageState.QUEUED],
            sent_at=now,
            provider=row.provider,
            provider_id=answer.provider_id,
            ask_at=now + FIRST_ASK if asks else None,
            reason="",
            parked_at=None,
        )
        if moved:
            case = message.case
            case.note_contact(now)
            told = {"text": message.text, "channel": message.channel}
            if message.kind in OF_A_PROMISE:
                told["follows"] = "promise"  # leaves by itself after an act, and is nothing done since
            case.log(EventKind.MESSAGE, by=message.queued_by, **told)
        if answer.state != "accepted":
            _receipt(message, answer)


def _receipt(message: OutgoingMessage, answer: Answer) -> None:
    state = MessageState.DELIVERED if answer.state == "delivered" else MessageState.FAILED
    at = min(answer.at or clock.now(), clock.now())
    message.settle(state, was=[MessageState.SENT], settled_at=at, reason=answer.reason)


def _fail(message: OutgoingMessage, reason: str) -> None:
    message.settle(MessageState.FAILED, was=[MessageState.SENDING], held=True, reason=reason[:300])


def _drop(message: OutgoingMessage, reason: str) -> bool:
    message.settle(MessageState.CANCELLED, was=[MessageState.SENDING], held=True, reason=reason[:300])
    return True


# --- receipts ----------------------------------------------------------------------------------------


def note_receipt(row: ShopGateway, key: str, answer: Answer) -> bool:
    """Keep what a provider tells by itself; told again it changes nothing. False: no such text."""
    messages = OutgoingMessage.objects.filter(
        key=key, channel=row.channel, case__shop=row.shop_id, handed_at__isnull=False
    )
    message = messages.select_related("case__shop", "queued_by").first()
    if message is None:
        return False
    _went_out(message, row, answer)
    return True


def ask_for_receipts(limit: int = BATCH) -> int:
    """Ask providers what became of texts that have no receipt yet; how many were asked about."""
    now = clock.now()
    due = OutgoingMessage.objects.unconfirmed(now).select_related("case__shop").order_by("ask_at")
    asked = 0
    for message in due[:limit]:
        row = ShopGateway.objects.of(message.case.shop_id).filter(channel=message.channel).first()
        if not _ask_later(message, now, asks=row is not None and gateway_for(row).can_ask) or row is None:
            continue
        asked += 1
        answer = gateway_for(row).ask(str(message.key))
        if answer.state in ("delivered", "failed"):
            _receipt(message, answer)
    return asked


def _ask_later(message: OutgoingMessage, now: datetime, *, asks: bool) -> bool:
    """Set the next hour to ask before asking, so that two workers do not ask at once."""
    age = now - (message.sent_at or now)
    next_ask = now + max(age, FIRST_ASK) if asks and age < LAST_ASK else None
    rows = OutgoingMessage.objects.filter(pk=message.pk, state=MessageState.SENT, ask_at=message.ask_at)
    return bool(rows.update(ask_at=next_ask)) and asks
