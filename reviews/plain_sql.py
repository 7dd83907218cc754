"""Statements of plain SQL, for the few that every open page asks every few seconds: there Django's building
of a query costs several times what the database does for it. Everything else goes by the models."""

from collections.abc import Sequence
from typing import Any

from django.db import connection


def ask(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows of a SELECT; `values` are numbers, texts and aware datetimes for its %s."""
    with connection.cursor() as cursor:
        cursor.execute(sql, _adapted(values))
        return list(cursor.fetchall())


def write(sql: str, values: Sequence[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, _adapted(values))


def _adapted(values: Sequence[Any]) -> list[Any]:
    return [connection.ops.adapt_unknown_value(value) for value in values]
