"""The file of refused rows a user downloads, mends and imports again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from django.utils.translation import gettext as _

from .rows import ParsedRow
from .values import text_of

# A spreadsheet runs a cell that begins with one of these (OWASP, CSV injection).
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def refusal_csv(rows: Iterable[ParsedRow]) -> bytes:
    """UTF-8 CSV with BOM (Excel opens it in Chinese): line, reason, then the row's own cells.

    Rows without errors are left out.
    """
    refused = [row for row in rows if row.errors]
    headers = list(dict.fromkeys(header for row in refused for header in row.cells))
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([_("Line"), _("Reason"), *map(guarded, headers)])
    for row in refused:
        reason = " ".join(message for messages in row.errors.values() for message in messages)
        writer.writerow(
            [row.line, guarded(reason), *(guarded(text_of(row.cells.get(header))) for header in headers)]
        )
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8", errors="replace")


def guarded(text: str) -> str:
    """Put `'` before a cell that a spreadsheet would run as a formula."""
    return "'" + text if text.startswith(_FORMULA_STARTS) else text
