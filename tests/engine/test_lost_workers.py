"""Real worker processes, a real Redis, kill -9: nothing is lost, nothing doubled."""

import signal

import pytest
from django.db.models import Count, QuerySet

from config.processes import kill_group
from reviews.intake import record_reviews
from reviews.models import Case, Classification, ClassificationRequest, ReadingRequest, Shop, User
from tests.infrastructure import Engine

pytestmark = [pytest.mark.engine, pytest.mark.django_db(transaction=True)]

COMPLAINTS = [
    "杯子收到就是碎的",
    "客服三天不回消息",
    "尺码偏小，穿不下",
    "快递太慢了，等了半个月",
    "用了两天就坏了，质量太差",
]


def post(shop: Shop, number: int) -> None:
    rows = [
        {
            "review_key": f"k{at}",
            "created_at": "2026-11-18T10:00:00+08:00",
            "rating": "bad",
            "content": f"{COMPLAINTS[at % len(COMPLAINTS)]}，第{at}单",
        }
        for at in range(number)
    ]
    for start in range(0, number, 50):
        record_reviews(shop, rows[start : start + 50])


def assert_each_once(number: int) -> None:
    assert Case.objects.count() == number
    assert Classification.objects.count() == number
    assert not Case.objects.filter(assignee=None).exists()
    doubled = Case.objects.values("review").annotate(cases=Count("pk")).filter(cases__gt=1)
    assert not doubled.exists()


def all_read() -> bool:
    return not ClassificationRequest.objects.exists()


def held() -> QuerySet[ClassificationRequest]:
    return ClassificationRequest.objects.exclude(claimed_until=None)


def stopped_with_rows_in_hand(engine: Engine) -> bool:
    """Halt the worker; if it holds no claim at this moment let it go on."""
    worker = engine.workers[0]
    kill_group(worker.pid, signal.SIGSTOP)
    if held().exists():
        return True
    kill_group(worker.pid, signal.SIGCONT)
    return False


def test_a_worker_reads_what_comes_in(engine: Engine, shop: Shop, agent: User) -> None:
    engine.start()
    post(shop, 60)
    engine.wait_until(all_read)
    assert_each_once(60)
    engine.wait_until(lambda: not Case.objects.filter(upset=None).exists(), 60)


def test_nothing_is_lost_when_a_worker_is_killed_in_the_middle(
    engine: Engine, shop: Shop, agent: User, settings: pytest.FixtureRequest
) -> None:
    engine.env["CLASSIFY_LEASE_SECONDS"] = "2"
    engine.env["CLASSIFY_BATCH"] = "20"
    engine.start()
    post(shop, 400)
    engine.wait_until(lambda: Case.objects.exists())
    engine.wait_until(lambda: stopped_with_rows_in_hand(engine))
    engine.kill()
    assert held().exists()
    post(shop, 400)
    engine.start()
    from reviews.tasks import read_reviews

    # What beat does every few seconds: the killed worker's claims are free after their lease.
    engine.wait_until(lambda: bool(read_reviews.delay()) and all_read(), 60)
    assert_each_once(400)


def test_second_readings_survive_a_killed_worker_and_leave_begun_cases_alone(
    engine: Engine, shop: Shop, agent: User
) -> None:
    engine.env["READ_AGAIN_LEASE_SECONDS"] = "2"
    engine.env["READ_AGAIN_BATCH"] = "4"
    engine.start(queues="celery", children=1)
    rows = [
        {
            "review_key": f"u{at}",
            "created_at": "2026-11-18T10:00:00+08:00",
            "rating": "bad",
            "content": f"东西不太行吧，也说不上来，反正跟想的两回事{at}",
        }
        for at in range(24)
    ]
    record_reviews(shop, rows)
    engine.wait_until(lambda: all_read() and Case.objects.count() == 24)
    number = ReadingRequest.objects.count()
    assert number > 4
    begun = Case.objects.filter(review__reading_request__isnull=False).order_by("-pk")[0]
    begun.take(agent)
    as_begun = begun.sub_cause
    engine.start(queues="reading", children=1)
    reader = engine.workers[-1]
    engine.wait_until(lambda: ReadingRequest.objects.exclude(claimed_until=None).exists())
    kill_group(reader.pid, signal.SIGKILL)
    reader.wait()
    engine.workers.remove(reader)
    engine.start(queues="reading", children=1)
    from reviews.tasks import read_reviews_again

    # What beat does every minute: the killed worker's claims are free after their lease.
    engine.wait_until(lambda: bool(read_reviews_again.delay()) and not ReadingRequest.objects.exists(), 60)
    assert Classification.objects.filter(is_second=True).count() == number
    begun.refresh_from_db()
    assert begun.sub_cause == as_begun


def test_nothing_is_lost_when_the_broker_forgets_everything(engine: Engine, shop: Shop, agent: User) -> None:
    post(shop, 30)
    engine.lose_broker()
    engine.start()
    from reviews.tasks import sweep

    assert not all_read()
    sweep.delay()
    engine.wait_until(all_read)
    assert_each_once(30)


def test_intake_commits_while_the_broker_is_away(shop: Shop, settings: pytest.FixtureRequest) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"  # type: ignore[attr-defined]
    post(shop, 3)
    assert ClassificationRequest.objects.count() == 3
