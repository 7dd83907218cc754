"""Masks, blind index, surnames."""

import pytest
from cryptography.fernet import Fernet

from reviews.models import Order, Shop
from reviews.personal_data import (
    mask_address,
    mask_name,
    mask_phone,
    normal_phone,
    phone_index,
    surname,
)
from tests.factories import make_order


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("13812345678", "138****5678"),
        ("+86 138 1234 5678", "138****5678"),
        ("12345", "****45"),
        ("", ""),
    ],
)
def test_it_masks_a_phone(phone: str, masked: str) -> None:
    assert mask_phone(phone) == masked


def test_it_masks_names_and_addresses() -> None:
    assert (mask_name("王小明"), mask_name("")) == ("王**", "")
    assert mask_address("浙江省杭州市西湖区文三路1号") == "浙江省杭州市***"


def test_it_writes_one_number_in_one_way() -> None:
    spellings = ["13812345678", "+86 138 1234 5678", "0086-138-1234-5678", "138 1234 5678"]
    assert len({normal_phone(one) for one in spellings}) == 1
    assert len({phone_index(one) for one in spellings}) == 1
    assert phone_index("13812345678") != phone_index("13812345679")
    assert phone_index("") == ""


@pytest.mark.parametrize(
    ("name", "family"), [("王小明", "王"), ("欧阳娜娜", "欧阳"), ("tb2024", ""), ("", ""), ("A小姐", "")]
)
def test_it_never_guesses_a_surname(name: str, family: str) -> None:
    assert surname(name) == family


@pytest.mark.django_db
def test_it_reads_old_rows_after_a_key_is_rotated(shop: Shop, settings: pytest.FixtureRequest) -> None:
    order = make_order(shop)
    settings.PERSONAL_DATA_KEYS = [Fernet.generate_key().decode(), *settings.PERSONAL_DATA_KEYS]  # type: ignore[attr-defined]
    assert Order.objects.get(pk=order.pk).buyer_phone == "13800138000"


@pytest.mark.django_db
def test_it_says_when_the_key_is_missing(shop: Shop, settings: pytest.FixtureRequest) -> None:
    make_order(shop)
    settings.PERSONAL_DATA_KEYS = [Fernet.generate_key().decode()]  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="PERSONAL_DATA_KEYS"):
        Order.objects.get()
