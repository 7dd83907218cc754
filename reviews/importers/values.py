"""One cell → one canonical value, or a UnreadableCellError that says what to do. Nothing is ever guessed."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from .tables import CellValue

# A number cell keeps 15 significant digits (IEEE 754 double as Excel shows it); an id beyond that is lost.
EXACT_DIGITS = 15
EXCEL_EPOCH = datetime(1899, 12, 30)
# Serials and timestamps are read as dates only inside these years, so a stray number is refused.
FIRST_YEAR, LAST_YEAR = 2000, 2100

_SCIENTIFIC = re.compile(r"[+-]?\d+(\.\d+)?e\+?\d+", re.IGNORECASE)
_WRAPPED = re.compile(r'="(.*)"', re.DOTALL)
_DATE = re.compile(
    r"(?P<year>\d{4})\s*[-/.年]\s*(?P<month>\d{1,2})\s*[-/.月]\s*(?P<day>\d{1,2})\s*日?"
    r"(?:[\sT]*(?P<half>上午|下午|AM|PM)?\s*(?P<hour>\d{1,2})\s*[:时点]\s*(?P<minute>\d{1,2})\s*"
    r"(?:[:分]\s*(?P<second>\d{1,2})?(?:[.,]\d+)?\s*秒?)?\s*(?P<half2>AM|PM)?"
    r"\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?",
    re.IGNORECASE,
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[\sT]?(\d{2}):?(\d{2}):?(\d{2})?)?")
_MONEY = re.compile(
    r"(?:¥|CNY|RMB|人民币)?\s*([+-]?)\s*(?:¥)?\s*(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?\s*元?", re.IGNORECASE
)
_LINK_START = re.compile(r"(?=https?://)", re.IGNORECASE)
_IMAGE_SPLIT = re.compile(r"[\s;|、，,]+")

_STARS = {
    "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5,
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5,
}  # fmt: skip
_RATING_WORDS = {
    "good": "good", "好评": "good", "好": "good", "positive": "good",
    "neutral": "neutral", "中评": "neutral", "中": "neutral", "normal": "neutral", "一般": "neutral",
    "bad": "bad", "差评": "bad", "差": "bad", "negative": "bad",
}  # fmt: skip
_STARS_TEXT = re.compile(
    r"(\d(?:\.0+)?|[一二两三四五]|one|two|three|four|five)\s*(?:分|颗?星级?|stars?|/\s*5)?"
)
_NO_VALUE = frozenset(
    {"", "-", "--", "—", "/", "\\", "null", "none", "nan", "n/a", "#n/a", "无", "暂无", "空"}
)


class UnreadableCellError(ValueError):
    """The cell cannot be read; the message says how to export or correct it."""


def text_of(cell: CellValue) -> str:
    """The cell as text, unwrapped (`="…"`, leading TAB, guard quote), newlines as LF; words untouched."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 10**EXACT_DIGITS:
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    text = str(cell).replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n").strip(" \t\n\ufeff\u3000")
    if wrapped := _WRAPPED.fullmatch(text):
        text = wrapped[1].replace('""', '"').strip()
    # A quote before a formula sign is a guard some export put there, ours too.
    return text[1:] if text[:1] == "'" and text[1:2] in tuple("=+-@\t\r") else text


def plain_text(cell: CellValue) -> str:
    """Single-purpose text (names, titles, ids): a leading `'` goes and "none" signs are empty."""
    text = text_of(cell).removeprefix("'").strip()
    return "" if text.casefold() in _NO_VALUE else text


def identifier(cell: CellValue) -> str:
    """An id, digit for digit. Refuses numbers that a spreadsheet has rounded or shortened."""
    if isinstance(cell, bool | datetime | date | timedelta):
        raise UnreadableCellError(export_as_text())
    if isinstance(cell, int | float):
        if abs(cell) >= 10**EXACT_DIGITS or cell != int(cell) or cell < 0:
            raise UnreadableCellError(export_as_text())
        return str(int(cell))
    text = unicodedata.normalize("NFKC", plain_text(cell)).strip()
    if _SCIENTIFIC.fullmatch(text):
        raise UnreadableCellError(export_as_text())
    if re.fullmatch(r"\d+\.0+", text):
        text = text.partition(".")[0]
        if len(text) > EXACT_DIGITS:
            raise UnreadableCellError(export_as_text())
    if len(text) > 100:
        raise UnreadableCellError(_("The number is longer than 100 characters."))
    return text


def were_rounded(ids: list[str]) -> bool:
    """Whether a column of long digit strings shows the zeros a spreadsheet leaves after 15 digits.

    Needs three different ids and six such digits in all: by chance that is one in a million.
    """
    long_ids = {text for text in ids if text.isdigit() and len(text) > EXACT_DIGITS}
    tails = [text[EXACT_DIGITS:] for text in long_ids]
    return len(tails) >= 3 and sum(map(len, tails)) >= 6 and not any(tail.strip("0") for tail in tails)


def export_as_text() -> str:
    """The way out for a number that lost digits."""
    return _(
        "The spreadsheet has shortened this number. Format the column as text and export the file again."
    )


def moment(cell: CellValue, zone: ZoneInfo) -> str:
    """ISO 8601 with offset, or "" for an empty cell. A time without a zone is the given zone's."""
    found = _moment(cell, zone)
    return found.isoformat() if found else ""


def _moment(cell: CellValue, zone: ZoneInfo) -> datetime | None:
    if isinstance(cell, datetime):
        return _plausible(_placed(cell, zone))
    if isinstance(cell, date):
        return _plausible(datetime(cell.year, cell.month, cell.day, tzinfo=zone))
    if isinstance(cell, bool | timedelta):
        raise UnreadableCellError(_no_date())
    if isinstance(cell, int | float):
        return _from_number(float(cell), zone)
    text = unicodedata.normalize("NFKC", plain_text(cell))
    if not text or text.startswith("0000"):
        return None
    if re.fullmatch(r"\d+(\.\d+)?", text) and not _COMPACT.fullmatch(text):
        return _from_number(float(text), zone)
    return _plausible(_from_text(text, zone))


def _from_number(number: float, zone: ZoneInfo) -> datetime:
    """Excel serial (days), or a Unix timestamp in seconds or milliseconds, or the digits 20260105."""
    if 1e12 <= number < 4.2e12:
        return datetime.fromtimestamp(number / 1000, UTC).astimezone(zone)
    if 9.4e8 <= number < 4.2e9:
        return datetime.fromtimestamp(number, UTC).astimezone(zone)
    if number.is_integer() and _COMPACT.fullmatch(str(int(number))):
        return _plausible(_from_text(str(int(number)), zone))
    if 36526 <= number < 73416:  # 2000-01-01 to 2100-12-31
        whole = EXCEL_EPOCH + timedelta(seconds=round(number * 86400))
        return whole.replace(tzinfo=zone)
    raise UnreadableCellError(_no_date())


def _from_text(text: str, zone: ZoneInfo) -> datetime:
    if compact := _COMPACT.fullmatch(text):
        parts = [int(part or 0) for part in compact.groups()]
        return _built(parts, zone)
    match = _DATE.fullmatch(text)
    if not match:
        raise UnreadableCellError(_no_date())
    hour = int(match["hour"] or 0)
    half = (match["half"] or match["half2"] or "").upper()
    if half in ("下午", "PM") and hour < 12:
        hour += 12
    elif half in ("上午", "AM") and hour == 12:
        hour = 0
    date_parts = [int(match[name]) for name in ("year", "month", "day")]
    parts = [*date_parts, hour, int(match["minute"] or 0), int(match["second"] or 0)]
    if not match["zone"]:
        return _built(parts, zone)
    naive = _built(parts, None)
    offset = match["zone"].upper()
    return datetime.fromisoformat(f"{naive.isoformat()}{'Z' if offset in ('Z', 'UTC', 'GMT') else offset}")


def _built(parts: list[int], zone: ZoneInfo | None) -> datetime:
    year, month, day, hour, minute, second = parts
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError as error:
        raise UnreadableCellError(_no_date()) from error


def _placed(value: datetime, zone: ZoneInfo) -> datetime:
    """Excel stores fractions of a day: round to the second, then place in the zone."""
    rounded = (value + timedelta(microseconds=500_000)).replace(microsecond=0)
    return rounded if rounded.tzinfo else rounded.replace(tzinfo=zone)


def _plausible(value: datetime) -> datetime:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise UnreadableCellError(_no_date())
    return value


def _no_date() -> str:
    return _("This is not a date we can read. Write it like 2026-01-05 09:03.")


def rating_and_stars(cell: CellValue) -> tuple[str, int | None]:
    """(`good`/`neutral`/`bad`, stars or None) of `好评`, `5星`, `五星`, `4`, `good`; ("", None) when empty.

    One or two stars read as bad, three as neutral, four or five as good: the common reading of
    five-star scales, and the one the platforms' own good/mid/bad counters use.
    """
    text = unicodedata.normalize("NFKC", plain_text(cell)).casefold().strip()
    if not text:
        return "", None
    if word := _RATING_WORDS.get(text):
        return word, None
    if set(text) <= {"★", "☆", "⭐", "\ufe0f"} and 1 <= (count := text.count("★") + text.count("⭐")) <= 5:
        return rating_of(count), count
    match = _STARS_TEXT.fullmatch(text)
    stars = (_STARS.get(match[1]) or int(float(match[1]))) if match else 0
    if not 1 <= stars <= 5:
        raise UnreadableCellError(_("This is not a rating. Use 好评, 中评, 差评 or 1 to 5 stars."))
    return rating_of(stars), stars


def rating_of(stars: int) -> str:
    """Rating word of 1–5 stars."""
    return "bad" if stars <= 2 else "neutral" if stars == 3 else "good"


def amount(cell: CellValue) -> str:
    """Decimal text with two places of `¥1,299.00`, `１２９９元`; "" when empty. Never negative."""
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        text = repr(cell)
    else:
        text = unicodedata.normalize("NFKC", plain_text(cell)).replace("¥", "¥")
    if not text:
        return ""
    match = _MONEY.fullmatch(text)
    try:
        value = Decimal(match[2].replace(",", "") + (match[3] or "")) if match else Decimal("NaN")
        rounded = value.quantize(Decimal("0.01"))
    except InvalidOperation:
        rounded = Decimal("NaN")
    if not rounded.is_finite() or (match and match[1] == "-") or rounded >= Decimal(10) ** 10:
        raise UnreadableCellError(_("This is not an amount. Write it like 1299.00."))
    return str(rounded)


def quantity(cell: CellValue) -> int | None:
    """Whole number ≥ 0 of `2`, `2件`, 2.0; None when empty."""
    text = unicodedata.normalize("NFKC", text_of(cell) if isinstance(cell, float) else plain_text(cell))
    if not text:
        return None
    match = re.fullmatch(r"(\d{1,6})(?:\.0+)?\s*(?:件|个|份|套)?", text)
    if not match:
        raise UnreadableCellError(_("This is not a whole number."))
    return int(match[1])


def images(cell: CellValue) -> list[str]:
    """Addresses of pictures, split at commas, spaces, semicolons and new lines, in order, each once.

    A comma inside an address stays when the next part does not begin a new address.
    """
    text = plain_text(cell)
    if not text:
        return []
    if text.casefold().count("http"):
        pieces = [piece.strip(" \t\n,;|、，") for piece in _LINK_START.split(text)]
        pieces = [piece.split()[0] for piece in pieces if piece]
    else:
        pieces = [piece for piece in _IMAGE_SPLIT.split(text) if piece]
    return list(dict.fromkeys(pieces))
