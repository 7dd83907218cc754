"""Hours as people write them, and when they are open."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from reviews.workdays import Workdays
from reviews.working_hours import WorkingHours, WrongHours, check_week, parse_day, words_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
LUNCH = ((540, 720), (780, 1080))


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    "text",
    [
        "09:00-12:00, 13:00-18:00",
        "13:00–18:00 9:00–12:00",
        "９：００－１２：００，１３：００～１８：００",
        "9至12、13到18",
        "9 - 12; 13 - 18",
        "09:00-10:00 10:00-12:00 13:00-18:00",
    ],
)
def test_it_reads_hours_however_they_are_typed(text: str) -> None:
    assert parse_day(text) == list(LUNCH)
    assert words_of(parse_day(text)) == "09:00–12:00, 13:00–18:00"


def test_nothing_typed_is_a_free_day_and_24_is_midnight() -> None:
    assert parse_day("  ") == []
    assert parse_day("18-24") == [(1080, 1440)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("09:00-12:00 11:00-13:00", "overlap"),
        ("18:00-09:00", "ends before it begins"),
        ("09:00-09:00", "ends before it begins"),
        ("09:75-12:00", "00:00 to 24:00"),
        ("09:00-24:30", "00:00 to 24:00"),
        ("morning", "cannot be read"),
        ("9", "cannot be read"),
        ("0-1 2-3 4-5 6-7 8-9 10-11 12-13", "At most 6"),
    ],
)
def test_it_says_what_is_wrong_and_how_to_write_it(text: str, words: str) -> None:
    with translation.override("en"), pytest.raises(WrongHours, match=words):
        parse_day(text)


@pytest.mark.parametrize("stored", [[], [[]] * 7, [[[540, 720], [780, 1080]]] * 7, [[[0, 1440]]] * 7])
def test_it_takes_a_week(stored: list[object]) -> None:
    check_week(stored)


@pytest.mark.parametrize(
    "stored",
    [
        [[]] * 6,
        [[[720, 540]]] * 7,
        [[[0, 1441]]] * 7,
        [[[0, 60], [30, 90]]] * 7,
        [["x"]] * 7,
        5,
        [[[True, "1"]]] * 7,
    ],
)
def test_it_refuses_what_is_none(stored: object) -> None:
    with pytest.raises(ValidationError):
        check_week(stored)


def test_it_says_until_when_and_from_when_again() -> None:
    hours = WorkingHours(SHANGHAI, (LUNCH,) * 5 + ((), ()))
    assert hours.open_until(at(10, 11)) == at(10, 12)
    assert hours.open_until(at(10, 12)) is None  # the closing stroke is outside
    assert hours.opens_after(at(10, 12)) == at(10, 13)
    assert hours.opens_after(at(13, 18)) == at(16, 9)  # Friday evening → Monday
    assert hours.open_until(at(14, 11)) is None


def test_shifts_that_meet_at_midnight_are_one() -> None:
    night = WorkingHours(SHANGHAI, (((0, 360), (1320, 1440)),) * 7)
    assert night.open_until(at(10, 23)) == at(11, 6)
    assert night.opens_after(at(11, 7)) == at(11, 22)


def test_without_a_pattern_only_days_off_are_shut() -> None:
    hours = WorkingHours(SHANGHAI, days=Workdays(own={date(2026, 11, 10): False}))
    assert not hours.is_open(at(10, 12))
    assert hours.is_open(at(11, 3))
    assert hours.opens_after(at(10, 12)) == at(11, 0)


def test_hours_that_never_open_say_so() -> None:
    assert WorkingHours(SHANGHAI, ((),) * 7).opens_after(at(10, 12)) is None


def test_a_make_up_day_is_worked_like_the_first_worked_day_of_the_week() -> None:
    hours = WorkingHours(
        SHANGHAI, ((), LUNCH, LUNCH, LUNCH, LUNCH, (), ()), days=Workdays(own={date(2026, 11, 14): True})
    )
    assert hours.spans_on(date(2026, 11, 14)) == list(LUNCH)
    assert hours.is_open(datetime(2026, 11, 14, 1, 30, tzinfo=UTC))
