"""Bytes of a merchant's file → rows of cells with their line numbers. Nothing is interpreted here."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from html.parser import HTMLParser
from itertools import islice

from django.utils.translation import gettext as _

from . import workbook_process
from .columns import understood

CellValue = str | int | float | bool | datetime | date | time | timedelta | None
NumberedRow = tuple[int, list[CellValue]]

MAX_BYTES = 20 * 1024 * 1024
MAX_ROWS = 100_000
MAX_COLUMNS = 128
MAX_UNPACKED_BYTES = 400 * 1024 * 1024
READ_SECONDS = 120
HEADER_SEARCH_ROWS = 30
TAIL_ROWS = 3

# One cell at XFD1048576 makes a reader allocate the whole grid, so its address is refused unread:
# a column after DX (128) or a row after 100,999.
_FAR_CELL = re.compile(
    rb"""\br=["'](?:(?:[A-Z]{3}|[E-Z][A-Z]|D[YZ])\d|[A-Z]*(?:10[1-9]\d{3}|1[1-9]\d{4}|[2-9]\d{5}|\d{7}))"""
)
_TOTAL = re.compile(r"(合计|总计|汇总|小计|共计|总和|total|sum)\s*[:：(（]?[^一-鿿]{0,30}", re.IGNORECASE)
_FOOTER = re.compile(r"共\s*\d+\s*(条|行|笔|单).*|(导出|制表|打印)(时间|日期|人).*")
_BOMS = (
    (b"\xff\xfe\x00\x00", "utf-32-le"), (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"),
)  # fmt: skip


class TableError(ValueError):
    """The file cannot be read as a table; the message is for the person who chose it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One data row: its line in the file (sheet row, or first text line) and its cells by header."""

    line: int
    cells: dict[str, CellValue]


@dataclass(frozen=True, slots=True)
class Table:
    """Headers in file order, the rows below them, and how many rows were passed over (totals, footers)."""

    headers: list[str]
    header_line: int
    rows: list[Row]
    skipped: int = 0


def read_table(data: bytes, filename: str) -> Table:
    """Read a CSV, TSV, XLSX or XLS file, or tab text or an HTML table that is called .xls.

    The content decides, not the name. Raises TableError with a sentence that says the way out.
    """
    if len(data) > MAX_BYTES:
        raise TableError(_("The file is larger than %(mb)d MB. Split it and import the parts.") % {"mb": 20})
    if not data.strip(b"\x00 \t\r\n"):
        raise TableError(_("The file is empty."))
    candidates = [_table(rows) for rows in _sheets(data, filename)]
    tables = [table for table in candidates if table.headers]
    if not tables:
        raise TableError(_("No table was found in %(name)s.") % {"name": filename})
    return max(tables, key=lambda table: understood(table.headers))


def _sheets(data: bytes, filename: str) -> Iterator[Iterator[NumberedRow]]:
    if data[:4] == b"PK\x03\x04" or data[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        yield from _workbook(data)
        return
    text = decode(data)
    start = text[:4000].lstrip().casefold()
    if start.startswith("<?xml") and "<workbook" in start:
        raise TableError(
            _("%(name)s is an XML spreadsheet. Save it as XLSX and import that.") % {"name": filename}
        )
    if start.startswith("<") and (
        "<table" in text[:200_000].casefold() or start.startswith(("<html", "<!doc"))
    ):
        yield _html_rows(text)
        return
    yield _text_rows(text)


def decode(data: bytes) -> str:
    """Text of a file by a ladder: BOM, then strict UTF-8, then strict GB18030. Never guesses further."""
    for encoding in _encodings(data):
        try:
            return data.decode(encoding).removeprefix("\ufeff").replace("\x00", "")
        except UnicodeDecodeError:
            continue
    raise TableError(_("The characters of the file cannot be read. Save it as “CSV UTF-8” or XLSX."))


def _encodings(data: bytes) -> list[str]:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return [encoding]
    # UTF-16 without its mark: every ASCII sign has a NUL beside it, always on the same side.
    sample = data[:20_000]
    odd, even = sample[1::2].count(0), sample[0::2].count(0)
    if odd * 20 > len(sample) / 2 and even * 10 < odd:
        return ["utf-16-le"]
    if even * 20 > len(sample) / 2 and odd * 10 < even:
        return ["utf-16-be"]
    return ["utf-8", "gb18030"]


def _text_rows(text: str) -> Iterator[NumberedRow]:
    delimiter = max(",\t;|", key=lambda sign: _headers_with(text, sign))
    return _split(text, delimiter)


def _headers_with(text: str, delimiter: str) -> tuple[int, int]:
    """How well the first rows read with this delimiter: headers understood, then widest row."""
    rows = list(islice(_split(text[:60_000], delimiter, strict=False), HEADER_SEARCH_ROWS))
    return max((understood(cells) for _line, cells in rows), default=0), max(
        (len(cells) for _line, cells in rows), default=0
    )


def _split(text: str, delimiter: str, *, strict: bool = True) -> Iterator[NumberedRow]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    first_line = 1
    try:
        for cells in reader:
            yield first_line, list[CellValue](cells)
            first_line = reader.line_num + 1
    except csv.Error as error:
        if strict:
            message = _("Line %(line)d cannot be read; a quotation mark is probably not closed there.")
            raise TableError(message % {"line": first_line}) from error


def _workbook(data: bytes) -> Iterator[Iterator[NumberedRow]]:
    if data[:2] == b"PK":
        _refuse_bomb(data)
    try:
        # -I: nothing of the environment or the working directory is imported there.
        command = [sys.executable, "-I", workbook_process.__file__]
        read = subprocess.run(command, input=data, capture_output=True, timeout=READ_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise TableError(_damaged()) from error
    if read.returncode == workbook_process.PASSWORD:
        raise TableError(_("The workbook has a password. Remove the password and save it again."))
    if read.returncode:
        raise TableError(_damaged())
    for line in read.stdout.splitlines():
        yield enumerate(json.loads(line, object_hook=_date_cell), start=1)


def _date_cell(encoded: dict[str, str]) -> datetime | date:
    text = encoded["at"]
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


def _refuse_bomb(data: bytes) -> None:
    """Unpack once, counting: no reader sees a workbook that swells or spans an absurd grid."""
    total = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                sheet, tail = "worksheets/" in info.filename, b""
                with archive.open(info) as packed:
                    while chunk := packed.read(1 << 20):
                        total += len(chunk)
                        if total > MAX_UNPACKED_BYTES:
                            raise TableError(
                                _("The workbook unpacks to too much data. Split it or save it as CSV.")
                            )
                        if sheet and _FAR_CELL.search(tail + chunk):
                            raise TableError(_too_many())
                        tail = chunk[-40:]
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError) as error:
        raise TableError(_damaged()) from error


class _TableParser(HTMLParser):
    """Rows of all tables in an HTML text; a nested table is text of its cell."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[CellValue]] = []
        # Cells that reach down (rowspan) by column: rows still to fill, text; now and next row.
        self._spans: dict[int, tuple[int, str]] = {}
        self._next: dict[int, tuple[int, str]] = {}
        self._row: list[CellValue] | None = None
        self._cell: list[str] | None = None
        self._attrs: dict[str, str | None] = {}
        self._depth = 0
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style"):
            self._hidden += 1
        elif tag == "table":
            self._depth += 1
        elif tag == "br" and self._cell is not None:
            self._cell.append("\n")
        elif tag == "tr" and self._depth <= 1:
            self.end_row()
            self._row = []
        elif tag in ("td", "th") and self._depth <= 1:
            self._end_cell()
            self._row = [] if self._row is None else self._row
            self._cell, self._attrs = [], dict(attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._hidden = max(0, self._hidden - 1)
        elif tag == "table":
            if self._depth <= 1:
                self.end_row()
            self._depth = max(0, self._depth - 1)
        elif tag == "tr" and self._depth <= 1:
            self.end_row()
        elif tag in ("td", "th") and self._depth <= 1:
            self._end_cell()

    def handle_data(self, data: str) -> None:
        if self._cell is not None and not self._hidden:
            self._cell.append(data)

    def _span(self, name: str, limit: int) -> int:
        value = self._attrs.get(name) or "1"
        return min(int(value), limit) if value.isascii() and value.isdigit() and len(value) < 9 else 1

    def _fill_from_above(self) -> None:
        assert self._row is not None
        while (column := len(self._row)) in self._spans and column < MAX_COLUMNS:
            left, text = self._spans.pop(column)
            self._row.append(text)
            if left > 1:
                self._next[column] = (left - 1, text)

    def _end_cell(self) -> None:
        if self._cell is None or self._row is None:
            return
        self._fill_from_above()
        text = "".join(self._cell).replace("\xa0", " ").strip()
        down = self._span("rowspan", 1000)
        if down > 1:
            self._next[len(self._row)] = (down - 1, text)
        self._row.append(text)
        self._row.extend([""] * min(self._span("colspan", MAX_COLUMNS) - 1, MAX_COLUMNS))
        self._cell = None

    def end_row(self) -> None:
        self._end_cell()
        if self._row is None:
            return
        self._fill_from_above()
        self.rows.append(self._row)
        if len(self.rows) > MAX_ROWS + 1000:
            raise TableError(_too_many())
        self._spans, self._next, self._row = self._next, {}, None


def _html_rows(text: str) -> Iterator[NumberedRow]:
    parser = _TableParser()
    parser.feed(text)
    parser.close()
    parser.end_row()
    return enumerate(parser.rows, start=1)


def _table(numbered: Iterator[NumberedRow]) -> Table:
    filled = [(line, cells) for line, cells in numbered if any(not _blank(cell) for cell in cells)]
    if not filled:
        return Table([], 0, [])
    at = _header_index(filled[:HEADER_SEARCH_ROWS])
    header_line, header_cells = filled[at]
    headers = _unique([_header_text(cell) for cell in header_cells])
    body = filled[at + 1 :]
    kept = body[:-TAIL_ROWS] + [pair for pair in body[-TAIL_ROWS:] if not _is_total(pair[1])]
    if len(kept) > MAX_ROWS:
        raise TableError(_too_many())
    rows = [
        Row(line, {header: cell for header, cell in zip(headers, cells, strict=False) if header})
        for line, cells in kept
    ]
    return Table([header for header in headers if header], header_line, rows, len(body) - len(kept))


def _header_index(rows: Sequence[NumberedRow]) -> int:
    """The row that reads most like headers; else the first with two cells, so an error can show it."""
    scores = [understood(cells) for _line, cells in rows]
    if max(scores) >= 2:
        return scores.index(max(scores))
    wide = (at for at, (_line, cells) in enumerate(rows) if sum(not _blank(cell) for cell in cells) > 1)
    return next(wide, 0)


def _header_text(cell: CellValue) -> str:
    return "" if _blank(cell) else re.sub(r"\s+", " ", str(cell)).strip("\ufeff\u200b '\t")


def _unique(headers: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    unique = []
    for header in headers:
        seen[header] = seen.get(header, 0) + 1
        unique.append(header if seen[header] == 1 or not header else f"{header} #{seen[header]}")
    return unique


def _is_total(cells: list[CellValue]) -> bool:
    texts = [str(cell).strip() for cell in cells if not _blank(cell)]
    return bool(_TOTAL.fullmatch(texts[0])) or (len(texts) == 1 and bool(_FOOTER.fullmatch(texts[0])))


def _blank(cell: CellValue) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip(" \t\r\n\x00\ufeff\u200b\u3000'"))


def _damaged() -> str:
    return _("The workbook is damaged or has a password. Save it again as XLSX.")


def _too_many() -> str:
    message = _("The file has more than %(rows)s rows or %(columns)d columns. Split it and import the parts.")
    return message % {"rows": f"{MAX_ROWS:,}", "columns": MAX_COLUMNS}
