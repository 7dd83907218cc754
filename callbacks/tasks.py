"""Celery: one more door to the desk's rooms, no logic. Rows in the database are the queue."""

import logging

from celery import shared_task
from kombu.exceptions import OperationalError

from reviews.tasks import drain

log = logging.getLogger(__name__)


@shared_task
def build_evidence(pack_id: int) -> None:
    """Build one evidence pack."""
    from callbacks.evidence.packs import build

    build(pack_id)


@shared_task
def sweep_evidence() -> None:
    """Begin packs whose message was lost, or whose worker was."""
    from callbacks.evidence.packs import build
    from reviews import clock
    from reviews.models import EvidencePack

    for pack_id in EvidencePack.objects.resumable(clock.now()):
        build(pack_id)


@shared_task
def run_bulk(job_id: int) -> None:
    """Go on with one act on many cases."""
    from callbacks.bulk import run_job

    run_job(job_id)


@shared_task
def sweep_bulk() -> None:
    """Go on with jobs whose message or worker was lost."""
    from callbacks.models import BulkJob
    from reviews import clock

    for job_id in BulkJob.objects.resumable(clock.now()):
        run_bulk.delay(job_id)


@shared_task
def forget_acts() -> None:
    """Delete what can no longer be undone, and jobs nobody looks at any more."""
    from callbacks import bulk, undoing
    from reviews import clock

    undoing.forget_old(clock.now())
    bulk.forget_old(clock.now())


@shared_task
def cover_absences() -> int:
    """Pass on what falls due while its agent is absent; how many cases moved."""
    from callbacks.covering import cover_absences

    return cover_absences()


@shared_task
def sweep_leases() -> None:
    """Free cases somebody took and left alone."""
    from callbacks.leases import free_idle
    from reviews import clock

    free_idle(clock.now())


def wake_sender() -> None:
    """Tell a worker that a text is due. A broker that is away is no error: the sweep finds the row."""
    try:
        send_texts.delay()
    except OperationalError as error:
        log.warning("No wake-up sent, the sweep will send the text: %s", error)


@shared_task
def send_texts() -> int:
    """Let due texts leave until none is left; how many were looked after."""
    from callbacks.sending import send_due

    return drain(send_due, send_texts.delay)


@shared_task
def ask_for_receipts() -> int:
    """Ask providers about texts without a receipt; how many."""
    from callbacks import sending

    return sending.ask_for_receipts()
