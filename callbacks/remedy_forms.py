"""What is typed about remedies and their proof. Bounds only; the rules live in callbacks.remedies."""

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from callbacks.amounts import AmountField
from callbacks.forms import CaseForm
from callbacks.models import PayoutMethod, RemedyKind


class RemedyForm(CaseForm):
    """An offer, typed or taken from the policy; `key` makes a double click one submission."""

    place = "remedy"
    kind = forms.ChoiceField(label=_("Remedy"), choices=RemedyKind.choices)
    amount = AmountField(required=False)
    note = forms.CharField(label=_("Note"), max_length=200, required=False)
    reason = forms.CharField(label=_("Reason, if it is outside the policy"), max_length=300, required=False)
    accepted = forms.ChoiceField(choices=[("1", "1"), ("0", "0")], required=False)
    key = forms.UUIDField(required=False, widget=forms.HiddenInput, initial=uuid.uuid4)

    def clean_accepted(self) -> bool:
        return bool(self.cleaned_data["accepted"] != "0")


class DecisionForm(CaseForm):
    place = "remedy"
    approve = forms.TypedChoiceField(choices=[("1", "1"), ("0", "0")], coerce=lambda value: value == "1")
    amount = AmountField(required=False, label=_("Approve, ¥"))
    words = forms.CharField(label=_("Reason"), max_length=300, required=False)


class AcceptForm(CaseForm):
    place = "remedy"


class CancelForm(CaseForm):
    place = "remedy"
    reason = forms.CharField(label=_("Why it is cancelled"), max_length=200)


class PayoutForm(CaseForm):
    place = "remedy"
    method = forms.ChoiceField(label=_("Way"), choices=PayoutMethod.choices)
    reference = forms.CharField(label=_("Number"), max_length=80, required=False)
    cost = AmountField(required=False, label=_("What it came to, ¥"))
    key = forms.UUIDField(required=False, widget=forms.HiddenInput, initial=uuid.uuid4)


class ReversalForm(CaseForm):
    place = "remedy"
    reason = forms.CharField(label=_("Why it came back"), max_length=200)


class ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """Several files of one input; gives a list."""

    widget = ManyFiles

    def clean(self, data: Any, initial: Any = None) -> Any:
        one_by_one = data if isinstance(data, list | tuple) else [data]
        return [super(ManyFilesField, self).clean(one, initial) for one in one_by_one or [None]]


class PhotoForm(CaseForm):
    place = "photos"
    photos = ManyFilesField(
        label=_("Pictures"),
        widget=ManyFiles(attrs={"accept": "image/jpeg,image/png,image/webp,image/heic,image/heif"}),
        error_messages={"required": _("Choose at least one picture.")},
    )
