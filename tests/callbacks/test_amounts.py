"""Amounts as people type them."""

from decimal import Decimal

import pytest

from callbacks.amounts import AmountError, AmountField, parse_amount


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("5", "5.00"),
        ("12.5", "12.50"),
        (" 12.50 ", "12.50"),
        ("12.500", "12.50"),
        ("１２．５", "12.50"),
        ("¥1,299.00", "1299.00"),
        ("￥１，２９９", "1299.00"),
        ("1,299,000", "1299000.00"),
        ("25元", "25.00"),
        ("0", "0.00"),
        (".5", "0.50"),
    ],
)
def test_it_reads_what_people_type(text: str, amount: str) -> None:
    assert parse_amount(text) == Decimal(amount)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("-1", "不能是负数"),
        ("－５", "不能是负数"),
        ("1.005", "最多两位小数"),
        ("12,5", "不是金额"),
        ("1,29", "不是金额"),
        ("abc", "不是金额"),
        ("NaN", "不是金额"),
        ("1e5", "不是金额"),
        ("", "不是金额"),
        ("100000000", "太大"),
    ],
)
def test_it_says_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(AmountError, match=words):
        parse_amount(text)


def test_a_field_may_be_empty() -> None:
    assert AmountField(required=False).clean("") is None
