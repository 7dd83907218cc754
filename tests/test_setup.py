"""`make setup` on a fresh machine, and what the suite brings for itself.

The checkouts here have requirements without packages, so that nothing is downloaded.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from config.processes import ending
from tests import browsers, infrastructure, servers

BASE = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.once


class Checkout:
    """A folder with the Makefile and the bootstrap script, and a PATH of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.tools = folder / "checkout", folder / "tools"
        for part in ("config", "tests"):
            (self.folder / part).mkdir(parents=True)
            (self.folder / part / "requirements.txt").touch()
        (self.folder / "requirements.txt").touch()
        for name in ("Makefile", "config/bootstrap.py"):
            shutil.copy(BASE / name, self.folder / name)
        self.tools.mkdir()
        for name in ("make", "sh", "sed", "expand", "basename", "grep"):
            self.tool(name, shutil.which(name) or name)

    def tool(self, name: str, program: str) -> None:
        self.script(name, f'exec {program} "$@"')

    def script(self, name: str, body: str) -> None:
        path = self.tools / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def make(self, *words: str) -> subprocess.CompletedProcess[str]:
        env = {"PATH": str(self.tools), "HOME": str(self.folder)}
        return subprocess.run(
            [self.tools / "make", *words], cwd=self.folder, env=env, capture_output=True, text=True
        )

    @property
    def python(self) -> Path:
        return self.folder / ".venv" / "bin" / "python"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    made = Checkout(tmp_path)
    made.tool("python3", sys.executable)
    return made


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    made = Checkout(tmp_path_factory.mktemp("first"))
    made.tool("python3", sys.executable)
    assert "Creating .venv" in made.make("setup").stdout
    return made


@pytest.fixture
def ready(first: Checkout, checkout: Checkout) -> Checkout:
    """A checkout after `make setup`: a copy, because making a venv takes seconds."""
    shutil.copytree(first.folder, checkout.folder, symlinks=True, dirs_exist_ok=True)
    return checkout


def test_it_says_that_python_is_missing(tmp_path: Path) -> None:
    done = Checkout(tmp_path).make("run")
    assert done.returncode != 0
    assert "Python 3.11 or newer is needed" in done.stderr


def test_it_says_that_python_is_too_old(checkout: Checkout) -> None:
    checkout.script("python3", "exit 1")
    done = checkout.make("setup")
    assert done.returncode != 0
    assert "需要 Python 3.11" in done.stderr


def test_it_takes_a_newer_python_beside_an_old_one(checkout: Checkout) -> None:
    checkout.script("python3", "exit 1")
    checkout.tool("python3.12", sys.executable)
    assert checkout.make("setup").returncode == 0
    assert checkout.python.exists()


def test_it_makes_the_venv_once(ready: Checkout) -> None:
    began = time.monotonic()
    second = ready.make("setup")
    assert (second.returncode, second.stdout) == (0, "")
    assert time.monotonic() - began < 3


def test_it_installs_again_when_the_requirements_change(ready: Checkout) -> None:
    (ready.folder / "requirements.txt").write_text("# another\n")
    done = ready.make("setup")
    assert "Installing requirements.txt" in done.stdout
    assert "Creating" not in done.stdout


def test_it_installs_the_test_requirements_only_for_tests(ready: Checkout) -> None:
    assert "tests/requirements.txt" not in ready.make("setup").stdout
    assert "tests/requirements.txt" in ready.make("setup-tests").stdout


def test_it_repairs_an_interrupted_installation(ready: Checkout) -> None:
    half = ready.folder / ".venv" / "half"
    half.touch()
    (ready.folder / ".venv" / ".unfinished").touch()
    assert ready.make("setup").returncode == 0
    assert not half.exists()


def test_it_repairs_a_venv_whose_python_is_gone(ready: Checkout) -> None:
    ready.python.unlink()
    assert ready.make("setup").returncode == 0
    assert ready.python.exists()


def test_it_fails_when_a_requirement_cannot_be_had_and_goes_on_later(ready: Checkout) -> None:
    requirements = ready.folder / "requirements.txt"
    requirements.write_text("./nowhere\n")
    failed = ready.make("setup")
    assert failed.returncode != 0
    assert "could not install requirements.txt" in failed.stderr
    requirements.write_text("")
    assert ready.make("setup").returncode == 0


def test_it_uses_uv_when_present(checkout: Checkout) -> None:
    log = checkout.folder / "uv.log"
    checkout.script(
        "uv",
        f'echo "$1" >> {log}; [ "$1" = venv ] && exec {sys.executable} -m venv --without-pip .venv; exit 0',
    )
    assert checkout.make("setup").returncode == 0
    assert log.read_text().split() == ["venv", "pip"]


def test_it_goes_on_with_pip_when_uv_cannot_install(checkout: Checkout) -> None:
    checkout.script("uv", f'[ "$1" = venv ] && exec {sys.executable} -m venv --without-pip .venv; exit 1')
    done = checkout.make("setup")
    assert done.returncode == 0
    assert "trying pip" in done.stdout


def test_the_suite_is_not_disturbed_by_the_callers_settings() -> None:
    wrong = {
        "DATABASE_URL": "nonsense://",
        "HUIPING_MODE": "nonsense",
        "REDIS_URL": "nonsense://",
        "DEBUG": "x",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--collect-only", __file__]
    env = {**os.environ, **wrong, "PYTEST_XDIST_WORKER": ""}
    done = subprocess.run(command, cwd=BASE, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_process_has_a_redis_number_of_its_own() -> None:
    url = "redis://:word@127.0.0.1:6379/3"
    assert infrastructure.numbered(url, "") == url
    assert infrastructure.numbered(url, "gw1") == "redis://:word@127.0.0.1:6379/5"


def test_the_wheel_carries_a_postgresql_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    import psycopg

    monkeypatch.setattr(servers, "postgres_binaries", lambda: None)
    server = servers.PostgresServer()
    with psycopg.connect(server.url.removesuffix("/huiping") + "/postgres") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    server.stop()
    assert not server.folder.exists()


def test_it_says_what_to_do_without_any_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "postgres_binaries", lambda: None)
    monkeypatch.setattr(servers, "postgres_wheel", lambda: None)
    with pytest.raises(servers.Missing, match="TEST_DATABASE_URL"):
        servers.PostgresServer()


def test_it_says_what_to_do_without_a_chromium(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(browsers, "NAMES", ())
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    with pytest.raises(servers.Missing, match="chromium"):
        browsers.find_chromium()


def test_an_ending_is_told_in_words() -> None:
    assert (ending(-9), ending(3)) == ("signal 9", "exit status 3")
