"""kill -9 in the midst of an act on many cases: another worker goes on, and every case is done once."""

import pytest

from callbacks import bulk
from callbacks.models import Act, ActKind, BulkJob, BulkRow
from callbacks.models.acts import JobStatus, RowState
from reviews.models import Case, CaseEvent, Shop, User
from reviews.models.cases import EventKind
from tests.factories import make_case
from tests.infrastructure import Engine

pytestmark = [pytest.mark.engine, pytest.mark.django_db(transaction=True)]

CASES = 80


def done() -> int:
    return BulkRow.objects.filter(state=RowState.DONE).count()


def status() -> str:
    return BulkJob.objects.get().status


def test_a_job_survives_its_worker_and_can_be_undone(engine: Engine, shop: Shop, agent: User) -> None:
    for _number in range(CASES):
        make_case(shop, assignee=agent)
    before = list(Case.objects.order_by("pk").values())
    engine.start(children=1)
    job = bulk.prepare(
        Case.objects.all(), ActKind.CLOSE, {"outcome": "no_action", "note": "已说明"}, by=agent
    )
    bulk.start(job)
    engine.wait_until(lambda: done() > 3)
    engine.kill()
    assert status() == JobStatus.RUNNING
    assert 3 < done() < CASES
    assert BulkRow.objects.filter(state=RowState.TO_DO).exclude(claimed_until=None).exists()
    engine.start(children=1)
    from callbacks.tasks import sweep_bulk

    BulkRow.objects.filter(state=RowState.TO_DO).update(claimed_until=None)  # as when its lease is over
    BulkJob.objects.update(claimed_until=None)
    sweep_bulk.delay()  # what beat does every fifteen seconds
    engine.wait_until(lambda: status() == JobStatus.FINISHED, 60)
    assert done() == CASES
    assert CaseEvent.objects.filter(kind=EventKind.CLOSE).count() == Act.objects.count() == CASES
    assert job.rows.count() == CASES
    bulk.take_back(BulkJob.objects.get())
    engine.wait_until(lambda: status() == JobStatus.UNDONE, 60)
    assert list(Case.objects.order_by("pk").values()) == before
