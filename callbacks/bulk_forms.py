"""What an act on many cases needs to know: one form an act. `params` is kept with the job, as JSON."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from callbacks.forms import CauseForm
from callbacks.models import ActKind
from callbacks.promising import LATEST_PROMISE
from reviews import clock
from reviews.models import Outcome, Role, User


class BulkForm(forms.Form):
    """An act without words: give back."""

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.adapt()

    def adapt(self) -> None:
        """Fit the fields to the person."""

    @property
    def params(self) -> dict[str, Any]:
        return {}


class BulkAssignForm(BulkForm):
    agent = forms.ModelChoiceField(
        User.objects.none(), label=_("Hand over to"), empty_label=_("Choose an agent")
    )

    def adapt(self) -> None:
        field = self.fields["agent"]
        assert isinstance(field, forms.ModelChoiceField)
        people = User.objects.filter(self.user.managed_shop_filter("memberships__shop"), is_active=True)
        people = people.filter(memberships__role=Role.AGENT).distinct()
        field.queryset = people.order_by("display_name", "username")

    @property
    def params(self) -> dict[str, Any]:
        return {"agent": self.cleaned_data["agent"].pk}


class BulkWaitForm(BulkForm):
    until = forms.DateTimeField(
        label=_("Comes up again"), widget=forms.DateTimeInput({"type": "datetime-local"}, "%Y-%m-%dT%H:%M")
    )
    note = forms.CharField(label=_("Note"), max_length=200, required=False)

    def clean_until(self) -> datetime:
        until: datetime = self.cleaned_data["until"]
        now = clock.now()
        if not now < until <= now + LATEST_PROMISE:
            raise forms.ValidationError(_("Choose an hour within the next fourteen days."))
        return until

    @property
    def params(self) -> dict[str, Any]:
        return {"until": self.cleaned_data["until"].isoformat(), "note": self.cleaned_data["note"]}


class BulkCloseForm(BulkForm):
    outcome = forms.ChoiceField(label=_("Outcome"), choices=[("", _("Choose one")), *Outcome.choices])
    note = forms.CharField(label=_("What settled it"), max_length=300, required=False)

    @property
    def params(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


class BulkCauseForm(BulkForm):
    sub_cause = forms.ChoiceField(label=_("Cause"))

    def adapt(self) -> None:
        field, known = self.fields["sub_cause"], CauseForm.base_fields["sub_cause"]
        assert isinstance(field, forms.ChoiceField)
        assert isinstance(known, forms.ChoiceField)
        field.choices = [("", _("Choose one")), *known.choices]  # type: ignore[misc]

    @property
    def params(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


class BulkNoteForm(BulkForm):
    note = forms.CharField(label=_("Note"), max_length=500, widget=forms.Textarea({"rows": 3}))

    @property
    def params(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


class BulkMessageForm(BulkForm):
    text = forms.CharField(label=_("Text"), max_length=300, widget=forms.Textarea({"rows": 4}))

    @property
    def params(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


FORMS: dict[ActKind, type[BulkForm]] = {
    ActKind.ASSIGN: BulkAssignForm,
    ActKind.RELEASE: BulkForm,
    ActKind.WAIT: BulkWaitForm,
    ActKind.CLOSE: BulkCloseForm,
    ActKind.CAUSE: BulkCauseForm,
    ActKind.NOTE: BulkNoteForm,
    ActKind.MESSAGE: BulkMessageForm,
}


def forms_for(user: User) -> list[ActKind]:
    """The acts this person may do to many cases; each case decides for itself again."""
    return [kind for kind in FORMS if kind != ActKind.ASSIGN or user.is_manager]
