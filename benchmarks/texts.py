"""Does the text of a promise leave within 30 s and only once, with beat and workers at work as they are run?

    python -m benchmarks.texts                     200 promises over a minute, a provider that fails
    python -m benchmarks.texts --busy              meanwhile 3,000 reviews come in and two bulk jobs run
    python -m benchmarks.texts --promises 50 --seconds 10

Starts PostgreSQL, Redis, worker and beat (benchmarks.deployment) and a provider on a real socket that checks
signatures. Of ten promises six stay, one moves and one is cancelled before its text leaves, one moves after
it, and one's text is taken back at 14 s; beside them plain texts are taken back at 16 s, when some have left.
Of a hundred answers 12 are lost after the provider took the text, 2 come too late, 6 are lost before, 6 say
503. The delay is from the promise (or its move) to the provider having the text. Prints JSON; exit status 1
when a text of a sound answer took 30 s, one came twice or never, or what was taken back left.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from datetime import timedelta
from typing import Any

from benchmarks.deployment import Deployment, deployment, noon_zone, wait_until

ANSWERS = ["drop"] * 12 + ["late"] * 2 + ["lose"] * 6 + [503] * 6 + [200] * 74
STAYS = ["stays"] * 6
FATES = ["moves", "cancelled", "moves later", "taken back", *STAYS]
LIMIT = 30.0  # seconds


def main() -> int:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--promises", type=int, default=200)
    options.add_argument("--seconds", type=float, default=60.0, help="in which the promises are made")
    options.add_argument("--pace", type=float, default=0.1, help="seconds an answer of the provider takes")
    options.add_argument("--busy", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="huiping-bench-") as var, deployment(var) as program:
        from tests.providers import sms_house

        with sms_house() as house:
            figures = run(program, house, chosen)
    print(json.dumps(figures, indent=1))
    return 1 if figures["wrong"] else 0


def run(program: Deployment, house: Any, options: argparse.Namespace) -> dict[str, Any]:
    from callbacks.models import OutgoingMessage, ShopGateway
    from callbacks.models.messages import UNDER_WAY
    from tests import factories

    chance = random.Random(5)
    answers: list[Any] = []
    while len(answers) < 4 * options.promises:
        answers += chance.sample(ANSWERS, len(ANSWERS))
    house.script, house.pace = answers, options.pace
    shop = factories.make_shop("texts", time_zone=noon_zone())
    agent = factories.make_user("texts-agent", shop=shop)
    ShopGateway.objects.create(
        shop=shop, channel="sms", provider="signed_http", endpoint=house.url, secret=house.secret
    )
    cases = [held_case(shop, agent) for _number in range(options.promises)]
    late = [held_case(shop, agent) for _number in range(max(options.promises // 10, 5))]
    load = prepare_load(shop, agent) if options.busy else None
    program.start("worker", "texts", "beat")
    if load:
        load()
    day = Day(agent, house)
    for number, case in enumerate(cases):
        day.promise(case, FATES[number % len(FATES)])
        if number < len(late):
            day.plain(late[number])
        day.wait(options.seconds / options.promises)
    day.wait_for_all()
    open_ones = OutgoingMessage.objects.filter(state__in=UNDER_WAY, parked_at=None)
    wait_until(lambda: not open_ones.exists(), 150)
    return day.figures(options)


def held_case(shop: Any, agent: Any) -> Any:
    from reviews.models import Status
    from tests import factories

    order = factories.make_order(shop, address="")  # no region is known: only the shop's hours count
    review = factories.make_review(shop, order=order)
    return factories.make_case(shop, review=review, assignee=agent, status=Status.IN_PROGRESS)


def prepare_load(shop: Any, agent: Any) -> Any:
    """Two bulk jobs of 2,000 cases and 3,000 reviews, begun by what is returned."""
    from benchmarks.main_job import MADE_UP
    from benchmarks.pages import multiply
    from callbacks import bulk
    from callbacks.models import ActKind
    from reviews import clock
    from reviews.intake import record_reviews
    from reviews.models import Case
    from tests import factories

    other = factories.make_shop("busy")
    hand = factories.make_user("busy-agent", shop=other)
    model = held_case(other, hand)
    multiply(model.review, 4000, review_key="'b' || g", order_id=None)
    multiply(model, 4000, review_id="1000000 + g")
    pks = list(Case.objects.filter(shop=other).order_by("pk").values_list("pk", flat=True))
    jobs = [
        bulk.prepare(Case.objects.filter(pk__in=part), ActKind.NOTE, {"note": "仓库已核实"}, by=hand)
        for part in (pks[:2000], pks[2000:4000])
    ]
    now = clock.now().isoformat()
    rows = [
        {"review_key": f"n{n}", "created_at": now, "rating": "bad", "content": f"{MADE_UP[n % 7]}，第{n}单"}
        for n in range(3000)
    ]

    def begin() -> None:
        for job in jobs:
            bulk.start(job)
        for first in range(0, len(rows), 500):
            record_reviews(other, rows[first : first + 500])

    return begin


class Day:
    """What is done to the promises, and when each text was due at the provider."""

    def __init__(self, agent: Any, house: Any) -> None:
        self.agent, self.house = agent, house
        self.later: list[tuple[float, Any]] = []  # (when, what to do)
        self.no_more: set[str] = set()  # keys of texts that must never arrive
        self.taken_back_at_16 = Counter[str]()

    def promise(self, case: Any, fate: str) -> None:
        from django.utils import timezone

        from callbacks import promising, texts
        from callbacks.promise_texts import HOUR

        agent, hour = self.agent, timezone.now() + timedelta(hours=2)
        made = promising.promise_callback(case, hour, by=agent, note="下班后", text=f"您好，约好{HOUR}回电。")
        first = made.texts.get()
        moved = hour + timedelta(hours=1)

        def move() -> None:
            made.refresh_from_db()
            promising.move_promise(made, by=agent, at=moved, at_buyers_wish=True)

        if fate == "moves":
            self.no_more.add(str(first.key))
            self.at(5, move)
        elif fate == "moves later":
            self.at(26, move)
        elif fate == "cancelled":
            self.no_more.add(str(first.key))
            self.at(5, lambda: promising.cancel_promise(made, by=agent))
        elif fate == "taken back":
            self.no_more.add(str(first.key))
            self.at(14, lambda: texts.take_back(first, by=agent))

    def plain(self, case: Any) -> None:
        """A text of the agent's own, taken back at 16 s: told honestly whether it has left."""
        from callbacks import texts
        from reviews.models import StaleCase

        text = texts.send_text(case, "您好，已为您登记。", by=self.agent)

        def take_back() -> None:
            try:
                texts.take_back(text, by=self.agent)
            except StaleCase:
                self.taken_back_at_16["told it has left"] += 1
            else:
                self.taken_back_at_16["taken back"] += 1
                self.no_more.add(str(text.key))

        self.at(16, take_back)

    def at(self, seconds: float, act: Any) -> None:
        self.later.append((time.monotonic() + seconds, act))

    def wait(self, seconds: float) -> None:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self.do_due()
            time.sleep(0.02)

    def wait_for_all(self) -> None:
        while self.later:
            self.wait(0.1)

    def do_due(self) -> None:
        due = [one for one in self.later if one[0] <= time.monotonic()]
        self.later = [one for one in self.later if one not in due]
        for _when, act in due:
            act()

    def figures(self, options: argparse.Namespace) -> dict[str, Any]:
        from callbacks.models import MessageState, OutgoingMessage

        wanted = OutgoingMessage.objects.exclude(state=MessageState.CANCELLED)
        queued = {str(one.key): one.queued_at.timestamp() for one in wanted}
        left = {key: at - queued[key] for key, at in self.house.arrived.items() if key in queued}
        posts = Counter(self.house.keys)
        troubled = {key for key, number in posts.items() if number > 1}
        sound = sorted(delay for key, delay in left.items() if key not in troubled)
        all_of_them = sorted(left.values())
        said = Counter((one["to"], one["text"]) for one in self.house.sent.values())
        wrong = {
            "never_left": len(queued) - len(left),
            "left_though_taken_back": len(self.no_more & set(self.house.arrived)),
            "left_but_noted_as_not": len(set(self.house.arrived) - set(queued)),
            "not_noted_as_sent": wanted.exclude(state=MessageState.SENT).count(),
            "over_30_s": sum(delay >= LIMIT for delay in sound),
        }
        return {
            "promises": options.promises,
            "busy": options.busy,
            "texts": len(queued),
            "replaced_or_taken_back": len(self.no_more),
            "at_16_s": dict(self.taken_back_at_16),
            "delay_s": {"p50": at(sound, 0.5), "p99": at(sound, 0.99), "max": at(sound, 1)},
            "delay_s_with_refused_tries": {"p99": at(all_of_them, 0.99), "max": at(all_of_them, 1)},
            "posts": len(self.house.keys),
            "different_keys": len(posts),
            "asked_instead_of_sent_again": len(self.house.asked),
            "forged": self.house.forged,
            "different_texts": len(said),
            "wrong": {name: number for name, number in wrong.items() if number},
        }


def at(values: list[float], share: float) -> float:
    return round(values[min(int(len(values) * share), len(values) - 1)], 2) if values else -1.0


if __name__ == "__main__":
    sys.exit(main())
