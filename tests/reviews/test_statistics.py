"""The manager's numbers agree with counting by hand, and each with the cases behind it."""

import statistics as plain
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from math import ceil
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from reviews.causes import COMPLAINTS, Cause, SubCause
from reviews.models import Case, Outcome, Rating, Shop, Status, User
from reviews.models.cases import EventKind
from reviews.statistics import Number, Period, Scope, Statistics, read, spreads, whole_percents
from tests.factories import make_case, make_product, make_review, make_shop, make_user

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=SHANGHAI)
QUERIES = 14


def at(day: int, hour: int = 10, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=SHANGHAI)


def scope(*shops: Shop, first: int = 1, last: int = 21) -> Scope:
    return Scope(shops, Period(date(2026, 11, first), date(2026, 11, last)))


def numbers_of(found: Statistics) -> Iterator[Number]:
    """Every number that claims to have cases behind it, except calls (several a case)."""
    endings = [found.ending, *(row.ending for row in found.causes)]
    endings += [row.ending for row in found.products] + [row.ending for row in found.agents]
    endings += [sub.ending for row in found.causes for sub in row.sub_causes]
    for ending in endings:
        yield from (ending.cases, ending.open, ending.closed, ending.solved)
    for day in found.trend:
        yield from (day.cases, *day.by_cause, day.no_complaint)
    yield from (product.main_count for product in found.products)
    yield from (found.open_now, found.overdue_now, found.no_complaint)
    yield from (found.first_contact.contacted, found.first_contact.waiting)


def make_many(shop: Shop, agents: list[User], number: int = 60) -> list[Case]:
    """Cases of every kind over three weeks; the same at every run."""
    dice, subs = Random(7), list(SubCause)
    cases = []
    for n in range(number):
        opened = at(1) + timedelta(minutes=dice.randrange(20 * 24 * 60))
        contacted = opened + timedelta(minutes=dice.randrange(1, 600)) if dice.random() < 0.7 else None
        agent = dice.choice([None, *agents])
        status = dice.choice([Status.NEW, Status.IN_PROGRESS, Status.CLOSED]) if agent else Status.NEW
        product = make_product(shop, f"商品{dice.randrange(4)}")
        case = make_case(
            shop,
            review=make_review(shop, product=product, created_at=opened),
            assignee=agent,
            status=Status(status),
            outcome=dice.choice(list(Outcome)),
            sub_cause=subs[n % len(subs)],
            opened_at=opened,
            due_at=opened + timedelta(hours=2),
            first_contact_at=contacted,
        )
        cases.append(case)
    return cases


@pytest.fixture
def agents(shop: Shop) -> list[User]:
    return [make_user(f"agent-{n}", shop=shop) for n in range(3)]


# --- the cohort ------------------------------------------------------------------------------------


def test_it_counts_days_in_the_zone_of_the_shop(shop: Shop) -> None:
    make_case(shop, opened_at=at(3, 0, 5))
    assert read(scope(shop, first=3, last=3), NOW).ending.cases.count == 1
    assert read(scope(shop, first=2, last=2), NOW).ending.cases.count == 0


def test_it_counts_shops_of_two_zones_by_their_own_days(shop: Shop) -> None:
    far = make_shop("far", time_zone="America/New_York")
    make_case(shop, opened_at=datetime(2026, 11, 3, 20, 0, tzinfo=UTC))  # the 4th in Shanghai
    make_case(far, opened_at=datetime(2026, 11, 3, 20, 0, tzinfo=UTC))  # the 3rd in New York
    days = {row.day.day: row.cases.count for row in read(scope(shop, far, first=3, last=4), NOW).trend}
    assert days == {3: 1, 4: 1}


def test_it_leaves_out_other_shops(shop: Shop, other_shop: Shop) -> None:
    make_case(other_shop, opened_at=at(3))
    assert read(scope(shop), NOW).is_empty


def test_it_counts_reviews_by_rating(shop: Shop) -> None:
    for rating in (Rating.GOOD, Rating.GOOD, Rating.BAD):
        make_review(shop, rating=rating, created_at=at(5))
    found = read(scope(shop), NOW)
    assert dict(found.ratings) == {Rating.GOOD: 2, Rating.NEUTRAL: 0, Rating.BAD: 1}
    assert found.reviews == 3


def test_it_reads_an_empty_period(shop: Shop) -> None:
    found = read(scope(shop), NOW)
    assert found.is_empty
    assert found.first_contact.spread.median is None
    assert found.ending.solved_share is None
    assert [row.percent for row in found.causes] == [0, 0, 0, 0]
    assert len(found.trend) == 21


def test_it_reads_without_any_shop(db: None) -> None:
    assert read(scope(), NOW).is_empty


# --- every number has its cases --------------------------------------------------------------------


def test_it_has_the_cases_behind_every_number(shop: Shop, agents: list[User]) -> None:
    make_many(shop, agents)
    chosen = scope(shop)
    found = read(chosen, NOW)
    for number in numbers_of(found):
        assert chosen.behind(number, NOW).count() == number.count, number


def test_it_agrees_with_counting_by_hand(shop: Shop, agents: list[User]) -> None:
    cases = make_many(shop, agents)
    found = read(scope(shop), NOW)
    by_cause = Counter(case.cause for case in cases)
    assert found.ending.cases.count == len(cases)
    assert {row.cause: row.ending.cases.count for row in found.causes} == {
        cause: by_cause[cause] for cause in COMPLAINTS
    }
    assert found.no_complaint.count == by_cause[Cause.NONE]
    assert sum(day.cases.count for day in found.trend) == len(cases)
    solved = [case for case in cases if case.outcome in (Outcome.SOLVED, Outcome.SOLVED_FOLLOW_UP)]
    closed = [case for case in cases if case.status == Status.CLOSED]
    malicious = [case for case in closed if case.outcome == Outcome.MALICIOUS]
    assert found.ending.solved_share == len(solved) / (len(closed) - len(malicious))


def test_what_ended_as_malicious_is_neither_solved_nor_unsolved(shop: Shop) -> None:
    for outcome in (Outcome.SOLVED, Outcome.REFUSED, Outcome.MALICIOUS, Outcome.MALICIOUS):
        make_case(shop, opened_at=at(3), status=Status.CLOSED, outcome=outcome)
    ending = read(scope(shop), NOW).ending
    assert (ending.closed.count, ending.malicious.count, ending.solved_share) == (4, 2, 0.5)


def test_it_counts_what_is_open_and_overdue_now_whenever_it_came(shop: Shop) -> None:
    make_case(shop, opened_at=at(1) - timedelta(days=90), due_at=at(1) - timedelta(days=90))
    make_case(shop, opened_at=at(20), due_at=NOW + timedelta(hours=1))
    found = read(scope(shop, first=21), NOW)
    assert (found.open_now.count, found.overdue_now.count) == (2, 1)


def test_it_shows_the_products_most_complained_of_and_what_about(shop: Shop) -> None:
    cup, pan = make_product(shop, "杯"), make_product(shop, "锅")
    for product, sub in ((cup, "odor"), (cup, "odor"), (cup, "quality"), (pan, "delivery")):
        make_case(shop, review=make_review(shop, product=product), sub_cause=sub, opened_at=at(4))
    first, second = read(scope(shop), NOW).products
    assert (first.title, first.ending.cases.count, first.main_sub_cause, first.main_count.count) == (
        "杯",
        3,
        "odor",
        2,
    )
    assert second.title == "锅"


def test_it_shows_twenty_products_at_most_and_counts_cases_without_one(shop: Shop) -> None:
    for n in range(22):
        review = make_review(shop, product=make_product(shop, f"商品{n}"))
        make_case(shop, review=review, opened_at=at(4))
    make_case(shop, review=make_review(shop, order=None), opened_at=at(4))
    found = read(scope(shop), NOW)
    assert len(found.products) == 20
    assert found.without_product == 1


def test_it_counts_what_each_agent_holds_and_calls(shop: Shop, agents: list[User]) -> None:
    case = make_case(shop, assignee=agents[0], opened_at=at(4), first_contact_at=at(4, 11))
    case.log(EventKind.CALL, by=agents[0])
    case.log(EventKind.CALL, by=agents[1])
    rows = {row.user_id: row for row in read(scope(shop), NOW).agents}
    assert (rows[agents[0].pk].ending.open.count, rows[agents[0].pk].calls.count) == (1, 1)
    assert rows[agents[0].pk].first_contact.median == timedelta(hours=1)
    assert (rows[agents[1].pk].ending.cases.count, rows[agents[1].pk].calls.count) == (0, 1)
    assert agents[2].pk not in rows


# --- median and 90th percentile --------------------------------------------------------------------


def contact_all(shop: Shop, minutes: list[int], **fields: Any) -> None:
    for took in minutes:
        opened = at(5)
        make_case(shop, opened_at=opened, first_contact_at=opened + timedelta(minutes=took), **fields)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 9, 10, 11, 20, 21])
def test_it_finds_the_median_and_the_ninetieth_percentile(shop: Shop, size: int) -> None:
    dice = Random(size)
    minutes = [dice.randrange(1, 400) for _ in range(size)]
    contact_all(shop, minutes)
    found = spreads(scope(shop).cases())[()]
    assert found.size == size
    assert found.median == timedelta(minutes=plain.median(minutes))
    assert found.p90 == timedelta(minutes=sorted(minutes)[ceil(0.9 * size) - 1])


def test_it_finds_them_for_every_agent_at_once(shop: Shop, agents: list[User]) -> None:
    made = {agents[0]: [5, 5, 90], agents[1]: [10, 20]}
    for agent, minutes in made.items():
        contact_all(shop, minutes, assignee=agent)
    found = spreads(scope(shop).cases(), "assignee")
    assert {key[0]: one.median for key, one in found.items()} == {
        agents[0].pk: timedelta(minutes=5),
        agents[1].pk: timedelta(minutes=15),
    }


def test_it_tells_how_many_were_not_contacted_yet(shop: Shop) -> None:
    contact_all(shop, [30])
    make_case(shop, opened_at=at(6))
    found = read(scope(shop), NOW).first_contact
    assert (found.contacted.count, found.waiting.count) == (1, 1)


# --- shares ----------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=8))
def test_shares_in_whole_percent_add_up(counts: list[int]) -> None:
    percents = whole_percents(counts)
    assert sum(percents) == (100 if sum(counts) else 0)
    for count, percent in zip(counts, percents, strict=True):
        assert not sum(counts) or abs(percent - 100 * count / sum(counts)) < 1


def test_it_sets_each_share_beside_the_typical_one(shop: Shop) -> None:
    for sub in ("quality", "odor", "delivery"):
        make_case(shop, sub_cause=sub, opened_at=at(4))
    make_case(shop, sub_cause="none", opened_at=at(4))
    found = read(scope(shop), NOW)
    rows = {row.cause: row for row in found.causes}
    assert (rows[Cause.PRODUCT].percent, rows[Cause.PRODUCT].typical) == (67, 50)
    assert rows[Cause.SERVICE].difference == 8
    assert (found.complaints, found.no_complaint.count) == (3, 1)


# --- cost ------------------------------------------------------------------------------------------


def test_it_asks_as_much_of_ten_cases_as_of_sixty(
    shop: Shop, agents: list[User], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_many(shop, agents, 10)
    with django_assert_num_queries(QUERIES):
        read(scope(shop), NOW)
    make_many(shop, agents, 50)
    with django_assert_num_queries(QUERIES):
        read(scope(shop), NOW)


def test_it_writes_nothing(shop: Shop, agents: list[User]) -> None:
    make_many(shop, agents, 5)
    with CaptureQueriesContext(connection) as asked:
        read(scope(shop), timezone.now())
    assert all(query["sql"].startswith(("SELECT", "WITH")) for query in asked.captured_queries)
