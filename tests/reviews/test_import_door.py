"""The file door: a job from upload to the last row, whatever happens to the worker in between."""

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, close_old_connections, connections
from django.utils import timezone

from reviews import importing, intake, tasks
from reviews.importing import CHUNK, import_now, refused_file, run_job, upload
from reviews.models import ClassificationRequest, ImportJob, ImportRefusal, Order, Review, Shop
from reviews.models.imports import ImportStatus
from tests.factories import make_shop

HEADERS = "评价ID,评价等级,评价内容,评价时间"


def sheet(rows: int, *, first: int = 0, extra: str = "") -> bytes:
    lines = [f"R{n},差评,盖子漏水{n},2026-11-18 21:14" for n in range(first, first + rows)]
    return "\n".join([HEADERS, *lines, extra]).encode()


def counts(job: ImportJob) -> tuple[int, int, int, int]:
    job.refresh_from_db()
    return job.created, job.changed, job.unchanged, job.refused


def new_job(shop: Shop, content: bytes) -> ImportJob:
    return upload(shop, "a.csv", content)


def test_it_takes_a_file_in(shop: Shop) -> None:
    job = new_job(shop, sheet(5))
    run_job(job.pk)
    assert counts(job) == (5, 0, 0, 0)
    assert (job.status, job.done, job.total, job.kind, job.percent) == ("finished", 5, 5, "reviews", 100)
    assert job.finished_at
    assert Review.objects.filter(shop=shop, source="file").count() == 5
    assert ClassificationRequest.objects.count() == 5


def test_it_takes_orders_in(shop: Shop) -> None:
    job = new_job(shop, "订单编号,收货人姓名,联系手机\n1001,王小明,13800138000".encode())
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.kind, job.created) == ("orders", 1)
    assert Order.objects.get().buyer_phone == "13800138000"


def test_it_changes_nothing_when_the_file_comes_again(shop: Shop) -> None:
    import_now(shop, "a.csv", sheet(3))
    assert counts(import_now(shop, "a.csv", sheet(3))) == (0, 0, 3, 0)


def test_it_keeps_the_file_encrypted_and_only_until_the_end(shop: Shop) -> None:
    job = new_job(shop, "订单编号,联系手机\n1001,13800138000".encode())
    assert b"13800138000" not in bytes(ImportJob.objects.get().content)
    run_job(job.pk)
    assert bytes(ImportJob.objects.get().content) == b""


def test_it_refuses_rows_with_line_and_reason_and_takes_the_rest(shop: Shop) -> None:
    job = import_now(shop, "a.csv", sheet(2, extra="R9,坏评,x,2026-11-18 21:14\nR10,差评,x,2999-01-01"))
    assert counts(job) == (2, 0, 0, 2)
    assert [(one.line, list(one.errors)) for one in job.refusals.all()] == [
        (4, ["rating"]),
        (5, ["created_at"]),
    ]


def test_it_names_the_column_when_intake_refuses(shop: Shop) -> None:
    job = import_now(shop, "a.csv", sheet(0, extra="R10,差评,x,2027-12-31 10:00"))
    assert "评价时间" in importing.reasons(job.refusals.get())


def test_it_gives_the_refused_rows_back_in_the_files_own_order(shop: Shop) -> None:
    orders = "收货人姓名,订单编号,联系手机\n王小明,1.23E+17,13800138000"
    job = import_now(shop, "a.csv", orders.encode())
    header, row = list(csv.reader(io.StringIO(refused_file(job).decode("utf-8-sig"))))
    assert header[2:] == ["收货人姓名", "订单编号", "联系手机"]
    assert (row[0], row[2:]) == ("2", ["王小明", "1.23E+17", "13800138000"])


def test_it_keeps_refused_rows_encrypted(shop: Shop) -> None:
    import_now(shop, "a.csv", "订单编号,联系手机\n1.23E+17,13800138000".encode())
    assert "13800138000" not in str(ImportRefusal.objects.values_list("cells", "errors").get())


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02", "标题,价格\n1,2".encode(), b"PK\x03\x04 broken"])
def test_it_says_why_a_file_cannot_be_read(shop: Shop, content: bytes) -> None:
    job = import_now(shop, "a.csv", content)
    assert (job.status, job.done) == ("failed", 0)
    assert job.error
    assert job.finished_at


def test_it_fails_once_when_the_file_breaks_the_reader(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object, **_named: object) -> None:
        raise RuntimeError("bug")

    monkeypatch.setattr(importing, "parse_file", broken)
    assert import_now(shop, "a.csv", sheet(1)).status == "failed"


def test_it_goes_on_where_a_lost_worker_stopped(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    job = new_job(shop, sheet(2 * CHUNK + 10, extra="R1x,坏评,x,2026-11-18"))
    whole = importing._take_chunk
    taken: list[int] = []

    def die_in_second(*args: Any) -> None:
        if taken:
            raise OperationalError("the machine is gone")
        taken.append(len(args[2]))
        whole(*args)

    with monkeypatch.context() as dying:
        dying.setattr(importing, "_take_chunk", die_in_second)
        with pytest.raises(OperationalError):
            run_job(job.pk)
    job.refresh_from_db()
    assert (job.done, job.status) == (CHUNK, "running")
    run_job(job.pk)  # still within the lease of the lost one
    job.refresh_from_db()
    assert job.done == CHUNK
    ImportJob.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert ImportJob.objects.resumable() == [job.pk]
    run_job(job.pk)
    assert counts(job) == (2 * CHUNK + 10, 0, 0, 1)
    assert Review.objects.count() == 2 * CHUNK + 10


def test_it_leaves_a_chunk_to_who_took_over(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    job = new_job(shop, sheet(5))
    whole = intake.record_reviews

    def slow(*args: Any) -> Any:
        results = whole(*args)
        ImportJob.objects.filter(pk=job.pk).update(claimed_until=timezone.now() + timedelta(hours=1))
        return results

    monkeypatch.setattr(importing, "record_reviews", slow)
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.done, job.status) == (0, "running")
    assert Review.objects.count() == 0


def test_it_refuses_only_the_row_that_breaks(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = intake.record_reviews

    def picky(shop: Shop, rows: Any, source: Any) -> Any:
        if any(row["review_key"] == "R3" for row in rows):
            raise RuntimeError("a bug that only this row meets")
        return whole(shop, rows, source)

    monkeypatch.setattr(importing, "record_reviews", picky)
    job = import_now(shop, "a.csv", sheet(6))
    assert counts(job) == (5, 0, 0, 1)
    assert (job.status, job.refusals.get().line) == ("finished", 5)


def test_it_hands_a_long_file_to_a_fresh_task(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[int] = []
    monkeypatch.setattr(tasks.run_import, "delay", handed.append)
    job = new_job(shop, sheet(3))
    run_job(job.pk, seconds=-1)
    job.refresh_from_db()
    assert (job.status, job.claimed_until, job.done) == ("running", None, 0)
    assert handed == [job.pk]


def test_it_does_nothing_twice(shop: Shop) -> None:
    job = new_job(shop, sheet(3))
    run_job(job.pk)
    run_job(job.pk)
    run_job(job.pk + 1)
    assert counts(job) == (3, 0, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_it_never_doubles_a_file_two_workers_want() -> None:
    job = upload(make_shop("busy"), "a.csv", sheet(450))

    def work(_number: int) -> None:
        try:
            run_job(job.pk)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    close_old_connections()
    assert counts(job) == (450, 0, 0, 0)
    assert Review.objects.count() == 450


@pytest.mark.engine
def test_it_survives_kill_9_of_the_worker(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shop, total = make_shop("big"), 3000
    engine.start(queues="celery")
    job = upload(shop, "a.csv", sheet(total))
    engine.wait_until(lambda: ImportJob.objects.get().done > 0, 30)
    engine.kill()
    job.refresh_from_db()
    assert job.done < total
    ImportJob.objects.update(claimed_until=timezone.now())  # the lease of the dead one, run out
    engine.start(queues="celery")
    tasks.run_import.delay(job.pk)
    engine.wait_until(lambda: ImportJob.objects.get().status == ImportStatus.FINISHED, 90)
    assert counts(job) == (total, 0, 0, 0)
    assert Review.objects.count() == total


# --- manage.py import_reviews ----------------------------------------------------------------------


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = 0
    try:
        call_command("import_reviews", *arguments)
    except SystemExit as left:
        code = int(left.code or 0)
    written = capsys.readouterr()
    return code, written.out, written.err


def test_it_imports_from_the_command_line(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, refused = tmp_path / "a.csv", tmp_path / "no.csv"
    file.write_bytes(sheet(2, extra="R9,坏评,x,2026-11-18 21:14"))
    code, out, err = run(capsys, str(file), "--shop", shop.code, "--refused", str(refused))
    assert code == 0
    assert out.splitlines()[0] == "共 3 行：新增 2，更新 0，无变化 0，未导入 1。"
    assert out.splitlines()[1].startswith("第 4 行：")
    assert "3 / 3" in err
    assert "坏评" in refused.read_text("utf-8-sig")


def test_it_prints_nothing_about_buyers(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("订单编号,收货人姓名,联系手机,收货地址\n1.2E+17,王小明,13800138000,文三路1号\n", "utf-8")
    code, out, err = run(capsys, str(file), "--shop", shop.code, "--kind", "orders")
    assert code == 1  # nothing taken, something refused
    assert not [word for word in ("王小明", "13800138000", "文三路") if word in out + err]


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("a.csv", "nowhere", "nowhere"),
        ("missing.csv", "test-shop", "missing.csv"),
        ("b.csv", "test-shop", "。"),
    ],
)
def test_it_says_plainly_what_is_wrong(shop: Shop, tmp_path: Path, name: str, code: str, words: str) -> None:
    (tmp_path / "a.csv").write_bytes(sheet(1))
    (tmp_path / "b.csv").write_bytes(b"")
    with pytest.raises(CommandError, match=words):
        call_command("import_reviews", str(tmp_path / name), "--shop", code)


def test_a_file_that_ends_the_worker_again_and_again_is_given_up(shop: Shop) -> None:
    job = upload(shop, "a.csv", "评价ID,评价等级,评价时间\nr1,差评,2026-11-18 10:00\n".encode())
    ImportJob.objects.update(attempts=5)
    run_job(job.pk)
    job.refresh_from_db()
    assert job.status == "failed"
    assert job.error
    assert not Review.objects.exists()
