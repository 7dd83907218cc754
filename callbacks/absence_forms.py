"""An absence as people type it."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from callbacks.forms import ShopHourField
from reviews.models import AbsenceReason, Shop


class AbsenceForm(forms.Form):
    """From, until and why, by the clock of one shop."""

    reason = forms.ChoiceField(label=_("Reason"), choices=AbsenceReason.choices)

    def __init__(self, data: Any = None, *, shop: Shop) -> None:
        super().__init__(data, auto_id="absence-%s")
        self.fields["begins"] = ShopHourField(shop=shop, label=_("from"))
        self.fields["ends"] = ShopHourField(shop=shop, label=_("until"))
        self.order_fields(["begins", "ends", "reason"])
