"""The index over single signs and pairs of signs that finds any part of a text, Chinese or not.

PostgreSQL: an array per text behind a GIN index. SQLite: a table of its own (FTS5) whose tokens are the signs
in hexadecimal, since its tokenizers drop punctuation. Both only narrow down: the caller compares the text.
"""

from collections.abc import Iterable

from django.db import connection
from django.db.models import BooleanField, F, Func, Q, Value
from django.db.models.expressions import RawSQL

# Long texts are taken apart once (substr would walk a text from its start for every sign); a blank stands
# only between words. The cost lets a plan compare the text first.
POSTGRES = """
CREATE OR REPLACE FUNCTION reviews_pairs(words text, numbers text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 50 AS $$
    SELECT coalesce(array_agg(DISTINCT piece), '{}') FROM (
        SELECT unnest(ARRAY[sign, sign || lead(sign) OVER (ORDER BY place)]) AS piece
        FROM unnest(string_to_array(words || ' ' || numbers, NULL)) WITH ORDINALITY AS signs(sign, place)
    ) pieces WHERE piece IS NOT NULL AND strpos(piece, ' ') = 0
$$;
CREATE INDEX IF NOT EXISTS search_pairs ON reviews_searchtext USING gin (reviews_pairs(text, numbers));
"""
SQLITE = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS reviews_searchpairs USING fts5(pairs, detail=none, tokenize='ascii')"
)


def make_index(vendor: str) -> str:
    """The SQL that makes the index."""
    return POSTGRES if vendor == "postgresql" else SQLITE


def drop_index(vendor: str) -> str:
    if vendor == "postgresql":
        return "DROP INDEX search_pairs; DROP FUNCTION reviews_pairs(text, text)"
    return "DROP TABLE reviews_searchpairs"


def narrowed_to(word: str) -> Q:
    """Rows of SearchText that may contain the word (no blank in it)."""
    pieces = sorted({word[n : n + 2] for n in range(len(word) - 1)}) or [word]
    if connection.vendor == "postgresql":
        return Q(_Holds(Func(F("text"), F("numbers"), function="reviews_pairs"), _Texts(Value(pieces))))
    rows = "SELECT rowid FROM reviews_searchpairs WHERE reviews_searchpairs MATCH %s"
    return Q(review__in=RawSQL(rows, [" AND ".join(map(_token, pieces))]))  # noqa: S611  no words in the SQL


class _Texts(Func):
    template = "%(expressions)s::text[]"


class _Holds(Func):
    template, arg_joiner = "(%(expressions)s)", " @> "
    output_field = BooleanField()


def store(texts: Iterable[tuple[int, str]]) -> None:
    """Follow what was written: (review, text). PostgreSQL does so by itself."""
    if connection.vendor == "postgresql":
        return
    rows = [(pk, " ".join(map(_token, sorted(_pieces(text))))) for pk, text in texts]
    with connection.cursor() as cursor:
        cursor.executemany("DELETE FROM reviews_searchpairs WHERE rowid = %s", [(pk,) for pk, _all in rows])
        cursor.executemany("INSERT INTO reviews_searchpairs (rowid, pairs) VALUES (%s, %s)", rows)


def _pieces(text: str) -> set[str]:
    return {piece for word in text.split() for n in range(len(word)) for piece in (word[n], word[n : n + 2])}


def _token(piece: str) -> str:
    return piece.encode("utf-16-be", "surrogatepass").hex()
