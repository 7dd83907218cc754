"""One cell → one value; what a spreadsheet has spoilt is refused, never guessed."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from reviews.importers import values
from reviews.importers.tables import CellValue
from reviews.importers.values import UnreadableCellError

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("202601051234567890", "202601051234567890"),
        ('="202601051234567890"', "202601051234567890"),
        ("\t202601051234567890", "202601051234567890"),
        ("'202601051234567890", "202601051234567890"),
        ("１２３４", "1234"),
        (123456789012345.0, "123456789012345"),
        (42, "42"),
        ("12345.0", "12345"),
        ("E20260105-1", "E20260105-1"),
        ("", ""),
        (None, ""),
        ("--", ""),
    ],
)
def test_it_reads_an_id_digit_for_digit(cell: CellValue, expected: str) -> None:
    assert values.identifier(cell) == expected


@pytest.mark.parametrize(
    "cell",
    [
        1.23456789012345e17,
        10**15,
        "1.23E+17",
        "1.23457e17",
        12.5,
        "202601051234567890.0",
        -3,
        True,
        date(2026, 1, 5),
    ],
)
def test_it_refuses_an_id_that_lost_digits(cell: CellValue) -> None:
    with pytest.raises(UnreadableCellError):
        values.identifier(cell)


def test_it_sees_a_column_whose_digits_were_rounded() -> None:
    assert values.were_rounded(["123456789012345000", "123456789012346000", "123456789012347000"])
    assert not values.were_rounded(["123456789012345000", "123456789012346001", "123456789012347000"])
    assert not values.were_rounded(["123456789012345000"])
    assert not values.were_rounded(["100000", "200000", "300000"])


NINE = "2026-01-05T09:03:00+08:00"


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2026-01-05 09:03:00", NINE),
        ("2026/1/5 9:03", NINE),
        ("2026年1月5日 9:03", NINE),
        ("2026年1月5日 9时3分", NINE),
        ("2026.1.5 9:03", NINE),
        ("２０２６／１／５　９：０３", NINE),
        ("2026-01-05T09:03:00.000+08:00", NINE),
        ("2026-01-05T01:03:00Z", "2026-01-05T01:03:00+00:00"),
        ("2026/1/5 上午9:03", NINE),
        ("2026/1/5 9:03 AM", NINE),
        ("2026/1/5 下午9:03", "2026-01-05T21:03:00+08:00"),
        ("20260105", "2026-01-05T00:00:00+08:00"),
        (20260105.0, "2026-01-05T00:00:00+08:00"),
        ("20260105090300", NINE),
        (46027.377083333333, NINE),
        ("46027.377083333333", NINE),
        (datetime(2026, 1, 5, 9, 2, 59, 999_999), NINE),
        (date(2026, 1, 5), "2026-01-05T00:00:00+08:00"),
        ("1767574980000", NINE),
        (1767574980, NINE),
        ("", ""),
        ("0000-00-00 00:00:00", ""),
    ],
)
def test_it_reads_times_and_places_them_in_the_zone(cell: CellValue, expected: str) -> None:
    assert values.moment(cell, SHANGHAI) == expected


@pytest.mark.parametrize(
    "cell", ["yesterday", "2026-02-30", "2026-13-01", "1/5/2026", 12.0, "1900-01-01", True]
)
def test_it_refuses_what_is_no_date(cell: CellValue) -> None:
    with pytest.raises(UnreadableCellError):
        values.moment(cell, SHANGHAI)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("好评", ("good", None)), ("中评", ("neutral", None)), ("差评", ("bad", None)),
        ("Bad", ("bad", None)),
        ("5星", ("good", 5)), ("五星", ("good", 5)), ("５", ("good", 5)), ("4分", ("good", 4)),
        (3.0, ("neutral", 3)),
        ("2", ("bad", 2)), ("一星", ("bad", 1)), ("1 star", ("bad", 1)), ("★★★☆☆", ("neutral", 3)),
        ("", ("", None)), ("5/5", ("good", 5)),
    ],
)  # fmt: skip
def test_it_reads_ratings_of_every_scale(cell: CellValue, expected: tuple[str, int | None]) -> None:
    assert values.rating_and_stars(cell) == expected


@pytest.mark.parametrize("cell", ["6", "0", "98%", "满意吗", 4.5])
def test_it_refuses_what_is_no_rating(cell: CellValue) -> None:
    with pytest.raises(UnreadableCellError):
        values.rating_and_stars(cell)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("¥1,299.00", "1299.00"),
        ("￥１２９９元", "1299.00"),
        (12.9, "12.90"),
        ("0", "0.00"),
        ("", ""),
        ("1299.5", "1299.50"),
    ],
)
def test_it_reads_amounts(cell: CellValue, expected: str) -> None:
    assert values.amount(cell) == expected


@pytest.mark.parametrize("cell", ["-5", "五元", "1.2.3", "12,99"])
def test_it_refuses_what_is_no_amount(cell: CellValue) -> None:
    with pytest.raises(UnreadableCellError):
        values.amount(cell)


def test_it_splits_pictures_but_not_inside_an_address() -> None:
    assert values.images("https://a/1.jpg,https://a/2.jpg https://a/3.jpg\nhttps://a/1.jpg") == [
        "https://a/1.jpg", "https://a/2.jpg", "https://a/3.jpg",
    ]  # fmt: skip
    assert values.images("https://a/1.jpg?x=1,2;https://a/2.jpg") == [
        "https://a/1.jpg?x=1,2",
        "https://a/2.jpg",
    ]
    assert values.images("a.jpg，b.jpg") == ["a.jpg", "b.jpg"]
    assert values.images("无") == []


@pytest.mark.parametrize("text", ["此用户没有填写评价", "默认好评", "很差。\n真的", "𠮷 😡", "'引号'开头"])
def test_it_keeps_the_words_of_a_review(text: str) -> None:
    assert values.text_of(text) == text


def test_it_takes_a_formula_guard_off_again() -> None:
    assert values.text_of("'=1+1") == "=1+1"
    assert values.quantity("2件") == 2
    assert values.quantity(3.0) == 3
