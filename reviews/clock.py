"""The present moment, in one place, so that a history can be replayed at its own times."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from django.utils import timezone

# Dates of the trade lie in these years; outside them a date is a slip (0001-01-01 is "none" in some systems).
FIRST_YEAR, LAST_YEAR = 2000, 2100

_moment: ContextVar[datetime | None] = ContextVar("moment", default=None)


def now() -> datetime:
    """The present moment (UTC, aware); inside `at` the moment that was set."""
    return _moment.get() or timezone.now()


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let everything inside happen at `moment`: the demo plays its past this way."""
    token = _moment.set(moment)
    try:
        yield
    finally:
        _moment.reset(token)
