"""What a telephone system reports fills the call log: every event is kept once, in whatever order it comes.

A call is known by our own reference, else by the agent's extension and the number. What finds no place is
kept for a manager and counts as an attempt all the same: the buyer's telephone has rung.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from callbacks.attempts import attempts_of, hold_number
from callbacks.contacts import call_permission
from callbacks.holding import NotAllowed
from callbacks.models import CallLog, Direction, Extension, LineEvent, LineEventKind, LineKey
from callbacks.promising import keep_promise
from callbacks.signing import new_secret
from reviews import clock, colliding
from reviews.models import AuditEntry, Case, Shop, ShopMembership, Status, User
from reviews.models.audit import Action
from reviews.personal_data import phone_index

SLACK = timedelta(minutes=2)  # by which the clock of a telephone system may differ from ours
REFERENCE = "call-"
SHOWN = 300


@dataclass(frozen=True, slots=True)
class Told:
    """One event as it came in, checked by the door. `at` is aware; `number` is the buyer's."""

    line_id: str
    kind: LineEventKind
    at: datetime
    direction: Direction = Direction.OUT
    number: str = ""
    extension: str = ""
    reference: str = ""
    recording_url: str = ""


# --- keys -----------------------------------------------------------------------------------------------


@transaction.atomic
def create_key(shop: Shop, *, by: User | None) -> tuple[LineKey, str]:
    """A new key of the shop and its secret, which is shown only now. Older keys stay valid until revoked."""
    secret = new_secret()
    key = LineKey.objects.create(shop=shop, key_id=f"line_{secrets.token_hex(6)}", secret=secret, made_by=by)
    AuditEntry.note(Action.TELEPHONE, key, user=by, shop=shop, done="key made", key=key.key_id)
    return key, secret


@transaction.atomic
def revoke_key(key: LineKey, *, by: User) -> None:
    """From now on nothing signed with it is taken."""
    if LineKey.objects.usable().filter(pk=key.pk).update(revoked_at=clock.now()):
        AuditEntry.note(Action.TELEPHONE, key, user=by, shop=key.shop, done="key revoked", key=key.key_id)


def extension_of(shop: Shop, user: User) -> str:
    """On which extension somebody of the shop speaks; empty: on none."""
    found = Extension.objects.filter(shop=shop, user=user).first()
    return found.number if found else ""


@transaction.atomic
def set_extension(shop: Shop, user: User, number: str, *, by: User, mark: str = "") -> None:
    """On which extension somebody of the shop speaks; empty takes it away. Raises NotAllowed, Collision."""
    Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
    who = partial(AuditEntry.last_hand, Action.TELEPHONE, user, "number")
    colliding.check(mark, extension_of(shop, user), number, who=who)
    if not ShopMembership.objects.filter(shop=shop, user=user).exists():
        raise NotAllowed(_("This person does not work for the shop."))
    taken = (
        Extension.objects.filter(shop=shop, number=number).exclude(user=user).select_related("user").first()
    )
    if number and taken:
        raise NotAllowed(
            _("Extension %(number)s belongs to %(name)s.") % {"number": number, "name": taken.user}
        )
    if number:
        Extension.objects.update_or_create(shop=shop, user=user, defaults={"number": number})
    else:
        Extension.objects.filter(shop=shop, user=user).delete()
    AuditEntry.note(Action.TELEPHONE, user, user=by, shop=shop, done="extension", number=number)


# --- events ---------------------------------------------------------------------------------------------


@transaction.atomic
def take_event(shop: Shop, told: Told) -> str:
    """Keep the event and bring the log in line: recorded | known (told before) | kept (found no place)."""
    Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)  # one event of a shop at a time
    event, is_new = LineEvent.objects.get_or_create(
        shop=shop,
        line_id=told.line_id,
        kind=told.kind,
        defaults={
            "at": min(told.at, clock.now()),
            "direction": told.direction,
            "number": told.number,
            "phone_index": phone_index(told.number),
            "extension": told.extension,
            "reference": told.reference,
            "recording_url": told.recording_url,
        },
    )
    if not is_new:
        return "known"
    events = list(LineEvent.objects.filter(shop=shop, line_id=told.line_id).order_by("at", "id"))
    call = _call_of(shop, events)
    if call is None:
        _leave_for_manager(shop, event, events)
        return "kept"
    LineEvent.objects.filter(pk__in=[one.pk for one in events]).update(call=call)
    _fill(call, events)
    return "recorded"


def _call_of(shop: Shop, events: Sequence[LineEvent]) -> CallLog | None:
    """The log these events belong to, begun now if the agent works on the buyer's case."""
    known = next((one.call_id for one in events if one.call_id), None)
    if known:
        return CallLog.objects.select_related("case").get(pk=known)
    for event in events:
        if call := _named(shop, event.reference):
            return call
    agent, number = _said(events, "extension"), _said(events, "phone_index")
    extension = Extension.objects.filter(shop=shop, number=agent).select_related("user").first()
    if extension is None or not number:
        return None
    return _logged(shop, extension.user, number, events[0].at) or _begun(shop, extension.user, number, events)


def _said(events: Sequence[LineEvent], name: str) -> str:
    """What any of the events says: systems do not repeat everything."""
    return next((value for one in events if (value := str(getattr(one, name)))), "")


def _named(shop: Shop, reference: str) -> CallLog | None:
    number = reference.removeprefix(REFERENCE)
    if number == reference or not number.isascii() or not number.isdigit() or len(number) > 18:
        return None
    return CallLog.objects.select_related("case").filter(pk=int(number), case__shop=shop).first()


def _logged(shop: Shop, agent: User, number: str, at: datetime) -> CallLog | None:
    """The log the agent began on the page, running or ended since: the line's clock may differ a little."""
    theirs = CallLog.objects.filter(agent=agent, case__shop=shop, phone_index=number)
    then = theirs.filter(Q(ended_at=None) | Q(ended_at__gte=at), started_at__lte=at + SLACK)
    return then.select_related("case").first()


def _begun(shop: Shop, agent: User, number: str, events: Sequence[LineEvent]) -> CallLog | None:
    """Begin the log of a call nobody started on the page; one against the rules is marked, never hidden."""
    held = Case.objects.filter(
        shop=shop, assignee=agent, status=Status.IN_PROGRESS, review__order__phone_index=number
    )
    case = held.select_for_update(of=("self",)).select_related("shop", "review__order").order_by("id").first()
    new = next((one for one in events if one.kind == LineEventKind.NEW_CALL), None)
    if case is None or new is None or CallLog.objects.filter(case=case, ended_at=None).exists():
        return None
    hold_number(case.review.order)
    direction = Direction(new.direction)
    permission = call_permission(case, new.at, attempts_of(case, but_line=new.line_id))
    against = permission.reason if direction == Direction.OUT else None
    call = CallLog.objects.create(
        case=case,
        agent=agent,
        started_at=new.at,
        direction=direction,
        phone_index=number,
        against=against or "",
    )
    if against:
        AuditEntry.note(
            Action.TELEPHONE, call, user=agent, shop=shop, done="called against the rules", reason=against
        )
    keep_promise(case, new.at)
    case.note_contact(new.at)
    return call


def _fill(call: CallLog, events: Sequence[LineEvent]) -> None:
    """Times and recording from the line. The outcome stays with the agent; only the talk is over."""
    at = {one.kind: max(one.at, call.started_at) for one in events}
    call.answered_at, call.hung_up_at = at.get(LineEventKind.ANSWER), at.get(LineEventKind.HANG_UP)
    call.recording_url = _said(events, "recording_url") or call.recording_url
    call.save(update_fields=["answered_at", "hung_up_at", "recording_url"])


def _leave_for_manager(shop: Shop, event: LineEvent, events: Sequence[LineEvent]) -> None:
    """The case of this number, where the shop has one, as a hint for the manager."""
    number = _said(events, "phone_index")
    if not number:
        return
    cases = Case.objects.filter(shop=shop, review__order__phone_index=number).order_by("-id")
    case = cases.open().first() or cases.first()
    if case:
        LineEvent.objects.filter(pk=event.pk).update(case=case)


@transaction.atomic
def mark_seen(event: LineEvent, *, by: User) -> None:
    """A manager has looked at a call that found no place."""
    same = LineEvent.objects.unplaced().filter(shop=event.shop, line_id=event.line_id)
    if same.update(seen_at=clock.now(), seen_by=by):
        AuditEntry.note(Action.TELEPHONE, event, user=by, shop=event.shop, done="looked at")


def unplaced_calls(shops: Sequence[Shop]) -> dict[int, list[LineEvent]]:
    """Calls that found no place and nobody has looked at, by shop, the latest first: one event a call."""
    found: dict[int, list[LineEvent]] = {shop.pk: [] for shop in shops}
    seen = set()
    for event in LineEvent.objects.unplaced().filter(shop__in=shops).select_related("shop", "case")[:SHOWN]:
        if (event.shop_id, event.line_id) not in seen:
            seen.add((event.shop_id, event.line_id))
            found[event.shop_id].append(event)
    return found
