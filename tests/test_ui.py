"""The words, badges and dates every page is made of."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django import forms
from django.template import Context, Template
from django.utils import timezone, translation

from reviews.causes import SUB_CAUSES, Cause
from reviews.models.cases import Outcome, Status
from reviews.models.reviews import Rating
from reviews.templatetags import ui

NOON = datetime(2026, 11, 21, 2, 22, tzinfo=UTC)
SHANGHAI = SimpleNamespace(time_zone="Asia/Shanghai")


class CallForm(forms.Form):
    note = forms.CharField(label="Note", help_text="What did the buyer say?")
    outcome = forms.ChoiceField(label="Outcome", choices=[("a", "A"), ("b", "B")], widget=forms.RadioSelect)
    sent = forms.BooleanField(label="Sent", required=False)


def draw(text: str, **context: Any) -> str:
    return Template("{% load ui %}" + text).render(Context(context))


def field(name: str, data: dict[str, str] | None = None) -> str:
    return draw('{% jinja "partials/_field.html" %}', field=CallForm(data)[name])


def test_it_writes_a_moment_in_the_shops_zone() -> None:
    assert ui.zdate(NOON, SHANGHAI) == "2026年11月21日 10:22 (周六)"
    assert ui.zdate(NOON, "UTC") == "2026年11月21日 02:22 (周六)"


def test_it_writes_english_dates_on_english_pages() -> None:
    with translation.override("en"):
        assert ui.zdate(NOON, SHANGHAI) == "Sat, 21 Nov 2026, 10:22"


def test_it_writes_day_and_hour_alone() -> None:
    assert (ui.zday(NOON, SHANGHAI), ui.ztime(NOON, SHANGHAI)) == ("11月21日 (周六)", "10:22")


@pytest.mark.parametrize(
    ("hours", "chinese", "english"),
    [
        (10, "20:22", "20:22"),
        (-34, "昨天 00:22", "Yesterday 00:22"),
        (14, "明天 00:22", "Tomorrow 00:22"),
        (72, "11月24日 10:22", "24 Nov 10:22"),
        (24 * 41, "2027年1月1日 10:22", "1 Jan 2027 10:22"),
    ],
)
def test_it_names_the_day_of_an_hour_that_is_not_todays(hours: int, chinese: str, english: str) -> None:
    with time_machine.travel(NOON, tick=False):
        moment = NOON + timedelta(hours=hours)
        assert ui.zwhen(moment, SHANGHAI) == chinese
        with translation.override("en"):
            assert ui.zwhen(moment, SHANGHAI) == english


def test_today_is_the_shops_today() -> None:
    with time_machine.travel(datetime(2026, 11, 21, 17, 0, tzinfo=UTC), tick=False):  # 01:00 in Shanghai
        assert ui.zwhen(NOON, SHANGHAI) == "昨天 10:22"
        assert ui.zwhen(NOON, "UTC") == "02:22"


def test_it_writes_nothing_for_no_moment() -> None:
    writers = (ui.zdate, ui.zday, ui.ztime, ui.zwhen, ui.ago, ui.deadline)
    assert [write(None) for write in writers] == [""] * 6


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (20, "刚刚"),
        (180, "3 分钟前"),
        (3 * 3600, "3 小时前"),
        (200_000, "2 天前"),
        (-7300, "2 小时后"),
        (-5, "马上"),
    ],
)
def test_it_says_how_long_ago(seconds: int, words: str) -> None:
    with time_machine.travel(NOON, tick=False):
        shown = ui.ago(NOON - timedelta(seconds=seconds), SHANGHAI)
    assert f">{words}</time>" in shown
    assert 'title="2026年' in shown


@pytest.mark.parametrize(
    ("left", "words", "css"),
    [
        (42, "剩 0:42", "due-soon"),
        (80, "剩 1:20", "due-calm"),
        (-12, "已超时 12 分", "due-over"),
        (-60 * 5, "已超时 5 小时", "due-over"),
    ],
)
def test_it_colours_a_deadline_by_the_share_left(left: int, words: str, css: str) -> None:
    with time_machine.travel(NOON, tick=False):
        due = NOON + timedelta(minutes=left)
        shown = ui.deadline(due, due - timedelta(minutes=120))
    assert words in shown
    assert css in shown


def test_it_counts_a_far_deadline_in_days() -> None:
    assert "剩 3 天" in ui.deadline(timezone.now() + timedelta(days=3, minutes=1))


def test_it_writes_money_shares_and_large_counts() -> None:
    assert ui.yuan(Decimal("1299")) == "¥1,299.00"
    assert ui.percent(0.873) == "87%"
    assert [ui.wan(n) for n in (9_800, 12_800, 20_000)] == ["9,800", "1.3万", "2万"]


@pytest.mark.parametrize("cause", Cause)
def test_it_shows_every_cause_by_icon_and_words(cause: Cause) -> None:
    for sub_cause in SUB_CAUSES[cause]:
        shown = ui.cause_badge(cause.value, sub_cause.value)
        assert "<use" in shown
        assert str(cause.label) in shown


def test_it_shows_an_undecided_cause_as_a_state_of_its_own() -> None:
    assert "待判断" in ui.cause_badge("")


def test_it_shows_every_status_outcome_and_rating() -> None:
    assert all(str(status.label) in ui.status_badge(status.value) for status in Status)
    assert all(str(outcome.label) in ui.outcome_badge(outcome.value) for outcome in Outcome)
    assert all(str(rating.label) in ui.rating_badge(rating.value) for rating in Rating)
    assert ui.outcome_badge("") == ""


def test_it_escapes_words_in_badges() -> None:
    assert "<b>" not in ui.badge("<b>", "red")


def test_it_ties_help_and_error_to_the_field() -> None:
    shown = field("note", {"note": ""})
    assert 'aria-describedby="id_note_helptext id_note_error"' in shown
    assert 'id="id_note_helptext"' in shown
    assert 'id="id_note_error"' in shown
    assert 'aria-invalid="true"' in shown


def test_it_groups_radio_buttons_in_a_fieldset() -> None:
    shown = field("outcome")
    assert shown.count('type="radio"') == 2
    assert "<legend" in shown


def test_it_puts_the_label_behind_a_box_to_tick() -> None:
    shown = field("sent")
    assert shown.index('type="checkbox"') < shown.index("Sent")
