"""Hours as managers type them: a week, a shop's hours, days of the calendar."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from reviews.colliding import Marked
from reviews.forms import DayField, DayInput
from reviews.models import Shop
from reviews.team import hours_of
from reviews.working_hours import WrongHours, parse_day, read_week, words_of

WEEKDAYS = (
    _("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"),
)  # fmt: skip
DITTO = {'"', "“", "”", "〃", "同上", "同"}  # the day before once more
DAYS_AT_ONCE = 31
PHONE_ONLY_AT_MOST = 62
PROMOTIONS = (("618", (6, 1), (6, 20)), ("双11", (10, 20), (11, 11)))


class WeekForm(Marked):
    """Seven days, each the spans of it as text; all empty: no week at all."""

    def __init__(self, data: Any = None, *, week: list[Any], **options: Any) -> None:
        super().__init__(data, **options)
        for number, label in enumerate(WEEKDAYS):
            self.fields[f"day_{number}"] = forms.CharField(
                label=label,
                required=False,
                max_length=120,
                initial=words_of(week[number]) if week else "",
                widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
            )
        self.week: list[Any] = []
        self.opened_with(week)

    @property
    def days(self) -> list[forms.BoundField]:
        return [self[f"day_{number}"] for number in range(7)]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        week: list[list[list[int]]] = []
        for number in range(7):
            text = str(found.get(f"day_{number}", "")).strip()
            if text in DITTO and week:
                week.append(week[-1])
                continue
            try:
                week.append([list(span) for span in parse_day(text)])
            except WrongHours as error:
                week.append([])
                self.add_error(f"day_{number}", str(error))
        self.week = week if any(week) else []
        return found


class ShopHoursForm(WeekForm):
    """A shop's usual week, and whether it follows the official calendar."""

    official_days = forms.BooleanField(
        label=_("Follow China's official calendar"),
        required=False,
        help_text=_("Public holidays are days off, make-up days are worked. Your own days below come first."),
    )

    def __init__(self, data: Any = None, *, shop: Shop) -> None:
        super().__init__(data, week=shop.week, auto_id="hours-%s")
        self.shop = shop
        self.opened_with(hours_of(shop))
        self.fields["official_days"].initial = shop.official_days

    def clean(self) -> dict[str, Any]:
        found = super().clean()
        opens, closes = self.shop.calling_span
        spans = [span for day in read_week(self.week) or () for span in day]
        if spans and not any(begins < closes and ends > opens for begins, ends in spans):
            span = words_of([(opens, closes)])
            raise forms.ValidationError(
                _(
                    "The shop calls from %(span)s: enter at least one working hour inside, or no "
                    "deadline could be counted."
                ),
                params={"span": span},
            )
        return found


class PhoneOnlyForm(forms.Form):
    """Weeks of a big promotion in which buyers are contacted by telephone only."""

    name = forms.CharField(label=_("Promotion"), max_length=40)
    first = DayField(label=_("First day"), widget=DayInput)
    last = DayField(label=_("Last day"), widget=DayInput)

    def __init__(self, data: Any = None, *, today: date) -> None:
        super().__init__(data, auto_id="phone-only-%s", initial=next_promotion(today))
        self.today = today

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        first, last = found.get("first"), found.get("last")
        if not first or not last:
            return found
        if last < self.today:
            self.add_error("last", _("This day is over. Choose today or a later one."))
        elif last < first:
            self.add_error("last", _("The last day lies before the first one."))
        elif last - first >= timedelta(days=PHONE_ONLY_AT_MOST):
            self.add_error("last", _("Enter at most 62 days."))
        return found


def next_promotion(today: date) -> dict[str, Any]:
    """The next big promotion with its customary days, to start from: platforms set them anew each year."""
    spans = [
        (name, date(year, *first), date(year, *last))
        for year in (today.year, today.year + 1)
        for name, first, last in PROMOTIONS
    ]
    name, first, last = next(span for span in spans if span[2] >= today)
    return {"name": name, "first": first, "last": last}


class DaysForm(forms.Form):
    """One day or several that differ from the week and the official calendar."""

    first = DayField(label=_("Day"), widget=DayInput)
    last = DayField(label=_("until (for several days)"), required=False, widget=DayInput)
    kind = forms.ChoiceField(
        label=_("This day is"), choices=[("off", _("a day off")), ("worked", _("worked"))]
    )

    def __init__(self, data: Any = None, *, today: date) -> None:
        super().__init__(data, auto_id="days-%s")
        self.today = today

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        first, last = found.get("first"), found.get("last") or found.get("first")
        if not first or not last:
            return found
        if first < self.today:
            self.add_error("first", _("This day is over. Choose today or a later one."))
        if last < first:
            self.add_error("last", _("The last day lies before the first one."))
        elif last - first >= timedelta(days=DAYS_AT_ONCE):
            self.add_error("last", _("Enter at most 31 days at once."))
        found["last"] = last
        return found
