"""A hundred agents claim 5,000 cases at once over real HTTP on PostgreSQL: is any case given out twice?

    python -m benchmarks.claims                                   100 agents, 5,000 cases, 4 gunicorn workers
    python -m benchmarks.claims --agents 20 --cases 500
    python -m benchmarks.claims --unprotected                     the negative control: must see doubles

Starts a PostgreSQL of its own (tests.servers) and gunicorn on a port of the loopback. Every agent asks
for the next case again and again until nothing is left (POST /cases/next/, the key N); a case one got is
then noted as contacted in the database, as if the call had been made. Who got which is read from the
answers, and the database says how often each case was taken. Prints JSON; exit status 1 when a case was
given twice or lost, or p99 is a second or more.
"""

import argparse
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

BASE = Path(__file__).resolve().parent.parent


def main() -> int:
    options = read_options()
    from benchmarks.pages import own_database
    from tests.servers import PostgresServer

    server = PostgresServer()
    try:
        with tempfile.TemporaryDirectory(prefix="huiping-bench-") as var:
            figures = run(own_database(server.url), var, options)
    finally:
        server.stop()
    print(json.dumps(figures, indent=1))
    return 1 if figures["doubled"] or figures["lost"] or figures["errors"] or figures["p99_ms"] >= 1000 else 0


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--agents", type=int, default=100)
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between two claims of one agent")
    parser.add_argument("--unprotected", action="store_true", help="without lock and compare-and-set")
    return parser.parse_args()


def run(url: str, var: str, options: argparse.Namespace) -> dict[str, Any]:
    os.environ.update(
        DATABASE_URL=url, HUIPING_VAR=var, DJANGO_SETTINGS_MODULE="config.settings", LOG_LEVEL="ERROR"
    )
    import django

    django.setup()
    sessions = prepare(options.agents, options.cases)
    app = "benchmarks.unprotected" if options.unprotected else "config.wsgi"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", f"{app}:application", "--bind", f"127.0.0.1:{port}"]
    command += [
        "--workers",
        str(options.workers),
        "--threads",
        "4",
        "--backlog",
        "512",
        "--log-level",
        "error",
    ]
    process = subprocess.Popen(command, cwd=BASE)
    try:
        await_port(port)
        return race(port, sessions, options)
    finally:
        process.terminate()
        process.wait(20)


def prepare(agents: int, cases: int) -> list[str]:
    """A shop, its agents signed in, and its cases; the session keys."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.management import call_command

    from benchmarks.pages import multiply
    from tests import factories

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    call_command("migrate", verbosity=0)
    shop = factories.make_shop("race")
    model = factories.make_case(shop)
    multiply(model.review, cases - 1, review_key="'r' || g", order_id=None)
    multiply(model, cases - 1, review_id="1000000 + g", due_at="now() + (g % 7) * interval '1 minute'")
    keys = []
    for number in range(agents):
        user = factories.make_user(f"racer-{number}", shop=shop)
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.create()
        keys.append(str(session.session_key))
    return keys


def await_port(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/healthz/")
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("gunicorn did not answer within a minute")


class Racer(threading.Thread):
    """One agent: asks for the next case until nothing is left."""

    def __init__(self, port: int, session: str, go: threading.Barrier, pause: float) -> None:
        super().__init__()
        self.port, self.go, self.pause = port, go, pause
        token = "a" * 32
        self.headers = {
            "Cookie": f"sessionid={session}; csrftoken={token}",
            "X-CSRFToken": token,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        self.got: list[int] = []
        self.times: list[float] = []
        self.errors = 0

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        self.go.wait()
        while True:
            body = f"from={self.got[-1]}" if self.got else ""
            began = time.perf_counter()
            try:
                connection.request("POST", "/cases/next/", body, self.headers)
                answer = connection.getresponse()
                answer.read()
            except OSError:
                self.errors += 1
                return
            self.times.append((time.perf_counter() - began) * 1000)
            place = answer.headers.get("Location", "")
            if answer.status != 302 or not place.startswith("/cases/"):
                self.errors += place != "/"
                return
            case = int(place.split("/")[2])
            if case in self.got:  # nothing is free any more: one's own, to be brought to an end
                return
            self.got.append(case)
            contacted(case)
            time.sleep(self.pause)


def contacted(pk: int) -> None:
    """As if the agent had made the call: the case only waits for its end and is not handed out again."""
    from django.utils import timezone

    from reviews.models import Case

    Case.objects.filter(pk=pk).update(first_contact_at=timezone.now())


def race(port: int, sessions: list[str], options: argparse.Namespace) -> dict[str, Any]:
    from reviews.models import CaseEvent

    go = threading.Barrier(len(sessions))
    racers = [Racer(port, session, go, options.pause) for session in sessions]
    began = time.monotonic()
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    seconds = time.monotonic() - began
    # An agent may be shown again what is theirs already; given out is what two people got.
    holders = Counter(pk for racer in racers for pk in set(racer.got))
    taken = Counter(CaseEvent.objects.filter(kind="take").values_list("case", flat=True))
    times = sorted(one for racer in racers for one in racer.times)
    return {
        "agents": options.agents,
        "cases": options.cases,
        "workers": options.workers,
        "protected": not options.unprotected,
        "given": len(holders),
        "doubled": sum(number > 1 for number in (holders | taken).values()),
        "lost": options.cases - len(holders),
        "errors": sum(racer.errors for racer in racers),
        "requests": len(times),
        "seconds": round(seconds, 1),
        "p50_ms": round(times[len(times) // 2], 1),
        "p99_ms": round(times[int(len(times) * 0.99)], 1),
    }


if __name__ == "__main__":
    sys.exit(main())
