"""What people send in: the period of the statistics, filters, texts, the team."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from reviews import clock
from reviews.causes import CAUSE_OF, COMPLAINTS, SUB_CAUSES, Cause, SubCause
from reviews.colliding import Marked
from reviews.models import Rating, ReplyTemplate, Shop, ShopMembership, User
from reviews.models.replies import Purpose
from reviews.refusals import Refusal
from reviews.statistics import Period
from reviews.team import handling_of
from reviews.template_text import TemplateTextError, variables

DEFAULT_DAYS = 30
OFFERED_DAYS = (7, 30, 90)
LONGEST = 366


def checked_text(text: str) -> str:
    """A text whose variables are all known; ValidationError names the wrong one."""
    try:
        variables(text)
    except TemplateTextError as error:
        raise forms.ValidationError(str(error)) from error
    return text.strip()


class DayInput(forms.DateInput):
    """The browser's own calendar."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class DayField(forms.DateField):
    """A day of the trade: far from the ends of the calendar, where zones and spans overflow."""

    default_validators = [
        MinValueValidator(date(clock.FIRST_YEAR, 1, 1)),
        MaxValueValidator(date(clock.LAST_YEAR, 12, 31)),
    ]


class PeriodForm(forms.Form):
    """Shop, and either a number of days up to today or two dates."""

    shop = forms.ChoiceField(label=_("Shop"), required=False)
    days = forms.TypedChoiceField(
        label=_("Days"), required=False, coerce=int, choices=[(n, n) for n in OFFERED_DAYS], empty_value=None
    )
    until = DayField(label=_("until"), required=False, widget=DayInput)

    def __init__(self, data: Any, *, shops: Iterable[Shop], today: date, together: bool = True) -> None:
        """`together`: all shops may be counted in one."""
        super().__init__(data, auto_id="stats-%s")
        self.shops, self.today, self.together = list(shops), today, together
        # "from" cannot be written as a class attribute.
        self.fields["from"] = DayField(label=_("from"), required=False, widget=DayInput)
        self.order_fields(["shop", "from", "until"])
        field = self.fields["shop"]
        assert isinstance(field, forms.ChoiceField)
        every: list[Any] = [("", _("All shops"))] if together else []
        field.choices = [*every, *((shop.code, shop.name) for shop in self.shops)]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        first, last = found.get("from"), found.get("until") or self.today
        if first and first > last:
            self.add_error("from", _("The first day lies after the last one."))
        elif first and (last - first).days >= LONGEST:
            self.add_error("from", _("Choose at most 366 days."))
        return found

    @property
    def period(self) -> Period:
        """What was asked for; the last thirty days where nothing (or nonsense) was."""
        found = self.cleaned_data if self.is_valid() else {}
        if found.get("from"):
            return Period(found["from"], found["until"] or self.today)
        if found.get("until"):
            return Period(found["until"] - timedelta(days=DEFAULT_DAYS - 1), found["until"])
        return Period.of_days(found.get("days") or DEFAULT_DAYS, self.today)

    @property
    def chosen_days(self) -> int | None:
        """Which of the offered spans is shown, if one is."""
        length, until_today = len(self.period.days), self.period.last == self.today
        return length if until_today and length in OFFERED_DAYS else None

    @property
    def chosen_shops(self) -> tuple[Shop, ...]:
        code = self.cleaned_data.get("shop") if self.is_valid() else ""
        if not code:
            return tuple(self.shops if self.together else self.shops[:1])
        return tuple(shop for shop in self.shops if shop.code == code)


def sub_cause_choices(*, any_label: Any) -> list[Any]:
    """Sub-causes in groups of their causes."""
    groups = [(cause.label, [(sub.value, sub.label) for sub in SUB_CAUSES[cause]]) for cause in COMPLAINTS]
    return [("", any_label), *groups]


class ReplyTemplateForm(Marked, forms.ModelForm[ReplyTemplate]):
    """A public reply; the compliance check follows when it is saved."""

    refusal: Refusal | None = None

    class Meta:
        model = ReplyTemplate
        fields = ("shop", "name", "purpose", "cause", "sub_cause", "text")
        widgets = {"text": forms.Textarea(attrs={"rows": 6, "spellcheck": "false"})}
        labels = {"shop": _("Shop")}
        help_texts = {"text": _("Other buyers read it: facts and what is done, nothing personal.")}

    def __init__(self, *args: Any, shops: Iterable[Shop], may_share: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.may_share = may_share
        shop = self.fields["shop"]
        assert isinstance(shop, forms.ModelChoiceField)
        shop.queryset = Shop.objects.filter(pk__in=[one.pk for one in shops])
        shop.required = not may_share
        shop.empty_label = _("All shops (common)") if may_share else None
        self._set_choices(
            "cause", [("", _("Any cause")), *((cause.value, cause.label) for cause in COMPLAINTS)]
        )
        self._set_choices("sub_cause", sub_cause_choices(any_label=_("Any sub-cause")))

    def _set_choices(self, name: str, choices: list[Any]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def clean_text(self) -> str:
        return checked_text(self.cleaned_data["text"])

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("purpose") == Purpose.THANKS:
            found["cause"] = found["sub_cause"] = ""
        elif found.get("sub_cause"):
            self._agree(found)
        return found

    def _agree(self, found: dict[str, Any]) -> None:
        """A sub-cause brings its cause along; a wrong pair is refused."""
        cause = CAUSE_OF[SubCause(found["sub_cause"])]
        if found.get("cause") and found["cause"] != cause:
            self.add_error("sub_cause", _("This sub-cause belongs to “%(cause)s”.") % {"cause": cause.label})
        found["cause"] = cause.value


class MembershipForm(Marked, forms.ModelForm[ShopMembership]):
    """What somebody handles in one shop, and how many cases at once."""

    skills = forms.MultipleChoiceField(
        label=_("Causes they handle"),
        required=False,
        choices=[(cause.value, cause.label) for cause in COMPLAINTS],
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = ShopMembership
        fields = ("skills", "max_open_cases")
        widgets = {"max_open_cases": forms.NumberInput(attrs={"min": 0, "placeholder": "∞"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.opened_with(handling_of(self.instance))
        self.fields["max_open_cases"].help_text = ""
        self.auto_id = f"member-{self.instance.pk}-%s"


class ReviewFilterForm(forms.Form):
    """Filters of the list of reviews."""

    q = forms.CharField(label=_("Search"), required=False, max_length=60)
    shop = forms.ChoiceField(label=_("Shop"), required=False)
    rating = forms.ChoiceField(
        label=_("Rating"), required=False, choices=[("", _("Any rating")), *Rating.choices]
    )
    cause = forms.ChoiceField(
        label=_("Cause"), required=False, choices=[("", _("Any cause")), *Cause.choices]
    )
    reply = forms.ChoiceField(
        label=_("Reply"),
        required=False,
        choices=[("", _("Any state")), ("draft", _("Draft")), ("posted", _("Posted")), ("none", _("None"))],
    )
    until = DayField(label=_("until"), required=False, widget=DayInput)

    def __init__(self, data: Any, *, shops: Iterable[Shop]) -> None:
        super().__init__(data, auto_id="filter-%s")
        self.fields["from"] = DayField(label=_("from"), required=False, widget=DayInput)
        self.order_fields(["q", "shop", "rating", "cause", "reply", "from", "until"])
        field = self.fields["shop"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("All shops")), *((shop.code, shop.name) for shop in shops)]

    @property
    def chosen(self) -> dict[str, Any]:
        """Filters that were set and make sense."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}


class PostedReplyForm(forms.Form):
    """The very text that stands on the platform now."""

    refusal: Refusal | None = None

    text = forms.CharField(label=_("Reply"), max_length=500, widget=forms.Textarea(attrs={"rows": 4}))


class KeysForm(forms.ModelForm[User]):
    """One's own switch of the one-key shortcuts; absent is off, as a checkbox sends it."""

    class Meta:
        model = User
        fields = ("shortcuts_on",)


class DutyForm(forms.Form):
    on_duty = forms.TypedChoiceField(choices=[("1", "1"), ("0", "0")], coerce=lambda value: value == "1")
