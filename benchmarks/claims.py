"""A hundred agents claim 5,000 cases at once over real HTTP on PostgreSQL: is any case given out twice?

    python -m benchmarks.claims                                   100 agents, 5,000 cases, 2 gunicorn workers
    python -m benchmarks.claims --agents 20 --cases 500
    python -m benchmarks.claims --unprotected                     the negative control: must see doubles

Starts a PostgreSQL of its own (tests.servers) and gunicorn on a port of the loopback. Every agent asks
for the next case again and again without a pause until nothing is left (POST /cases/next/, the key N, with
its session and CSRF token); a case one got is then noted as contacted in the database, as if the call had
been made. Who got which is read from the answers, and the database says how often each case was taken.
Server, database and agents share the machine: `cpu_ms_a_claim` says what each took. Prints JSON; exit status
1 when a case was given twice or lost, or p99 is a second or more.
"""

import argparse
import asyncio
import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
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
            figures = run(own_database(server.url), server.process.pid, var, options)
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
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between two claims of one agent")
    parser.add_argument("--unprotected", action="store_true", help="without lock and compare-and-set")
    return parser.parse_args()


def run(url: str, database: int, var: str, options: argparse.Namespace) -> dict[str, Any]:
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
    command += ["--workers", str(options.workers), "--threads", "4", "--backlog", "512", "--keep-alive", "60"]
    command += ["--no-control-socket", "--log-level", "error"]
    process = subprocess.Popen(command, cwd=BASE)
    try:
        await_port(port)
        return race(port, sessions, process.pid, database, options)
    finally:
        process.terminate()
        process.wait(20)


def prepare(agents: int, cases: int) -> list[str]:
    """A shop, its agents signed in, and its cases; the session keys."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.management import call_command
    from django.db import connection

    from benchmarks.pages import multiply
    from tests import factories

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    call_command("migrate", verbosity=0)
    shop = factories.make_shop("race")
    model = factories.make_case(shop)
    multiply(model.review, cases - 1, review_key="'r' || g", order_id=None)
    multiply(model, cases - 1, review_id="1000000 + g", due_at="now() + (g % 7) * interval '1 minute'")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as autovacuum does a minute after so many rows
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


class Racer:
    """One agent: asks for the next case until nothing is left, over a connection kept open.

    Bare sockets in one event loop: a hundred threads with a client library took more of the two cores than
    the program under test.
    """

    def __init__(self, port: int, session: str, pause: float) -> None:
        self.port, self.pause = port, pause
        token = "a" * 32
        self.head = (
            f"POST /cases/next/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-CSRFToken: {token}\r\n"
            f"Cookie: sessionid={session}; csrftoken={token}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "
        )
        self.got: list[int] = []
        self.times: list[float] = []
        self.errors = 0

    async def run(self, go: asyncio.Event, database: Any) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        await go.wait()
        while True:
            body = f"from={self.got[-1]}" if self.got else ""
            began = time.perf_counter()
            writer.write(f"{self.head}{len(body)}\r\n\r\n{body}".encode())
            try:
                status, place = await answer(reader)
            except (OSError, asyncio.IncompleteReadError):
                self.errors += 1
                return
            self.times.append((time.perf_counter() - began) * 1000)
            if status != 302 or not place.startswith("/cases/"):
                self.errors += place != "/"
                return
            case = int(place.split("/")[2])
            if case in self.got:  # nothing is free any more: one's own, to be brought to an end
                writer.close()
                return
            self.got.append(case)
            # As if the agent had called: the case only waits for its end and is not handed out again.
            await database.execute("UPDATE reviews_case SET first_contact_at = now() WHERE id = %s", [case])
            await asyncio.sleep(self.pause)


async def answer(reader: asyncio.StreamReader) -> tuple[int, str]:
    """Status and Location of the next answer; its body is read and dropped."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    headers = {name.lower(): value for name, _colon, value in (line.partition(": ") for line in lines)}
    await reader.readexactly(int(headers.get("content-length", 0)))
    return int(first.split()[1]), headers.get("location", "")


async def run_race(port: int, sessions: list[str], pause: float) -> tuple[list[Racer], float]:
    """All start at once; the racers with what they got, and the seconds it took."""
    import psycopg
    from django.db import connection

    asked = connection.settings_dict
    async with await psycopg.AsyncConnection.connect(
        host=asked["HOST"], user=asked["USER"], dbname=asked["NAME"], autocommit=True
    ) as database:
        go = asyncio.Event()
        racers = [Racer(port, session, pause) for session in sessions]
        runs = [asyncio.create_task(racer.run(go, database)) for racer in racers]
        await asyncio.sleep(1)  # every connection stands
        began = time.monotonic()
        go.set()
        await asyncio.gather(*runs)
        return racers, time.monotonic() - began


def spent(leader: int) -> float:
    """Processor seconds of a process, its children and those that have ended (Linux)."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if leader in (int(stat.parent.name), int(fields[1])):
                ticks += sum(map(int, fields[11:15] if leader == int(stat.parent.name) else fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def race(
    port: int, sessions: list[str], web: int, database: int, options: argparse.Namespace
) -> dict[str, Any]:
    from reviews.models import CaseEvent

    processes = {"web": web, "database": database, "agents": os.getpid()}
    before = {name: spent(pid) for name, pid in processes.items()}
    racers, seconds = asyncio.run(run_race(port, sessions, options.pause))
    # An agent may be shown again what is theirs already; given out is what two people got.
    holders = Counter(pk for racer in racers for pk in set(racer.got))
    took = {name: spent(pid) - before[name] for name, pid in processes.items()}
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
        "claims_a_second": round(len(times) / seconds, 1),
        "p50_ms": round(times[len(times) // 2], 1),
        "p99_ms": round(times[int(len(times) * 0.99)], 1),
        "longest_ms": round(times[-1], 1),
        "cpu_ms_a_claim": {name: round(used * 1000 / len(times), 2) for name, used in took.items()},
    }


if __name__ == "__main__":
    sys.exit(main())
