"""What an agent may give alone: limits of the case and the day, the month's budgets. Counted under a lock."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal

from django.db.models import Q, QuerySet
from django.utils import timezone

from callbacks.ledger import balance, month_of
from callbacks.models import Because, Remedy, RemedyBudget
from callbacks.models.remedies import RemedyQuerySet, RemedyStatus
from callbacks.remedy_kinds import KINDS
from reviews.models import Case, Shop, ShopMembership, User
from reviews.prepared import Asked, Prepared

Counted = tuple[str, Decimal, Decimal | None]  # kind and amount of a remedy, value of its order


@dataclass(frozen=True, slots=True)
class Room:
    """How much is left, in fen; None where nothing limits it. Budgets may be overdrawn (negative)."""

    case_fen: int | None
    day_fen: int | None
    budget_fen: int | None
    kind_fen: int | None = None

    def because(self, counted: int, cost: int) -> list[str]:
        """Which limits it breaks by what it counts (`counted_fen`) and costs; 0 fen costs nothing."""
        checks = (
            (Because.CASE_LIMIT, self.case_fen, counted),
            (Because.DAY_LIMIT, self.day_fen, counted),
            (Because.BUDGET, self.budget_fen, cost),
            (Because.BUDGET, self.kind_fen, cost),
        )
        broken = [code.value for code, left, fen in checks if left is not None and 0 < fen > left]
        return list(dict.fromkeys(broken))


def lock(shop: Shop) -> None:
    """Hold the shop's purse until the transaction ends: limits and budgets are counted one by one."""
    RemedyBudget.objects.get_or_create(shop=shop, kind="")
    RemedyBudget.objects.select_for_update().get(shop=shop, kind="")


def room(case: Case, user: User, now: datetime, kind: str = "") -> Room:
    """What is left to this person in this case today, and to the shop this month (of one kind too)."""
    shop = case.shop
    per_case, per_day = limits_of(shop, user)
    budgets = dict(_BUDGETS(shop=shop.pk, kind=kind))
    return Room(
        None if per_case is None else per_case - _fen(_OF_CASE(case=case.pk)),
        None if per_day is None else per_day - given_today(shop, user, now),
        _left(shop, budgets.get(""), Q(), now),
        _left(shop, budgets.get(kind), Q(remedy_kind=kind), now) if kind else None,
    )


def limits_of(shop: Shop, user: User) -> tuple[int | None, int | None]:
    """Limits of the case and the day in fen: one's own before the shop's; none for a manager."""
    if user.manages(shop):
        return None, None
    per_case, per_day = _OWN_LIMITS.first(shop=shop.pk, user=user.pk) or (None, None)
    return (
        fen_of(shop.remedy_limit_per_case if per_case is None else per_case),
        fen_of(shop.remedy_limit_per_day if per_day is None else per_day),
    )


def given_today(shop: Shop, user: User, now: datetime) -> int:
    """What this person has given today on their own authority, in fen; the day is the shop's."""
    midnight = datetime.combine(timezone.localdate(now, shop.zone), time(), shop.zone)
    return _fen(_OF_DAY(shop=shop.pk, user=user.pk, midnight=midnight))


def fen_of(amount: Decimal) -> int:
    return int(amount * 100)


def counted_fen(kind: str, amount: Decimal, value: Decimal | None) -> int:
    """What it counts against a person's limits: goods sent anew no less than the order's value in yuan."""
    return fen_of(max(amount, value or Decimal(0)) if KINDS[kind].goods else amount)


def _fen(rows: Iterable[Counted]) -> int:
    """Added up as integers: SQLite would add decimals as floats."""
    return sum(counted_fen(*row) for row in rows)


def _counted(remedies: RemedyQuerySet) -> QuerySet[Remedy, Counted]:
    return remedies.standing().order_by().values_list("kind", "amount", "case__value")


_OF_CASE = Prepared(lambda: _counted(Remedy.objects.filter(case=Asked("case"))))
_OF_DAY = Prepared(
    lambda: _counted(
        Remedy.objects.filter(
            case__shop=Asked("shop"),
            agreed_by=Asked("user"),
            decided_by=None,
            agreed_at__gte=Asked("midnight"),
        ).exclude(status=RemedyStatus.TO_APPROVE)
    )
)
_OWN_LIMITS = Prepared(
    lambda: ShopMembership.objects.filter(shop=Asked("shop"), user=Asked("user")).values_list(
        "remedy_limit_per_case", "remedy_limit_per_day"
    )
)
_BUDGETS = Prepared(
    lambda: RemedyBudget.objects.filter(Q(kind="") | Q(kind=Asked("kind")), shop=Asked("shop")).values_list(
        "kind", "fen"
    )
)


def _left(shop: Shop, budget: int | None, rule: Q, now: datetime) -> int | None:
    if budget is None:
        return None
    return budget - balance(Q(shop=shop, month=month_of(shop, now)) & rule).spent_fen
