"""The pulse: how often something has changed, cheap to ask, right across processes and machines.

Triggers of the database add a row with every change of a case and every event in one, in the same
transaction. Rows are only added, so nobody waits for anybody; the sum over a topic grows with each commit,
so a change is never missed. `compact` folds rows together and leaves every sum as it is.
"""

from collections.abc import Sequence

from django.db import models, transaction
from django.db.models import Q

from reviews.plain_sql import ask

FOLDED_AT_ONCE = 5000
_SUM = "SELECT COALESCE(SUM(beats), 0) FROM reviews_pulse WHERE"


class PulseQuerySet(models.QuerySet["Pulse"]):
    def total_of_shops(self, shops: Sequence[int] | None) -> int:
        """How many changes there have been in these shops; None: in all. Grows, never shrinks."""
        if shops is None:
            [(total,)] = ask(f"{_SUM} shop_id IS NOT NULL", ())
        elif shops:
            [(total,)] = ask(f"{_SUM} shop_id IN ({', '.join(['%s'] * len(shops))})", shops)
        else:
            total = 0
        return int(total)

    @transaction.atomic
    def compact(self) -> int:
        """Fold the rows of each topic into one; how many rows are gone. Sums stay as they are."""
        rows = list(self.select_for_update(skip_locked=True).order_by("pk")[:FOLDED_AT_ONCE])
        sums: dict[tuple[int | None, int | None], int] = {}
        for row in rows:
            sums[row.shop_id, row.holder_id] = sums.get((row.shop_id, row.holder_id), 0) + row.beats
        if len(sums) == len(rows):
            return 0
        self.filter(pk__in=[row.pk for row in rows]).delete()
        self.bulk_create([Pulse(shop_id=key[0], holder_id=key[1], beats=n) for key, n in sums.items()])
        return len(rows) - len(sums)


class Pulse(models.Model):
    """`beats` changes of a topic: of a shop's cases, or of the cases in one person's hands.

    Plain numbers, no foreign keys: a shop's cases beat once more while it is deleted.
    """

    shop_id = models.BigIntegerField(null=True)
    holder_id = models.BigIntegerField(null=True)
    beats = models.BigIntegerField(default=1)

    objects = PulseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(shop_id__isnull=False, holder_id__isnull=True)
                | Q(shop_id__isnull=True, holder_id__isnull=False),
                name="pulse_of_one_topic",
            )
        ]
        indexes = [
            models.Index(
                fields=["shop_id"], include=["beats"], name="pulse_shop", condition=Q(shop_id__isnull=False)
            ),
            models.Index(
                fields=["holder_id"],
                include=["beats"],
                name="pulse_holder",
                condition=Q(holder_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        topic = f"shop {self.shop_id}" if self.shop_id else f"holder {self.holder_id}"
        return f"{topic}: {self.beats}"
