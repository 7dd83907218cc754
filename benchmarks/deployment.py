"""The program as on servers of its own: PostgreSQL, Redis, web, workers, beat, each killed with -9 at will.

What runs is what `manage.py run` starts, by the same commands; what was killed stays away until it is started
again, what ended by itself is started again as a supervisor does.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

BASE = Path(__file__).resolve().parent.parent
ENGINE = ("worker", "texts", "beat")


class Deployment:
    """Its parts by name: postgres, redis, web, worker, texts, beat."""

    parts = ("postgres", "redis", "web", *ENGINE)

    def __init__(self, var: str) -> None:
        from benchmarks.pages import own_database
        from tests.servers import PostgresServer, RedisServer

        self.var = Path(var)
        (self.var / "run").mkdir(exist_ok=True)
        self.postgres, self.redis = PostgresServer(durable=True), RedisServer()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.ended: list[str] = []
        os.environ.update(
            DATABASE_URL=own_database(self.postgres.url),
            REDIS_URL=self.redis.url,
            HUIPING_VAR=var,
            DJANGO_SETTINGS_MODULE="config.settings",
            LOG_LEVEL="WARNING",
        )
        import django

        django.setup()
        from django.conf import settings
        from django.core.management import call_command

        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
        call_command("migrate", verbosity=0)

    def start(self, *names: str) -> None:
        """Start these parts, and wait until the web answers and workers are ready."""
        from config.processes import spawn
        from reviews.management.commands.run import engine_commands, web_command

        commands = {"web": web_command("127.0.0.1", self.port), **engine_commands()}
        for name in names:
            if name in ("postgres", "redis"):
                getattr(self, name).start()
            else:
                words = ["--loglevel=INFO"] if name in ENGINE else []
                log = self.var / f"{name}.log"
                log.unlink(missing_ok=True)
                self.running[name] = spawn([*commands[name], *words], dict(os.environ), log, BASE)
        self._await(names)

    def _await(self, names: tuple[str, ...]) -> None:
        from benchmarks.claims import await_port

        if "web" in names:
            await_port(self.port)
        for name in {"worker", "texts"} & set(names):
            log = self.var / f"{name}.log"
            if not wait_until(partial(_is_ready, log), 120):
                raise SystemExit(f"{name} did not start:\n{self.words()}")

    def start_what_ended(self) -> None:
        """What a supervisor does: start again what ended by itself."""
        for name in [name for name, process in self.running.items() if process.poll() is not None]:
            self.ended.append(name)
            self.start(name)

    def kill(self, *names: str) -> None:
        """kill -9 these parts with all their children."""
        from config.processes import kill_group

        for name in names:
            if name in ("postgres", "redis"):
                getattr(self, name).kill()
            elif process := self.running.pop(name, None):
                kill_group(process.pid, signal.SIGKILL)
                process.wait()

    def stop(self) -> None:
        self.kill(*self.running)
        self.redis.stop()
        self.postgres.stop()

    def words(self) -> str:
        """What the parts last said."""
        from config.processes import last_lines

        return "\n".join(f"== {log.stem}\n{last_lines(log, 15)}" for log in sorted(self.var.glob("*.log")))


def _is_ready(log: Path) -> bool:
    return "ready." in log.read_text(errors="replace")


@contextmanager
def deployment(var: str) -> Iterator[Deployment]:
    made = Deployment(var)
    try:
        yield made
    finally:
        made.stop()


def noon_zone() -> str:
    """A zone in which it is about noon: the processes go by the real clock, texts by the calling hours."""
    ahead = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def session_of(user: Any) -> str:
    """The cookie of somebody signed in."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


def wait_until(fact: Callable[[], bool], seconds: float) -> bool:
    """Whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True
