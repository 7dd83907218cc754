"""Reads one workbook in a process of its own: bytes on standard input, a JSON line a sheet on standard out.

A damaged or hostile file can make the reader ask for hundreds of gigabytes, which ends the process without
an exception. Here that ends only this one. It is started by path and imports nothing of the project.
Exit codes: 0 read, 3 has a password, 4 damaged; anything else means the process was ended.
"""

import contextlib
import io
import json
import sys
from datetime import date, datetime

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError

PASSWORD, DAMAGED = 3, 4
MEMORY_BYTES = 2 * 1024**3


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def _encoded(value: object) -> object:
    """A date becomes `{"at": ISO}`, a time of day or a duration its text."""
    return {"at": value.isoformat()} if isinstance(value, datetime | date) else str(value)


def _rows(sheet: CalamineSheet) -> list[list[object]]:
    rows = [list[object](cells) for cells in sheet.to_python(skip_empty_area=False)]
    for (top, left), (bottom, _right) in sheet.merged_cell_ranges or []:
        # A cell merged over rows (one order, several items) holds for each of them; over columns it does not.
        for row in rows[top + 1 : bottom + 1]:
            if left < len(row) and row[left] in ("", None):
                row[left] = rows[top][left]
    return rows


def main() -> int:
    """Write every sheet, or return the code of the failure."""
    _limit_memory()
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read()))
        for name in book.sheet_names:
            rows = _rows(book.get_sheet_by_name(name))
            sys.stdout.buffer.write(json.dumps(rows, default=_encoded).encode("ascii") + b"\n")
    except PasswordError:
        return PASSWORD
    except (CalamineError, ValueError, OSError, MemoryError, IndexError):
        return DAMAGED
    return 0


if __name__ == "__main__":
    sys.exit(main())
