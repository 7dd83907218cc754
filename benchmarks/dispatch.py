"""10,000 arrivals dealt by shifts, absences, skills and caps; then: did anybody get what they must not?

    python -m benchmarks.dispatch                        # SQLite in a folder of its own
    python -m benchmarks.dispatch --database-url postgres://…
    python -m benchmarks.dispatch --break                # the negative control: must fail

Prints the largest difference of load between equal agents, how many cases reached somebody absent, off shift,
on a day off, without the skill or full (counted by this program's own reading of the rows, minute by minute,
not by the rules under test), and what shifts cost: time and queries a batch with them, as a ratio of without.
Exit status 1 when anybody got what they must not, or equal loads differ by more than one.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

START = datetime(2026, 9, 28, 0, 0, tzinfo=UTC)  # before National Day, with its make-up Saturday
SHANGHAI = ZoneInfo("Asia/Shanghai")
CAUSES = ("product", "product", "product", "subjective", "service", "service", "malicious", "none")
PATTERNS: list[list[list[list[int]]]] = [
    [],  # by the switch alone
    [[[540, 720], [780, 1080]]] * 5 + [[], []],  # office hours with lunch
    [[[480, 960]]] * 7,
    [[[960, 1440]]] * 7,
    [[[0, 480]]] * 7,
    [[], [[600, 840], [900, 1320]], [[600, 840], [900, 1320]], [], [], [[540, 1260]], [[540, 1260]]],
]
HOLIDAYS = {date(2026, 10, 1) + timedelta(days=n) for n in range(7)}
MADE_UP = {date(2026, 10, 10)}


@dataclass
class Agent:
    """What this program knows of an agent, beside the product's rules."""

    user: Any
    week: list[list[list[int]]]
    skills: set[str]
    cap: int | None
    away: list[tuple[datetime, datetime]]
    load: int = 0

    def wrong(self, at: datetime, cause: str) -> str:
        """Why this agent must not get a case of this cause at this minute; empty when they may."""
        if any(begins <= at < ends for begins, ends in self.away):
            return "absent"
        if not self._works(at.astimezone(SHANGHAI)):
            return "off shift"
        if self.cap is not None and self.load >= self.cap:
            return "full"
        return "" if cause in self.skills or cause == "none" else "without the skill"

    def _works(self, wall: datetime) -> bool:
        if wall.date() in HOLIDAYS:
            return False
        if not self.week:
            return True
        spans = self.week[wall.weekday()]
        if wall.date() in MADE_UP and not spans:
            spans = next(day for day in self.week if day)
        minute = wall.hour * 60 + wall.minute
        return any(begins <= minute < ends for begins, ends in spans)


def make_shop(*, official: bool) -> Any:
    from tests.factories import make_shop as make

    return make(official_days=official)


def make_reviews(shop: Any, number: int) -> list[int]:
    from reviews.models import Review

    rows = [
        Review(shop=shop, review_key=f"r{n}", rating="bad", content="坏了", created_at=START)
        for n in range(number)
    ]
    return [row.pk for row in Review.objects.bulk_create(rows, batch_size=500)]


def make_agents(shop: Any, number: int, chance: random.Random | None) -> list[Agent]:
    """Equal agents on duty; with `chance` of all kinds of shifts, skills, caps and absences."""
    from reviews.models import Absence, ShopMembership
    from tests.factories import make_user

    agents = []
    for n in range(number):
        week = PATTERNS[n % len(PATTERNS)] if chance else []
        skills = {"product", "subjective", "service", "malicious"}
        if chance and n % 3 == 1:
            skills = set(chance.sample(sorted(skills), 2))
        cap = chance.choice([None, 15, 40]) if chance else None
        user = make_user(
            f"{shop.code}-{n}", shop=shop, on_duty=True, skills=sorted(skills), max_open_cases=cap
        )
        ShopMembership.objects.filter(user=user).update(week=week)
        away = []
        for _m in range(chance.randrange(3) if chance else 0):
            assert chance
            begins = START + timedelta(minutes=chance.randrange(20 * 1440))
            ends = begins + timedelta(minutes=chance.randrange(30, 3 * 1440))
            Absence.objects.create(user=user, begins=begins, ends=ends)
            away.append((begins, ends))
        agents.append(Agent(user, week, skills, cap, away))
    return agents


def deal(
    shop: Any, agents: list[Agent], arrivals: int, chance: random.Random, *, close: bool
) -> dict[str, Any]:
    """Deal out arrivals in batches over twenty days, as the worker does; what was seen."""
    from django.db import transaction

    from reviews.dispatch import Roster, lock_shop
    from reviews.models import Case, Outcome, Status

    review_ids = make_reviews(shop, arrivals)
    known = {agent.user.pk: agent for agent in agents}
    seen: Counter[str] = Counter()
    gap, spent, done = 0, 0.0, 0
    while done < arrivals:
        now = START + timedelta(minutes=20 * 1440 * done // arrivals)
        size = min(chance.randrange(1, 120), arrivals - done)
        began = time.perf_counter()
        with transaction.atomic():
            locked = lock_shop(shop.pk)
            roster, due_at = Roster(locked, now), locked.first_contact_due(now)
            cases = []
            for n in range(size):
                cause = chance.choice(CAUSES)
                case = Case(
                    review_id=review_ids[done + n], shop=shop, cause=cause, sub_cause="quality",
                    confidence=1, opened_at=now, due_at=due_at,
                )  # fmt: skip
                case.assignee = roster.choose(case, now)
                case.status = Status.ASSIGNED if case.assignee else Status.NEW
                cases.append(case)
            Case.objects.bulk_create(cases)
            roster.remember(now)
        spent += time.perf_counter() - began
        done += size
        for case in cases:
            if case.assignee_id is None:
                able = [one for one in agents if not one.wrong(now, case.cause)]
                seen["left although somebody could" if able else "left: nobody could"] += 1
                continue
            agent = known[case.assignee_id]
            seen[agent.wrong(now, case.cause) or "right"] += 1
            agent.load += 1
            if not close:
                loads = [one.load for one in agents]
                gap = max(gap, max(loads) - min(loads))
        if close:
            held = list(Case.objects.filter(shop=shop, assignee__isnull=False).exclude(status="closed"))
            ended = chance.sample(held, len(held) // 4)
            Case.objects.filter(pk__in=[case.pk for case in ended]).update(
                status=Status.CLOSED, outcome=Outcome.SOLVED, closed_at=now
            )
            for case in ended:
                known[case.assignee_id].load -= 1
    return {"seen": seen, "gap": gap, "spent": spent}


def cost(shop: Any, batches: int) -> tuple[float, int]:
    """Seconds a batch of fifty takes to be dealt in memory, the best of several; and its queries."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from reviews.dispatch import Roster
    from reviews.models import Case, Shop

    noon, best, queries = START + timedelta(hours=4), 9.9, 0
    case = Case(shop=shop, cause="product")
    for _n in range(batches):
        one = Shop.objects.get(pk=shop.pk)
        with CaptureQueriesContext(connection) as asked:
            began = time.process_time()
            one.first_contact_due(noon)
            roster = Roster(one, noon)
            for _m in range(50):
                roster.choose(case, noon)
            best = min(best, time.process_time() - began)
        queries = len(asked)
    return best, queries


def run(arrivals: int, seed: int) -> bool:
    """Both scenes and the cost; whether all is well."""
    from reviews.models import ShopMembership

    shop = make_shop(official=False)
    equal = deal(shop, make_agents(shop, 7, None), arrivals, random.Random(seed), close=False)
    print(f"{arrivals} arrivals to 7 equal agents: largest difference of load {equal['gap']}")
    mixed_shop = make_shop(official=True)
    agents = make_agents(mixed_shop, 18, random.Random(seed))
    mixed = deal(mixed_shop, agents, arrivals, random.Random(seed), close=True)
    right = ("right", "left: nobody could")
    for name in (*right, "absent", "off shift", "full", "without the skill", "left although somebody could"):
        print(f"  {name:30} {mixed['seen'][name]:6}")
    faults = sum(number for name, number in mixed["seen"].items() if name not in right)
    plain_shop = make_shop(official=False)
    make_agents(plain_shop, 18, None)
    plain, plain_queries = cost(plain_shop, 40)
    ShopMembership.objects.filter(shop=plain_shop).update(week=PATTERNS[2])
    with_shifts, queries = cost(plain_shop, 40)
    print(
        f"shifts cost: a batch of 50 to 18 agents takes {with_shifts / plain:.2f} times the processor time "
        f"({plain * 1000:.1f} to {with_shifts * 1000:.1f} ms), {plain_queries} to {queries} queries"
    )
    print(f"{arrivals / mixed['spent']:.0f} cases a second dealt and stored in the mixed scene")
    return equal["gap"] <= 1 and not faults


def break_it() -> None:
    """Switch the protection off: shifts, absences and caps are not asked, ties go to the first."""
    from reviews import dispatch, working_hours
    from reviews.models.staff import AbsenceQuerySet

    working_hours.WorkingHours.is_open = lambda self, at: True  # type: ignore[method-assign]
    AbsenceQuerySet.at = lambda self, moment: self.none()  # type: ignore[method-assign]
    dispatch.Candidate.can_take = lambda self, cause: True  # type: ignore[method-assign]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--number", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database-url", default="")
    parser.add_argument("--break", dest="broken", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HUIPING_VAR"] = folder
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        if asked.database_url:
            os.environ["DATABASE_URL"] = asked.database_url
        import django

        django.setup()
        from django.conf import settings
        from django.core.management import call_command

        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
        call_command("migrate", verbosity=0)
        if asked.broken:
            break_it()
        return 0 if run(asked.number, asked.seed) else 1


if __name__ == "__main__":
    sys.exit(main())
