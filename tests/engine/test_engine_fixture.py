"""The `engine` fixture: worker processes that share the test's database and its Redis."""

import subprocess
import sys

import pytest
import redis
from django.contrib.auth import get_user_model

from config.celery import app
from tests.infrastructure import Engine

pytestmark = pytest.mark.engine


def waiting(engine: Engine) -> int:
    with redis.Redis.from_url(engine.redis_url) as broker:
        return int(broker.llen("celery")) + int(broker.hlen("unacked"))


def test_a_worker_works_off_what_the_test_sends(engine: Engine) -> None:
    engine.start()
    app.send_task("celery.accumulate")
    engine.wait_until(lambda: waiting(engine) == 0)


def test_a_task_waits_while_no_worker_lives(engine: Engine) -> None:
    engine.start()
    engine.kill()
    app.send_task("celery.accumulate")
    assert waiting(engine) == 1
    engine.start()
    engine.wait_until(lambda: waiting(engine) == 0)


def test_a_lost_broker_is_empty_and_of_use_again(engine: Engine) -> None:
    engine.start()
    engine.lose_broker()
    app.send_task("celery.accumulate")
    engine.wait_until(lambda: waiting(engine) == 0)


def test_a_worker_sees_the_rows_of_the_test(engine: Engine) -> None:
    """`database_url` names the very database the test writes to."""

    get_user_model().objects.create(username="zhou")
    code = (
        "import django; django.setup(); from django.contrib.auth import get_user_model as u;"
        "print(u().objects.get(username='zhou').username)"
    )
    env = {**engine.env, "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "zhou"
