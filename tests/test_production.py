"""Production refuses what only a demo may have, and passes Django's own deployment checks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from reviews.models import User
from tests.factories import make_user
from tests.infrastructure import database_url

BASE = Path(__file__).resolve().parent.parent
SECRETS = {
    "SECRET_KEY": "p" * 20 + "-not-the-demo-key-but-long-enough-for-production-0123456789",
    "PERSONAL_DATA_KEYS": "dGVzdC1vbmx5LWtleS10aGF0LW5vYm9keS11c2VzMDE=",
    "PHONE_INDEX_KEY": "an-index-key-of-its-own-that-is-long-enough-0123456789",
    "ALLOWED_HOSTS": "desk.example.cn",
}


def manage(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    given = {
        "PATH": os.environ["PATH"],
        "HUIPING_MODE": "production",
        "HUIPING_VAR": os.environ["HUIPING_VAR"],
    }
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=BASE,
        env=given | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.once
def test_the_deployment_checks_are_clean() -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING", **SECRETS)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout + done.stderr


@pytest.mark.once
@pytest.mark.parametrize("secret", sorted(SECRETS))
def test_it_does_not_start_without_secrets_of_its_own(secret: str) -> None:
    rest = {name: value for name, value in SECRETS.items() if name != secret}
    done = manage("check", **rest)
    assert done.returncode != 0
    assert secret in done.stderr


@pytest.mark.once
def test_a_mode_nobody_knows_is_refused() -> None:
    done = manage("check", **{**SECRETS, "HUIPING_MODE": "staging"})
    assert done.returncode != 0
    assert "HUIPING_MODE" in done.stderr


@pytest.mark.django_db
def test_it_does_not_start_while_a_demo_user_can_sign_in(settings: pytest.FixtureRequest) -> None:
    demo = make_user("lin", is_demo=True)
    User.objects.refuse_demo_in_production()
    settings.PRODUCTION = True  # type: ignore[attr-defined]
    with pytest.raises(ImproperlyConfigured, match="lin"):
        User.objects.refuse_demo_in_production()
    User.objects.filter(pk=demo.pk).update(is_active=False)
    User.objects.refuse_demo_in_production()


STARTS = {
    "web": [sys.executable, "-c", "import config.wsgi"],
    "worker": [sys.executable, "-m", "celery", "-A", "config", "worker", "--pool", "solo"],
}


@pytest.mark.engine
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("process", sorted(STARTS))
def test_no_process_starts_while_a_demo_login_works(process: str, redis_url: str) -> None:
    make_user("lin", is_demo=True)
    places = {
        "DATABASE_URL": database_url(),
        "REDIS_URL": redis_url,
        "HUIPING_VAR": os.environ["HUIPING_VAR"],
    }
    env = {"PATH": os.environ["PATH"], "HUIPING_MODE": "production", **places, **SECRETS}
    done = subprocess.run(
        STARTS[process], cwd=BASE, env=env, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode != 0
    assert "Demo users can sign in (lin)" in done.stderr


@pytest.mark.postgres
def test_a_connection_to_the_database_serves_many_requests() -> None:
    assert connection.settings_dict["CONN_MAX_AGE"] == 60
    assert connection.settings_dict["CONN_HEALTH_CHECKS"]
