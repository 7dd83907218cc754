"""What is typed on the malicious path. Bounds only; the rules live in reviews.complaints."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from callbacks.forms import CaseForm, ShopHourField
from reviews.models.chats import ChatSource
from reviews.models.complaints import Reason


class MaliciousForm(CaseForm):
    """A form of the evidence page; `place` names the card it stands in."""

    place = "pack"


class PlainForm(MaliciousForm):
    """An act that needs no words."""


class ChatForm(MaliciousForm):
    place = "chats"
    source = forms.ChoiceField(label=_("Where it was said"), choices=ChatSource.choices)
    text = forms.CharField(
        label=_("Chat record, word for word"), max_length=20_000, widget=forms.Textarea(attrs={"rows": 6})
    )

    def adapt(self) -> None:
        self.fields["said_at"] = ShopHourField(shop=self.case.shop, label=_("When"))


class MarkForm(MaliciousForm):
    place = "chats"
    words = forms.CharField(
        label=_("The buyer's words, copied from the chat"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class FileForm(MaliciousForm):
    """The fields of the platform's form, in the order it asks for them."""

    place = "complaint"
    reason = forms.ChoiceField(label=_("Reason"), choices=Reason.choices)
    quote = forms.CharField(
        label=_("The words complained of"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    statement = forms.CharField(
        label=_("What happened, facts only"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    platform_no = forms.CharField(label=_("Number the platform gave"), max_length=64, required=False)

    def adapt(self) -> None:
        self.fields["due_at"] = ShopHourField(shop=self.case.shop, label=_("To be filed by"), required=False)
        self.order_fields(["reason", "quote", "statement", "due_at", "platform_no"])


class DecisionForm(MaliciousForm):
    place = "complaint"
    won = forms.TypedChoiceField(choices=[("1", "1"), ("0", "0")], coerce=lambda value: value == "1")
    # Of several lines: Enter makes a line, where in a single one it would press "Won".
    verdict = forms.CharField(
        label=_("What the platform said"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class TakeBackForm(MaliciousForm):
    place = "complaint"
    why = forms.CharField(
        label=_("Why the verdict is taken back"), max_length=300, widget=forms.Textarea(attrs={"rows": 2})
    )


class AppealForm(MaliciousForm):
    place = "complaint"
    note = forms.CharField(
        label=_("New facts for the appeal"), max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )


def initial_of(complaint: Any) -> dict[str, Any]:
    """What a draft already says."""
    return {
        name: getattr(complaint, name) for name in ("reason", "quote", "statement", "due_at", "platform_no")
    }
