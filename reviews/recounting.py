"""Deadlines of open cases follow when a shop's hours or calendar change; a worker counts them anew.

What is late stays late: a deadline that has passed is left as it is, and none is moved to before now, or a
change of hours would make somebody late who is not. A case's timeline tells both hours.
"""

from datetime import datetime

from django.db import transaction

from reviews import clock
from reviews.dispatch import lock_shop
from reviews.models import Case, CaseEvent, Shop
from reviews.models.cases import EventKind
from reviews.tasks import recount_after_commit

COUNTED_BY = frozenset(
    {"week", "official_days", "calling_from", "calling_until", "time_zone", "first_contact_minutes"}
)  # the fields of a shop its deadlines follow from, beside its own days


def want_recount(shop: Shop) -> None:
    """Have the shop's deadlines counted anew; belongs in the transaction of the change."""
    Shop.objects.filter(pk=shop.pk).update(recount_wanted=True)
    recount_after_commit()


def recount_wanted() -> int:
    """Count anew wherever it is wanted; how many deadlines moved."""
    wanted = Shop.objects.filter(recount_wanted=True).values_list("pk", flat=True)
    return sum(_recount(pk) for pk in list(wanted))


@transaction.atomic
def _recount(shop_id: int) -> int:
    """One shop under its lock, which intake takes as well: no case opens with the old hours meanwhile."""
    shop, now = lock_shop(shop_id), clock.now()
    Shop.objects.filter(pk=shop_id).update(recount_wanted=False)
    waiting = Case.objects.open().filter(shop=shop, first_contact_at=None, due_at__gt=now)
    moved = {case.pk: (case, due) for case in waiting.select_for_update() if (due := _fresh(case, shop, now))}
    events = [
        CaseEvent(
            case=case,
            kind=EventKind.DEADLINE,
            at=now,
            data={"before": case.due_at.isoformat(), "due_at": due.isoformat()},
        )
        for case, due in moved.values()
    ]
    for case, due in moved.values():
        case.due_at = due
    Case.objects.bulk_update([case for case, _due in moved.values()], ["due_at"], batch_size=500)
    CaseEvent.objects.bulk_create(events, batch_size=500)
    return len(moved)


def _fresh(case: Case, shop: Shop, now: datetime) -> datetime | None:
    """The deadline by the present hours; None when the case keeps the one it has."""
    due = shop.first_contact_due(case.reopened_at or case.opened_at)
    return due if due > now and due != case.due_at else None
