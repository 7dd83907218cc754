"""When to call: the buyer's words, what happened before, orders and place, always within permitted hours."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callbacks.calling_rules import window_closes_at
from callbacks.contact_times import Place, Suggestions, asks_for_no_calls, place_of, suggest_times, wishes_in

pytestmark = pytest.mark.once

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 18, 10, 22, tzinfo=SHANGHAI)  # a Wednesday


def is_open(at: datetime) -> bool:
    minute = at.astimezone(SHANGHAI).hour * 60 + at.astimezone(SHANGHAI).minute
    return 9 * 60 <= minute < 20 * 60 + 30


def suggest(**facts: Any) -> Suggestions:
    given = {"now": NOW, "earliest": NOW, "shop_zone": SHANGHAI, "buyer_zone": SHANGHAI, "is_open": is_open}
    return suggest_times(**{**given, **facts})


def hours(found: Suggestions) -> list[str]:
    return [f"{one.at:%a %H:%M}" for one in found.hours]


@pytest.mark.parametrize(
    ("words", "wanted", "span", "days"),
    [
        ("晚上八点以后再打", True, (20, 24), 7),
        ("上班时间别打", False, (9, 18), 5),
        ("下班后联系", True, (18, 22), 5),
        ("周末有空可以打给我", True, (0, 24), 2),
        ("下午3点到五点方便", True, (15, 17), 7),
        ("20:30前联系我", True, (0, 20.5), 7),
        ("中午十二点半打给我", True, (12.5, 13.5), 7),
        ("请晚上7-8点打", True, (19, 20), 7),
        ("午休不要打电话", False, (12, 14), 7),
        ("工作日别打", False, (0, 24), 5),
        ("Ｐhone me，晚上方便", True, (18, 22), 7),
    ],
)  # fmt: skip
def test_it_reads_the_hour_the_buyer_names(
    words: str, wanted: bool, span: tuple[float, float], days: int
) -> None:
    wish = wishes_in(words)[-1]
    assert (wish.wanted, wish.span, len(wish.days)) == (wanted, (span[0] * 60, span[1] * 60), days)


@pytest.mark.parametrize(
    "words", ["晚上打开一看就坏了", "晚上9点送到的", "早上买的下午就发货", "打包很差", "三点建议"]
)
def test_it_takes_no_hour_from_words_about_other_things(words: str) -> None:
    assert wishes_in(words) == []


def test_it_says_when_the_buyer_wants_no_calls_at_all() -> None:
    assert asks_for_no_calls(["质量差，别再打电话了"]) == "别再打电话了"
    assert asks_for_no_calls(["上班时间别打电话", "晚上打给我"]) == ""
    assert "别再打电话了" in suggest(texts=["别再打电话了"]).notice


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("浙江省杭州市西湖区文三路1号3幢201", Place.HOME),
        ("深圳市南山区科技园腾讯大厦", Place.OFFICE),
        ("浙江大学紫金港校区", Place.SCHOOL),
        ("杭州市大学路12号阳光小区", Place.HOME),
        ("北京市学院路5号", Place.UNKNOWN),
    ],
)
def test_it_knows_the_kind_of_place(address: str, place: Place) -> None:
    assert place_of(address) == place


def test_it_puts_the_buyers_own_words_before_everything() -> None:
    found = suggest(texts=["晚上八点以后再打"], address="深圳市腾讯大厦", calls=[(NOW, True)])
    assert hours(found)[0] == "Wed 20:00"
    assert "晚上八点以后再打" in found.hours[0].reason


def test_it_keeps_clear_of_hours_the_buyer_refuses() -> None:
    found = suggest(texts=["上班时间别打"])
    assert all(one.at.hour >= 18 or one.at.weekday() > 4 for one in found.hours)


def test_it_says_when_no_permitted_hour_suits() -> None:
    found = suggest(texts=["晚上十点以后打给我"])
    assert found.hours
    assert "晚上十点以后打给我" in found.notice


def test_it_calls_an_office_at_noon_or_after_work() -> None:
    assert hours(suggest(address="深圳市腾讯大厦"))[:2] == ["Wed 12:00", "Wed 18:30"]


def test_it_calls_when_the_buyer_usually_orders() -> None:
    assert hours(suggest(order_times=[NOW.replace(hour=15, minute=10) - timedelta(days=9)] * 3))[0] in (
        "Wed 14:30", "Wed 15:00",
    )  # fmt: skip


def test_it_tries_another_hour_after_no_answer_and_the_same_after_success() -> None:
    at = NOW.replace(hour=19, minute=0) - timedelta(days=1)
    missed = suggest(address="阳光小区", calls=[(at, False)])
    assert all(abs(one.at.hour * 60 + one.at.minute - 19 * 60) >= 60 for one in missed.hours)
    assert hours(suggest(address="阳光小区", calls=[(at, True)]))[0] == "Wed 19:00"


def test_it_reads_habits_on_the_clock_of_the_buyer() -> None:
    found = suggest(address="新疆乌鲁木齐市某大厦", buyer_zone=ZoneInfo("Asia/Urumqi"))
    assert hours(found)[0] == "Wed 14:00"  # noon in Urumqi


def test_it_has_nothing_to_suggest_where_no_call_is_permitted() -> None:
    assert suggest(earliest=None).hours == ()


@settings(max_examples=60, deadline=None)
@given(
    minutes=st.integers(0, 10_000),
    texts=st.lists(st.sampled_from(["晚上八点以后再打", "上班时间别打", "周末打给我", "十点打电话", "很差"])),
    calls=st.lists(st.tuples(st.integers(0, 9000), st.booleans()), max_size=4),
    zone=st.sampled_from(["Asia/Shanghai", "Asia/Urumqi", "Europe/London"]),
)
def test_every_suggestion_is_permitted_ahead_and_has_a_reason(
    minutes: int, texts: list[str], calls: list[tuple[int, bool]], zone: str
) -> None:
    now = NOW + timedelta(minutes=minutes)
    buyer = ZoneInfo(zone)

    def opened(at: datetime) -> bool:
        nine, half_eight = datetime(2026, 1, 1, 9).time(), datetime(2026, 1, 1, 20, 30).time()
        return bool(
            window_closes_at(
                at, shop_zone=SHANGHAI, calling_from=nine, calling_until=half_eight, buyer_zones=[buyer]
            )
        )

    facts = {
        "now": now, "earliest": now, "is_open": opened, "buyer_zone": buyer, "texts": texts,
        "calls": [(NOW - timedelta(minutes=ago), spoken) for ago, spoken in calls],
    }  # fmt: skip
    found = suggest(**facts)
    assert found == suggest(**facts)
    assert len(found.hours) <= 3
    for one in found.hours:
        assert one.at >= now
        assert opened(one.at)
        assert one.reason
