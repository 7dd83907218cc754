"""`make test` and `make lint`: every check in turn, each one's verdict at the end.

    python -m tests.suite          lint, what the tests need, the tests on SQLite, then on PostgreSQL
    python -m tests.suite lint     lint only

Exit status 1 when anything failed or something needed could not be had. Nothing is skipped.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.browsers import bring_chromium
from tests.infrastructure import forget_callers_settings
from tests.servers import Missing, PostgresServer, RedisServer

BASE = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PROCESSES = str(max(2, min(4, os.cpu_count() or 2)))
PYTEST = [
    "-m",
    "pytest",
    "-q",
    "-n",
    PROCESSES,
    "--dist",
    "loadfile",
    "--no-loadscope-reorder",
    "--timeout",
    "300",
]
LINT = {
    "ruff": [str(BIN / "ruff"), "check", "--quiet", "."],
    "mypy": [sys.executable, "-m", "mypy", "--no-error-summary", "."],
    "import order": [str(BIN / "lint-imports"), "--no-logo"],
    "migrations": [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run", "--verbosity", "1"],
    "Django's checks": [sys.executable, "manage.py", "check", "--fail-level", "WARNING"],
}
SUITES = {
    "tests on SQLite": [sys.executable, *PYTEST, "--db=sqlite"],
    "tests on PostgreSQL": [sys.executable, *PYTEST, "--db=postgres", "-m", "not browser and not once"],
}


def run(command: list[str]) -> bool:
    return subprocess.run(command, cwd=BASE).returncode == 0


def bring_needs() -> bool:
    """Try each thing the tests stand on, bring it where that is possible, say what is missing."""
    missing = [words for words in map(_try, (_redis, _postgres, _chromium)) if words]
    for words in missing:
        print(f"MISSING {words}", flush=True)
    return not missing


def _try(step: Callable[[], str]) -> str:
    try:
        print(f"  {step()}", flush=True)
    except Missing as lack:
        return str(lack)
    return ""


def _redis() -> str:
    if os.environ.get("TEST_REDIS_URL"):
        return "Redis: TEST_REDIS_URL"
    RedisServer().stop()
    return "Redis: the embedded server"


def _postgres() -> str:
    if os.environ.get("TEST_DATABASE_URL"):
        return "PostgreSQL: TEST_DATABASE_URL"
    server = PostgresServer()
    server.stop()
    return f"PostgreSQL: {server.binaries}"


def _chromium() -> str:
    return f"chromium: {bring_chromium()}"


def main(lint_only: bool) -> int:
    steps: dict[str, Callable[[], bool]] = {name: partial(run, command) for name, command in LINT.items()}
    if not lint_only:
        steps["what the tests need"] = bring_needs
        steps |= {name: partial(run, command) for name, command in SUITES.items()}
    verdicts = []
    for name, step in steps.items():
        print(f"== {name}", flush=True)
        began = time.monotonic()
        passed = step()
        verdicts.append((name, passed, time.monotonic() - began))
    print("== verdict")
    for name, passed, seconds in verdicts:
        print(f"  {'ok    ' if passed else 'FAILED'} {name} ({seconds:.0f} s)")
    return 0 if all(passed for _, passed, _ in verdicts) else 1


if __name__ == "__main__":
    forget_callers_settings()
    with tempfile.TemporaryDirectory(prefix="huiping-suite-") as var:
        os.environ["HUIPING_VAR"] = var  # the checks must not touch the data of `make run`
        sys.exit(main(lint_only="lint" in sys.argv[1:]))
