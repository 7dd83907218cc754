"""With 100,000 promises pending: how late does a promised call-back come up, and what does asking cost?

    python -m benchmarks.promises                        100,000 pending, 40 open pages, 60 s, PostgreSQL
    python -m benchmarks.promises --pending 10000 --seconds 30
    python -m benchmarks.promises --blind                the negative control: pages ask every 15 s only

Starts a PostgreSQL of its own and gunicorn (2 workers of 4 threads) on the loopback. Every page is an agent
signed in who does what static/js/due.js does: ask, then again when the answer says. Promises come up all the
time (five minutes before the hour to their agent, two minutes after it to the team); the error is from that
moment to the answer in which the page first has it. Prints JSON; exit status 1 when p99 is over 5 s or
something never came up.
"""

import argparse
import http.client
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import timedelta
from typing import Any

from benchmarks.claims import BASE, await_port

SHOPS, AGENTS = 20, 10  # agents a shop; two of them have a page open
OWN, TEAM = 3, 2  # promises that come up during the run: for each open page, and late ones a shop


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pending", type=int, default=100_000)
    options.add_argument("--seconds", type=int, default=60)
    options.add_argument("--blind", action="store_true")
    chosen = options.parse_args()
    from benchmarks.pages import own_database
    from tests.servers import PostgresServer

    server = PostgresServer()
    try:
        with tempfile.TemporaryDirectory(prefix="huiping-bench-") as var:
            figures = run(own_database(server.url), var, chosen)
    finally:
        server.stop()
    print(json.dumps(figures, indent=2))
    return 0 if figures["error_s"]["p99"] <= 5 and not figures["never_seen"] else 1


def run(url: str, var: str, options: Any) -> dict[str, Any]:
    os.environ.update(
        DATABASE_URL=url, HUIPING_VAR=var, DJANGO_SETTINGS_MODULE="config.settings", LOG_LEVEL="ERROR"
    )
    import django

    django.setup()
    pages, wanted = prepare(options)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    place = ["--bind", f"127.0.0.1:{port}", "--log-level", "error"]
    command = [sys.executable, "-m", "gunicorn", "config.wsgi:application", *place]
    process = subprocess.Popen([*command, "--workers", "2", "--threads", "4"], cwd=BASE)
    try:
        await_port(port)
        return watch(port, pages, wanted(), options)
    finally:
        process.terminate()
        process.wait(20)


def prepare(options: Any) -> tuple[dict[int, str], Any]:
    """Shops, agents, pending promises; each page's session by its user, and what sets the last hours."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone

    from benchmarks.pages import multiply
    from callbacks.models import CallbackPromise
    from reviews.models import Case, Status
    from tests import factories

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    call_command("migrate", verbosity=0)
    now, each = timezone.now(), options.pending // (SHOPS * AGENTS)
    pages: dict[int, str] = {}
    live: list[tuple[Any, Any, list[int]]] = []
    offset = 0
    for number in range(SHOPS):
        shop = factories.make_shop(f"b{number}")
        agents = [factories.make_user(f"b{number}-{one}", shop=shop) for one in range(AGENTS)]
        for agent in agents[:2]:
            session = SessionStore()
            session[SESSION_KEY] = str(agent.pk)
            session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
            session[HASH_SESSION_KEY] = agent.get_session_auth_hash()
            session.create()
            pages[agent.pk] = str(session.session_key)
        viewers = [one.pk for one in agents[:2]]
        for agent in agents:
            case = factories.make_case(shop, assignee=agent, status=Status.WAITING)
            due = now + timedelta(days=7)
            promise = CallbackPromise.objects.create(case=case, agent=agent, due_at=due, judged_at=due)
            base = 1_000_000 + offset
            keyed = {"id": f"{base} + g"}
            multiply(case.review, each - 1, review_key=f"'k{offset}-' || g", order_id=None, **keyed)
            multiply(case, each - 1, review_id=f"{base} + g", **keyed)
            spread = f"now() + interval '20 minutes' + g * interval '14 days' / {each}"
            multiply(promise, each - 1, case_id=f"{base} + g", due_at=spread, judged_at=spread, **keyed)
            offset += each
            own = list(Case.objects.filter(assignee=agent, pk__gte=base).order_by("pk")[:OWN])
            if agent.pk in viewers:
                live += [(one.pk, "own", [agent.pk]) for one in own]
            elif agent is agents[2]:
                live += [(one.pk, "team", viewers) for one in own[:TEAM]]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

    def bring_up() -> dict[tuple[int, int], float]:
        """Set the hours of the promises that come up during the run; (user, promise) → that moment."""
        chance, begin = random.Random(7), timezone.now()
        wanted: dict[tuple[int, int], float] = {}
        for case, kind, users in live:
            moment = begin + timedelta(seconds=20 + chance.random() * (options.seconds - 20))
            due = moment + timedelta(minutes=5) if kind == "own" else moment - timedelta(minutes=2)
            CallbackPromise.objects.filter(case=case).update(due_at=due)
            promise = CallbackPromise.objects.get(case=case).pk
            wanted |= {(user, promise): moment.timestamp() for user in users}
        return wanted

    return pages, bring_up


def watch(
    port: int, pages: dict[int, str], wanted: dict[tuple[int, int], float], options: Any
) -> dict[str, Any]:
    """Keep the pages open for the time of the run, and see when each promise is in an answer."""
    seen: dict[tuple[int, int], float] = {}
    took: list[float] = []
    statuses: list[int] = []
    ends = time.time() + options.seconds + 15

    def page(user: int, session: str) -> None:
        shown = ""
        headers = {"Cookie": f"sessionid={session}", "HX-Request": "true"}
        while time.time() < ends:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            asked = time.time()
            line.request("GET", f"/callbacks/due/?seen={shown}", headers=headers)
            answer = line.getresponse()
            answer.read()
            got = time.time()
            line.close()
            took.append(got - asked)
            statuses.append(answer.status)
            shown = answer.headers["X-Seen"] or ""
            for one in filter(None, shown.split(".")):
                seen.setdefault((user, int(one[:-1])), got)
            wait = 15.0 if options.blind else max(float(answer.headers["X-Next"]), 0.2)
            time.sleep(wait + 0.05)

    threads = [threading.Thread(target=page, args=one) for one in pages.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    errors = sorted(seen[one] - moment for one, moment in wanted.items() if one in seen)
    return {
        "pending": options.pending,
        "pages": len(pages),
        "came_up": len(errors),
        "never_seen": len(wanted) - len(errors),
        "too_early": sum(one < 0 for one in errors),
        "error_s": {"p50": at(errors, 0.5), "p99": at(errors, 0.99), "max": round(errors[-1], 3)},
        "answer_ms": {"p50": at(sorted(took), 0.5) * 1000, "p99": at(sorted(took), 0.99) * 1000},
        "asked": len(took),
        "answered_204": statuses.count(204),
        "query": query_cost(next(iter(pages))),
    }


def query_cost(user: int) -> dict[str, float]:
    """What one asking costs the database, in ms: 200 times in this process."""
    from callbacks.promises import coming_up
    from reviews import clock
    from reviews.models import User

    agent = User.objects.get(pk=user)
    took = []
    for _time in range(200):
        began = time.perf_counter()
        coming_up(agent, clock.now())
        took.append((time.perf_counter() - began) * 1000)
    return {"median_ms": round(statistics.median(took), 2), "p99_ms": at(sorted(took), 0.99)}


def at(values: list[float], share: float) -> float:
    """The value below which this share of the sorted values lies."""
    return round(values[min(int(len(values) * share), len(values) - 1)], 3)


if __name__ == "__main__":
    sys.exit(main())
