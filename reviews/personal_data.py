"""Phone, name and address: encrypted at rest, masked on screen, findable only by a blind index.

Keys are settings.PERSONAL_DATA_KEYS (Fernet, apart from SECRET_KEY): the first encrypts, all decrypt;
settings.PHONE_INDEX_KEY makes the index and stays the same when those are rotated.
"""

import hashlib
import hmac
import re
from functools import lru_cache
from typing import Any

import phonenumbers
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models

NO_NUMBER = "-"  # stands for a number that is not known: no blind index reads so


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


class PersonalTextField(models.TextField):  # type: ignore[type-arg]  # not generic at run time
    """A text that is encrypted in the database and plain in Python; it cannot be searched."""

    def get_prep_value(self, value: Any) -> Any:
        text = super().get_prep_value(value)
        if not text:
            return ""
        return _cipher(tuple(settings.PERSONAL_DATA_KEYS)).encrypt(str(text).encode()).decode()

    def from_db_value(self, value: str | None, *_args: Any) -> str:
        if not value:
            return ""
        try:
            return _cipher(tuple(settings.PERSONAL_DATA_KEYS)).decrypt(value.encode()).decode()
        except InvalidToken as wrong_key:
            raise ValueError(
                "Personal data cannot be read: its key is not in PERSONAL_DATA_KEYS."
            ) from wrong_key


def normal_phone(phone: str) -> str:
    """One form for one number: E.164 where it is a real number, else its digits."""
    text = phone.strip()
    if not text:
        return ""
    try:
        number = phonenumbers.parse(text, "CN")
    except phonenumbers.NumberParseException:
        return re.sub(r"\D", "", text)
    if not phonenumbers.is_possible_number(number):
        return re.sub(r"\D", "", text)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def phone_index(phone: str) -> str:
    """HMAC-SHA256 of the normal form, 64 hex digits: equal numbers match, none can be read back."""
    number = normal_phone(phone)
    if not number:
        return ""
    return hmac.new(settings.PHONE_INDEX_KEY.encode(), number.encode(), hashlib.sha256).hexdigest()


def text_index(text: str) -> str:
    """Keyed hash of a text, 64 hex digits: the same words are known again and cannot be guessed back."""
    return hmac.new(settings.PHONE_INDEX_KEY.encode(), text.strip().encode(), hashlib.sha256).hexdigest()


def mask_phone(phone: str) -> str:
    """138****5678; of a shorter number only the last two digits."""
    digits = re.sub(r"\D", "", phone)
    if len(digits) >= 13 and digits.startswith("86"):
        digits = digits[2:]
    if len(digits) < 8:
        return f"****{digits[-2:]}" if digits else ""
    return f"{digits[:3]}****{digits[-4:]}"


def mask_name(name: str) -> str:
    """王**: the first sign stays."""
    return f"{name[0]}**" if name else ""


def mask_address(address: str) -> str:
    """Up to city or district, the rest hidden: 浙江省杭州市***."""
    match = re.match(r"^(.{2,}?(?:市|区|县|自治州|盟))", address)
    return f"{match.group(1)}***" if match else (f"{address[:3]}***" if address else "")


def surname(name: str) -> str:
    """The family name of a Chinese name: two signs for the known double surnames, else one.

    Not a Chinese name, a nick with digits or a title: empty, so that nobody is called wrongly.
    """
    if not re.fullmatch(r"[\u4e00-\u9fff]{2,4}", name):
        return ""
    return name[:2] if name[:2] in _DOUBLE_SURNAMES and len(name) > 2 else name[:1]


_DOUBLE_SURNAMES = frozenset(
    [
        "欧阳",
        "司马",
        "上官",
        "诸葛",
        "东方",
        "皇甫",
        "尉迟",
        "公孙",
        "慕容",
        "令狐",
        "司徒",
        "宇文",
        "长孙",
        "夏侯",
        "轩辕",
        "端木",
        "独孤",
        "南宫",
    ]
)


def seal(data: bytes) -> bytes:
    """Encrypt what may hold personal data and is kept as a whole (an uploaded file, a refused row)."""
    return _cipher(tuple(settings.PERSONAL_DATA_KEYS)).encrypt(data)


def unseal(data: bytes) -> bytes:
    """The bytes that were sealed. ValueError when the key is gone."""
    try:
        return _cipher(tuple(settings.PERSONAL_DATA_KEYS)).decrypt(data)
    except InvalidToken as wrong_key:
        raise ValueError("Personal data cannot be read: its key is not in PERSONAL_DATA_KEYS.") from wrong_key
