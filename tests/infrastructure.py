"""What the suite stands on: a database, a Redis, real worker processes, a browser.

A pytest plugin (pyproject.toml: `-p tests.infrastructure`), loaded before Django's settings, so
that the settings see the databases of the tests and nothing of the caller's environment.

    .venv/bin/pytest tests/x.py                  SQLite in a file of its own (WAL, as in the product)
    .venv/bin/pytest --db=postgres tests/x.py    PostgreSQL; the same with TEST_ON=postgres
    .venv/bin/pytest -n 2 --dist loadfile        every process has a database and a Redis number

PostgreSQL: TEST_DATABASE_URL, else the machine's own binaries, else the wheel that carries the
server. Redis: TEST_REDIS_URL, else the embedded server. What is missing is an error, not a skip.

Marks: `postgres` (runs only there), `engine`, `browser`, `once` (does not depend on the database:
`make test` runs it on SQLite only).

Fixtures: `redis_url`; `engine` (see `Engine`). The browser's and the database file are in conftest.py.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from config.processes import kill_group, last_lines, spawn
from tests.servers import PostgresServer, RedisServer

BASE = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--db", choices=["sqlite", "postgres"], default=os.environ.get("TEST_ON") or "sqlite")


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Set the environment the settings read. A wrapper, so it runs before pytest-django's own."""
    database: str = early_config.known_args_namespace.db
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if not worker:
        start_servers(early_config, database)
    forget_callers_settings()
    var = Path(os.environ["TEST_VAR"]) / (worker or "main")
    for folder in ("run", "static"):
        (var / folder).mkdir(parents=True)
    sqlite = f"sqlite:///{var / 'huiping.sqlite3'}"
    os.environ["HUIPING_VAR"] = str(var)
    os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"] if database == "postgres" else sqlite
    os.environ["REDIS_URL"] = numbered(os.environ["TEST_REDIS_URL"], worker)
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # playwright keeps an event loop in the test's thread
    yield


def start_servers(config: pytest.Config, database: str) -> None:
    """Start what the environment does not name; processes of xdist find all of it there."""
    folder = tempfile.TemporaryDirectory(prefix="huiping-test-", ignore_cleanup_errors=True)
    config.add_cleanup(folder.cleanup)
    os.environ["TEST_VAR"] = folder.name
    if not os.environ.get("TEST_REDIS_URL"):
        redis = RedisServer()
        config.add_cleanup(lambda: forget("TEST_REDIS_URL", redis.stop))
        os.environ["TEST_REDIS_URL"] = redis.url
    if database == "postgres" and not os.environ.get("TEST_DATABASE_URL"):
        postgres = PostgresServer()
        config.add_cleanup(lambda: forget("TEST_DATABASE_URL", postgres.stop))
        os.environ["TEST_DATABASE_URL"] = postgres.url


def forget(name: str, stop: Callable[[], None]) -> None:
    os.environ.pop(name, None)
    stop()


def forget_callers_settings() -> None:
    """Drop every variable the settings read, and the names the supervisor reads."""
    text = (BASE / "config" / "settings.py").read_text(encoding="utf-8")
    names = set(re.findall(r'env(?:\.\w+)?\(\s*"([A-Z_]+)"', text))
    for name in names | {"DJANGO_SETTINGS_MODULE", "PORT", "BIND", "WEB_WORKERS", "WEB_THREADS", "WORKERS"}:
        os.environ.pop(name, None)


def numbered(url: str, worker: str) -> str:
    """The Redis URL with a database number of this process: 1, 2, … for gw0, gw1, …"""
    first = int(urlsplit(url).path.strip("/") or 0)
    number = first + (int(worker.removeprefix("gw")) + 1 if worker else 0)
    return urlsplit(url)._replace(path=f"/{number}").geturl()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long files first, so that no process ends alone; PostgreSQL's tests only where it is."""
    long = {item.path for item in items if any(map(item.get_closest_marker, ("browser", "engine")))}
    items.sort(key=lambda item: item.path not in long)
    if config.getoption("db") == "postgres":
        return
    left = [item for item in items if item.get_closest_marker("postgres")]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in set(left)]


def pytest_report_header(config: pytest.Config) -> str:
    return f"database: {config.getoption('db')}"


@pytest.fixture(scope="session")
def redis_url() -> str:
    """URL of a real Redis (database number) that belongs to this test process alone."""
    return os.environ["REDIS_URL"]


def database_url() -> str:
    """The test database as DATABASE_URL for another process."""
    from django.db import connection

    place = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{place['NAME']}"
    user, password, host = (quote(place[key], safe="") for key in ("USER", "PASSWORD", "HOST"))
    port = f":{place['PORT']}" if place["PORT"] else ""
    return f"postgres://{user}:{password}@{host}{port}/{place['NAME']}"


class Engine:
    """Real Celery workers in processes of their own, on the test database and a real Redis.

    start()              one more worker process (two pool children; all queues but reading)
    start_beat()         the clock of the program, which wakes workers as in the product
    kill()               kill -9 the oldest process with its children
    lose_broker()        empty the broker, as a Redis without persistence does when it is killed
    wait_until(fact)     until fact() is true; fails with the workers' last words after `seconds`
    """

    def __init__(self, folder: Path, redis_url: str) -> None:
        self.redis_url = redis_url
        self.env = {**os.environ, "DATABASE_URL": database_url(), "REDIS_URL": redis_url}
        self.folder = folder
        self.workers: list[subprocess.Popen[bytes]] = []
        self._started = 0
        self.lose_broker()

    def start(self, queues: str = "celery,texts,sentiment", children: int = 2) -> subprocess.Popen[bytes]:
        self._started += 1
        log = self._log(self._started)
        command = [sys.executable, "-m", "celery", "-A", "config", "worker", "--loglevel=INFO"]
        options = [f"--queues={queues}", f"--concurrency={children}", f"--hostname=test{self._started}@%h"]
        quick = ["--without-gossip", "--without-mingle"]
        worker = spawn([*command, *options, *quick], self.env, log, BASE)
        self.workers.append(worker)
        self.wait_until(lambda: "ready." in log.read_text(errors="replace"), 120)
        return worker

    def start_beat(self) -> None:
        self._started += 1
        command = [sys.executable, "-m", "celery", "-A", "config", "beat", "--loglevel=INFO"]
        schedule = f"--schedule={self.folder / 'schedule'}"
        self.workers.append(spawn([*command, schedule], self.env, self._log(self._started), BASE))

    def kill(self) -> None:
        worker = self.workers.pop(0)
        kill_group(worker.pid, signal.SIGKILL)
        worker.wait()

    def stop(self) -> None:
        while self.workers:
            self.kill()

    def lose_broker(self) -> None:
        import redis

        with redis.Redis.from_url(self.redis_url) as client:
            client.flushdb()

    def wait_until(self, fact: Callable[[], bool], seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not fact():
            if time.monotonic() > deadline:
                pytest.fail(f"not within {seconds:.0f} s; the workers said:\n{self.last_words()}")
            time.sleep(0.1)

    def last_words(self) -> str:
        return "\n".join(last_lines(self._log(number + 1), 30) for number in range(self._started))

    def _log(self, number: int) -> Path:
        return self.folder / f"worker{number}.log"


@pytest.fixture
def engine(transactional_db: None, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    """No worker runs yet: call `engine.start()`. Rows the test commits are seen by the workers."""
    running = Engine(tmp_path, redis_url)
    yield running
    running.stop()
