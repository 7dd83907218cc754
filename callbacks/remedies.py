"""Remedies: offered for the problem, by policy and limits, decided by a manager above them, carried out.

Each verb is one transaction: the status moves by compare-and-set, the ledger gets its entry, the case its
event. Nothing here reads the review's mark or whether it changed (law): a remedy answers the problem.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from callbacks import ledger, limits
from callbacks.holding import NotAllowed, check_hold, locked, noted
from callbacks.models import (
    Because,
    EntryKind,
    Payout,
    PayoutMethod,
    Remedy,
    RemedyKind,
    RemedyStatus,
)
from callbacks.models.remedies import OWED
from callbacks.policy import Proof, plain, repeats
from callbacks.remedy_kinds import KINDS, CostRule
from callbacks.shop_policy import Standing, standing_of
from reviews import clock
from reviews.causes import Cause
from reviews.models import Case, InvalidTransition, StaleCase, Status, User
from reviews.models.cases import EventKind
from reviews.outgoing import compensating
from reviews.replies import draft_reply

NEEDS_REASON = frozenset({Because.POLICY, Because.OVER_VALUE, Because.JUDGEMENT, Because.AGAIN})
DECIDED = frozenset({RemedyStatus.OFFERED, RemedyStatus.APPROVED, RemedyStatus.REFUSED})


def offer_remedy(
    case: Case,
    kind: RemedyKind | str,
    *,
    amount: Decimal | None,
    by: User,
    note: str = "",
    reason: str = "",
    key: UUID | None = None,
    accepted: bool = True,
) -> Remedy:
    """Offer a remedy; `accepted`: the buyer has said yes already. Above limits or policy a manager decides.

    `amount` is yuan; a full refund may leave it empty. The same `key` again returns what is stored.
    Raises NotAllowed, InvalidTransition, OffendingText, SequenceRefusal.
    """
    if key and (stored := Remedy.objects.filter(key=key, case=case).first()):
        return stored
    check_hold(case, by)
    cost = _cost(case, kind, amount)
    # Note and reason in one: together they must be lawful, and follow no talk of changing the review.
    said = "\n".join(dict.fromkeys(one.strip() for one in (note, reason))).strip()
    with compensating(case, note=said, by=by):
        return _offer(case, kind, cost, by=by, note=note, reason=reason, key=key, accepted=accepted)


def check_planned(
    case: Case, kind: RemedyKind | str, *, amount: Decimal | None, reason: str, by: User
) -> None:
    """Raise NotAllowed when a remedy a manager planned for many cases cannot be offered in this one."""
    _check_plannable(case, by)
    cost, standing = _cost(case, kind, amount), standing_of(case)
    because = _because(case, standing, kind, cost, by)
    _check_because(standing, because, reason)
    _check_budget(because)


def offer_planned(
    case: Case, kind: RemedyKind | str, *, amount: Decimal | None, reason: str, by: User
) -> Remedy:
    """Offer it, inside a transaction of `compensating`; the buyer has still to say yes.

    Nobody has to hold the case, but where somebody is at work they decide; no budget is overdrawn.
    """
    cost = _cost(case, kind, amount)
    return _offer(case, kind, cost, by=by, note="", reason=reason, key=None, accepted=False, planned=True)


def _check_plannable(case: Case, by: User) -> None:
    if not case.is_open:
        raise NotAllowed(_("The case is closed."))
    if case.status == Status.IN_PROGRESS and case.assignee_id != by.pk:
        raise NotAllowed(_("%(name)s is at work on this case and decides there.") % {"name": case.assignee})
    if Remedy.objects.filter(case=case).standing().exists():
        raise NotAllowed(_("The case has a remedy already."))


def _check_budget(because: list[str]) -> None:
    if Because.BUDGET in because:
        raise NotAllowed(_("The month's budget is used up."))


def _cost(case: Case, kind: RemedyKind | str, amount: Decimal | None) -> Decimal:
    """What it costs the shop, checked against its kind. Raises NotAllowed."""
    rule = KINDS[kind].cost
    if rule == CostRule.WHOLE and case.value is not None:
        if amount and amount < case.value:
            raise NotAllowed(
                _("A full refund is what was paid, ¥%(value)s. For less take a part refund.")
                % {"value": plain(case.value)}
            )
        amount = amount or case.value
    if KINDS[kind].needs_amount and not amount:
        raise NotAllowed(_("Name what this remedy costs the shop."))
    if amount and amount < 0:
        raise NotAllowed(_("An amount cannot be negative."))
    return amount or Decimal(0)


def _offer(
    case: Case,
    kind: RemedyKind | str,
    cost: Decimal,
    *,
    by: User,
    note: str,
    reason: str,
    key: UUID | None,
    accepted: bool,
    planned: bool = False,
) -> Remedy:
    """The lock first: two tabs, two clicks, two agents are counted one after the other."""
    check = _check_plannable if planned else check_hold
    limits.lock(case.shop)
    current = locked(case)
    if key and (stored := Remedy.objects.filter(key=key).first()):
        return stored
    check(current, by)
    standing = standing_of(current)
    because = _because(current, standing, kind, cost, by)
    _check_because(standing, because, reason)
    if planned:
        _check_budget(because)
    waits = bool(because) and not by.manages(case.shop_id)
    now = clock.now()
    remedy = Remedy.objects.create(
        case=case,
        kind=RemedyKind(kind),
        amount=cost,
        asked=cost,
        note=note,
        reason=reason,
        key=key,
        proof=standing.proof,
        because=because,
        policy_version=standing.version,
        status=_first_status(waits=waits, accepted=accepted),
        accepted=accepted,
        agreed_by=by,
        agreed_at=now,
    )
    _enter_offer(remedy, by)
    _log(remedy, by=by, note=note or reason)
    return remedy


def _first_status(*, waits: bool, accepted: bool) -> RemedyStatus:
    if waits:
        return RemedyStatus.TO_APPROVE
    return RemedyStatus.APPROVED if accepted else RemedyStatus.OFFERED


def _because(case: Case, standing: Standing, kind: str, cost: Decimal, by: User) -> list[str]:
    """Why it is not the agent's alone to give: policy, what the case has, order value, limits, budget."""
    found: list[str] = []
    given = list(Remedy.objects.filter(case=case).standing())
    if not standing.allows(kind, cost):
        at_best = standing.allows(kind, cost, Proof.JUDGEMENT)
        found.append(Because.JUDGEMENT.value if at_best else Because.POLICY.value)
    if repeats(kind, [one.kind for one in given]):
        found.append(Because.AGAIN.value)
    if case.value is not None and _together(kind, cost, given) > case.value:
        found.append(Because.OVER_VALUE.value)
    counted = limits.counted_fen(kind, cost, case.value)
    return found + limits.room(case, by, clock.now(), kind).because(counted, limits.fen_of(cost))


def _together(kind: str, cost: Decimal, given: Iterable[Remedy]) -> Decimal:
    """What the buyer gets in all. Return freight is apart: it repays what sending the goods back costs."""
    if kind == RemedyKind.RETURN_FREIGHT:
        return cost
    return sum((one.amount for one in given if one.kind != RemedyKind.RETURN_FREIGHT), cost)


def _check_because(standing: Standing, because: list[str], reason: str) -> None:
    if standing.cause == Cause.MALICIOUS:
        raise NotAllowed(_("The cause is malicious, confirmed by a person: there is nothing to put right."))
    if reason.strip() or not NEEDS_REASON & set(because):
        return
    if Because.AGAIN in because:
        raise NotAllowed(_("The case has a remedy already. For more say why, and a manager decides."))
    if Because.OVER_VALUE in because:
        raise NotAllowed(_("This is more than the order cost. Say why, and a manager decides."))
    raise NotAllowed(
        _("The policy gives here: %(offers)s. For anything else say why, and a manager decides.")
        % {"offers": standing.words or _("nothing")}
    )


def _enter_offer(remedy: Remedy, by: User) -> None:
    ledger.post(remedy, EntryKind.RESERVE, by=by, open_fen=remedy.fen)
    if remedy.status == RemedyStatus.APPROVED:
        ledger.post(remedy, EntryKind.APPROVE, by=by)


def _log(remedy: Remedy, *, by: User, note: str) -> None:
    remedy.case.log(
        EventKind.REMEDY,
        by=by,
        id=remedy.pk,
        remedy=remedy.kind,
        amount=str(remedy.amount),
        status=remedy.status,
        note=note,
    )
    draft_reply(remedy.case.review, remedy.case)


# --- what becomes of it --------------------------------------------------------------------------


def _move(remedy: Remedy, *allowed: RemedyStatus, to: RemedyStatus, **changes: Any) -> Remedy:
    """The one private move: lock the row, check where it stands, write. Raises StaleCase."""
    current = Remedy.objects.select_for_update(of=("self",)).select_related("decided_by").get(pk=remedy.pk)
    if current.status not in allowed:
        raise StaleCase(_already(current))
    Remedy.objects.filter(pk=remedy.pk).update(status=to, **changes)
    for name, value in {"amount": current.amount, "status": to, **changes}.items():
        setattr(remedy, name, value)
    return current


def _already(remedy: Remedy) -> str:
    if remedy.decided_by and remedy.status in DECIDED:
        return _("%(name)s has already decided this remedy: %(status)s.") % {
            "name": remedy.decided_by,
            "status": remedy.get_status_display(),
        }
    return _("This remedy has changed meanwhile: %(status)s.") % {"status": remedy.get_status_display()}


def decide_remedy(
    remedy: Remedy, *, approve: bool, by: User, amount: Decimal | None = None, words: str = ""
) -> None:
    """A manager approves, at the amount asked for or a lower one, or refuses with a reason.

    Agreed is only what the buyer has said yes to: anything else is offered, at a lower amount anew.
    Of two managers at once one wins; the other gets StaleCase with the winner's name.
    """
    if not approve and not words.strip():
        raise NotAllowed(_("Say why it is refused: the agent has to explain it to the buyer."))
    lawful = compensating if approve else _noted
    with lawful(remedy.case, note=words, by=by):
        fresh = {"decided_by": by, "decided_at": clock.now(), "decision": words}
        if approve:
            _approve(remedy, by, amount, fresh)
        else:
            before = _move(remedy, RemedyStatus.TO_APPROVE, to=RemedyStatus.REFUSED, **fresh)
            ledger.post(remedy, EntryKind.CANCEL, by=by, open_fen=-before.fen)
        _log(remedy, by=by, note=words)


def _noted(case: Case, *, note: str, by: User) -> AbstractContextManager[None]:
    return noted(note, case=case, by=by)


def _approve(remedy: Remedy, by: User, amount: Decimal | None, fresh: dict[str, Any]) -> None:
    lowered = {} if amount is None else {"amount": amount}
    offered = {**fresh, **lowered, "accepted": False}
    before = _move(remedy, RemedyStatus.TO_APPROVE, to=RemedyStatus.OFFERED, **offered)
    given = remedy.amount
    if given > before.amount:
        raise NotAllowed(_("Approve what was asked for, or less."))
    if given < before.amount and before.kind == RemedyKind.REFUND:
        raise NotAllowed(_("A full refund cannot be lowered. Refuse it and say which remedy fits."))
    if KINDS[before.kind].needs_amount and not given:
        raise NotAllowed(_("Name what this remedy costs the shop."))
    if before.accepted and given == before.amount:
        _move(remedy, RemedyStatus.OFFERED, to=RemedyStatus.APPROVED, accepted=True)
    ledger.post(remedy, EntryKind.APPROVE, by=by, open_fen=limits.fen_of(given) - before.fen)


def accept_remedy(remedy: Remedy, *, by: User) -> None:
    """The buyer has said yes to what was offered."""
    check_hold(remedy.case, by)
    with compensating(remedy.case, note="", by=by):
        _move(remedy, RemedyStatus.OFFERED, to=RemedyStatus.APPROVED, accepted=True)
        ledger.post(remedy, EntryKind.APPROVE, by=by)
        _log(remedy, by=by, note="")


def cancel_remedy(remedy: Remedy, *, by: User, reason: str) -> None:
    """It will not be carried out: the buyer wants none, or something else was agreed."""
    if not by.manages(remedy.case.shop_id):
        check_hold(remedy.case, by)
    if not reason.strip():
        raise NotAllowed(_("Say why it is cancelled."))
    with noted(reason, case=remedy.case, by=by):
        before = _move(remedy, *OWED, to=RemedyStatus.CANCELLED)
        ledger.post(remedy, EntryKind.CANCEL, by=by, open_fen=-before.fen)
        _log(remedy, by=by, note=reason)


def take_back_offer(remedy: Remedy, *, by: User) -> None:
    """Undo an offer nobody has answered, inside the transaction of the undo. Raises StaleCase."""
    before = _move(remedy, RemedyStatus.OFFERED, to=RemedyStatus.CANCELLED)
    ledger.post(remedy, EntryKind.CANCEL, by=by, open_fen=-before.fen)
    _log(remedy, by=by, note="")


def carry_out(
    remedy: Remedy,
    method: PayoutMethod | str,
    *,
    by: User,
    reference: str = "",
    cost: Decimal | None = None,
    key: UUID | None = None,
) -> Payout:
    """The remedy is paid or sent: how, and under which number. The same `key` again changes nothing.

    `cost` is what freight or goods came to in yuan, where the amount was left open; empty: as agreed.
    """
    if key and (stored := Payout.objects.filter(key=key, remedy=remedy).first()):
        return stored
    _check_may_pay(remedy, by)
    if KINDS[remedy.kind].money and not reference.strip():
        raise NotAllowed(_("Type the number of the payment: without it nobody can find it again."))
    with compensating(remedy.case, note=reference, by=by):
        if cost is not None:
            _check_came_to(remedy, cost, by)
        real = {} if cost is None else {"amount": cost}
        before = _move(remedy, RemedyStatus.APPROVED, to=RemedyStatus.PAID, **real)
        if remedy.fen != before.fen:
            ledger.post(remedy, EntryKind.CAME_TO, by=by, open_fen=remedy.fen - before.fen)
        payout = Payout.objects.create(
            remedy=remedy,
            fen=remedy.fen,
            method=PayoutMethod(method),
            reference=reference.strip(),
            key=key,
            paid_by=by,
            paid_at=clock.now(),
        )
        fen = payout.fen
        ledger.post(remedy, EntryKind.PAY, by=by, open_fen=-fen, paid_fen=fen, payout=payout)
        _log(remedy, by=by, note=payout.reference)
    return payout


def _check_may_pay(remedy: Remedy, by: User) -> None:
    case = remedy.case
    if by.manages(case.shop_id):
        return
    if KINDS[remedy.kind].bank:
        raise NotAllowed(_("This is paid from the shop's account: a manager does it."))
    if case.assignee_id != by.pk:
        raise InvalidTransition(_("Take the case first: only who works on it can do this."))


def _check_came_to(remedy: Remedy, cost: Decimal, by: User) -> None:
    """Whether it may have cost this: what is dearer than was counted has to fit the limits as well."""
    if KINDS[remedy.kind].needs_amount:
        raise NotAllowed(_("What was agreed is what is paid."))
    if cost < 0:
        raise NotAllowed(_("An amount cannot be negative."))
    limits.lock(remedy.case.shop)
    value = remedy.case.value
    now, before = (limits.counted_fen(remedy.kind, one, value) for one in (cost, remedy.amount))
    if limits.room(remedy.case, by, clock.now()).because(now - before, 0):
        raise NotAllowed(_("This came dearer than you may give alone: a manager enters it."))


def reverse_payout(payout: Payout, *, by: User, reason: str) -> None:
    """The payment came back (wrong account, parcel returned): the remedy is owed again."""
    if not reason.strip():
        raise NotAllowed(_("Say why the payment came back."))
    remedy = payout.remedy
    with noted(reason, case=remedy.case, by=by):
        _move(remedy, RemedyStatus.PAID, to=RemedyStatus.APPROVED)
        back = {"reversed_at": clock.now(), "reversed_by": by, "reversal_reason": reason}
        if not Payout.objects.filter(pk=payout.pk, reversed_at=None).update(**back):
            raise StaleCase(_("This payment has already been taken back."))
        fen = payout.fen
        ledger.post(remedy, EntryKind.REVERSAL, by=by, open_fen=fen, paid_fen=-fen, payout=payout)
        _log(remedy, by=by, note=reason)
