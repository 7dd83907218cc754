"""Statements that every open page asks again and again, written out: there Django's building of a query costs
several times what the database does for it. Everything else goes by the models.

PostgreSQL plans such a statement once a connection (`PREPARED_STATEMENTS` in the settings): planning took
longer than finding the rows.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection


def ask(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows of a SELECT; `values` are numbers, texts and aware datetimes for its %s."""
    with _cursor() as cursor:
        cursor.execute(sql, _adapted(values))
        return list(cursor.fetchall())


def write(sql: str, values: Sequence[Any]) -> None:
    with _cursor() as cursor:
        cursor.execute(sql, _adapted(values))


class _Preparing(psycopg.Cursor[tuple[Any, ...]]):
    """Sends values apart from the statement, and has the statement planned once."""

    def execute(self, query: Any, params: Any = None, **_options: Any) -> Any:
        return super().execute(query, params, prepare=True)


def _cursor() -> Any:
    if connection.vendor != "postgresql" or not settings.PREPARED_STATEMENTS or connection.queries_logged:
        return connection.cursor()  # whose log of queries shows the values
    connection.ensure_connection()
    with connection.wrap_database_errors:
        cursor = _Preparing(connection.connection)
    return connection._prepare_cursor(cursor)  # type: ignore[attr-defined]


def _adapted(values: Sequence[Any]) -> list[Any]:
    return [connection.ops.adapt_unknown_value(value) for value in values]
