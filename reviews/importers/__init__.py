"""Merchants' files in: bytes → rows in the API's words. The file door hands them to intake."""

from .columns import ColumnError, Kind
from .refusals import refusal_csv
from .rows import ParsedFile, ParsedRow, derived_review_key, parse_file
from .tables import TableError

__all__ = [
    "ColumnError", "Kind", "ParsedFile", "ParsedRow", "TableError", "derived_review_key",
    "parse_file", "refusal_csv",
]  # fmt: skip
