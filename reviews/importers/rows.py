"""A whole file → rows with the API's field names, ready for intake; the database is not touched here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from . import values
from .columns import Kind, Mapping, map_columns
from .tables import CellValue, Row, Table, read_table

MAX_TEXT = 20_000

_IDS = ("order_no", "sub_order_no", "item_id", "review_key", "tracking_no", "buyer_phone")
_TIMES = ("created_at", "paid_at", "shipped_at", "completed_at", "followup_at")
_LONG_TEXTS = ("content", "followup", "reply")
_ADDRESS_PARTS = ("address_province", "address_city", "address_district", "address")
_KEY_COLUMNS = ("order_no", "sub_order_no", "review_key")


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """One row: its line, JSON-able canonical fields, and why it is refused ({} = it may go to intake).

    `cells` are the file's own, for the file of refused rows; a door may add errors that intake finds.
    """

    line: int
    data: dict[str, object]
    errors: dict[str, list[str]] = field(default_factory=dict)
    cells: dict[str, CellValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """Every row of a file with what was not understood (`unknown_headers`) and passed over (`skipped`)."""

    kind: Kind
    rows: list[ParsedRow]
    unknown_headers: list[str]
    skipped: int
    fields: dict[str, str]


def parse_file(
    data: bytes, filename: str, kind: Kind | None = None, *, shop_code: str, zone: ZoneInfo
) -> ParsedFile:
    """Read a merchant's sheet. `kind` None lets the headers decide; `zone` places times without one.

    Raises TableError or ColumnError (both ValueError, message for the reader) when the file as a whole
    is refused; a row's own faults are in its `errors`, by canonical field.
    """
    table = read_table(data, filename)
    mapping = map_columns(table.headers, kind)
    rounded = _rounded_columns(table, mapping)
    reader = _Reader(mapping, zone, shop_code, rounded)
    rows = [reader.read(row) for row in table.rows]
    return ParsedFile(mapping.kind, rows, mapping.unknown, table.skipped, mapping.fields)


def derived_review_key(shop_code: str, order_no: str, line_key: str, created_at: str) -> str:
    """Key of a review that has no id of its own: the same review gives the same key in every export.

    SHA-256 over shop, order, sub-order (else item and SKU) and the first review's UTC minute. Seconds are
    dropped because some exports omit them; text and rating are left out because they may change later.
    """
    minute = datetime.fromisoformat(created_at).astimezone(ZoneInfo("UTC")).strftime("%Y%m%d%H%M")
    parts = "\x1f".join((shop_code, order_no, line_key, minute))
    return "h-" + hashlib.sha256(parts.encode()).hexdigest()[:32]


def _rounded_columns(table: Table, mapping: Mapping) -> set[str]:
    """Key columns whose digits a spreadsheet has already rounded, seen over the whole column."""
    found = set()
    for name in _KEY_COLUMNS:
        if header := mapping.fields.get(name):
            texts = [
                values.plain_text(cell)
                for row in table.rows
                if isinstance(cell := row.cells.get(header), str)
            ]
            if values.were_rounded(texts):
                found.add(name)
    return found


class _Reader:
    """Turns rows of one sheet into canonical data; holds what is the same for all of them."""

    def __init__(self, mapping: Mapping, zone: ZoneInfo, shop_code: str, rounded: set[str]) -> None:
        self.mapping, self.zone, self.shop_code, self.rounded = mapping, zone, shop_code, rounded
        self.columns = list(mapping.fields.items())
        self.first_of_key: dict[str, tuple[int, dict[str, object]]] = {}

    def read(self, row: Row) -> ParsedRow:
        """One row's data; a field that fails is missing from it and named in `errors`."""
        data: dict[str, object] = {}
        errors: dict[str, list[str]] = {}
        for name, header in self.columns:
            try:
                if name in self.rounded:
                    raise values.UnreadableCellError(values.export_as_text())
                self._read_cell(name, row.cells.get(header), data)
            except values.UnreadableCellError as fault:
                message = _("Column %(column)s: %(problem)s") % {"column": header, "problem": fault}
                errors.setdefault(name, []).append(message)
        if self.mapping.kind == "reviews":
            self._complete_review(row, data, errors)
        else:
            self._complete_order(data, errors)
        return ParsedRow(row.line, data, errors, row.cells)

    def _read_cell(self, name: str, cell: CellValue, data: dict[str, object]) -> None:
        if name in ("rating", "stars"):
            rating, stars = values.rating_and_stars(cell)
            if stars and (name == "stars" or "stars" not in data):
                data["stars"] = stars
            if rating and (name == "rating" or "rating" not in data):
                data["rating"] = rating
            return
        value = self._convert(name)(cell)
        if value not in ("", None, []):
            data[name] = value

    def _convert(self, name: str) -> Callable[[CellValue], object]:
        if name in _IDS:
            return values.identifier
        if name in _TIMES:
            return lambda cell: values.moment(cell, self.zone)
        if name in _LONG_TEXTS:
            return _long_text
        plain: dict[str, Callable[[CellValue], object]] = {
            "amount": values.amount, "quantity": values.quantity, "images": values.images,
        }  # fmt: skip
        return plain.get(name, values.plain_text)

    def _complete_order(self, data: dict[str, object], errors: dict[str, list[str]]) -> None:
        parts = [str(data.pop(name)) for name in _ADDRESS_PARTS if name in data]
        if parts:
            # An address that already begins with its province is not given it twice.
            heads = [part for part in parts[:-1] if not parts[-1].startswith(parts[0])]
            data["address"] = "".join([*heads, parts[-1]])
        self._require("order_no", data, errors)

    def _complete_review(self, row: Row, data: dict[str, object], errors: dict[str, list[str]]) -> None:
        self._require("created_at", data, errors)
        if "rating" not in data and not errors.keys() & {"rating", "stars"}:
            errors["rating"] = [_("The rating is missing. Fill in 好评, 中评, 差评 or 1 to 5 stars.")]
        if "review_key" not in data and not errors.keys() & {*_KEY_COLUMNS, "created_at"}:
            self._derive_key(data, errors)
        key = data.get("review_key")
        if isinstance(key, str) and not errors:
            first, same = self.first_of_key.setdefault(key, (row.line, data))
            if same != data:
                message = _(
                    "Line %(line)d of this file has the same review with other contents. Keep one of them."
                )
                errors["review_key"] = [message % {"line": first}]

    def _derive_key(self, data: dict[str, object], errors: dict[str, list[str]]) -> None:
        order_no, sub_order_no = str(data.get("order_no", "")), str(data.get("sub_order_no", ""))
        if not (order_no or sub_order_no):
            message = _(
                "The row has neither a review number nor an order number, so it could not be found again."
            )
            errors["review_key"] = [message]
            return
        item = data.get("item_id") or data.get("item_title") or ""
        line_key = sub_order_no or f"{item}/{data.get('sku', '')}"
        # A sub-order is unique by itself; without the order's number in the key, exports with and
        # without that column meet.
        order = "" if sub_order_no else order_no
        data["review_key"] = derived_review_key(self.shop_code, order, line_key, str(data["created_at"]))

    def _require(self, name: str, data: dict[str, object], errors: dict[str, list[str]]) -> None:
        if name not in data and name not in errors:
            header = self.mapping.fields.get(name, name)
            errors[name] = [_("Column %(column)s is empty. Fill it in.") % {"column": header}]


def _long_text(cell: CellValue) -> str:
    text = values.text_of(cell)
    if len(text) > MAX_TEXT:
        raise values.UnreadableCellError(
            _("The text is longer than %(limit)s characters.") % {"limit": f"{MAX_TEXT:,}"}
        )
    return text
