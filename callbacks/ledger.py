"""The ledger of the remedies: entries are added in the transaction of the act they belong to.

Two sums have to hold at every moment, to the fen: what the ledger calls open is the cost of the remedies
that are offered, waiting or agreed; what it calls paid is the sum of the payouts that were not reversed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q, Sum
from django.utils import timezone

from callbacks.models import EntryKind, LedgerEntry, Payout, Remedy
from callbacks.models.remedies import OWED
from reviews import clock
from reviews.models import Shop, User


@dataclass(frozen=True, slots=True)
class Balance:
    """Promised and not yet paid, and paid, in fen."""

    open_fen: int = 0
    paid_fen: int = 0

    @property
    def spent_fen(self) -> int:
        """What a budget has to bear."""
        return self.open_fen + self.paid_fen


def month_of(shop: Shop, moment: datetime) -> date:
    """The first day of the shop's month."""
    return timezone.localdate(moment, shop.zone).replace(day=1)


def post(
    remedy: Remedy,
    kind: EntryKind,
    *,
    by: User,
    open_fen: int = 0,
    paid_fen: int = 0,
    payout: Payout | None = None,
) -> LedgerEntry:
    """Add one entry; the month is that of the remedy."""
    shop = remedy.case.shop
    return LedgerEntry.objects.create(
        shop=shop,
        remedy=remedy,
        payout=payout,
        remedy_kind=remedy.kind,
        kind=kind,
        month=month_of(shop, remedy.agreed_at),
        open_fen=open_fen,
        paid_fen=paid_fen,
        by=by,
        at=clock.now(),
    )


def balance(rule: Q) -> Balance:
    """What stands in the entries that fit."""
    found = LedgerEntry.objects.filter(rule).aggregate(open=Sum("open_fen"), paid=Sum("paid_fen"))
    return Balance(found["open"] or 0, found["paid"] or 0)


def by_kind(shops: Iterable[Shop], month: date) -> dict[tuple[int, str], Balance]:
    """(shop, kind) → what stands in the month; one query."""
    rows = (
        LedgerEntry.objects.filter(shop__in=list(shops), month=month)
        .order_by()
        .values_list("shop_id", "remedy_kind")
        .annotate(Sum("open_fen"), Sum("paid_fen"))
    )
    return {(shop, kind): Balance(opened, paid) for shop, kind, opened, paid in rows}


# --- the check -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """A remedy whose entries do not say what its rows say, in fen."""

    remedy_id: int
    what: str
    ledger_fen: int
    rows_fen: int


def differences(shop: Shop | None = None) -> list[Difference]:
    """Every remedy where the ledger and the rows differ; empty when all is well. Two queries."""
    mine = Q(case__shop=shop) if shop else Q()
    paid = dict(
        Payout.objects.filter(reversed_at=None)
        .order_by()
        .values_list("remedy_id")
        .annotate(Sum("fen"))
        .iterator()
    )
    found: list[Difference] = []
    remedies = Remedy.objects.filter(mine).order_by("pk")
    rows = remedies.annotate(opened=Sum("ledger__open_fen"), paid=Sum("ledger__paid_fen"))
    columns = rows.values_list("pk", "status", "amount", "opened", "paid")
    for pk, status, amount, opened, out in columns.iterator():
        owed = int(amount * 100) if status in OWED else 0
        if (opened or 0) != owed:
            found.append(Difference(pk, "open", opened or 0, owed))
        if (out or 0) != paid.get(pk, 0):
            found.append(Difference(pk, "paid", out or 0, paid.get(pk, 0)))
    return found


@dataclass(frozen=True, slots=True)
class Totals:
    """The two sums of the whole ledger beside the rows, in fen."""

    ledger: Balance
    rows: Balance

    @property
    def agree(self) -> bool:
        return self.ledger == self.rows


def totals() -> Totals:
    """Sum of the ledger and sum of remedies and payouts, counted apart."""
    owed = Remedy.objects.filter(status__in=OWED).values_list("amount", flat=True)
    paid = Payout.objects.filter(reversed_at=None).aggregate(total=Sum("fen"))["total"] or 0
    # Added up as integers here: SQLite would add decimals as floats.
    return Totals(balance(Q()), Balance(sum(int(amount * 100) for amount in owed.iterator()), paid))
