"""Questions to the database that are written once and asked again and again.

Django builds and compiles a query anew each time it is asked, which costs several times what the database
takes for the answer. A `Prepared` compiles its query set once a thread and then only fills in the values;
what comes back are the same models or tuples. For what pages ask all day; everything else goes by the
models as usual. `python -m benchmarks.pages` says what it saves.
"""

import json
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import Expression, Field, ForeignKey, Lookup, QuerySet

Row = TypeVar("Row")


class Asked(Expression):
    """A value that is filled in when the question is asked: a number, text or moment, never None or a model;
    a list of numbers for the lookup `any`."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, _compiler: Any, _connection: Any) -> Any:
        return "%s", [self]


@ForeignKey.register_lookup
@Field.register_lookup
class AnyOf(Lookup[Any]):
    """`pk__any=Asked("cases")`: one of a list, of which the statement needs not know the length."""

    lookup_name = "any"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        column, params = self.process_lhs(compiler, connection)
        is_postgresql = connection.vendor == "postgresql"
        one_of = "= ANY(%s)" if is_postgresql else "IN (SELECT value FROM json_each(%s))"
        return f"{column} {one_of}", [*params, self.rhs]


class Prepared(Generic[Row]):
    """A query set of `Asked` values, made by a function when it is first needed.

        notes = Prepared(lambda: Note.objects.filter(case=Asked("case")).order_by("at"))
        notes(case=7)

    The function may not depend on anything that changes, such as language or time; prefetching is not done.
    """

    def __init__(self, build: Callable[[], QuerySet[Any, Row]]) -> None:
        self._build = build
        self._kept = threading.local()  # a compiler belongs to its thread's connection

    def __call__(self, **values: Any) -> list[Row]:
        """The rows for these values, in one statement."""
        ask: Callable[[dict[str, Any]], list[Row]] | None = getattr(self._kept, "ask", None)
        if ask is None:
            ask = self._kept.ask = _compiled(self._build())
        return ask(values)

    def first(self, **values: Any) -> Row | None:
        """The first of the rows; it should be the only one."""
        return next(iter(self(**values)), None)


_COUNT = "SELECT COUNT(*) FROM ({}) counted"


class PreparedCount:
    """How many rows a query set of `Asked` values has."""

    def __init__(self, build: Callable[[], QuerySet[Any, Any]]) -> None:
        self._build = build
        self._kept = threading.local()

    def __call__(self, **values: Any) -> int:
        kept: tuple[str, list[Any]] | None = getattr(self._kept, "statement", None)
        if kept is None:
            rows = self._build().order_by().values_list("pk")
            sql, params = rows.query.get_compiler(rows.db).as_sql()
            kept = self._kept.statement = (_COUNT.format(sql), list(params))
        [[number]] = _fetched(*kept, values)
        return int(number)


def _compiled(queryset: QuerySet[Any, Row]) -> Callable[[dict[str, Any]], list[Row]]:
    """Let a query set's own way from rows to objects be gone with a statement that is compiled already."""
    compiler: Any = queryset.query.get_compiler(queryset.db)
    sql, params = compiler.as_sql()
    converters = compiler.get_converters([column[0] for column in compiler.select[: compiler.col_count]])
    values: dict[str, Any] = {}
    compiler.execute_sql = lambda *_args, **_options: [_fetched(sql, params, values)]
    compiler.get_converters = lambda _columns: converters
    vars(queryset.query)["get_compiler"] = lambda *_args, **_options: compiler

    rows_of: Any = queryset._iterable_class

    def ask(asked: dict[str, Any]) -> list[Row]:
        values.clear()
        values.update(asked)
        return list(rows_of(queryset))

    return ask


def _fetched(sql: str, params: list[Any], values: dict[str, Any]) -> list[Any]:
    filled = [_adapted(values[one.name]) if isinstance(one, Asked) else one for one in params]
    with connection.cursor() as cursor:
        cursor.execute(sql, filled)
        return list(cursor.fetchall())


def _adapted(value: Any) -> Any:
    if isinstance(value, list):
        return value if connection.vendor == "postgresql" else json.dumps(value)
    return connection.ops.adapt_unknown_value(value)
