"""When a buyer was last given a compensation and last told of changing a review: the two must not meet."""

from django.db import models


class SequenceMark(models.Model):
    """One row a trace of a buyer (`buyer:<id>`, `phone:<blind index>`, `review:<id>`).

    Locking a buyer's rows makes acts on that buyer one after another, whatever the case or the shop.
    """

    key = models.CharField(max_length=80, primary_key=True)
    compensated_at = models.DateTimeField(null=True, blank=True)
    mentioned_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.key.partition(":")[0]
