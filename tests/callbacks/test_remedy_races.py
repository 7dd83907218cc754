"""Two tabs, a double click, two agents, two managers: each at the very same moment, on real threads."""

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from callbacks import ledger, remedies
from callbacks.models import Payout, Remedy, RemedyBudget, RemedyStatus
from reviews.models import Case, Role, Shop, Status, User
from tests.factories import make_case, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts: Callable[[], Any]) -> list[str]:
    """Run all at the same moment; the kind of what each raised, empty where it went well."""
    barrier, said = threading.Barrier(len(acts)), [""] * len(acts)

    def run(place: int, act: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            act()
        except Exception as error:
            said[place] = type(error).__name__
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place, act)) for place, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return said


def act(case_id: int, user_id: int, kind: str = "coupon", **more: Any) -> Callable[[], Any]:
    def offer() -> Remedy:
        case = Case.objects.select_related("shop", "review").get(pk=case_id)
        user = User.objects.get(pk=user_id)
        return remedies.offer_remedy(case, kind, amount=Decimal(5), by=user, **more)

    return offer


@pytest.fixture
def case(shop: Shop, agent: User) -> Case:
    return make_case(shop, assignee=agent, status=Status.IN_PROGRESS)


def free() -> int:
    return Remedy.objects.filter(status=RemedyStatus.APPROVED).count()


def test_in_many_tabs_one_remedy_is_the_agents(case: Case, agent: User) -> None:
    assert at_once(*[act(case.pk, agent.pk, reason="又坏一件") for _ in range(6)]) == [""] * 6
    assert (free(), Remedy.objects.to_approve().count()) == (1, 5)
    assert ledger.totals().agree


def test_the_limit_of_a_day_holds_over_cases(shop: Shop, agent: User) -> None:
    Shop.objects.update(remedy_limit_per_day=10)
    cases = [make_case(shop, assignee=agent, status=Status.IN_PROGRESS) for _ in range(5)]
    assert at_once(*[act(case.pk, agent.pk) for case in cases]) == [""] * 5
    assert free() == 2


def test_the_budget_holds_over_agents(shop: Shop) -> None:
    RemedyBudget.objects.create(shop=shop, fen=1000)
    agents = [make_user(f"agent-{n}", shop=shop) for n in range(4)]
    cases = [make_case(shop, assignee=one, status=Status.IN_PROGRESS) for one in agents]
    pairs = zip(cases, agents, strict=True)
    assert at_once(*[act(case.pk, one.pk) for case, one in pairs]) == [""] * 4
    assert free() == 2


def test_a_double_click_stores_one(case: Case, agent: User) -> None:
    key = uuid4()
    assert at_once(*[act(case.pk, agent.pk, key=key) for _ in range(4)]) == [""] * 4
    assert Remedy.objects.count() == 1


def test_of_two_managers_one_wins(shop: Shop, case: Case, agent: User, manager: User) -> None:
    other = make_user("deputy", shop=shop, role=Role.MANAGER)
    remedy = act(case.pk, agent.pk, "cash", reason="通道已关")()

    def decide(user: User, approve: bool) -> Callable[[], None]:
        return lambda: remedies.decide_remedy(
            Remedy.objects.select_related("case__shop").get(pk=remedy.pk),
            approve=approve,
            by=User.objects.get(pk=user.pk),
            words="看过",
        )

    said = at_once(decide(manager, True), decide(other, False))
    assert sorted(said) == ["", "StaleCase"]
    assert ledger.totals().agree
    assert ledger.differences() == []


def test_it_is_paid_once_by_two(case: Case, agent: User, manager: User) -> None:
    remedy = act(case.pk, agent.pk)()

    def pay(user: User) -> Callable[[], None]:
        return lambda: remedies.carry_out(  # type: ignore[return-value]
            Remedy.objects.select_related("case__shop").get(pk=remedy.pk),
            "back_end",
            by=User.objects.get(pk=user.pk),
        )

    assert sorted(at_once(pay(agent), pay(manager))) == ["", "StaleCase"]
    assert Payout.objects.count() == 1
    assert ledger.differences() == []
