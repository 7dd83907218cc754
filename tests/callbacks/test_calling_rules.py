"""When a buyer may be called, and when next if not now."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callbacks.calling_rules import CallPermission, Reason, may_call, window_closes_at

SHANGHAI = ZoneInfo("Asia/Shanghai")
NINE, HALF_PAST_EIGHT = time(9, 0), time(20, 30)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=SHANGHAI)


def ask(
    now: datetime,
    *attempts: datetime,
    opens: time = NINE,
    closes: time = HALF_PAST_EIGHT,
    do_not_call: bool = False,
) -> CallPermission:
    return may_call(
        now=now, shop_zone=SHANGHAI, calling_from=opens, calling_until=closes,
        attempts=attempts, do_not_call=do_not_call,
    )  # fmt: skip


@pytest.mark.parametrize("now", [at(10, 9), at(10, 14), at(10, 20, 29)])
def test_it_permits_a_first_call_in_calling_hours(now: datetime) -> None:
    assert ask(now) == CallPermission(True, None, now)


@pytest.mark.parametrize(
    ("now", "next_at"), [(at(10, 8, 59), at(10, 9)), (at(10, 20, 30), at(11, 9)), (at(10, 0), at(10, 9))]
)
def test_it_waits_for_the_hours_to_open(now: datetime, next_at: datetime) -> None:
    assert ask(now) == CallPermission(False, Reason.OUTSIDE_HOURS, next_at)


def test_it_keeps_the_wall_whatever_the_setting() -> None:
    assert ask(at(10, 7, 59), opens=time(0), closes=time(23, 59)).next_at == at(10, 8)
    assert not ask(at(10, 22), opens=time(0), closes=time(23, 59)).allowed
    assert ask(at(10, 21, 59), opens=time(0), closes=time(23, 59)).allowed


def test_it_reads_the_hours_on_the_clock_of_the_shop() -> None:
    assert ask(datetime(2026, 11, 10, 1, 0, tzinfo=UTC)).allowed
    assert not ask(datetime(2026, 11, 10, 13, 0, tzinfo=UTC)).allowed


def test_it_never_permits_a_buyer_who_asked_not_to_be_called() -> None:
    assert ask(at(10, 10), do_not_call=True) == CallPermission(False, Reason.DO_NOT_CALL, None)


def test_it_leaves_four_hours_between_attempts() -> None:
    assert ask(at(10, 13, 59), at(10, 10)) == CallPermission(False, Reason.TOO_SOON, at(10, 14))
    assert ask(at(10, 14), at(10, 10)).allowed
    assert ask(at(10, 19), at(10, 18)).next_at == at(11, 9)


def test_it_stops_after_two_attempts_a_day() -> None:
    assert ask(at(10, 20), at(10, 15), at(10, 10)) == CallPermission(False, Reason.DAY_LIMIT, at(11, 9))
    assert ask(at(11, 9), at(10, 10), at(10, 15)).allowed


def test_it_stops_after_three_attempts_a_case() -> None:
    assert ask(at(12, 10), at(9, 10), at(10, 10), at(11, 10)) == CallPermission(
        False, Reason.CASE_LIMIT, None
    )


def test_it_has_no_next_instant_when_the_hours_are_empty() -> None:
    assert ask(at(10, 10), opens=time(20), closes=time(9)) == CallPermission(
        False, Reason.OUTSIDE_HOURS, None
    )
    assert ask(at(10, 23), opens=time(22), closes=time(23, 30)).next_at is None


def test_it_says_when_the_window_closes() -> None:
    hours = {"shop_zone": SHANGHAI, "calling_from": NINE, "calling_until": time(23)}
    assert window_closes_at(at(10, 21), **hours) == at(10, 22)  # type: ignore[arg-type]
    assert window_closes_at(at(10, 22), **hours) is None  # type: ignore[arg-type]


def test_it_has_words_for_every_reason() -> None:
    assert all(str(reason.label) not in ("", reason.value) for reason in Reason)


minutes_of_week = st.integers(0, 7 * 24 * 60).map(lambda minutes: at(9, 0) + timedelta(minutes=minutes))


@settings(max_examples=300, deadline=None)
@given(
    now=minutes_of_week,
    attempts=st.lists(minutes_of_week, max_size=4),
    opens=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    closes=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    zone=st.sampled_from(["Asia/Shanghai", "America/New_York", "Asia/Urumqi"]),
)
def test_it_names_the_first_permitted_minute(
    now: datetime, attempts: list[datetime], opens: time, closes: time, zone: str
) -> None:
    place = ZoneInfo(zone)
    past = [attempt for attempt in attempts if attempt <= now]

    def permission(instant: datetime) -> CallPermission:
        return may_call(now=instant, shop_zone=place, calling_from=opens, calling_until=closes, attempts=past)

    found = permission(now)
    if found.allowed:
        local = now.astimezone(place).time()
        assert max(opens, time(8)) <= local < min(closes, time(22))
    elif found.next_at:
        assert permission(found.next_at).allowed
        step = now
        while step < found.next_at:
            assert not permission(step).allowed
            step += timedelta(minutes=7)
