"""What an agent or manager types on the desk. Bounds only; the rules live in callbacks.contacts."""

from datetime import datetime
from typing import Any

from django import forms
from django.core.validators import URLValidator
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from callbacks.attempts import zones_of
from callbacks.callback_hours import QuickHour, quick_hours
from callbacks.models import Answer, BuyerFact, CallLog, CallOutcome, Channel, Stage
from callbacks.promise_texts import HOUR
from reviews import clock
from reviews.causes import SUB_CAUSES, Cause, SubCause
from reviews.colliding import Marked, Theirs
from reviews.forms import DayField
from reviews.models import Case, Outcome, Role, Shop, Status, User
from reviews.prepared import Asked, Prepared
from reviews.refusals import Refusal
from reviews.statistics import ANY_SOLVED


class ShopHourField(forms.DateTimeField):
    """A moment typed on the clock of the shop, whatever the zone of the server or the browser."""

    def __init__(self, *, shop: Shop, **options: Any) -> None:
        self.zone = shop.zone
        attrs = {"type": "datetime-local"}
        options.setdefault("widget", forms.DateTimeInput(attrs=attrs, format="%Y-%m-%dT%H:%M"))
        super().__init__(**options)

    def to_python(self, value: Any) -> datetime | None:
        with timezone.override(self.zone):
            return super().to_python(value)

    def prepare_value(self, value: Any) -> Any:
        with timezone.override(self.zone):
            return super().prepare_value(value)


class CaseForm(forms.Form):
    """A form on the case page; `place` names the card it stands in. Bound forms keep what was typed."""

    place = "case"

    def __init__(self, case: Case, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": f"{self.place}_%s", **kwargs})
        self.case = case
        self.refusal: Refusal | None = None
        self.theirs: Theirs | None = None  # what somebody else saved meanwhile
        self.adapt()

    def adapt(self) -> None:
        """Fit the fields to the case."""


class ActForm(CaseForm):
    """An act that needs no words: take, give back."""


class LookForm(CaseForm):
    place = "signals"


class StageForm(CaseForm):
    place = "script"
    stage = forms.ChoiceField(choices=Stage.choices)
    done = forms.TypedChoiceField(choices=[("1", "1"), ("0", "0")], coerce=lambda value: value == "1")


class AnswerForm(CaseForm):
    """How the buyer answered in a stage of the running call."""

    place = "script"
    stage = forms.ChoiceField(choices=Stage.choices)
    answer = forms.ChoiceField(choices=Answer.choices)


class RestForm(CaseForm):
    place = "script"


class StartCallForm(CaseForm):
    place = "contact"


class CallbackForm(CaseForm):
    """The hour of a call-back: typed, or one of the quick choices (`later_at`)."""

    place = "promise"

    def adapt(self) -> None:
        shop = self.case.shop
        self.fields["callback_at"] = ShopHourField(shop=shop, label=_("Hour"), required=False)
        self.fields["later_at"] = ShopHourField(shop=shop, required=False)
        self.fields["callback_note"] = forms.CharField(
            label=_("Note for the call-back"), max_length=200, required=False
        )
        agents = forms.ModelChoiceField(
            agents_of(shop), label=_("Who calls"), required=False, empty_label=_("I myself")
        )
        agents.choices = [("", agents.empty_label), *agent_choices(shop)]
        self.fields["callback_agent"] = agents
        self.fields["callback_tell"] = forms.BooleanField(
            label=_("Confirm it by text message"), required=False, initial=True
        )
        self.fields["callback_text"] = forms.CharField(
            label=_("Text message"),
            max_length=300,
            required=False,
            widget=forms.Textarea(attrs={"rows": 3}),
            help_text=_("{hour} becomes the promised hour."),
        )
        self.quick = quick_hours(
            clock.now(),
            zone=shop.zone,
            calling_from=shop.calling_from,
            calling_until=shop.calling_until,
            buyer_zones=zones_of(self.case),
        )

    def suggest(self, at: datetime) -> None:
        """Put the hour at which the buyer is likely to have time first: one key takes it."""
        first = QuickHour(str(_("Suggested")), at)
        self.quick = [first, *(hour for hour in self.quick if hour.value != first.value)]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        cleaned["callback_at"] = cleaned.get("later_at") or cleaned.get("callback_at")
        if self.needs_hour and not cleaned["callback_at"] and not self.errors:
            self.add_error("callback_at", _("Name the hour of the promised call-back."))
        if not cleaned.get("callback_tell"):
            cleaned["callback_text"] = ""
        elif self.needs_hour and cleaned.get("callback_text") and HOUR not in cleaned["callback_text"]:
            self.add_error("callback_text", _("Leave {hour} in the text: it becomes the promised hour."))
        return cleaned

    @property
    def needs_hour(self) -> bool:
        return True


class MovePromiseForm(CallbackForm):
    """Another hour, another agent, or both."""

    place = "move"
    at_buyers_wish = forms.BooleanField(label=_("The buyer wishes it"), required=False, initial=True)

    @property
    def needs_hour(self) -> bool:
        return not self.cleaned_data.get("callback_agent")


class TakeOverForm(CaseForm):
    place = "case"


class SendTextForm(CaseForm):
    """A text for the gateway; the words are those of the card of the shop chat."""

    place = "message"
    text = forms.CharField(label=_("Text"), max_length=300, widget=forms.Textarea(attrs={"rows": 5}))
    channel = forms.ChoiceField(choices=Channel.choices)
    recipient = forms.EmailField(label=_("E-mail address"), required=False)

    def clean_recipient(self) -> str:
        return str(self.cleaned_data["recipient"]) if self.data.get("channel") == Channel.EMAIL else ""


class TakeBackForm(CaseForm):
    place = "message"


class CancelPromiseForm(CaseForm):
    place = "promise"


class EndCallForm(CallbackForm):
    """The end of a call: no end without an outcome."""

    place = "call"
    notes = forms.CharField(label=_("Notes"), required=False, max_length=5000, widget=forms.Textarea)
    outcome = forms.ChoiceField(choices=CallOutcome.choices, required=False)
    notes_saved = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    notes_draft = forms.RegexField(r"^\w{1,24}:\d{1,9}$", required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("callback_at") and not cleaned.get("outcome"):
            cleaned["outcome"] = CallOutcome.LATER
        if not cleaned.get("outcome") and not self.errors:
            raise forms.ValidationError(_("Choose how the call went."))
        return cleaned

    @property
    def needs_hour(self) -> bool:
        return self.cleaned_data.get("outcome") == CallOutcome.LATER


class EndForForm(CaseForm):
    """A manager's end of somebody else's call; what needs an hour is promised afterwards."""

    place = "call"
    outcome = forms.ChoiceField(
        label=_("How did it go?"),
        choices=[(one.value, one.label) for one in CallOutcome if one != CallOutcome.LATER],
        initial=CallOutcome.NO_ANSWER,
    )
    reason = forms.CharField(label=_("Why you end it"), max_length=200)


class NotesForm(CaseForm):
    place = "call"
    notes = forms.CharField(required=False, max_length=5000, strip=False)
    notes_saved = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    notes_draft = forms.RegexField(r"^\w{1,24}:\d{1,9}$", required=False)


class FactForm(CaseForm):
    """What to mind next time; `do` says whether an old fact is corrected or deleted."""

    place = "facts"
    fact: BuyerFact | None = None  # which is corrected; none: a new one
    text = forms.CharField(label=_("What to mind next time"), max_length=200, required=False)
    do = forms.ChoiceField(choices=[("keep", ""), ("correct", ""), ("delete", "")], required=False)
    mark = forms.CharField(max_length=20, required=False)  # of the fact the form was opened with

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("do") != "delete" and not cleaned.get("text") and "text" not in self.errors:
            self.add_error("text", _("Write what to mind, or delete it."))
        return cleaned


class RecordingForm(CaseForm):
    place = "recording"
    call: CallLog | None = None  # whose link is set
    mark = forms.CharField(max_length=20, required=False)  # of the link that stood there
    recording_url = forms.URLField(
        label=_("Link to the recording"),
        max_length=500,
        required=False,
        assume_scheme="https",
        validators=[
            URLValidator(schemes=["https"], message=_("Only addresses that begin with https:// are kept."))
        ],
    )


class ExtensionForm(Marked):
    number = forms.RegexField(
        r"^[0-9*#]{1,16}$",
        label=_("Extension"),
        required=False,
        error_messages={"invalid": _("Digits only, at most sixteen.")},
    )


class ReplyForm(CaseForm):
    place = "reply"
    text = forms.CharField(label=_("Public reply"), max_length=500, widget=forms.Textarea(attrs={"rows": 6}))
    mark = forms.CharField(max_length=20, required=False)


class MessageForm(CaseForm):
    place = "message"
    text = forms.CharField(label=_("Chat text"), max_length=500, widget=forms.Textarea(attrs={"rows": 5}))


class ReviewWordsForm(CaseForm):
    place = "script"


class CauseForm(CaseForm):
    place = "cause"
    sub_cause = forms.ChoiceField(
        label=_("Cause"),
        choices=[
            (cause.label, [(sub.value, sub.label) for sub in subs])
            for cause, subs in SUB_CAUSES.items()
            if cause != Cause.NONE
        ]
        + [(Cause.NONE.value, Cause.NONE.label)],
    )


class ReassignForm(CaseForm):
    place = "case"
    assignee = forms.ModelChoiceField(
        User.objects.none(), label=_("Hand over to"), empty_label=_("Choose an agent")
    )

    def adapt(self) -> None:
        field = self.fields["assignee"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = agents_of(self.case.shop).exclude(pk=self.case.assignee_id or 0)
        others = [(pk, name) for pk, name in agent_choices(self.case.shop) if pk != self.case.assignee_id]
        field.choices = [("", field.empty_label), *others]


class CloseForm(CaseForm):
    place = "close"
    outcome = forms.ChoiceField(
        label=_("Outcome"),
        choices=Outcome.choices,
        error_messages={"required": _("Choose how the case ends.")},
    )
    note = forms.CharField(label=_("What settled it"), max_length=300, required=False)


class ReopenForm(CaseForm):
    place = "case"
    reason = forms.CharField(label=_("Why it is opened again"), max_length=200, required=False)


def agents_of(shop: Shop | Asked) -> QuerySet[User]:
    """Active agents of the shop, by name."""
    return User.objects.filter(memberships__shop=shop, memberships__role=Role.AGENT, is_active=True).order_by(
        "display_name", "username"
    )


def agent_choices(shop: Shop) -> list[tuple[int, str]]:
    """The same as a form offers them."""
    return [(pk, display_name or username) for pk, display_name, username in _AGENTS(shop=shop.pk)]


_AGENTS = Prepared(lambda: agents_of(Asked("shop")).values_list("pk", "display_name", "username"))


Choices = list[tuple[str, Any]]


def _any(words: Any, choices: Any) -> Choices:
    return [("", words), *choices]


# Filters that lead here from the numbers of the statistics, and their words.
OUTCOMES: dict[str, Any] = {ANY_SOLVED: _("Solved, with or without follow-up"), **dict(Outcome.choices)}
CONTACTED: dict[str, Any] = {"1": _("Contacted"), "0": _("Not contacted yet")}


LARGEST_ID = 2**63 - 1  # of a key in the database


class UrlFilters(forms.Form):
    """Filters of a list that are parameters of the URL: the shops one sees, the days from – until."""

    shop = forms.ModelChoiceField(
        Shop.objects.none(), label=_("Shop"), required=False, empty_label=_("All shops")
    )
    until = DayField(required=False)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["from"] = DayField(required=False)
        shop = self.fields["shop"]
        assert isinstance(shop, forms.ModelChoiceField)
        shop.queryset = Shop.objects.visible_to(user)
        shop.choices = [("", shop.empty_label), *((one.pk, str(one)) for one in user.shops)]

    @property
    def filters(self) -> dict[str, Any]:
        """What was understood; what was not is left out."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}


class FilterForm(UrlFilters):
    """The filters of the list of cases."""

    q = forms.CharField(label=_("Search"), required=False, max_length=80)
    cause = forms.ChoiceField(label=_("Cause"), choices=_any(_("All causes"), Cause.choices), required=False)
    sub_cause = forms.ChoiceField(choices=_any("", SubCause.choices), required=False)
    status = forms.ChoiceField(choices=_any("", Status.choices), required=False)
    outcome = forms.ChoiceField(choices=_any("", OUTCOMES.items()), required=False)
    contacted = forms.ChoiceField(choices=_any("", CONTACTED.items()), required=False)
    assignee = forms.RegexField(r"^(me|none|\d{1,18})$", required=False)
    product = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_ID)
    buyer = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_ID)
    incident = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_ID)


class KeptForm(UrlFilters):
    """Which promises are listed."""

    agent = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_ID)
    how = forms.ChoiceField(choices=[("kept", "kept"), ("missed", "missed")], required=False)
