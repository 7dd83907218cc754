"""Changing limits and budget of a shop; the audit log keeps what was and what is."""

from typing import Any

from django.db import transaction

from callbacks.limits import fen_of
from callbacks.models import RemedyBudget
from reviews.models import AuditEntry, Shop, ShopMembership, User
from reviews.models.audit import Action


@transaction.atomic
def save_limits(shop: Shop, data: dict[str, Any], members: list[ShopMembership], *, by: User) -> None:
    """Keep what the form says: limits of the shop, of each member, budget of the month."""
    changed: dict[str, list[str]] = {}
    _set(shop, {f"remedy_limit_{name}": data[name] for name in ("per_case", "per_day")}, changed, "")
    for member in members:
        own = {f"remedy_limit_{name}": data[f"{name}_{member.pk}"] for name in ("per_case", "per_day")}
        _set(member, own, changed, f"{member.user_id}:")
    purse, _made = RemedyBudget.objects.get_or_create(shop=shop, kind="")
    fen = None if data["budget"] is None else fen_of(data["budget"])
    if purse.fen != fen:
        changed["budget_fen"] = [str(purse.fen), str(fen)]
        purse.fen = fen
        purse._history_user = by  # type: ignore[attr-defined]
        purse.save(update_fields=["fen"])
    if changed:
        AuditEntry.note(Action.REMEDY_RULES, shop, user=by, shop=shop, changed=changed)


def _set(
    row: Shop | ShopMembership, values: dict[str, Any], changed: dict[str, list[str]], whose: str
) -> None:
    fresh = {name: value for name, value in values.items() if getattr(row, name) != value}
    for name, value in fresh.items():
        changed[f"{whose}{name}"] = [str(getattr(row, name)), str(value)]
        setattr(row, name, value)
    if fresh:
        row.save(update_fields=list(fresh))
