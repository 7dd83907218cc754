"""Celery: one more door to the desk's rooms, no logic. Rows in the database are the queue."""

from celery import shared_task


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
