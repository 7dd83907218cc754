"""Remedies: agreed for the problem, decided by a manager above the limits. Never tied to the review."""

from decimal import Decimal

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from callbacks.holding import NotAllowed, check_hold, locked
from callbacks.models import Remedy, RemedyKind, RemedyStatus
from reviews import clock
from reviews.models import Case, StaleCase, User
from reviews.models.cases import EventKind
from reviews.outgoing import compensating
from reviews.replies import draft_reply
from reviews.sequence import check_compensation

# Remedies that are money: without their amount the limit would not see them.
PAID_OUT = (RemedyKind.REFUND, RemedyKind.PART_REFUND, RemedyKind.COUPON)


def agree_remedy(case: Case, kind: RemedyKind | str, *, amount: Decimal, note: str, by: User) -> Remedy:
    """Agree a remedy for the problem. Above the agent's limit a case it waits for a manager."""
    check_hold(case, by)
    if kind in PAID_OUT and not amount:
        raise NotAllowed(_("Name what this remedy costs the shop."))
    with compensating(case, note=note, by=by):
        return _agree(case, kind, amount=amount, note=note, by=by)


def _agree(case: Case, kind: RemedyKind | str, *, amount: Decimal, note: str, by: User) -> Remedy:
    current = locked(case)
    check_hold(current, by)
    spent = Remedy.objects.filter(case=current).standing().aggregate(total=Sum("amount"))["total"] or Decimal(
        0
    )
    free = spent + _cost(case, kind, amount) <= case.shop.remedy_limit_per_case or by.manages(case.shop_id)
    now = clock.now()
    remedy = Remedy.objects.create(
        case=case,
        kind=RemedyKind(kind),
        amount=amount,
        note=note,
        status=RemedyStatus.APPROVED if free else RemedyStatus.TO_APPROVE,
        agreed_by=by,
        agreed_at=now,
    )
    case.log(EventKind.REMEDY, by=by, remedy=remedy.kind, amount=str(amount), status=remedy.status, note=note)
    draft_reply(case.review, case)
    return remedy


def _cost(case: Case, kind: RemedyKind | str, amount: Decimal) -> Decimal:
    """What the limit counts: a full refund is never less than what was paid."""
    return max(amount, case.value or amount) if kind == RemedyKind.REFUND else amount


@transaction.atomic
def decide_remedy(remedy: Remedy, *, approve: bool, by: User) -> None:
    """A manager approves or refuses what is above the agent's limit."""
    status = RemedyStatus.APPROVED if approve else RemedyStatus.REFUSED
    if approve:
        check_compensation(remedy.case, clock.now())
    decided = Remedy.objects.filter(pk=remedy.pk, status=RemedyStatus.TO_APPROVE).update(
        status=status, decided_by=by, decided_at=clock.now()
    )
    if not decided:
        raise StaleCase(_("This remedy has already been decided."))
    remedy.case.log(
        EventKind.REMEDY, by=by, remedy=remedy.kind, amount=str(remedy.amount), status=status, note=""
    )
    draft_reply(remedy.case.review, remedy.case)
