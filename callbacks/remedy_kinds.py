"""The kinds of remedy and everything the program has to know about each, in one table."""

from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _


class RemedyKind(models.TextChoices):
    REFUND = "refund", _("Full refund")
    PART_REFUND = "part_refund", _("Part refund")
    EXCHANGE = "exchange", _("Exchange")
    RESEND = "resend", _("Re-send")
    RETURN_FREIGHT = "return_freight", _("Return freight paid")
    COUPON = "coupon", _("Coupon")
    FREE_SHIPPING = "free_shipping", _("Free shipping next time")
    MEMBERSHIP = "membership", _("Membership level")
    GIFT = "gift", _("Small gift")
    CASH = "cash", _("Cash payment")


class CostRule(models.TextChoices):
    """How the cost to the shop follows from the order."""

    WHOLE = "whole", _("what was paid")
    NAMED = "named", _("an amount that is named")
    OPTIONAL = "optional", _("freight or goods, if known")


class Doer(models.TextChoices):
    """Who carries it out."""

    PLATFORM = "platform", _("in the platform's back-end")
    WAREHOUSE = "warehouse", _("the warehouse")
    SHOP = "shop", _("in the shop's back-end")
    FINANCE = "finance", _("whoever holds the account")


@dataclass(frozen=True, slots=True)
class KindFacts:
    """`money`: the buyer gets money · `bank`: paid from an account, so only a manager pays it out ·
    `on_the_phone`: may be promised in the call itself, before anything is checked · `goods`: sent anew."""

    icon: str
    cost: CostRule
    doer: Doer
    money: bool = False
    bank: bool = False
    on_the_phone: bool = True
    goods: bool = False

    @property
    def needs_amount(self) -> bool:
        return self.cost != CostRule.OPTIONAL


KINDS: dict[str, KindFacts] = {
    RemedyKind.REFUND: KindFacts("receipt-refund", CostRule.WHOLE, Doer.PLATFORM, money=True),
    RemedyKind.PART_REFUND: KindFacts("coin", CostRule.NAMED, Doer.PLATFORM, money=True),
    RemedyKind.EXCHANGE: KindFacts("repeat", CostRule.OPTIONAL, Doer.WAREHOUSE, goods=True),
    RemedyKind.RESEND: KindFacts("package", CostRule.OPTIONAL, Doer.WAREHOUSE, goods=True),
    RemedyKind.RETURN_FREIGHT: KindFacts("truck", CostRule.OPTIONAL, Doer.PLATFORM, money=True),
    RemedyKind.COUPON: KindFacts("discount", CostRule.NAMED, Doer.SHOP),
    RemedyKind.FREE_SHIPPING: KindFacts("truck-delivery", CostRule.OPTIONAL, Doer.SHOP),
    RemedyKind.MEMBERSHIP: KindFacts("star", CostRule.OPTIONAL, Doer.SHOP),
    RemedyKind.GIFT: KindFacts("gift", CostRule.OPTIONAL, Doer.WAREHOUSE),
    RemedyKind.CASH: KindFacts(
        "transfer", CostRule.NAMED, Doer.FINANCE, money=True, bank=True, on_the_phone=False
    ),
}


def kind_choices() -> list[tuple[str, Any]]:
    return [(kind.value, kind.label) for kind in RemedyKind]
