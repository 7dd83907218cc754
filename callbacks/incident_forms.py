"""What a manager types about an incident. Bounds only; the rules live in reviews.incidents and callbacks."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from callbacks.amounts import AmountField
from callbacks.remedy_kinds import KINDS, CostRule, kind_choices
from reviews.colliding import Marked
from reviews.forms import checked_text
from reviews.refusals import Refusal

MOST_CASES = 500


class IncidentDecisionForm(forms.Form):
    verb = forms.ChoiceField(choices=[("confirm", ""), ("dismiss", ""), ("close", "")])
    words = forms.CharField(label=_("Why it is no incident"), max_length=300, required=False)


class IncidentPlanForm(Marked):
    """One true statement, and what each buyer is offered."""

    statement = forms.CharField(
        label=_("Statement"),
        max_length=300,
        required=False,
        widget=forms.Textarea({"rows": 5}),
        help_text=_(
            "What happened and what you do about it, as it is. Each case gets it in words of its own."
        ),
    )
    remedy_kind = forms.ChoiceField(label=_("Remedy"), required=False)
    remedy_amount = AmountField(required=False, label=_("Cost to the shop of one case, ¥"))
    remedy_reason = forms.CharField(
        label=_("Reason, if it is outside the policy"), max_length=300, required=False
    )
    refusal: Refusal | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["remedy_kind"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("No remedy")), *kind_choices()]

    def clean_statement(self) -> str:
        return checked_text(self.cleaned_data["statement"])

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        kind, amount = found.get("remedy_kind"), found.get("remedy_amount")
        if not kind:
            found["remedy_amount"], found["remedy_reason"] = None, ""
        elif KINDS[kind].cost == CostRule.NAMED and not amount and "remedy_amount" not in self.errors:
            self.add_error("remedy_amount", _("Name what this remedy costs the shop."))
        elif amount == Decimal(0):
            found["remedy_amount"] = None
        return found
