"""Celery: one more door, no logic. Every task is safe to run twice; rows in the database are the queue."""

import logging
import time
from collections.abc import Callable

import redis
from celery import shared_task
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)

WAKE_KEY = "huiping:wake"
WAKE_SECONDS = 5  # a lost wake-up message blocks the next one no longer than this
DRAIN_SECONDS = 10  # then the task hands over to a fresh one


def wake_after_commit() -> None:
    """Tell a worker that rows wait, once this transaction is committed. A broker that is away is no
    error: the sweep finds the rows."""
    transaction.on_commit(_wake)


def recount_after_commit() -> None:
    """Have deadlines counted anew once this transaction is committed; the sweep does it without a broker."""
    transaction.on_commit(_ask_to_recount)


def _ask_to_recount() -> None:
    try:
        recount_deadlines.delay()
    except (redis.RedisError, OperationalError) as error:
        log.warning("No message sent, the sweep will count the deadlines: %s", error)


def _wake() -> None:
    try:
        # Many posts, one message: the key stays until a worker begins.
        if _redis().set(WAKE_KEY, 1, nx=True, ex=WAKE_SECONDS):
            read_reviews.delay()
    except (redis.RedisError, OperationalError) as error:
        log.warning("No wake-up sent, the sweep will read the reviews: %s", error)


def _redis() -> "redis.Redis":
    return redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=2)


def drain(work: Callable[[], int], hand_over: Callable[[], object]) -> int:
    """Call `work` until it finds nothing; after a while the rest is handed over. How many were done here."""
    began, total = time.monotonic(), 0
    while number := work():
        total += number
        if time.monotonic() - began > DRAIN_SECONDS:
            hand_over()
            break
    return total


@shared_task
def read_reviews() -> int:
    """Read waiting reviews until none is left; how many."""
    from reviews.triage import read_waiting

    try:
        _redis().delete(WAKE_KEY)
    except redis.RedisError as error:
        log.warning("The wake-up key expires by itself: %s", error)
    total = drain(lambda: read_waiting(settings.CLASSIFY_BATCH), read_reviews.delay)
    if total:
        index_texts.delay()
        read_reviews_again.delay()
        measure_upset.delay()
    return total


@shared_task
def read_reviews_again() -> int:
    """Give unsure reviews their second reading until none is left; how many (a queue of its own)."""
    from reviews.second_reading import read_waiting

    return drain(lambda: read_waiting(settings.READ_AGAIN_BATCH), read_reviews_again.delay)


@shared_task
def measure_upset() -> int:
    """Measure how upset buyers of new cases are (snownlp; a worker of its own takes this queue)."""
    from reviews.upset import measure_cases

    return drain(lambda: measure_cases(50), measure_upset.delay)


@shared_task
def recount_deadlines() -> int:
    """Count deadlines anew where a shop's hours have changed; how many moved."""
    from reviews.recounting import recount_wanted

    return recount_wanted()


@shared_task
def index_texts() -> int:
    """Write what new and changed reviews are found by, until none is stale; how many."""
    from reviews.search import index_stale

    return drain(lambda: index_stale(500), index_texts.delay)


@shared_task
def sweep() -> None:
    """Pick up whatever a lost message left behind: unread reviews, undealt cases, unfinished files and
    thank-yous, replies without a clear answer, deadlines to count anew; keep the pulse short."""
    from reviews.dispatch import dispatch_waiting
    from reviews.models import ClassificationRequest, ImportJob, Pulse, ReadingRequest, ThanksJob
    from reviews.posting import ask_unconfirmed

    read_reviews()
    dispatch_waiting()
    recount_deadlines()
    for job_id in ImportJob.objects.resumable():
        run_import.delay(job_id)
    for job_id in ThanksJob.objects.resumable():
        run_thanks.delay(job_id)
    ask_unconfirmed()
    Pulse.objects.compact()
    if parked := ClassificationRequest.objects.parked().count():
        log.warning("%d reviews are parked and wait for a manager", parked)
    if parked := ReadingRequest.objects.parked().count():
        log.warning("%d reviews could not be read a second time; their first reading stands", parked)


@shared_task
def tidy() -> int:
    """Delete what has served: marks that no longer keep compensation and reviews apart; how many."""
    from reviews import clock
    from reviews.sequence import forget_old_marks

    return forget_old_marks(clock.now())


@shared_task
def learn() -> int:
    """Let every shop whose night has come learn from its corrections; how many versions were made."""
    from reviews.learning import learn_due

    return learn_due()


@shared_task
def watch_drift() -> int:
    """Compare what came in lately with the weeks before; how many alarms began to ring."""
    from reviews.drift import watch_shops

    return watch_shops()


@shared_task
def watch_incidents() -> int:
    """Look whether complaints come in several times as fast as usual; how many incidents began."""
    from reviews.incidents import watch_shops

    return watch_shops()


@shared_task
def run_import(job_id: int) -> None:
    """Take in one uploaded file, from the row where it stopped."""
    from reviews.importing import run_job

    run_job(job_id)


@shared_task
def run_thanks(job_id: int) -> None:
    """Keep the thank-yous of one job, from the review where it stopped."""
    from reviews.thanks import run_job

    run_job(job_id)
