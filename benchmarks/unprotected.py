"""The application with what keeps claims apart switched off, for the negative control of benchmarks.claims.

No row lock is taken, and a case moves without a look at how it stands in the database.
"""

from typing import Any
from unittest.mock import patch

from django.db import transaction
from django.db.models import QuerySet

from config.wsgi import application
from reviews.models import Case, Status, User
from reviews.models.cases import TRANSITIONS, EventKind

__all__ = ("application",)


@transaction.atomic
def careless_move(
    self: Case, verb: str, *, by: User | None, data: dict[str, object] | None = None, **changes: Any
) -> None:
    """Set the status, whoever was quicker."""
    target, before = TRANSITIONS[verb][1], Status(self.status)
    Case.objects.filter(pk=self.pk).update(status=target, **changes)
    for name, value in {"status": target, **changes}.items():
        setattr(self, name, value)
    self.events.create(kind=EventKind(verb), by=by, from_status=before, to_status=target, data=data or {})


def without_lock(self: QuerySet[Any], **_options: Any) -> QuerySet[Any]:
    return self


patch.object(Case, "_move", careless_move).start()
patch.object(QuerySet, "select_for_update", without_lock).start()
