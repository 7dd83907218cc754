"""kill -9 of every process while promises are made and texts leave: is anything lost, anything there twice?

    python -m benchmarks.survival                               every part in turn, then all at once
    python -m benchmarks.survival --kill redis postgres all     only these
    python -m benchmarks.survival --down 10                     each stays away for 10 s (else 4)

Starts PostgreSQL, Redis, web, workers and beat (benchmarks.deployment) and a provider on a real socket. In
each round an agent promises 30 call-backs over HTTP, each with its text, from 18 s before the kill until
after it: what the server did not answer is sent again with the very same form, as a browser does. Cards of
call-backs come up all the time; four pages ask for them as static/js/due.js does. Then every promise that
was answered has to stand once, its text to be with the provider once, and every card to have come up; how
late counts from its moment or from when the killed part runs again (a worker: is ready). Prints JSON; exit
status 1 when anything is lost, twice or never came up, or a card is more than 5 s late.
"""

import argparse
import http.client
import json
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from benchmarks.deployment import Deployment, deployment, noon_zone, session_of, wait_until
from benchmarks.texts import at, held_case

PROMISES, CARDS, PAGES = 30, 4, 4  # cards: of each page
BEFORE = 18.0  # seconds of promising before the kill: the first texts are just leaving then
SPAN = 30.0  # seconds in which the promises are made, and in which the cards come up
TRIES = 40
SETTLED = 150.0  # seconds until every text must have left


def main() -> int:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--kill", nargs="+", choices=[*Deployment.parts, "all"])
    options.add_argument("--down", type=float, default=4.0, help="seconds until it is started again")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="huiping-bench-") as var, deployment(var) as program:
        from tests.providers import sms_house

        with sms_house() as house:
            house.pace = 0.4
            rounds = play(program, house, chosen)
    print(json.dumps(rounds, indent=1))
    return 1 if any(one["wrong"] for one in rounds.values()) else 0


def play(program: Deployment, house: Any, options: argparse.Namespace) -> dict[str, Any]:
    from callbacks import defaults

    defaults.load()
    program.start("web", "worker", "texts", "beat")
    rounds = {}
    for name in options.kill or [*Deployment.parts, "all"]:
        killed = Deployment.parts if name == "all" else (name,)
        rounds[name] = Round(program, house, name).run(killed, options.down)
        if rounds[name]["wrong"]:
            print(program.words(), file=sys.stderr)
    return rounds


def cookie_of(user: Any) -> str:
    return f"sessionid={session_of(user)}; csrftoken={'a' * 32}"


class Round:
    """One kill: what was promised, what came up, what is there afterwards."""

    def __init__(self, program: Deployment, house: Any, name: str) -> None:
        from callbacks.models import ShopGateway
        from tests import factories

        self.program, self.house = program, house
        self.shop = factories.make_shop(f"round-{name}", time_zone=noon_zone())
        self.agent = factories.make_user(f"agent-{name}", shop=self.shop)
        ShopGateway.objects.create(
            shop=self.shop, channel="sms", provider="signed_http", endpoint=house.url, secret=house.secret
        )
        self.cookie = cookie_of(self.agent)
        self.cases = [held_case(self.shop, self.agent).pk for _number in range(PROMISES)]
        viewers = [factories.make_user(f"viewer-{name}-{page}", shop=self.shop) for page in range(PAGES)]
        self.pages = [cookie_of(viewer) for viewer in viewers]
        self.cards = {promise: at for viewer in viewers for promise, at in self._cards(viewer).items()}
        self.answered: dict[int, int] = {}  # case → tries
        self.seen: dict[int, float] = {}  # promise → when its page had it
        self.over = threading.Event()

    def _cards(self, viewer: Any) -> dict[int, float]:
        """Promises whose card comes up during the round: id → that moment."""
        from django.utils import timezone

        from callbacks.models import CallbackPromise
        from reviews.models import Status
        from tests import factories

        begin, made = timezone.now() + timedelta(seconds=15), {}
        for number in range(CARDS):
            moment = begin + timedelta(seconds=number * SPAN / CARDS)
            case = factories.make_case(self.shop, assignee=viewer, status=Status.WAITING)
            due = moment + timedelta(minutes=5)
            promise = CallbackPromise.objects.create(case=case, agent=viewer, due_at=due, judged_at=due)
            made[promise.pk] = moment.timestamp()
        return made

    def run(self, killed: tuple[str, ...], down: float) -> dict[str, Any]:
        from django.db import connection

        connection.close()
        self.program.ended.clear()
        threads = [threading.Thread(target=self._ask, args=(cookie,)) for cookie in self.pages]
        threads.append(threading.Thread(target=self._promise_all))
        for thread in threads:
            thread.start()
        time.sleep(BEFORE)
        self.program.kill(*killed)
        time.sleep(down)
        self.program.start(*killed)
        back = time.time()
        threads[-1].join()
        wait_until(self._is_settled, SETTLED)
        wait_until(lambda: len(self.seen) == PAGES * CARDS, 30)
        self.over.set()
        for thread in threads:
            thread.join()
        return self.figures(back)

    # --- the agent ---------------------------------------------------------------------------------

    def _promise_all(self) -> None:
        """Read each case's page while there is time, then promise one after the other."""
        for case in self.cases:
            began = time.monotonic()
            self.answered[case] = self._promise(case)
            time.sleep(max(0.0, SPAN / PROMISES - (time.monotonic() - began)))

    def _promise(self, case: int) -> int:
        """Send the form until the server answers; how many tries it took."""
        seen = ""
        body: dict[str, str] = {}
        for number in range(1, TRIES + 1):
            try:
                if not body:
                    page = self._request("GET", f"/cases/{case}/")[1]
                    seen = re.findall(r'name="seen" value="([^"]+)"', page)[0]
                    hour = datetime.now(self.shop.zone) + timedelta(hours=3)
                    body = {
                        "seen": seen,
                        "callback_at": f"{hour:%Y-%m-%dT%H:%M}",
                        "callback_note": f"第{case}件",
                        "callback_tell": "on",
                        "callback_text": "您好，约好{hour}给您回电，请留意接听。",
                    }
                status = self._request("POST", f"/cases/{case}/promise/", urlencode(body))[0]
            except (OSError, http.client.HTTPException, IndexError):
                status = 0
            # 409: the first try was stored and only its answer lost; the page now shows the promise.
            if status == 302 or (status == 409 and number > 1):
                return number
            if status in (409, 422):
                raise SystemExit(f"case {case}: {status}")
            time.sleep(0.5)
        return 0

    def _request(self, method: str, path: str, body: str = "") -> tuple[int, str]:
        line = http.client.HTTPConnection("127.0.0.1", self.program.port, timeout=20)
        try:
            headers = {"Cookie": self.cookie, "X-CSRFToken": "a" * 32}
            if body:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
            line.request(method, path, body or None, headers)
            answer = line.getresponse()
            return answer.status, answer.read().decode()
        finally:
            line.close()

    # --- open pages --------------------------------------------------------------------------------

    def _ask(self, cookie: str) -> None:
        """What static/js/due.js does."""
        shown, headers = "", {"Cookie": cookie, "HX-Request": "true"}
        while not self.over.is_set():
            wait = 5.0
            line = http.client.HTTPConnection("127.0.0.1", self.program.port, timeout=20)
            try:
                line.request("GET", f"/callbacks/due/?seen={shown}", headers=headers)
                answer = line.getresponse()
                answer.read()
                if answer.status in (200, 204):
                    wait, shown = max(float(answer.headers["X-Next"]), 0.2), answer.headers["X-Seen"] or ""
            except (OSError, http.client.HTTPException):
                pass
            finally:
                line.close()
            for one in filter(None, shown.split(".")):
                self.seen.setdefault(int(one[:-1]), time.time())
            self.over.wait(wait + 0.05)

    # --- afterwards --------------------------------------------------------------------------------

    def _is_settled(self) -> bool:
        from callbacks.models import OutgoingMessage
        from callbacks.models.messages import UNDER_WAY

        self.program.start_what_ended()
        texts = OutgoingMessage.objects.filter(case__shop=self.shop)
        return bool(texts.exists() and not texts.filter(state__in=UNDER_WAY).exists())

    def figures(self, back: float) -> dict[str, Any]:
        from callbacks.models import CallbackPromise, MessageState, OutgoingMessage

        texts = list(OutgoingMessage.objects.filter(case__in=self.cases))
        pending = Counter(
            CallbackPromise.objects.pending().filter(case__in=self.cases).values_list("case", flat=True)
        )
        arrived = {str(one.key): self.house.arrived.get(str(one.key)) for one in texts}
        gone = [(one.queued_at.timestamp(), when) for one in texts if (when := arrived[str(one.key)])]
        delays = sorted(when - queued for queued, when in gone)
        after_return = sorted(when - max(queued, back) for queued, when in gone if when > back)
        posts = Counter(key for key in self.house.keys if key in arrived)
        seen = [(when, self.cards[promise]) for promise, when in self.seen.items()]
        late = sorted(when - moment for when, moment in seen)
        after = sorted(when - (moment if when < back else max(moment, back)) for when, moment in seen)
        wrong = {
            "not_answered": sum(not tries for tries in self.answered.values()),
            "promises_lost": len(set(self.answered) - set(pending)),
            "promises_twice": sum(number > 1 for number in pending.values()),
            "texts_lost": PROMISES - len({one.case_id for one in texts if arrived[str(one.key)]}),
            "texts_twice": sum(
                number > 1
                for number in Counter(one.case_id for one in texts if arrived[str(one.key)]).values()
            ),
            "not_noted_as_sent": sum(one.state != MessageState.SENT for one in texts),
            "cards_never_up": PAGES * CARDS - len(self.seen),
            "cards_over_5_s": sum(one > 5 for one in after),
        }
        return {
            "ended_by_themselves": self.program.ended[:],
            "promises": len(pending),
            "sent_again_by_the_browser": sum(tries - 1 for tries in self.answered.values() if tries),
            "texts": len(texts),
            "posts_to_provider": sum(posts.values()),
            "text_delay_s": {
                "p50": at(delays, 0.5),
                "max": at(delays, 1),
                "max_after_return": at(after_return, 1),
            },
            "cards": len(self.seen),
            "card_error_s": {"p50": at(late, 0.5), "max": at(late, 1), "max_after_return": at(after, 1)},
            "wrong": {name: number for name, number in wrong.items() if number},
        }


if __name__ == "__main__":
    sys.exit(main())
