"""A rise to several times the usual rings; what is usual, however lively, does not."""

import math
import random

import pytest

from reviews.incident_rule import (
    DAY,
    HOUR,
    MINUTE,
    Burst,
    Complaint,
    Usual,
    Watch,
    hour_of_week,
    inside,
    learn,
    liveliness,
    surprise,
    worst,
)

MONDAY = 4 * DAY  # 1970-01-05
NOW = MONDAY + 56 * DAY + 14 * HOUR
CODES = ("quality", "delivery", "odor", "size_fit")


def history(an_hour: float, seed: int = 1) -> list[Complaint]:
    """Eight weeks and half a day at an even rate, ten products, four sub-causes."""
    dice, at = random.Random(seed), MONDAY
    found: list[Complaint] = []
    while (at := at + dice.expovariate(an_hour / HOUR)) < NOW:
        found.append(Complaint(at, dice.randint(1, 10), dice.choice(CODES), len(found) + 1))
    return found


def usual_of(complaints: list[Complaint]) -> Usual:
    found = learn(complaints, MONDAY, MONDAY + 56 * DAY)
    assert found is not None
    return found


def rung(complaints: list[Complaint], more: list[Complaint]) -> list[Burst]:
    watch = Watch(usual_of(complaints))
    found: list[Burst] = []
    for one in sorted([*complaints[-400:], *more], key=lambda one: one.at):
        watch.add(one)
        if one in more:
            found += watch.bursts(one)
    return found


def burst_of(number: int, *, product: int = 3, buyer: int = 0, minutes: float = 9) -> list[Complaint]:
    return [
        Complaint(NOW + n * minutes * MINUTE / number, product, "odor", buyer or 90_000 + n)
        for n in range(number)
    ]


def test_six_alike_on_one_product_within_ten_minutes_ring_in_their_place() -> None:
    found = worst(rung(history(1.0), burst_of(6)))
    assert found is not None
    assert found.place == (3, "odor")
    assert found.observed >= 5
    assert found.expected < 0.1


def test_four_do_not() -> None:
    assert rung(history(1.0), burst_of(4)) == []


def test_one_buyer_complaining_of_eight_things_is_one_voice() -> None:
    assert rung(history(1.0), burst_of(8, buyer=7)) == []


def test_what_comes_at_the_usual_pace_does_not_ring() -> None:
    usual = [
        Complaint(NOW + n * MINUTE, 1 + n % 10, CODES[n % 4], 90_000 + n) for n in range(20)
    ]  # 60 an hour
    assert rung(history(60.0), usual) == []


def test_the_same_pace_rings_in_a_quieter_shop() -> None:
    found = rung(
        history(2.0), [Complaint(NOW + n * MINUTE, 1 + n % 10, CODES[n % 4], 90_000 + n) for n in range(20)]
    )
    assert (0, "") in {one.place for one in found}


def test_complaints_without_a_product_count_for_the_shop_and_the_thing_alone() -> None:
    assert Complaint(0.0, 0, "odor").places == ((0, ""), (0, "odor"))


def test_less_than_a_week_teaches_nothing() -> None:
    assert learn(history(6.0), NOW - 6 * DAY, NOW) is None


def test_a_shop_without_a_complaint_has_no_zero_anywhere() -> None:
    usual = usual_of([])
    assert min(usual.hourly) > 0
    assert 0 < usual.share((1, "odor")) <= 1


def test_the_hours_of_the_day_are_learnt() -> None:
    evening = [
        Complaint(MONDAY + day * DAY + 20 * HOUR + n * 60, 1, "odor", n + 1)
        for day in range(56)
        for n in range(9)
    ]
    usual = usual_of(evening)
    assert usual.hourly[20] > 10 * usual.hourly[4]


def test_a_lively_day_is_no_incident() -> None:
    usual = usual_of(history(6.0))
    calm = liveliness(usual, [one.at for one in history(6.0)], NOW)
    busy = liveliness(usual, [one.at for one in history(18.0)], NOW)
    assert calm.times == pytest.approx(1.0, abs=0.35)
    assert busy.times > 2 * calm.times


def test_the_chance_is_that_of_the_textbook() -> None:
    # Poisson in the limit: P(N >= 5 | 1) = 0.003660; negative binomial of size 1 is geometric.
    assert math.exp(-surprise(5, 1.0, 1e-6)) == pytest.approx(0.003660, rel=1e-3)
    assert math.exp(-surprise(4, 1.0, 1.0)) == pytest.approx(0.5**4)


def test_more_complaints_are_more_surprising_and_a_wavering_shop_less_so() -> None:
    assert surprise(9, 1.0, 0.1) > surprise(8, 1.0, 0.1) > surprise(8, 1.0, 0.5)


def test_the_week_begins_on_monday_by_the_shops_clock() -> None:
    assert hour_of_week(MONDAY, 0) == 0
    assert hour_of_week(MONDAY - 8 * HOUR, 8 * HOUR) == 0


@pytest.mark.parametrize(
    ("narrow", "wide", "expected"),
    [
        ((3, "odor"), (0, ""), True),
        ((3, "odor"), (3, ""), True),
        ((3, "odor"), (3, "odor"), True),
        ((3, ""), (3, "odor"), False),
        ((3, "odor"), (4, ""), False),
        ((0, "odor"), (3, ""), False),
    ],
)
def test_a_place_lies_inside_wider_ones(
    narrow: tuple[int, str], wide: tuple[int, str], expected: bool
) -> None:
    assert inside(narrow, wide) is expected
