"""100,000 random acts on remedies by agents and managers; then: sum of the ledger = sum of the payouts?

    python -m benchmarks.ledger --number 100000                            # SQLite in a folder of its own
    python -m benchmarks.ledger --number 100000 --database-url postgres://…
    python -m benchmarks.ledger --number 2000 --break         # negative control: one entry wrong by a fen
    python -m benchmarks.ledger --number 2000 --unprotected   # negative control: no compare-and-set

Five shops with limits, budgets of the month and of one kind, and a clock that moves a minute from act to
act, so that days and months turn. Prints the acts done and refused, both sums in fen from three sides (the
ledger, the rows, this program's own book) and what differs. Exit status 1 when anything does.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest import mock
from uuid import uuid4

SHOPS = 5
KINDS = ("coupon", "part_refund", "cash", "exchange", "gift", "refund")


@dataclass
class Shopkeepers:
    """People at work on the cases of one shop, and a book of their own beside the program's."""

    cases: list[Any]
    agent: Any
    manager: Any
    open_fen: int = 0
    paid_fen: int = 0
    remedies: list[int] = field(default_factory=list)
    said: Counter[str] = field(default_factory=Counter)

    @classmethod
    def at_work(cls, cases: int = 50) -> "Shopkeepers":
        """A shop with budgets, an agent and a manager, each working on cases of ¥129."""
        from callbacks.models import RemedyBudget
        from reviews.models import Role, Status
        from tests.factories import make_case, make_shop, make_user

        shop = make_shop()
        RemedyBudget.objects.create(shop=shop, kind="", fen=3_000_000)
        RemedyBudget.objects.create(shop=shop, kind="gift", fen=100_000)
        agent = make_user(f"agent-of-{shop.code}", shop=shop)
        manager = make_user(f"manager-of-{shop.code}", shop=shop, role=Role.MANAGER)
        made = [
            make_case(shop, assignee=manager if n % 5 == 4 else agent, status=Status.IN_PROGRESS)
            for n in range(cases)
        ]
        return cls(made, agent, manager)

    @property
    def has_remedies(self) -> bool:
        return bool(self.remedies)

    @property
    def expected(self) -> tuple[int, int]:
        return self.open_fen, self.paid_fen

    def _try(self, name: str, act: Callable[[], Any]) -> Any:
        """Do it; what the rules refuse is counted and leaves nothing behind."""
        from django.db import IntegrityError, transaction

        from callbacks.holding import NotAllowed
        from reviews.models import InvalidTransition, StaleCase

        try:
            with transaction.atomic():
                done = act()
        except (NotAllowed, InvalidTransition, StaleCase):
            self.said[f"{name}: refused"] += 1
            return None
        except IntegrityError:
            self.said[f"{name}: stopped by the database"] += 1
            return None
        self.said[f"{name}: done"] += 1
        return done or True

    def _remedy(self, place: int) -> Any:
        from callbacks.models import Remedy

        pk = self.remedies[place % len(self.remedies)]
        return Remedy.objects.select_related("case__shop").get(pk=pk)

    # --- acts ---

    def offer(self, case: int, fen: int, kind: str, accepted: bool, manager: bool) -> None:
        from callbacks import remedies

        one = self.cases[case % len(self.cases)]
        by, amount, key = self.manager if manager else self.agent, Decimal(fen) / 100, uuid4()

        def act() -> Any:
            return remedies.offer_remedy(
                one, kind, amount=amount, by=by, reason="核实过", key=key, accepted=accepted
            )

        if made := self._try("offer", act):
            self.open_fen += made.fen
            self.remedies.append(made.pk)
            assert act() == made, "the same submission again is the same remedy"

    def decide(self, place: int, approve: bool, lower: int) -> None:
        from callbacks import remedies

        one = self._remedy(place)
        before = one.fen
        amount = Decimal(before * (100 - lower) // 100) / 100

        def act() -> None:
            remedies.decide_remedy(one, approve=approve, by=self.manager, amount=amount, words="看过")

        if self._try("decide", act):
            self.open_fen += (int(amount * 100) if approve else 0) - before

    def accept(self, place: int) -> None:
        from callbacks import remedies

        one = self._remedy(place)
        self._try("accept", lambda: remedies.accept_remedy(one, by=one.case.assignee))

    def pay(self, place: int, twice: bool = False, came_to: int | None = None) -> None:
        """Carry it out; `came_to` fen is what an exchange's freight and goods cost in the end."""
        from callbacks import remedies

        one, key = self._remedy(place), uuid4()
        before = one.fen
        cost = None if came_to is None or one.kind != "exchange" else Decimal(came_to) / 100

        def act() -> Any:
            return remedies.carry_out(one, "platform", by=self.manager, reference="T1", cost=cost, key=key)

        if self._try("pay" if cost is None else "pay what it came to", act):
            self.open_fen -= before
            self.paid_fen += before if cost is None else int(cost * 100)
            if twice:
                act()

    def reverse(self, place: int) -> None:
        from callbacks import remedies

        payout = self._remedy(place).payouts.select_related("remedy__case__shop").order_by("-id").first()
        if payout and self._try(
            "reverse", lambda: remedies.reverse_payout(payout, by=self.manager, reason="账号不存在")
        ):
            self.open_fen += payout.fen
            self.paid_fen -= payout.fen

    def cancel(self, place: int) -> None:
        from callbacks import remedies

        one = self._remedy(place)
        before = one.fen
        if self._try("cancel", lambda: remedies.cancel_remedy(one, by=self.manager, reason="不要了")):
            self.open_fen -= before

    def act(self, dice: random.Random) -> None:
        """One random act; sums are drawn to have odd fen. Half of the acts fit how the remedy stands."""
        if not self.remedies or (roll := dice.random()) < 0.35:
            fen = dice.choice([500, 1000, dice.randint(0, 20_000)])
            self.offer(
                dice.randrange(10_000), fen, dice.choice(KINDS), dice.random() < 0.7, dice.random() < 0.2
            )
        elif roll < 0.55:
            place = self._place(dice, "to_approve")
            self.decide(place, dice.random() < 0.75, dice.choice([0, 0, 0, dice.randint(1, 99)]))
        elif roll < 0.62:
            self.accept(self._place(dice, "offered"))
        elif roll < 0.86:
            came_to = dice.randint(0, 9_999) if dice.random() < 0.5 else None
            self.pay(self._place(dice, "approved"), dice.random() < 0.1, came_to)
        elif roll < 0.93:
            self.reverse(self._place(dice, "paid"))
        else:
            self.cancel(self._place(dice, "approved"))

    def _place(self, dice: random.Random, status: str) -> int:
        """A late remedy, whatever its status, or the latest of this one."""
        from callbacks.models import Remedy

        place = len(self.remedies) - 1 - min(int(dice.expovariate(1 / 60)), len(self.remedies) - 1)
        if dice.random() < 0.5:
            return place
        late = Remedy.objects.filter(pk__in=self.remedies[-60:], status=status)
        pk = late.order_by("-pk").values_list("pk", flat=True).first()
        return place if pk is None else bisect_left(self.remedies, pk)


def careless_move(remedy: Any, *_allowed: Any, to: str, **changes: Any) -> Any:
    """What callbacks.remedies._move does, without a look at how the remedy stands."""
    from callbacks.models import Remedy

    current = Remedy.objects.get(pk=remedy.pk)
    Remedy.objects.filter(pk=remedy.pk).update(status=to, **changes)
    for name, value in {"amount": current.amount, "status": to, **changes}.items():
        setattr(remedy, name, value)
    return current


def play(shops: list[Shopkeepers], number: int, seed: int, began: float) -> None:
    """The acts, one after the other, a minute apart on average."""
    from django.utils import timezone

    from reviews import clock

    dice, now = random.Random(seed), timezone.now()
    for done in range(1, number + 1):
        now += timedelta(seconds=dice.randint(1, 119))
        with clock.at(now):
            dice.choice(shops).act(dice)
        if done % 10_000 == 0:
            print(f"{done:>8} acts, {time.monotonic() - began:.0f} s, {now:%Y-%m-%d}", flush=True)


def run(options: argparse.Namespace) -> int:
    """Do the acts, compare, print; the exit status."""
    from django.db import connection

    from callbacks import ledger
    from callbacks.models import LedgerEntry, Payout, Remedy

    number = options.number
    shops = [Shopkeepers.at_work(options.cases // SHOPS) for _ in range(SHOPS)]
    careless = mock.patch("callbacks.remedies._move", careless_move)
    began = time.monotonic()
    with careless if options.unprotected else nullcontext():
        play(shops, number, options.seed, began)
    if options.damage:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE callbacks_ledgerentry SET open_fen = open_fen + 1 WHERE id = "
                "(SELECT MAX(id) FROM callbacks_ledgerentry WHERE kind = 'reserve')"
            )
    took = time.monotonic() - began
    found, wrong = ledger.totals(), ledger.differences()
    print(f"{connection.vendor}: {number} acts in {took:.0f} s ({number / took:.0f}/s)")
    for words, count in sorted(sum((one.said for one in shops), Counter[str]()).items()):
        print(f"  {words:<34}{count:>8}")
    print(
        f"  {Remedy.objects.count()} remedies, {Payout.objects.count()} payouts, "
        f"{LedgerEntry.objects.count()} entries"
    )
    print(f"  {'':<10}{'open, fen':>16}{'paid, fen':>16}")
    sides = (
        ("ledger", found.ledger.open_fen, found.ledger.paid_fen),
        ("rows", found.rows.open_fen, found.rows.paid_fen),
        ("own book", sum(one.open_fen for one in shops), sum(one.paid_fen for one in shops)),
    )
    for words, opened, paid in sides:
        print(f"  {words:<10}{opened:>16}{paid:>16}")
    agree = len({side[1:] for side in sides}) == 1 and not wrong
    print("agree to the fen" if agree else f"DIFFERENT: {len(wrong)} remedies, e.g. {wrong[:3]}")
    return 0 if agree else 1


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--number", type=int, default=100_000)
    parser.add_argument("--cases", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database-url", default="")
    parser.add_argument("--break", dest="damage", action="store_true", help="break one entry: must be found")
    parser.add_argument("--unprotected", action="store_true", help="no compare-and-set: must be found")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="huiping-ledger-") as folder:
        os.environ["HUIPING_VAR"] = folder
        os.environ["DATABASE_URL"] = options.database_url or f"sqlite:///{folder}/ledger.sqlite3"
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        return run(options)


if __name__ == "__main__":
    sys.exit(main())
