"""A promised call-back comes up on whatever page is open, moves, is taken over, and counts as kept or not."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from callbacks import contacts, promises, promising
from callbacks.holding import NotAllowed
from callbacks.kept import judged, kept, missed, shares
from callbacks.models import CallbackPromise
from reviews.models import Case, InvalidTransition, Shop, StaleCase, Status, User
from reviews.statistics import Period, Scope
from tests.factories import make_case, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("calling_hour")]

HOUR = datetime.fromisoformat("2026-11-18T15:00:00+08:00")
DUE = reverse("callbacks:promises_due")


@pytest.fixture
def promise(shop: Shop, agent: User) -> CallbackPromise:
    case = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    return contacts.promise_callback(case, HOUR, by=agent, note="下班后")


@pytest.fixture
def colleague(shop: Shop) -> User:
    return make_user("colleague", shop=shop, display_name="陈晨")


def at(seconds: float) -> Any:
    """So many seconds after the promised hour."""
    return time_machine.travel(HOUR + timedelta(seconds=seconds), tick=False)


def up(user: User) -> list[bool]:
    """Whose the promises are that are up: True for own ones."""
    return [one.own for one in promises.coming_up(user, timezone.now()).notices]


def test_it_comes_up_five_minutes_before_and_to_the_team_two_after(
    promise: CallbackPromise, agent: User, colleague: User, outsider: User
) -> None:
    for seconds, own, team in [
        (-301, [], []), (-300, [True], []), (0, [True], []), (119, [True], []), (120, [True], [False]),
    ]:  # fmt: skip
        with at(seconds):
            assert (up(agent), up(colleague), up(outsider)) == (own, team, [])


def test_it_says_to_the_second_when_to_ask_again(
    promise: CallbackPromise, agent: User, colleague: User
) -> None:
    with at(-307):
        assert promises.coming_up(agent, timezone.now()).next_in == pytest.approx(7)
    with at(111):
        assert promises.coming_up(colleague, timezone.now()).next_in == pytest.approx(9)
    with at(-1000):
        assert promises.coming_up(agent, timezone.now()).next_in == promises.ASKED_EVERY


def test_a_crowd_of_late_ones_hides_no_own_one(
    promise: CallbackPromise, agent: User, colleague: User
) -> None:
    for number in range(30):
        other = make_case(promise.case.shop, assignee=colleague, status=Status.IN_PROGRESS)
        CallbackPromise.objects.create(
            case=other, agent=colleague, due_at=HOUR - timedelta(minutes=10 + number)
        )
    with at(-60):
        assert up(agent)[0] is True


def test_the_poll_answers_204_until_something_changes(
    promise: CallbackPromise, agent: User, client: Client, django_assert_max_num_queries: Any
) -> None:
    client.force_login(agent)
    assert client.get(DUE).status_code == 204
    with at(-60):
        client.force_login(agent)
        with django_assert_max_num_queries(4):
            answer = client.get(DUE)
        assert answer.status_code == 200
        assert "下班后" in answer.content.decode()
        assert client.get(DUE, {"seen": answer["X-Seen"]}).status_code == 204


def test_a_colleague_takes_over_once_its_hour_is_over(
    promise: CallbackPromise, agent: User, colleague: User, manager: User
) -> None:
    with at(60), pytest.raises(StaleCase):
        promising.take_over(promise.case, by=colleague)
    with at(180):
        promising.take_over(promise.case, by=colleague)
        promise.refresh_from_db()
        assert (promise.agent, promise.case.assignee, promise.case.status) == (
            colleague, colleague, Status.IN_PROGRESS,
        )  # fmt: skip
        with pytest.raises(StaleCase):
            promising.take_over(promise.case, by=manager)
        contacts.start_call(Case.objects.get(pk=promise.case_id), by=colleague)
        assert up(agent) == up(colleague) == []


def test_it_moves_to_another_agent_with_its_case(
    promise: CallbackPromise, agent: User, colleague: User, outsider: User, manager: User
) -> None:
    with pytest.raises(NotAllowed):
        promising.move_promise(promise, by=agent, agent=outsider)
    with pytest.raises(InvalidTransition):
        promising.move_promise(promise, by=colleague, agent=colleague)
    promising.move_promise(promise, by=None, agent=colleague)  # the system: somebody is absent
    promise.refresh_from_db()
    assert (promise.agent, promise.case.assignee, promise.due_at) == (colleague, colleague, HOUR)
    promising.move_promise(promise, by=manager, at=HOUR + timedelta(hours=1))
    promise.refresh_from_db()
    assert promise.case.wait_until == promise.due_at == HOUR + timedelta(hours=1)
    assert promise.judged_at == HOUR  # nobody said that the buyer wished it


def test_it_moves_to_no_forbidden_hour(promise: CallbackPromise, agent: User) -> None:
    with pytest.raises(NotAllowed):
        promising.move_promise(promise, by=agent, at=HOUR.replace(hour=23))
    with at(60), pytest.raises(NotAllowed):
        promising.move_promise(promise, by=agent, at=HOUR - timedelta(hours=1))


def test_a_call_long_before_its_hour_leaves_it_promised(promise: CallbackPromise, agent: User) -> None:
    case = Case.objects.get(pk=promise.case_id)
    case.take(agent)
    contacts.start_call(case, by=agent)
    promise.refresh_from_db()
    assert promise.kept_at is None


# --- kept ------------------------------------------------------------------------------------------------


def scope(shop: Shop) -> Scope:
    return Scope((shop,), Period.of_days(3, HOUR.date()))


def call(case_id: int, agent: User) -> None:
    case = Case.objects.get(pk=case_id)
    if case.status != Status.IN_PROGRESS:
        case.take(agent)
    contacts.start_call(case, by=agent)


@pytest.mark.parametrize(
    ("seconds", "is_kept"), [(-600, True), (0, True), (600, True), (601, False), (3600, False)]
)
def test_a_call_within_ten_minutes_keeps_it(
    promise: CallbackPromise, agent: User, shop: Shop, seconds: int, is_kept: bool
) -> None:
    with at(seconds):
        call(promise.case_id, agent)
    with at(4000):
        (row, _own) = shares(scope(shop), timezone.now())
        assert (row.judged, row.kept, row.missed) == (1, int(is_kept), int(not is_kept))


@pytest.mark.parametrize(("wish", "moved_at", "is_kept"), [(True, -60, 1), (False, -60, 0), (True, 60, 0)])
def test_only_a_move_at_the_buyers_wish_and_in_time_counts_at_the_new_hour(
    promise: CallbackPromise, agent: User, shop: Shop, wish: bool, moved_at: int, is_kept: int
) -> None:
    with at(moved_at):
        promising.move_promise(promise, by=agent, at=HOUR + timedelta(hours=1), at_buyers_wish=wish)
    with at(3600):
        call(promise.case_id, agent)
    with at(9000):
        assert shares(scope(shop), timezone.now())[0].kept == is_kept


def test_what_is_cancelled_or_to_come_is_not_counted(
    promise: CallbackPromise, agent: User, shop: Shop
) -> None:
    with at(599):
        assert not shares(scope(shop), timezone.now())
    with at(601):
        assert judged(scope(shop), timezone.now()).count() == 1
        promising.cancel_promise(promise, by=agent)
        assert not shares(scope(shop), timezone.now())


def test_every_number_opens_its_cases(
    promise: CallbackPromise, agent: User, manager: User, outsider: User, shop: Shop, client: Client
) -> None:
    with at(601):
        found = judged(scope(shop), timezone.now())
        assert (list(kept(found)), list(missed(found))) == ([], [promise])
        client.force_login(manager)
        statistics = client.get(reverse("reviews:statistics")).content.decode()
        row = shares(scope(shop), timezone.now())[0]
        assert row.query in statistics
        listed = client.get(f"{reverse('callbacks:promises_kept')}?{row.query}&how=missed")
        assert reverse("callbacks:case", args=[promise.case_id]) in listed.content.decode()
        none = client.get(f"{reverse('callbacks:promises_kept')}?{row.query}&how=kept")
        assert none.context["number"] == 0
        assert "0%" in client.get(reverse("callbacks:promises") + "?whose=all").content.decode()
        client.force_login(outsider)
        assert client.get(f"{reverse('callbacks:promises_kept')}?{row.query}").context["number"] == 0
