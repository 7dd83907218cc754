"""What people send in on the page of the call scripts."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from reviews.causes import CAUSE_OF, COMPLAINTS, Cause, SubCause
from reviews.colliding import Marked
from reviews.forms import checked_text, sub_cause_choices
from reviews.models import Shop
from reviews.refusals import Refusal


class ScriptChoiceForm(forms.Form):
    """Which script is looked at: a shop (empty: the common one) and a cause or sub-cause."""

    shop = forms.ChoiceField(label=_("Shop"), required=False)
    cause = forms.ChoiceField(
        label=_("Cause"),
        required=False,
        choices=[("", _("Any cause")), *((cause.value, cause.label) for cause in COMPLAINTS)],
    )
    sub_cause = forms.ChoiceField(
        label=_("Sub-cause"), required=False, choices=sub_cause_choices(any_label=_("Any sub-cause"))
    )

    def __init__(self, data: Any, *, shops: Iterable[Shop], may_share: bool) -> None:
        super().__init__(data, auto_id="script-%s")
        self.shops, self.may_share = list(shops), may_share
        field = self.fields["shop"]
        assert isinstance(field, forms.ChoiceField)
        common: list[Any] = [("common", _("All shops (common)"))] if may_share else []
        field.choices = [("", "–"), *common, *((shop.code, shop.name) for shop in self.shops)]

    @property
    def shop_chosen(self) -> Shop | None:
        """None is the common script; without a choice the first shop."""
        code = self.cleaned_data.get("shop") if self.is_valid() else ""
        if self.may_share and (code == "common" or not self.shops):
            return None
        return next((shop for shop in self.shops if shop.code == code), self.shops[0])

    @property
    def cause_chosen(self) -> tuple[str, str]:
        """Cause and sub-cause, agreeing: a sub-cause of another cause is dropped."""
        found = self.cleaned_data if self.is_valid() else {}
        cause, sub = found.get("cause", ""), found.get("sub_cause", "")
        if sub and not cause:
            return CAUSE_OF[SubCause(sub)].value, sub
        if sub and CAUSE_OF[SubCause(sub)] != Cause(cause):
            return cause, ""
        return cause, sub


class StageForm(Marked):
    """The words of one stage; compliance and the order of the whole call are checked when it is saved."""

    refusal: Refusal | None = None

    text = forms.CharField(
        label=_("What the agent says"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 7, "spellcheck": "false"}),
        help_text=_("Directions in brackets on a line of their own."),
    )

    def clean_text(self) -> str:
        return checked_text(self.cleaned_data["text"])


class PreviewForm(forms.Form):
    """Whose facts a text is tried on; none are invented ones."""

    case = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
