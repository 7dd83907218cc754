"""The description of the API: true to the code, public, and a page that needs nothing from outside."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.utils import translation
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

FILE = Path(settings.BASE_DIR) / "docs" / "openapi.yaml"
UPDATE = "manage.py spectacular --lang en --file docs/openapi.yaml --validate --fail-on-warn"


@pytest.mark.once
def test_it_is_in_the_repository_as_the_code_says_it(tmp_path: Path) -> None:
    made = tmp_path / "openapi.yaml"
    with translation.override("en"):
        call_command("spectacular", file=str(made), lang="en", validate=True, fail_on_warn=True)
    assert made.read_text() == FILE.read_text(), f"The API changed. Run: {UPDATE}"


@pytest.mark.once
def test_it_describes_every_door() -> None:
    described = yaml.safe_load(FILE.read_text())
    doors = {(path, verb) for path, verbs in described["paths"].items() for verb in verbs}
    assert {
        ("/api/v1/orders/", "post"), ("/api/v1/orders/batch/", "post"), ("/api/v1/reviews/", "post"),
        ("/api/v1/reviews/batch/", "post"), ("/api/v1/cases/", "get"), ("/api/v1/statistics/", "get"),
    } <= doors  # fmt: skip
    for path, verb in doors:
        operation = described["paths"][path][verb]
        assert ({"LineSignature": []} if "calls" in path else {"ShopKey": []}) in operation["security"]
        assert "application/problem+json" in operation["responses"]["401"]["content"]
    required = described["components"]["schemas"]["ReviewRow"]["required"]
    assert required == ["created_at", "review_key"]


def test_it_shows_the_description_to_everybody(client: Client, db: None) -> None:
    answer = client.get("/api/v1/schema/", {"format": "json"})
    assert answer.status_code == 200
    assert answer.json()["info"]["title"] == "Huiping API"


def test_it_loosens_the_policy_on_its_own_page_only(client: Client, db: None) -> None:
    page = client.get("/api/v1/docs/")["Content-Security-Policy"]
    login = client.get("/login/")["Content-Security-Policy"]
    assert "unsafe" not in login
    assert "unsafe-eval" not in page
    assert "script-src 'self';" in page + ";"


@pytest.mark.browser
def test_it_draws_the_page_without_the_internet(live_server: LiveServer, page: Page) -> None:
    troubles: list[str] = []
    hosts: set[str] = set()
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]) if "://" in request.url else None)
    page.goto(f"{live_server.url}/api/v1/docs/")
    page.get_by_role("heading", name="Huiping API").wait_for()
    page.locator("#operations-reviews-reviews_batch_create button.opblock-summary-control").click()
    page.get_by_text("oid-2610012345678901234").first.wait_for()
    assert troubles == []
    assert hosts == {live_server.url.split("/")[2]}


def test_it_says_that_it_is_well(client: Client, db: None) -> None:
    answer = client.get("/healthz/")
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert client.post("/healthz/").status_code == 405


def test_it_says_that_the_database_is_away(client: Client, db: None, monkeypatch: Any) -> None:
    from django.db import DatabaseError, connection

    def gone(*_args: object) -> None:
        raise DatabaseError

    with monkeypatch.context() as broken:
        broken.setattr(connection, "cursor", gone)
        assert client.get("/healthz/").status_code == 503
