"""Run the program's processes as one: start, watch, start again, stop. Standard library only.

`Child` is one process with a group and a log file of its own; `Supervisor` keeps a row of them
alive until it is told to stop. `manage.py run` decides which processes there are.

On Linux a child is killed by the kernel when the supervisor is killed, so that even `kill -9`
leaves nothing behind; elsewhere only a regular stop cleans up.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from types import FrameType

LOG_LIMIT = 10 * 1024 * 1024  # bytes; one older file is kept
LONGEST_PAUSE = 30.0  # seconds between two starts of a process that keeps dying
STEADY_AFTER = 60.0  # seconds alive after which earlier deaths are forgotten
STOP_PATIENCE = 8.0  # seconds a process has to finish its work
TICK = 0.2

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def say(words: str) -> None:
    """Print a line at once; a console that went away or knows no Chinese is no reason to stop."""
    encoding = sys.stdout.encoding or "ascii"
    with contextlib.suppress(OSError):
        print(words.encode(encoding, "replace").decode(encoding), flush=True)


def die_with_parent(parent: int, number: int = signal.SIGKILL) -> Callable[[], None] | None:
    """What a child runs before its program, so that the kernel signals it when `parent` ends."""
    if _libc is None:
        return None
    libc = _libc

    def ask_kernel() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:  # it ended before the kernel could be asked
            os._exit(1)

    return ask_kernel


def spawn(command: Sequence[str], env: Mapping[str, str], log: Path, cwd: Path) -> subprocess.Popen[bytes]:
    """Start a process as leader of its own group, so that Ctrl-C reaches only the supervisor."""
    trim(log)
    with log.open("ab") as stream:
        return subprocess.Popen(  # noqa: S603
            command,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(os.getpid()),  # safe: the supervisor has one thread
        )


def _apart(work: Callable[[], None], log: Path, parent: int) -> None:
    """What `Supervisor.finish` runs in its fork: out of reach of Ctrl-C, words to the log."""
    os.setsid()
    ask_kernel = die_with_parent(parent)
    if ask_kernel:
        ask_kernel()
    with log.open("wb") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    work()


def kill_group(leader: int, number: int) -> None:
    """Signal a process and all its descendants that stayed in its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def trim(log: Path) -> None:
    """Keep a log below LOG_LIMIT; the writer appends, so its file may be emptied under it."""
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        shutil.copyfile(log, log.with_suffix(".log.1"))
        os.truncate(log, 0)


def last_lines(log: Path, count: int) -> str:
    if not log.exists():
        return ""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - 200 * count))
        return "\n".join(stream.read().decode(errors="replace").splitlines()[-count:])


def ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit status {code}"


@dataclass
class Child:
    """One process to keep alive. `deaths` counts those since it last ran steadily.

    The others need a `foundation` (the broker) to end in order: it is stopped after them.
    """

    name: str
    command: list[str]
    log: Path
    foundation: bool = False
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    due: float = 0.0
    deaths: int = 0

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, env: Mapping[str, str], cwd: Path) -> None:
        self.process = spawn(self.command, env, self.log, cwd)
        self.started = time.monotonic()

    def bury(self, now: float) -> float:
        """Clear away a dead process and what it left; return the pause before the next start."""
        assert self.process is not None
        kill_group(self.process.pid, signal.SIGKILL)
        self.process = None
        self.deaths = 1 if now - self.started > STEADY_AFTER else self.deaths + 1
        pause = min(2.0 ** (self.deaths - 1), LONGEST_PAUSE)
        self.due = now + pause
        return pause

    def signal(self, number: int) -> None:
        if self.process is not None:
            kill_group(self.process.pid, number)


@dataclass
class Supervisor:
    """Keep children alive until SIGINT, SIGTERM or SIGHUP, or until the starting make is gone."""

    env: dict[str, str]
    cwd: Path
    children: list[Child] = field(default_factory=list)
    stop_asked: int = 0
    _parent: int = field(default_factory=os.getppid)
    _trimmed: float = field(default_factory=time.monotonic)

    def listen(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self.stop_asked += 1

    @property
    def should_stop(self) -> bool:
        """True when told to, or when make started us and was itself killed."""
        return self.stop_asked > 0 or ("MAKELEVEL" in os.environ and os.getppid() != self._parent)

    def add(self, child: Child) -> None:
        self.children.append(child)
        child.start(self.env, self.cwd)

    def finish(self, work: Callable[[], None], log: Path) -> int | None:
        """Do work in a fork of this process; its exit status, or None when we were told to stop.

        A fork, because what is imported here needs no second import there.
        """
        parent = os.getpid()
        process = get_context("fork").Process(target=_apart, args=(work, log, parent), daemon=True)
        process.start()
        while process.is_alive():
            if self.should_stop:
                process.kill()
                process.join()
                return None
            process.join(0.05)
        return process.exitcode

    def tick(self) -> None:
        """Look after every child once, then sleep a moment."""
        now = time.monotonic()
        for child in self.children:
            self._look_after(child, now)
        if now - self._trimmed > 60:
            self._trimmed = now
            for child in self.children:
                trim(child.log)
        time.sleep(TICK)

    def _look_after(self, child: Child, now: float) -> None:
        if child.process is None:
            if now >= child.due:
                child.start(self.env, self.cwd)
                say(f"  {child.name} 已重新启动 · runs again")
            return
        code = child.process.poll()
        if code is None:
            return
        pause = child.bury(now)
        say(
            f"  {child.name} 意外退出（{ending(code)}），{pause:.0f} 秒后重启 · "
            f"ended, starting again in {pause:.0f} s · {child.log}"
        )

    def stop(self) -> None:
        """Stop all, foundations last. Takes at most 10 s."""
        self._stop([child for child in self.children if not child.foundation], STOP_PATIENCE)
        self._stop([child for child in self.children if child.foundation], 2.0)

    def _stop(self, children: list[Child], patience: float) -> None:
        asked = self.stop_asked
        for child in children:
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + patience
        # A second Ctrl-C ends the patience.
        while time.monotonic() < deadline and self.stop_asked == asked:
            if not any(child.is_running for child in children):
                break
            time.sleep(0.05)
        for child in children:
            child.signal(signal.SIGKILL)
            if child.process is not None:
                child.process.wait()
