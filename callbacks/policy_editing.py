"""Changing the compensation policy: one ladder at a time, every version kept, with who changed what."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from callbacks.models import RemedyPolicy
from callbacks.policy import BANDS, LADDER, Proof, Step, parse, rungs
from callbacks.remedy_card import offer_words
from callbacks.shop_policy import band_words
from reviews import colliding
from reviews.causes import COMPLAINTS, SUB_CAUSES, Cause, SubCause
from reviews.models import Shop, User


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One sub-cause of the table: for each band the rungs in words; `is_own`: the shop's own row."""

    sub_cause: SubCause
    is_own: bool
    cells: list[list[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Version:
    """One version in words, shaped for the list of versions."""

    history_id: int
    history_user: Any
    history_date: datetime
    history_type: str
    text: str


def table(shop: Shop | None) -> list[tuple[Cause, list[PolicyRow]]]:
    """The whole policy as it is in force in a shop (None: the common one)."""
    rows = RemedyPolicy.objects.in_force(shop)
    return [
        (cause, [_row(sub, rows.get(sub.value), shop) for sub in SUB_CAUSES[cause]])
        for cause in COMPLAINTS
        if cause != Cause.MALICIOUS
    ]


def _row(sub: SubCause, row: RemedyPolicy | None, shop: Shop | None) -> PolicyRow:
    steps = row.ladder if row else []
    own = bool(row and shop and row.shop_id == shop.pk)
    return PolicyRow(sub, own, [_cell(steps, band) for band in BANDS])


def _cell(steps: Sequence[Step], band: int) -> list[tuple[str, str]]:
    """(proof, remedies) for each rung of the band that has any."""
    found = []
    for proof in LADDER:
        words = [step.label for step in steps if step.band == band and step.proof == proof]
        if words:
            found.append((str(proof.label), "、".join(words)))
    return found


def said(shop: Shop | None, sub_cause: str, value: Decimal) -> list[tuple[str, list[str]]]:
    """What an order of `value` yuan with this defect gets, rung by rung, in words with amounts."""
    row = RemedyPolicy.objects.holding(shop.pk if shop else None, sub_cause)
    ladder = rungs(row.ladder if row else [], value)
    named = {str(proof.label): [offer_words(one) for one in offers] for proof, offers in ladder.items()}
    return [(proof, words) for proof, words in named.items() if words]


def rows_of(row: RemedyPolicy | None) -> list[dict[str, Any]]:
    """A ladder as it is stored, for its mark; nothing: no rungs."""
    return [step.as_row() for step in row.ladder] if row else []


def own_row(shop: Shop | None, sub_cause: str) -> RemedyPolicy | None:
    """The row of just this shop, if there is one."""
    return RemedyPolicy.objects.filter(shop=shop, sub_cause=sub_cause).first()


def save_ladder(
    shop: Shop | None, sub_cause: str, steps: Sequence[Step], *, by: User, mark: str = ""
) -> bool:
    """Keep a ladder; a shop that reads the common one gets a row of its own. False: nothing changed.

    Raises Collision when the ladder has changed since a form with this mark was opened.
    """
    rows = [step.as_row() for step in steps]
    with transaction.atomic():
        row = RemedyPolicy.objects.select_for_update().filter(shop=shop, sub_cause=sub_cause).first()
        before = row or RemedyPolicy.objects.holding(shop.pk if shop else None, sub_cause)
        stands = rows_of(before)
        words = "\n".join(sorted(_named(stands)))
        latest = RemedyPolicy.history.filter(shop=shop, sub_cause=sub_cause).order_by("-history_id").first()
        colliding.check(mark, stands, rows, words=words, who=latest.history_user if latest else "")
        if before and [step.as_row() for step in before.ladder] == rows:
            return False
        if row is None:
            row = RemedyPolicy(shop=shop, sub_cause=sub_cause)
        row.steps = rows
        row._history_user = by  # type: ignore[attr-defined]
        row.save()
    return True


def reset_ladder(shop: Shop, sub_cause: str, *, by: User) -> bool:
    """Read the common ladder again."""
    row = own_row(shop, sub_cause)
    if row is None:
        return False
    row._history_user = by  # type: ignore[attr-defined]
    row.delete()
    return True


def versions(shop: Shop | None, sub_cause: str) -> list[Version]:
    """The latest first, each with what it changed against the one before."""
    rows = RemedyPolicy.history.filter(shop=shop, sub_cause=sub_cause).select_related("history_user")
    found = list(rows.order_by("-history_id")[:31])
    pairs = zip(found, [*found[1:], None], strict=False)
    return [
        Version(one.history_id, one.history_user, one.history_date, one.history_type, _change(before, one))
        for one, before in pairs
    ][:30]


def restore(shop: Shop | None, sub_cause: str, history_id: int, *, by: User) -> bool:
    """Bring back an older ladder. Raises LookupError when this row has no such version."""
    old = RemedyPolicy.history.filter(shop=shop, sub_cause=sub_cause, history_id=history_id).first()
    if old is None:
        raise LookupError(history_id)
    return save_ladder(shop, sub_cause, parse(old.steps), by=by)


def _change(before: Any, after: Any) -> str:
    """What is new and what is gone, in words."""
    old = _named(before.steps) if before else set()
    new = _named(after.steps)
    gone, come = sorted(old - new), sorted(new - old)
    if before is None:
        return _("First version, %(n)d steps") % {"n": len(new)}
    parts = [*(f"+ {words}" for words in come), *(f"− {words}" for words in gone)]
    return "\n".join(parts) or _("Nothing changed")


def _named(rows: list[Any]) -> set[str]:
    return {f"{band_words(step.band)} · {Proof(step.proof).label} · {step.label}" for step in parse(rows)}
