"""Changing limits and budgets of a shop; the audit log keeps what was and what is.

Everything the form holds goes by one name: `per_case`, `per_day` (of the shop), `per_case_7` (of the member
with this key), `budget` (of the month), `budget_coupon` (of one kind). Yuan; None where nothing is set.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from callbacks.limits import fen_of, lock
from callbacks.models import RemedyBudget, RemedyKind
from callbacks.policy import plain
from reviews import colliding
from reviews.models import AuditEntry, Role, Shop, ShopMembership, User
from reviews.models.audit import Action

PER = ("per_case", "per_day")


def members_of(shop: Shop) -> list[ShopMembership]:
    """The agents who may have limits of their own."""
    agents = ShopMembership.objects.filter(shop=shop, role=Role.AGENT, user__is_active=True)
    return list(agents.select_related("user").order_by("user__display_name", "pk"))


def standing_limits(shop: Shop, members: Iterable[ShopMembership]) -> dict[str, Decimal | None]:
    """What stands now, by name."""
    found: dict[str, Decimal | None] = {name: getattr(shop, f"remedy_limit_{name}") for name in PER}
    for member in members:
        found |= {f"{name}_{member.pk}": getattr(member, f"remedy_limit_{name}") for name in PER}
    found["budget"] = None
    found |= {f"budget_{kind}": None for kind in RemedyKind.values}
    for kind, fen in RemedyBudget.objects.filter(shop=shop).values_list("kind", "fen"):
        found[budget_name(kind)] = None if fen is None else Decimal(fen) / 100
    return found


def budget_name(kind: str) -> str:
    return f"budget_{kind}" if kind else "budget"


def written(limits: dict[str, Decimal | None]) -> dict[str, str]:
    """As they are typed, for the form and its mark."""
    return {name: "" if amount is None else plain(amount) for name, amount in limits.items()}


@transaction.atomic
def save_limits(shop: Shop, wanted: dict[str, Decimal | None], *, by: User, mark: str = "") -> bool:
    """Keep what the form says; False: nothing was changed.

    Raises Collision when something has changed since a form with this mark was opened.
    """
    lock(shop)
    shop, members = Shop.objects.get(pk=shop.pk), members_of(shop)
    before = standing_limits(shop, members)
    wanted = {name: wanted.get(name, amount) for name, amount in before.items()}
    _check(shop, before, wanted, members, mark)
    changed = {
        _audited(name, members): [str(before[name]), str(amount)]
        for name, amount in wanted.items()
        if amount != before[name]
    }
    if not changed:
        return False
    _set(shop, {name: wanted[name] for name in PER})
    for member in members:
        _set(member, {name: wanted[f"{name}_{member.pk}"] for name in PER})
    for kind in ("", *RemedyKind.values):
        if wanted[budget_name(kind)] != before[budget_name(kind)]:
            _set_budget(shop, kind, wanted[budget_name(kind)], by)
    AuditEntry.note(Action.REMEDY_RULES, shop, user=by, shop=shop, changed=changed)
    return True


def _check(
    shop: Shop,
    before: dict[str, Decimal | None],
    wanted: dict[str, Decimal | None],
    members: list[ShopMembership],
    mark: str,
) -> None:
    stands, mine = written(before), written(wanted)
    names = words_of(members)
    words = "\n".join(
        f"{names[name]}: {stands[name] or _('none')}" for name in stands if stands[name] != mine[name]
    )
    latest = AuditEntry.objects.filter(action=Action.REMEDY_RULES, shop=shop).order_by("-pk").first()
    who, at = (latest.user, latest.at) if latest else ("", None)
    colliding.check(mark, stands, mine, words=words, who=who, at=at)


def words_of(members: Iterable[ShopMembership]) -> dict[str, str]:
    """What each name is called."""
    per = {"per_case": _("An agent alone, a case, ¥"), "per_day": _("An agent alone, a day, ¥")}
    found = {**per, "budget": _("Budget of the month, ¥")}
    for member in members:
        found |= {f"{name}_{member.pk}": f"{member.user} · {label}" for name, label in per.items()}
    return found | {
        f"budget_{kind.value}": _("%(remedy)s, ¥") % {"remedy": kind.label} for kind in RemedyKind
    }


def _audited(name: str, members: list[ShopMembership]) -> str:
    """The name in the audit log: whose limit, by user; whose budget, by kind."""
    if name in PER:
        return f"remedy_limit_{name}"
    for member in members:
        if name.endswith(f"_{member.pk}"):
            return f"{member.user_id}:remedy_limit_{name.removesuffix(f'_{member.pk}')}"
    return name


def _set(row: Shop | ShopMembership, values: dict[str, Decimal | None]) -> None:
    fields: dict[str, Any] = {f"remedy_limit_{name}": amount for name, amount in values.items()}
    fresh = {name: value for name, value in fields.items() if getattr(row, name) != value}
    for name, value in fresh.items():
        setattr(row, name, value)
    if fresh:
        row.save(update_fields=list(fresh))


def _set_budget(shop: Shop, kind: str, amount: Decimal | None, by: User) -> None:
    purse, _made = RemedyBudget.objects.get_or_create(shop=shop, kind=kind)
    purse.fen = None if amount is None else fen_of(amount)
    purse._history_user = by  # type: ignore[attr-defined]
    purse.save(update_fields=["fen"])
