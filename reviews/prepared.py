"""Questions to the database that are written once and asked again and again.

Django builds and compiles a query anew each time it is asked, which costs several times what the database
takes for the answer. A `Prepared` compiles its query set once a thread and then only fills in the values;
what comes back are the same models or tuples. For what pages ask all day; everything else goes by the
models as usual. `python -m benchmarks.pages` says what it saves.
"""

import json
import threading
from collections.abc import Callable
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import Expression, Field, ForeignKey, Lookup, QuerySet
from psycopg.sql import Literal

from reviews.plain_sql import ask

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


class _OnceAThread(threading.local, Generic[Row]):
    """Something made when it is first needed, once a thread: compilers belong to connections."""

    def __init__(self, make: Callable[[], Row]) -> None:
        self._make = make

    @cached_property
    def made(self) -> Row:
        return self._make()


class Prepared(Generic[Row]):
    """A query set of `Asked` values, made by a function when it is first needed.

        notes = Prepared(lambda: Note.objects.filter(case=Asked("case")).order_by("at"))
        notes(case=7)

    The function may not depend on anything that changes, such as language or time; prefetching is not done.
    """

    def __init__(self, build: Callable[[], QuerySet[Any, Row]]) -> None:
        self._rows = _OnceAThread(lambda: _compiled(build()))

    def __call__(self, **values: Any) -> list[Row]:
        """The rows for these values, in one statement."""
        return self._rows.made(values)

    def first(self, **values: Any) -> Row | None:
        """The first of the rows; it should be the only one."""
        return next(iter(self(**values)), None)


class PreparedCount:
    """How many rows a query set of `Asked` values has."""

    def __init__(self, build: Callable[[], QuerySet[Any, Any]]) -> None:
        self._statement = _OnceAThread(lambda: _counting(build()))

    def __call__(self, **values: Any) -> int:
        [[number]] = self._statement.made.rows(values)
        return int(number)


class _Statement:
    """SQL and what goes into it: on PostgreSQL only what is asked for, so that a plan made for any value
    still sees the constants, without which it could use no partial index."""

    def __init__(self, sql: str, params: list[Any]) -> None:
        self.sql, self.params = sql, params
        if connection.vendor == "postgresql":
            *before, last = sql.split("%s")
            written = [piece + _as_written(one) for piece, one in zip(before, params, strict=True)]
            self.sql = "".join(written) + last
            self.params = [one for one in params if isinstance(one, Asked)]

    def rows(self, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        filled = [values[one.name] if isinstance(one, Asked) else one for one in self.params]
        return ask(self.sql, [json.dumps(one) if _is_list(one) else one for one in filled])


def _as_written(param: Any) -> str:
    if isinstance(param, Asked):
        return "%s"
    return Literal(param).as_string(connection.connection).replace("%", "%%")


def _is_list(value: Any) -> bool:
    """Whether the database has no lists of its own for it."""
    return isinstance(value, list) and connection.vendor != "postgresql"


def _counting(queryset: QuerySet[Any, Any]) -> _Statement:
    rows = queryset.order_by().values_list("pk")
    sql, params = rows.query.get_compiler(rows.db).as_sql()
    counted = f"SELECT COUNT(*) FROM ({sql}) counted"  # noqa: S608 – Django's own SQL
    return _Statement(counted, list(params))


def _compiled(queryset: QuerySet[Any, Row]) -> Callable[[dict[str, Any]], list[Row]]:
    """Let a query set's own way from rows to objects be gone with a statement that is compiled already."""
    compiler: Any = queryset.query.get_compiler(queryset.db)
    statement = _Statement(*compiler.as_sql())
    converters = compiler.get_converters([column[0] for column in compiler.select[: compiler.col_count]])
    values: dict[str, Any] = {}
    compiler.execute_sql = lambda *_args, **_options: [statement.rows(values)]
    compiler.get_converters = lambda _columns: converters
    vars(queryset.query)["get_compiler"] = lambda *_args, **_options: compiler
    rows_of: Any = queryset._iterable_class

    def found(asked: dict[str, Any]) -> list[Row]:
        values.clear()
        values.update(asked)
        return list(rows_of(queryset))

    return found
