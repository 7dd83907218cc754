"""What waits for a manager: everything needed to decide on one card, in a constant number of queries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from callbacks import ledger
from callbacks.ledger import Balance
from callbacks.models import ProofPhoto, Remedy, RemedyBudget, RemedyPolicy
from callbacks.models.remedies import GONE
from callbacks.photos import Reuse
from callbacks.policy import Ladder, Proof
from callbacks.remedy_card import offer_words
from callbacks.shop_policy import Standing
from reviews.models import Shop, User

SHOWN = 50
_ON_A_CARD = ("case__shop", "case__assignee", "case__review__product", "agreed_by")


@dataclass(frozen=True, slots=True)
class Purse:
    """A shop's month: budget (None: none is set), what it bears, in fen."""

    shop: Shop
    budget_fen: int | None
    balance: Balance
    kinds: tuple[tuple[str, Balance, int | None], ...] = ()

    @property
    def left_fen(self) -> int | None:
        return None if self.budget_fen is None else self.budget_fen - self.balance.spent_fen

    @property
    def is_overdrawn(self) -> bool:
        return self.left_fen is not None and self.left_fen < 0

    @property
    def percent(self) -> int:
        """Of the budget, at most 100; for the bar."""
        if not self.budget_fen:
            return 0
        return min(100, round(100 * self.balance.spent_fen / self.budget_fen))


@dataclass(frozen=True, slots=True)
class Approval:
    """One remedy that waits, with what a manager has to know."""

    remedy: Remedy
    photos: list[ProofPhoto]
    reuses: list[Reuse]
    standing: Standing
    purse: Purse
    given: list[Remedy]  # what the case has besides

    @property
    def proposals(self) -> list[str]:
        return [offer_words(offer) for offer in self.standing.offers]

    @property
    def higher(self) -> list[tuple[str, str]]:
        return [
            (str(proof.label), "、".join(offer_words(offer) for offer in offers))
            for proof, offers in self.standing.higher
        ]


def waiting(user: User, now: datetime) -> list[Approval]:
    """What waits in the shops this person manages, the oldest first."""
    rule = user.managed_shop_filter("case__shop")
    asked = Remedy.objects.to_approve().filter(rule).select_related(*_ON_A_CARD)
    found = list(
        asked.prefetch_related("case__photos__matches__earlier__case", "case__remedies").order_by(
            "agreed_at", "id"
        )[:SHOWN]
    )
    shops = {one.case.shop_id: one.case.shop for one in found}
    money = {purse.shop.pk: purse for purse in purses(shops.values(), now)}
    rows = RemedyPolicy.objects.for_shops(shops)
    return [_approval(one, rows, money[one.case.shop_id]) for one in found]


def _approval(remedy: Remedy, rows: dict[tuple[int | None, str], RemedyPolicy], purse: Purse) -> Approval:
    case = remedy.case
    cause, sub_cause = case.heard_as
    row = rows.get((case.shop_id, sub_cause)) or rows.get((None, sub_cause))
    photos = list(case.photos.all())
    proof = Proof.PHOTO if photos else Proof.STATEMENT
    standing = Standing(cause, sub_cause, case.value, proof, row.ladder if row else Ladder(), row)
    reuses = [Reuse(one, match.earlier, match.distance) for one in photos for match in one.matches.all()]
    given = [one for one in case.remedies.all() if one.pk != remedy.pk and one.status not in GONE]
    return Approval(remedy, photos, reuses, standing, purse, given)


def to_carry_out(user: User) -> list[Remedy]:
    """Agreed and not yet paid or sent, the oldest first."""
    rule = user.managed_shop_filter("case__shop")
    agreed = Remedy.objects.to_carry_out().filter(rule).select_related(*_ON_A_CARD)
    return list(agreed.order_by("agreed_at", "id")[:SHOWN])


def purses(shops: Iterable[Shop], now: datetime) -> list[Purse]:
    """The present month of each shop; two queries, one more for each further time zone."""
    listed = sorted(shops, key=lambda shop: shop.code)
    budgets = {
        (shop, kind): fen
        for shop, kind, fen in RemedyBudget.objects.filter(shop__in=listed).values_list("shop", "kind", "fen")
    }
    spent: dict[tuple[int, str], Balance] = {}
    for month in {ledger.month_of(shop, now) for shop in listed}:
        there = [shop for shop in listed if ledger.month_of(shop, now) == month]
        spent |= ledger.by_kind(there, month)
    return [_purse(shop, budgets, spent) for shop in listed]


def _purse(
    shop: Shop, budgets: dict[tuple[int, str], int | None], spent: dict[tuple[int, str], Balance]
) -> Purse:
    mine = {kind: Balance() for (where, kind), fen in budgets.items() if where == shop.pk and kind and fen}
    mine |= {
        kind: balance for (where, kind), balance in spent.items() if where == shop.pk and balance.spent_fen
    }
    order = sorted(mine, key=lambda kind: -mine[kind].spent_fen)
    return Purse(
        shop,
        budgets.get((shop.pk, "")),
        _sum(list(mine.values())),
        tuple((kind, mine[kind], budgets.get((shop.pk, kind))) for kind in order),
    )


def _sum(balances: Sequence[Balance]) -> Balance:
    return Balance(sum(one.open_fen for one in balances), sum(one.paid_fen for one in balances))
