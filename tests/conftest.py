"""Fixtures for every test. Databases, Redis and workers: tests/infrastructure.py."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.browsers import LAUNCH_FLAGS, find_chromium

pytest_plugins = ["tests.people"]


def pytest_configure() -> None:
    """Hash passwords of test people quickly (the real hasher takes half a second each); a busy machine
    gets 20 s, not 5, until a page shows what a test expects."""
    from django.conf import settings
    from playwright.sync_api import expect

    expect.set_options(timeout=20_000)

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """On SQLite use a file, not memory: other processes and threads must see it."""
    from django.db import connection

    if connection.vendor == "sqlite":
        path = str(Path(os.environ["HUIPING_VAR"]) / "test.sqlite3")
        connection.settings_dict["TEST"]["NAME"] = path


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The machine's chromium where there is one, else Playwright's own."""
    return {**browser_type_launch_args, "executable_path": str(find_chromium()), "args": LAUNCH_FLAGS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """A buyer's and agent's usual browser: Chinese, Shanghai time, a laptop screen."""
    screen = {"width": 1366, "height": 768}
    return {**browser_context_args, "locale": "zh-CN", "timezone_id": "Asia/Shanghai", "viewport": screen}


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """A process keeps counts for a minute: a test begins without those of the last one."""
    from django.core.cache import cache

    cache.clear()
