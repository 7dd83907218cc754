"""Drift: told within a day when a mix leaves its base, quiet when it does not."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from django.utils import timezone

from benchmarks.drift import quiet, shifted
from reviews import clock, drift
from reviews.drift_rule import compare
from reviews.models import Classification, DriftAlarm, Review, Shop, User
from tests.factories import make_review

MIX = (40, 15, 25, 2, 18)


def days(number: int = 28, a_day: int = 100) -> list[list[int]]:
    random = np.random.default_rng(3)
    return [random.multinomial(a_day, np.array(MIX) / 100).tolist() for _day in range(number)]


# --- the rule -------------------------------------------------------------------------------------


def test_the_same_mix_is_quiet() -> None:
    found = compare(days(), MIX)
    assert found is not None
    assert not found.is_alarming


def test_another_mix_is_told() -> None:
    found = compare(days(), (15, 15, 50, 2, 18))
    assert found is not None
    assert found.is_alarming
    assert found.before[0] > found.now[0]


def test_a_shop_whose_days_differ_needs_a_larger_step() -> None:
    recent = (18, 15, 47, 2, 18)
    lively = [[60, 15, 5, 2, 18] if day % 2 else [16, 15, 49, 2, 18] for day in range(28)]
    calm, wild = compare(days(), recent), compare(lively, recent)
    assert calm is not None
    assert wild is not None
    assert calm.is_alarming
    assert not wild.is_alarming


def test_a_step_that_is_sure_but_small_is_quiet() -> None:
    large = [[count * 200 for count in day] for day in days()]
    found = compare(large, [count * 200 for count in (37, 15, 28, 2, 18)])
    assert found is not None
    assert not found.is_alarming


@pytest.mark.parametrize(
    ("base", "recent"), [(days(6), MIX), (days(28, 5), MIX), (days(), (10, 5, 10, 0, 4)), ([], MIX)]
)
def test_too_little_tells_nothing(base: list[list[int]], recent: tuple[int, ...]) -> None:
    assert compare(base, recent) is None


def test_a_kind_never_seen_before_is_no_error() -> None:
    assert compare([[50, 50, 0]] * 10, (20, 20, 60)).is_alarming  # type: ignore[union-attr]
    assert compare([[100, 0]] * 10, (100, 0)).surprise == 0  # type: ignore[union-attr]


@pytest.mark.once
def test_quiet_shops_hear_less_than_one_false_alarm_a_quarter() -> None:
    assert quiet(shops=6, a_day=100)["false alarms a shop and quarter"] <= 1


@pytest.mark.once
def test_a_large_shift_is_told_within_a_day() -> None:
    assert shifted(shops=8, a_day=100, step=0.3)["told within a day"] == 1


# --- the shop -------------------------------------------------------------------------------------


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def read(
    shop: Shop, at: datetime, number: int, cause: str, text: str = "杯子收到就碎了", **fields: object
) -> None:
    """Let the machine have read so many reviews at a time."""
    first = make_review(shop, content=text, created_at=at - timedelta(hours=1), order=None, product=None)
    copies = [
        Review(
            shop=shop, review_key=f"{first.pk}-{n}", rating="bad", content=text, created_at=first.created_at
        )
        for n in range(number - 1)
    ]
    Review.objects.bulk_create(copies)
    sub = {"product": "quality", "service": "delivery"}[cause]
    values = {"cause": cause, "sub_cause": sub, "confidence": 0.9, "model": "m1", **fields}
    Classification.objects.bulk_create(
        Classification(review=review, version=1, made_at=at, **values) for review in [first, *copies]
    )


def weeks(shop: Shop, now: datetime) -> None:
    for day in range(1, 15):
        read(shop, now - timedelta(days=day, hours=2), 20, "product")
        read(shop, now - timedelta(days=day, hours=2), 10, "service")


@pytest.mark.django_db
def test_an_alarm_rings_once_until_it_is_noted_and_then_begins_anew(
    shop: Shop, manager: User, now: datetime
) -> None:
    weeks(shop, now)
    read(shop, now - timedelta(hours=3), 60, "service")
    [alarm] = drift.watch(shop, now)
    assert alarm.measure == "causes"
    assert alarm.figures["reviews"] == 60
    assert drift.watch(shop, now) == []
    alarm.acknowledge(by=manager)
    assert drift.watch(shop, now) == []


@pytest.mark.django_db
def test_a_quiet_shop_is_quiet(shop: Shop, now: datetime) -> None:
    weeks(shop, now)
    read(shop, now - timedelta(hours=3), 40, "product")
    read(shop, now - timedelta(hours=3), 20, "service")
    assert drift.watch(shop, now) == []


@pytest.mark.django_db
def test_new_words_are_told(shop: Shop, now: datetime) -> None:
    weeks(shop, now)
    read(shop, now - timedelta(hours=3), 40, "product", text="簕杜鹃蘖芽瘪蔫，砧木皲裂，虬枝尽枯")
    read(shop, now - timedelta(hours=3), 20, "service")
    assert "vocabulary" in {alarm.measure for alarm in drift.watch(shop, now)}


@pytest.mark.django_db
def test_sinking_confidence_is_told(shop: Shop, now: datetime) -> None:
    weeks(shop, now)
    read(shop, now - timedelta(hours=3), 40, "product", confidence=0.45)
    read(shop, now - timedelta(hours=3), 20, "service", confidence=0.45)
    assert {alarm.measure for alarm in drift.watch(shop, now)} == {"confidence"}


@pytest.mark.django_db
def test_another_model_is_no_drift(shop: Shop, now: datetime) -> None:
    weeks(shop, now)
    read(shop, now - timedelta(hours=3), 60, "service", model="m2")
    assert drift.watch(shop, now) == []


@pytest.mark.django_db
def test_an_archive_brought_in_is_no_drift(shop: Shop, now: datetime) -> None:
    weeks(shop, now)
    read(shop, now - timedelta(hours=3), 60, "service")
    Review.objects.filter(
        classifications__cause="service", classifications__made_at__gt=now - timedelta(days=1)
    ).update(created_at=now - timedelta(days=400))
    assert drift.watch(shop, now) == []


@pytest.mark.django_db
def test_the_watch_looks_at_every_shop_that_read_something(
    shop: Shop, other_shop: Shop, now: datetime
) -> None:
    weeks(shop, now)
    read(shop, now - timedelta(hours=3), 60, "service")
    with clock.at(now):
        assert drift.watch_shops() == 1
        assert drift.watch_shops() == 0
    assert DriftAlarm.objects.get().shop == shop
