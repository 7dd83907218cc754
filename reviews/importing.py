"""Files of orders and reviews: one ImportJob from upload to the last row.

A job is worked in chunks. A chunk's rows, its refusals and the job's counts are committed together, and
only by whoever still holds the lease: a lost worker's job goes on at `done`, and nothing is doubled.
What a file says is encrypted wherever it is kept: it names buyers.
"""

import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded
from django.db import OperationalError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError as BrokerAway

from reviews.importers import ColumnError, ParsedFile, ParsedRow, TableError, parse_file, refusal_csv
from reviews.importers.values import text_of
from reviews.intake import CHANGED, CREATED, REFUSED, UNCHANGED, record_orders, record_reviews
from reviews.models import ImportJob, ImportRefusal, Shop, User
from reviews.models.imports import ImportKind, ImportStatus
from reviews.models.reviews import Source
from reviews.personal_data import seal, unseal
from reviews.tasks import run_import

log = logging.getLogger(__name__)

COUNTS = (CREATED, CHANGED, UNCHANGED, REFUSED)  # fields of the job, too
CHUNK = 200  # rows a transaction
LEASE = timedelta(seconds=90)  # a lost worker's job is free again after this; each chunk renews it
ATTEMPTS = 5  # starts without progress, then the file is given up
WORK_SECONDS = 120.0  # then the task hands over to a fresh one, below Celery's time limit

Progress = Callable[[ImportJob], None]
Errors = dict[str, list[str]]


class LeaseLost(Exception):
    """Another worker has gone on with the job; this one's chunk is rolled back."""


def upload(shop: Shop, filename: str, content: bytes, *, kind: str = "", by: User | None = None) -> ImportJob:
    """Keep a file and wake a worker after commit. Without a broker the sweep begins the job."""
    job = _new_job(shop, filename, content, kind, by)
    job.save()
    transaction.on_commit(lambda: _hand_over(job.pk))
    return job


def import_now(
    shop: Shop, filename: str, content: bytes, *, kind: str = "", progress: Progress | None = None
) -> ImportJob:
    """Take in a file in this process. Killed in the middle, a worker goes on with it."""
    job = _new_job(shop, filename, content, kind, None)
    job.status, job.claimed_until = ImportStatus.RUNNING, timezone.now() + LEASE
    job.save()
    _work(job, seconds=None, progress=progress)
    job.refresh_from_db()
    return job


def _new_job(shop: Shop, filename: str, content: bytes, kind: str, by: User | None) -> ImportJob:
    return ImportJob(shop=shop, filename=filename[-200:], content=seal(content), kind=kind, created_by=by)


def run_job(job_id: int, seconds: float | None = WORK_SECONDS) -> None:
    """Take in an uploaded file from the row where it stopped; nothing when another worker holds it."""
    if job := _claim(job_id):
        _work(job, seconds=seconds)


def _claim(job_id: int) -> ImportJob | None:
    """The job with a fresh lease, or None when it is over, gone, or held by somebody."""
    now = timezone.now()
    free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    unfinished = ImportJob.objects.filter(
        free, pk=job_id, status__in=[ImportStatus.WAITING, ImportStatus.RUNNING]
    )
    started = {"claimed_until": now + LEASE, "status": ImportStatus.RUNNING, "attempts": F("attempts") + 1}
    if not unfinished.update(**started):
        return None
    job = ImportJob.objects.select_related("shop").get(pk=job_id)
    if job.attempts > ATTEMPTS:
        _end(
            job,
            ImportStatus.FAILED,
            _("Reading this file fails again and again. Save it as CSV and upload it."),
        )
        return None
    return job


def _work(job: ImportJob, *, seconds: float | None, progress: Progress | None = None) -> None:
    began = time.monotonic()
    try:
        file = _read(job)
        if file is None:
            return
        for start in range(job.done, len(file.rows), CHUNK):
            if seconds is not None and time.monotonic() - began > seconds:
                _pause(job)
                return
            _take_safely(job, file, file.rows[start : start + CHUNK])
            if progress:
                progress(job)
        _end(job, ImportStatus.FINISHED)
    except LeaseLost:
        log.info("Import %s is in other hands", job.pk)


def _read(job: ImportJob) -> ParsedFile | None:
    """The file's rows; the job learns what the file is, or fails with the reason (None)."""
    # The kind the first run found decides: a resumed job must cut the very same rows.
    kind: Any = job.kind or None
    try:
        content = unseal(bytes(job.content))
        file = parse_file(content, job.filename, kind, shop_code=job.shop.code, zone=job.shop.zone)
    except (TableError, ColumnError) as unreadable:
        _end(job, ImportStatus.FAILED, str(unreadable))
        return None
    except Exception:
        log.exception("Import %s could not be read", job.pk)
        _end(job, ImportStatus.FAILED, _("This file cannot be read. Save it as XLSX and try again."))
        return None
    _update(
        job,
        kind=ImportKind(file.kind),
        total=len(file.rows),
        skipped=file.skipped,
        unknown_headers=file.unknown_headers,
        claimed_until=timezone.now() + LEASE,
    )
    return file


def _take_safely(job: ImportJob, file: ParsedFile, rows: Sequence[ParsedRow]) -> None:
    """A row that breaks its chunk is refused alone; the others are taken."""
    try:
        _take_chunk(job, file, rows)
    except (LeaseLost, OperationalError, SoftTimeLimitExceeded):
        raise
    except Exception:
        log.exception("Import %s: taking %d rows failed", job.pk, len(rows))
        if len(rows) > 1:
            for row in rows:
                _take_safely(job, file, [row])
        else:
            refusal = {"": [_("This row could not be stored.")]}
            _take_chunk(job, file, [replace(rows[0], errors=refusal)])


@transaction.atomic
def _take_chunk(job: ImportJob, file: ParsedFile, rows: Sequence[ParsedRow]) -> None:
    """Rows, refusals and counts in one transaction. LeaseLost undoes all of it."""
    good = [row for row in rows if not row.errors]
    record = record_orders if job.kind == ImportKind.ORDERS else record_reviews
    results = record(job.shop, [row.data for row in good], Source.FILE)
    refused = [row for row in rows if row.errors] + [
        replace(row, errors=_with_columns(one.errors, file.fields))
        for row, one in zip(good, results, strict=True)
        if one.status == REFUSED
    ]
    ImportRefusal.objects.bulk_create(
        ImportRefusal(job=job, line=row.line, errors=row.errors, cells=_sealed_cells(row)) for row in refused
    )
    counts = Counter(one.status for one in results)
    counts[REFUSED] = len(refused)
    changes = {name: getattr(job, name) + counts[name] for name in COUNTS}
    _update(job, done=job.done + len(rows), claimed_until=timezone.now() + LEASE, attempts=0, **changes)


def _with_columns(errors: Errors, headers: dict[str, str]) -> Errors:
    """What intake says of a field, said of the column the reader knows."""

    def sentence(name: str, text: str) -> str:
        if name not in headers:
            return text
        return _("Column %(column)s: %(problem)s") % {"column": headers[name], "problem": text}

    return {name: [sentence(name, text) for text in texts] for name, texts in errors.items()}


def _update(job: ImportJob, **changes: Any) -> None:
    """Write only as long as the job is as we left it. LeaseLost otherwise."""
    same = ImportJob.objects.filter(pk=job.pk, claimed_until=job.claimed_until, done=job.done)
    if not same.update(**changes):
        raise LeaseLost
    for name, value in changes.items():
        setattr(job, name, value)


def _pause(job: ImportJob) -> None:
    _update(job, claimed_until=None)
    _hand_over(job.pk)


def _hand_over(job_id: int) -> None:
    try:
        run_import.delay(job_id)
    except BrokerAway as error:
        log.warning("No message sent, the sweep will go on with import %s: %s", job_id, error)


def _end(job: ImportJob, status: ImportStatus, error: str = "") -> None:
    """Over: the file itself is no longer kept."""
    _update(job, status=status, error=error, finished_at=timezone.now(), content=b"", claimed_until=None)


def _sealed_cells(row: ParsedRow) -> str:
    """The row's own cells, in order, encrypted: they hold names, phones and addresses in the clear."""
    cells = [[header, text_of(cell)] for header, cell in row.cells.items()]
    return seal(json.dumps(cells, ensure_ascii=False).encode("utf-8", "replace")).decode()


def reasons(refusal: ImportRefusal) -> str:
    """Why a row was refused, in sentences."""
    return " ".join(text for texts in refusal.errors.values() for text in texts)


def refused_rows(refusals: Iterable[ImportRefusal]) -> list[ParsedRow]:
    """Refusals as rows of a file again, for refusal_csv."""
    return [
        ParsedRow(one.line, {}, one.errors, dict(json.loads(unseal(str(one.cells).encode()))))
        for one in refusals
    ]


def refused_file(job: ImportJob) -> bytes:
    """CSV of the job's refused rows with line and reason, to mend and import again."""
    return refusal_csv(refused_rows(job.refusals.all()))
