"""The case's verbs: guarded, compared-and-set, logged."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from reviews.models import Case, InvalidTransition, Outcome, Shop, StaleCase, Status, User
from reviews.models.cases import TRANSITIONS
from tests.factories import make_case, make_review, make_user

pytestmark = pytest.mark.django_db


def test_it_goes_from_assigned_to_closed_and_tells_everything(shop: Shop, agent: User) -> None:
    case = make_case(shop, assignee=agent)
    case.take(agent)
    case.close(Outcome.SOLVED, by=agent)
    case.refresh_from_db()
    assert (case.status, case.outcome) == (Status.CLOSED, "solved")
    assert case.closed_at is not None
    assert list(case.events.values_list("kind", flat=True)) == ["opened", "assign", "take", "close"]


def test_it_refuses_what_the_table_does_not_name(shop: Shop, agent: User) -> None:
    case = make_case(shop, assignee=agent)
    with pytest.raises(InvalidTransition):
        case.reopen(by=agent)
    case.close(Outcome.NO_ACTION, by=agent)
    with pytest.raises(InvalidTransition):
        case.take(agent)


def test_it_gives_a_case_to_only_one_of_two_who_saw_it_free(shop: Shop, agent: User) -> None:
    second = make_user("second", shop=shop)
    case = make_case(shop)
    seen_by_first, seen_by_second = Case.objects.get(pk=case.pk), Case.objects.get(pk=case.pk)
    seen_by_first.take(agent)
    with pytest.raises(StaleCase):
        seen_by_second.take(second)
    case.refresh_from_db()
    assert case.assignee == agent
    assert case.events.filter(kind="take").count() == 1


def test_it_does_not_let_one_agent_take_anothers_case(shop: Shop, agent: User) -> None:
    case = make_case(shop, assignee=make_user("second", shop=shop))
    with pytest.raises(StaleCase):
        case.take(agent)


def test_it_refuses_to_close_over_somebody_elses_move(shop: Shop, agent: User) -> None:
    case = make_case(shop, assignee=agent)
    stale = Case.objects.get(pk=case.pk)
    case.release(by=agent)
    with pytest.raises(StaleCase):
        stale.close(Outcome.SOLVED, by=agent)


def test_it_keeps_a_persons_decision_as_training_data(shop: Shop, agent: User) -> None:
    case = make_case(shop, assignee=agent, needs_decision=True)
    case.correct_cause("delivery", by=agent)
    case.refresh_from_db()
    assert (case.cause, case.sub_cause, case.needs_decision) == ("service", "delivery", False)
    judged = case.review.classifications.latest()
    assert (judged.decided_by, judged.sub_cause) == (agent, "delivery")


def test_the_database_stands_behind_the_rules(shop: Shop, agent: User) -> None:
    case = make_case(shop, assignee=agent)
    impossible: list[dict[str, Any]] = [
        {"status": "closed"},
        {"outcome": "solved"},
        {"closed_at": timezone.now()},
        {"status": "waiting", "wait_until": None},
        {"assignee": None},
    ]
    for change in impossible:
        with pytest.raises(IntegrityError), transaction.atomic():
            Case.objects.filter(pk=case.pk).update(**change)


def test_the_database_allows_one_open_case_a_review(shop: Shop) -> None:
    review = make_review(shop)
    make_case(shop, review=review)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_case(shop, review=review)


def test_every_verb_of_the_table_is_an_event() -> None:
    from reviews.models.cases import EventKind

    assert set(TRANSITIONS) <= set(EventKind.values)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_it_never_doubles_when_many_agents_reach_for_the_same_cases(shop: Shop) -> None:
    """Eight agents, forty cases, real connections: every case has one holder and one `take`."""
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connection

    from callbacks.queue import next_case

    agents = [make_user(f"agent{number}", shop=shop) for number in range(8)]
    for _number in range(40):
        make_case(shop)

    def work(agent: User) -> int:
        taken = 0
        while (case := next_case(agent, timezone.now())) and case.assignee_id == agent.pk:
            case.close(Outcome.SOLVED, by=agent)
            taken += 1
        connection.close()
        return taken

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(work, agents))
    assert sum(taken) == 40
    assert all(case.events.filter(kind="take").count() == 1 for case in Case.objects.all())
