"""`manage.py run` as people meet it: started, killed in parts, stopped."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import redis

from config.processes import LOG_LIMIT, Child, Supervisor, last_lines, trim

BASE = Path(__file__).resolve().parent.parent.parent
PARTS = {
    "broker": "valkey-server",
    "web": "gunicorn",
    "worker": "worker@%h",
    "texts": "texts@%h",
    "sentiment": "sentiment@%h",
    "beat": "beat",
}
pytestmark = [pytest.mark.engine, pytest.mark.once]


def until(fact: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Instance:
    """One `manage.py run` with an empty environment and a data folder of its own."""

    def __init__(self, var: Path, port: int | None = None) -> None:
        self.var, self.port = var, port or unused_port()
        self.console = var.with_suffix(".console")
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        with self.console.open("wb") as stream:
            self.process = psutil.Popen(
                [sys.executable, "manage.py", "run"],
                cwd=BASE,
                env={**kept, "HUIPING_VAR": str(var), "PORT": str(self.port)},
                stdout=stream,
                stderr=subprocess.STDOUT,
            )

    @property
    def words(self) -> str:
        return self.console.read_text(errors="replace")

    def await_announcement(self) -> None:
        until(lambda: "http://" in self.words or not self.is_running, 150, "the address is printed")
        assert self.is_running, self.words

    @property
    def is_running(self) -> bool:
        return bool(self.process.poll() is None)

    def status(self, path: str = "/login/") -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def part(self, name: str) -> psutil.Process | None:
        """The child that carries this name, not its own children."""
        for child in self.process.children():
            with contextlib.suppress(psutil.Error):  # it ends while we look
                words = child.cmdline()
                if words and (PARTS[name] in words or Path(words[0]).name.startswith(PARTS[name])):
                    return child
        return None

    def tasks_are_done(self) -> bool:
        """Send a task to each queue; true when all were taken and finished."""
        url = (self.var / "run" / "redis_url").read_text()
        code = (
            "from config.celery import app\n"
            "for name in ('celery', 'texts', 'sentiment'): app.send_task('celery.accumulate', queue=name)"
        )
        env = {**os.environ, "REDIS_URL": url}
        subprocess.run([sys.executable, "-c", code], cwd=BASE, env=env, check=True, capture_output=True)
        with redis.Redis.from_url(url) as broker:
            until(
                lambda: not broker.exists("celery", "texts", "sentiment", "unacked"),
                60,
                "every queue is empty",
            )
        return True

    def stop(self, number: int = signal.SIGINT) -> list[psutil.Process]:
        """Signal the supervisor; the descendants that are alive 15 s later."""
        family = self.process.children(recursive=True)
        self.process.send_signal(number)
        _gone, alive = psutil.wait_procs([self.process, *family], timeout=15)
        return list(alive)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("instance") / "var"


@pytest.fixture(scope="module")
def instance(folder: Path) -> Iterator[Instance]:
    """A running program, shared by the tests of this file; each leaves it whole."""
    running = Instance(folder)
    try:
        running.await_announcement()
        yield running
    finally:
        if running.is_running:
            running.stop()


def test_it_shows_the_sign_in_page_with_an_empty_environment(instance: Instance) -> None:
    assert instance.status("/login/") == 200


def test_it_prints_the_address_and_the_demo_logins(instance: Instance) -> None:
    for word in (f"http://127.0.0.1:{instance.port}/", "lin", "manager", "admin", "huiping-demo"):
        assert word in instance.words


def test_its_broker_answers_only_to_the_password_in_a_private_file(instance: Instance) -> None:
    file = instance.var / "run" / "redis_url"
    assert file.stat().st_mode & 0o077 == 0
    port = int(file.read_text().rsplit(":", 1)[1].split("/")[0])
    with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_it_runs_every_part(instance: Instance) -> None:
    until(lambda: all(instance.part(name) for name in PARTS), 10, "every part runs")
    assert instance.tasks_are_done()


@pytest.mark.parametrize("name", PARTS)
def test_it_starts_a_part_again_that_was_killed(instance: Instance, name: str) -> None:
    until(lambda: instance.part(name) is not None, 10, f"{name} runs")
    before = instance.part(name)
    assert before is not None
    family = before.children(recursive=True)
    before.kill()
    psutil.wait_procs([before, *family], timeout=5)

    until(lambda: instance.part(name) not in (None, before), 35, f"{name} runs again")
    until(lambda: instance.status() == 200, 30, "the sign-in page answers")
    assert not any(process.is_running() for process in family), "a child of the killed process lives on"
    assert name in instance.words


def test_its_workers_find_the_broker_again(instance: Instance) -> None:
    names = ("worker", "texts", "sentiment")
    workers, broker = [instance.part(name) for name in names], instance.part("broker")
    assert broker is not None
    broker.kill()
    until(lambda: instance.part("broker") not in (None, broker), 35, "the broker runs again")
    assert instance.tasks_are_done()
    assert [instance.part(name) for name in names] == workers


def test_it_refuses_a_second_start_in_the_same_folder(instance: Instance) -> None:
    second = Instance(instance.var)
    second.console = instance.console  # the words went to the shared file
    assert second.process.wait(30) != 0
    assert "已在此目录运行" in instance.words
    assert f"http://127.0.0.1:{instance.port}/" in instance.words


def test_it_says_when_the_port_is_taken(instance: Instance, tmp_path: Path) -> None:
    other = Instance(tmp_path / "var", port=instance.port)
    assert other.process.wait(30) != 0
    assert f"PORT={instance.port + 1} make run" in other.words
    assert "占用" in other.words
    assert "Traceback" not in other.words


def test_it_leaves_nothing_behind_after_ctrl_c(instance: Instance) -> None:
    began = time.monotonic()
    assert instance.stop() == []
    assert time.monotonic() - began < 15
    assert instance.process.returncode == 0
    assert not (instance.var / "run" / "redis_url").exists()


def test_it_starts_again_on_its_data_and_leaves_nothing_behind_after_kill_9(
    instance: Instance, folder: Path
) -> None:
    if instance.is_running:
        instance.stop()
    again = Instance(folder)
    again.await_announcement()
    until(lambda: all(again.part(name) for name in PARTS), 10, "every part runs")
    assert again.status() == 200
    assert again.stop(signal.SIGKILL) == []


def test_it_says_that_a_port_is_no_number(tmp_path: Path) -> None:
    env = {**os.environ, "PORT": "eighty", "HUIPING_VAR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "manage.py", "run"], cwd=BASE, env=env, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "PORT=eighty" in done.stderr


def test_a_process_that_keeps_dying_is_started_ever_more_slowly(tmp_path: Path) -> None:
    child = Child("short", ["false"], tmp_path / "short.log")
    pauses = []
    for now in range(7):
        child.start(dict(os.environ), tmp_path)
        assert child.process is not None
        child.process.wait()
        pauses.append(child.bury(child.started + now))
    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_a_process_that_ran_steadily_starts_again_at_once(tmp_path: Path) -> None:
    child = Child("long", ["true"], tmp_path / "long.log", deaths=5)
    child.start(dict(os.environ), tmp_path)
    assert child.process is not None
    child.process.wait()
    assert child.bury(child.started + 3600) == 1


def test_a_process_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    supervisor = Supervisor(env=dict(os.environ), cwd=tmp_path)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    code = f"{deaf}; print('on', flush=True); time.sleep(60)"
    child = Child("stubborn", [sys.executable, "-c", code], tmp_path / "stubborn.log")
    supervisor.add(child)
    until(lambda: "on" in last_lines(child.log, 1), 10, "it runs")
    began = time.monotonic()
    supervisor.stop()
    assert not child.is_running
    assert time.monotonic() - began < 12


def test_a_log_is_cut_when_it_grows_too_long(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_bytes(b"x" * (LOG_LIMIT + 1))
    trim(log)
    assert log.stat().st_size == 0
    assert log.with_suffix(".log.1").stat().st_size == LOG_LIMIT + 1
