"""Amounts as people type them: full-width digits, thousands separators, a ¥ in front."""

import re
import unicodedata
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

LARGEST = Decimal(99_999_999)


class AmountError(ValueError):
    """What was typed is no amount; the message says why and what to type."""


def parse_amount(text: str) -> Decimal:
    """Read an amount in yuan, exact to the fen. Raises AmountError."""
    plain = unicodedata.normalize("NFKC", text).replace("。", ".").strip()
    plain = re.sub(r"^[¥￥]\s*|\s*(元|块|CNY|RMB)$", "", plain, flags=re.I).strip()
    if plain.startswith(("-", "−", "–")):
        raise AmountError(_("An amount cannot be negative."))
    if re.fullmatch(r"\d{1,3}([,，]\d{3})+(\.\d*)?", plain):
        plain = re.sub(r"[,，]", "", plain)
    if not re.fullmatch(r"\d+(\.\d*)?|\.\d+", plain):
        raise AmountError(_("“%(text)s” is no amount. Type it like 12.50.") % {"text": text.strip()[:20]})
    if len(plain.partition(".")[2].rstrip("0")) > 2:
        raise AmountError(_("An amount has at most two decimals (fen)."))
    try:
        amount = Decimal(plain)
    except InvalidOperation as error:  # digits of another script
        raise AmountError(_("“%(text)s” is no amount. Type it like 12.50.") % {"text": text[:20]}) from error
    if amount > LARGEST:
        raise AmountError(_("This amount is too large."))
    return amount.quantize(Decimal("0.01"))


class AmountField(forms.CharField):
    """A field for yuan; gives a Decimal, or None when it may be empty and is."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_length", 20)
        attrs = {"inputmode": "decimal", "autocomplete": "off", "placeholder": "0.00"}
        options.setdefault("widget", forms.TextInput(attrs=attrs))
        options.setdefault("label", gettext_lazy("Cost to the shop, ¥"))
        super().__init__(**options)

    def clean(self, value: Any) -> Any:
        text = str(super().clean(value) or "")
        if not text:
            return None
        try:
            return parse_amount(text)
        except AmountError as error:
            raise forms.ValidationError(str(error)) from error
