"""The first-contact deadline counts only the minutes in which the shop may call."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviews.deadlines import add_working_minutes

SHANGHAI = ZoneInfo("Asia/Shanghai")
NINE, HALF_PAST_EIGHT = time(9, 0), time(20, 30)


def due(start: datetime, minutes: int) -> datetime:
    return add_working_minutes(start, minutes, NINE, HALF_PAST_EIGHT, SHANGHAI)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=SHANGHAI)


def test_it_counts_inside_one_day() -> None:
    assert due(at(10, 10), 120) == at(10, 12)


def test_it_stops_at_night_and_goes_on_in_the_morning() -> None:
    assert due(at(10, 20), 120) == at(11, 10, 30)


def test_it_starts_a_review_of_the_night_in_the_morning() -> None:
    assert due(at(10, 23, 15), 60) == at(11, 10)
    assert due(at(10, 6), 60) == at(10, 10)
    assert due(at(10, 23), 0) == at(11, 9)


def test_it_may_end_on_the_closing_stroke() -> None:
    assert due(at(10, 20), 30) == at(10, 20, 30)
    assert due(at(10, 20, 30), 30) == at(11, 9, 30)


def test_it_counts_over_many_days() -> None:
    assert due(at(10, 9), 690 * 5 + 1) == at(15, 9, 1)


def test_it_answers_in_utc_whatever_zone_it_was_asked_in() -> None:
    assert due(at(10, 10).astimezone(ZoneInfo("America/New_York")), 60).tzinfo is UTC


def test_it_counts_the_minutes_that_pass_when_the_clock_changes() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    spring = add_working_minutes(datetime(2026, 3, 29, 0, 0, tzinfo=berlin), 240, time(1), time(6), berlin)
    autumn = add_working_minutes(datetime(2026, 10, 25, 0, 0, tzinfo=berlin), 240, time(1), time(6), berlin)
    assert spring == datetime(2026, 3, 29, 6, 0, tzinfo=berlin)
    assert autumn == datetime(2026, 10, 25, 4, 0, tzinfo=berlin)


@pytest.mark.parametrize(
    ("opens", "closes", "minutes"), [(NINE, NINE, 5), (NINE, time(8), 5), (NINE, time(10), -1)]
)
def test_it_refuses_an_empty_window_and_negative_minutes(opens: time, closes: time, minutes: int) -> None:
    with pytest.raises(ValueError, match=r"window|minutes"):
        add_working_minutes(at(10, 9), minutes, opens, closes, SHANGHAI)


def test_it_refuses_a_time_without_a_zone() -> None:
    with pytest.raises(ValueError, match="aware"):
        due(datetime(2026, 11, 10, 9), 5)


def brute_force(start: datetime, minutes: int, opens: time, closes: time, zone: ZoneInfo) -> datetime:
    """Walk minute by minute, counting those whose wall clock is inside the window."""
    now, left = start.astimezone(UTC), minutes
    while True:
        is_open = opens <= now.astimezone(zone).time() < closes
        if left == 0 and (is_open or minutes):
            return now
        if is_open:
            left -= 1
        now += timedelta(minutes=1)


@settings(max_examples=200, deadline=None)
@given(
    start=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 28)).map(
        lambda at: at.replace(second=0, microsecond=0)
    ),
    minutes=st.integers(0, 2500),
    opens=st.integers(4 * 60, 12 * 60),
    length=st.integers(30, 11 * 60),
    zone=st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
)
def test_it_equals_a_count_minute_by_minute(
    start: datetime, minutes: int, opens: int, length: int, zone: str
) -> None:
    # Windows begin at 04:00: no zone here changes its clock later in the day.
    window = time(*divmod(opens, 60)), time(*divmod(opens + length, 60))
    aware, place = start.replace(tzinfo=UTC), ZoneInfo(zone)
    assert add_working_minutes(aware, minutes, *window, place) == brute_force(aware, minutes, *window, place)
