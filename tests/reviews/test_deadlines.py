"""The first-contact deadline counts only working time: spans of the day, days off, calling hours."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviews.deadlines import NoWorkingTime, add_working_minutes
from reviews.models import Shop, ShopDay
from reviews.workdays import Workdays, official_kind
from reviews.working_hours import Span, Week, WorkingHours

SHANGHAI = ZoneInfo("Asia/Shanghai")
CALLING = WorkingHours(SHANGHAI, within=(9 * 60, 20 * 60 + 30))
# Monday to Friday with a lunch break, as offices have it.
OFFICE: Week = (((540, 720), (780, 1080)),) * 5 + ((), ())


def due(start: datetime, minutes: int, hours: WorkingHours = CALLING) -> datetime:
    return add_working_minutes(start, minutes, hours)


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


def test_it_leaves_out_lunch_evenings_and_the_weekend() -> None:
    office = WorkingHours(SHANGHAI, OFFICE, within=CALLING.within)
    assert due(at(10, 11, 30), 60, office) == at(10, 13, 30)  # Tuesday
    assert due(at(13, 17, 30), 60, office) == at(16, 9, 30)  # Friday


def test_it_counts_only_where_working_and_calling_hours_meet() -> None:
    early = WorkingHours(SHANGHAI, (((420, 600), (1200, 1320)),) * 7, within=CALLING.within)
    assert due(at(10, 7), 90, early) == at(10, 20, 30)  # 09:00-10:00 and 20:00-20:30


def test_days_off_and_make_up_days_of_the_official_calendar_count() -> None:
    office = WorkingHours(SHANGHAI, OFFICE, days=Workdays(official=True))
    eve = datetime(2026, 9, 30, 17, 30, tzinfo=SHANGHAI)  # National Day is off until the 7th
    assert due(eve, 60, office) == datetime(2026, 10, 8, 9, 30, tzinfo=SHANGHAI)
    saturday = datetime(2026, 10, 10, 8, 0, tzinfo=SHANGHAI)  # worked in exchange
    assert due(saturday, 60, office) == datetime(2026, 10, 10, 10, 0, tzinfo=SHANGHAI)


def test_a_shops_own_days_come_before_the_official_ones() -> None:
    own = {date(2026, 10, 2): True, date(2026, 10, 10): False}
    office = WorkingHours(SHANGHAI, OFFICE, days=Workdays(official=True, own=own))
    eve = datetime(2026, 9, 30, 17, 30, tzinfo=SHANGHAI)
    assert due(eve, 60, office) == datetime(2026, 10, 2, 9, 30, tzinfo=SHANGHAI)
    assert not office.periods_on(date(2026, 10, 10))


@pytest.mark.parametrize(
    ("notice", "off", "worked"),  # State Council notices for 2025 and 2026
    [
        ("2025 spring", [(2025, 1, 28 + n) for n in range(4)] + [(2025, 2, 1 + n) for n in range(4)], []),
        ("2026 new year", [(2026, 1, 1), (2026, 1, 2), (2026, 1, 3)], [(2026, 1, 4)]),
        ("2026 spring", [(2026, 2, 15 + n) for n in range(9)], [(2026, 2, 14), (2026, 2, 28)]),
        ("2026 labour", [(2026, 5, 1 + n) for n in range(5)], [(2026, 5, 9)]),
        ("2026 national", [(2026, 10, 1 + n) for n in range(7)], [(2026, 9, 20), (2026, 10, 10)]),
    ],
)
def test_the_official_calendar_is_that_of_the_notices(
    notice: str, off: list[tuple[int, int, int]], worked: list[tuple[int, int, int]]
) -> None:
    assert {official_kind(date(*day)).value for day in off} == {"off"}
    assert {official_kind(date(*day)).value for day in worked} <= {"worked"}


def test_hours_without_any_working_time_are_said_to_be_so() -> None:
    with pytest.raises(NoWorkingTime):
        due(at(10, 9), 5, WorkingHours(SHANGHAI, (((0, 60),),) * 7, within=CALLING.within))


@pytest.mark.django_db
def test_a_shop_counts_its_week_its_days_and_its_calling_hours(shop: Shop) -> None:
    shop.week = [list(map(list, day)) for day in OFFICE]
    ShopDay.objects.create(shop=shop, day=date(2026, 11, 16), is_worked=False)
    assert shop.first_contact_due(at(13, 17)) == at(17, 10)  # over the weekend and Monday off


@pytest.mark.django_db
def test_a_shop_without_working_time_still_gets_deadlines(shop: Shop) -> None:
    shop.week = [[[0, 60]]] * 7
    assert shop.first_contact_due(at(10, 10)) == at(10, 12)


def test_it_counts_the_minutes_that_pass_when_the_clock_changes() -> None:
    berlin = WorkingHours(ZoneInfo("Europe/Berlin"), within=(60, 360))
    spring = due(datetime(2026, 3, 29, 0, 0, tzinfo=berlin.zone), 240, berlin)
    autumn = due(datetime(2026, 10, 25, 0, 0, tzinfo=berlin.zone), 240, berlin)
    assert spring == datetime(2026, 3, 29, 6, 0, tzinfo=berlin.zone)
    assert autumn == datetime(2026, 10, 25, 4, 0, tzinfo=berlin.zone)


def test_it_refuses_negative_minutes_and_a_time_without_a_zone() -> None:
    with pytest.raises(ValueError, match="minutes"):
        due(at(10, 9), -1)
    with pytest.raises(ValueError, match="aware"):
        due(datetime(2026, 11, 10, 9), 5)


def brute_force(start: datetime, minutes: int, hours: WorkingHours) -> datetime:
    """Walk minute by minute, asking a clock on the wall each time; independent of the rules' own code."""
    now, left = start.astimezone(UTC), minutes
    while True:
        wall = now.astimezone(hours.zone)
        is_open = _open_by_the_wall(hours, wall.date(), wall.hour * 60 + wall.minute)
        if left == 0 and (is_open or minutes):
            return now
        left -= is_open
        now += timedelta(minutes=1)


def _open_by_the_wall(hours: WorkingHours, day: date, minute: int) -> bool:
    assert hours.week
    pattern = hours.week[day.weekday()]
    if day in hours.days.own:
        if not hours.days.own[day]:
            return False
        pattern = pattern or next((spans for spans in hours.week if spans), ())
    called = hours.within[0] <= minute < hours.within[1]
    return called and any(begins <= minute < ends for begins, ends in pattern)


def spans_of(edges: list[int]) -> tuple[Span, ...]:
    return tuple((edges[n], edges[n + 1]) for n in range(0, len(edges) - 1, 2))


days_of_spans = st.lists(st.integers(0, 1440), unique=True, max_size=6).map(sorted).map(spans_of)
# Calling hours of six hours at least, and a Wednesday all day: every week has working time.
weeks = st.tuples(*[days_of_spans] * 2, st.just(((0, 1440),)), *[days_of_spans] * 4)
# Days on which clocks change.
CHANGES = [date(2026, 3, 8), date(2026, 3, 29), date(2026, 4, 5), date(2026, 10, 4), date(2026, 10, 25)]
starts = st.one_of(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 20)),
    st.builds(
        lambda day, minutes: datetime.combine(day, time()) + timedelta(minutes=minutes),
        st.sampled_from(CHANGES),
        st.integers(-2000, 1440),
    ),
)


@settings(max_examples=120, deadline=None)
@given(
    start=starts.map(lambda moment: moment.replace(second=0, microsecond=0)),
    minutes=st.integers(0, 900),
    week=weeks,
    opens=st.integers(0, 18 * 60),
    length=st.integers(6 * 60, 24 * 60),
    own=st.dictionaries(st.integers(0, 8), st.booleans(), max_size=4),
    zone=st.sampled_from(
        ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago"]
    ),
)
def test_it_equals_a_count_minute_by_minute(
    start: datetime,
    minutes: int,
    week: Week,
    opens: int,
    length: int,
    own: dict[int, bool],
    zone: str,
) -> None:
    first = start.date()
    days = Workdays(own={first + timedelta(days=n): worked for n, worked in own.items()})
    hours = WorkingHours(ZoneInfo(zone), week, (opens, min(opens + length, 1440)), days)
    aware = start.replace(tzinfo=UTC)
    assert add_working_minutes(aware, minutes, hours) == brute_force(aware, minutes, hours)


# The days on which these zones change their clocks in 2026, by an hour or half of one, one at midnight.
CHANGE_DAYS = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("America/Santiago", date(2026, 4, 4)),
    ("America/Santiago", date(2026, 9, 6)),
]
long_spans = st.lists(st.integers(0, 48), unique=True, min_size=2, max_size=6).map(
    lambda edges: spans_of(sorted(30 * edge for edge in edges))
)


@settings(max_examples=80, deadline=None)
@given(
    where=st.sampled_from(CHANGE_DAYS),
    before=st.integers(-1440, 300),
    minutes=st.integers(0, 300),
    spans=long_spans,
)
def test_it_equals_that_count_where_clocks_change(
    where: tuple[str, date], before: int, minutes: int, spans: tuple[Span, ...]
) -> None:
    hours = WorkingHours(ZoneInfo(where[0]), (spans,) * 7)
    start = datetime.combine(where[1], time(), hours.zone).astimezone(UTC) - timedelta(minutes=before)
    assert add_working_minutes(start, minutes, hours) == brute_force(start, minutes, hours)
