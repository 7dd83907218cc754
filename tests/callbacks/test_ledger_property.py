"""Whatever the order of acts: sum of the ledger = sum of the payouts, to the fen (hypothesis, small).

The same with 100,000 acts: python -m benchmarks.ledger
"""

from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from benchmarks.ledger import Shopkeepers
from callbacks import ledger
from callbacks.ledger import Balance
from callbacks.models import Remedy

pytestmark = pytest.mark.django_db(transaction=True)

FEN = st.integers(0, 500_000)
PLACE = st.integers(0, 30)


class Purse(RuleBasedStateMachine):
    """Random acts of agents and managers; refusals are part of it and must leave nothing behind."""

    def __init__(self) -> None:
        super().__init__()
        # All in one transaction that is undone: SQLite and PostgreSQL alike start anew each time.
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.keepers = Shopkeepers.at_work(cases=3)

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    @rule(
        case=PLACE,
        fen=FEN,
        kind=st.sampled_from(["coupon", "part_refund", "cash", "exchange", "refund"]),
        accepted=st.booleans(),
        manager=st.booleans(),
    )
    def offer(self, **how: Any) -> None:
        self.keepers.offer(**how)

    @precondition(lambda self: self.keepers.has_remedies)
    @rule(place=PLACE, approve=st.booleans(), lower=st.integers(0, 100))
    def decide(self, **how: Any) -> None:
        self.keepers.decide(**how)

    @precondition(lambda self: self.keepers.has_remedies)
    @rule(place=PLACE)
    def accept(self, place: int) -> None:
        self.keepers.accept(place)

    @precondition(lambda self: self.keepers.has_remedies)
    @rule(place=PLACE, twice=st.booleans())
    def pay(self, **how: Any) -> None:
        self.keepers.pay(**how)

    @precondition(lambda self: self.keepers.has_remedies)
    @rule(place=PLACE)
    def reverse(self, place: int) -> None:
        self.keepers.reverse(place)

    @precondition(lambda self: self.keepers.has_remedies)
    @rule(place=PLACE)
    def cancel(self, place: int) -> None:
        self.keepers.cancel(place)

    @invariant()
    def the_sums_agree(self) -> None:
        found = ledger.totals()
        assert found.agree, found
        assert found.ledger == Balance(*self.keepers.expected), "the ledger says what happened"
        assert ledger.differences() == []


def test_the_ledger_always_says_what_the_rows_say() -> None:
    run_state_machine_as_test(
        Purse,
        settings=settings(
            max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
    assert not Remedy.objects.exists()
