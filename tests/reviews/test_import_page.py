"""The page where managers send files and see what became of them."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from kombu.exceptions import OperationalError
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from reviews import tasks
from reviews.importers import parse_file
from reviews.importing import import_now, run_job
from reviews.models import ImportJob, Review, Role, Shop, User
from tests.factories import make_shop, make_user

URL = "/imports/"
GOOD = "评价ID,评价等级,评价内容,评价时间\nR1,差评,盖子漏水,2026-11-18 21:14\nR2,坏评,x,2026-11-18 21:14\n"


def csv_file(content: str | bytes = GOOD, name: str = "十一月评价.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content.encode() if isinstance(content, str) else content)


@pytest.fixture
def page_of(manager: User, client: Client) -> Client:
    client.force_login(manager)
    return client


def test_it_takes_a_file_and_wakes_a_worker(
    page_of: Client, shop: Shop, monkeypatch: Any, django_capture_on_commit_callbacks: Any
) -> None:
    woken: list[int] = []
    monkeypatch.setattr(tasks.run_import, "delay", woken.append)
    with django_capture_on_commit_callbacks(execute=True):
        answer = page_of.post(URL, {"shop": shop.pk, "kind": "", "file": csv_file()})
    job = ImportJob.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/imports/{job.pk}/")
    assert (job.filename, job.shop, job.status, woken) == ("十一月评价.csv", shop, "waiting", [job.pk])


def test_it_keeps_the_file_when_the_broker_is_away(
    page_of: Client, shop: Shop, monkeypatch: Any, django_capture_on_commit_callbacks: Any
) -> None:
    def away(_job_id: int) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(tasks.run_import, "delay", away)
    with django_capture_on_commit_callbacks(execute=True):
        answer = page_of.post(URL, {"shop": shop.pk, "file": csv_file()})
    assert answer.status_code == 302
    assert ImportJob.objects.resumable() == [ImportJob.objects.get().pk]


def test_it_shows_what_became_of_the_rows(page_of: Client, shop: Shop) -> None:
    job = import_now(shop, "a.csv", GOOD.encode())
    text = page_of.get(f"{URL}{job.pk}/").content.decode()
    assert "共读取 2 行" in text
    assert "评价等级" in text
    assert "hx-trigger" not in text
    assert f"{URL}{job.pk}/refused.csv" in text


def test_it_polls_until_the_file_is_over(page_of: Client, shop: Shop) -> None:
    page_of.post(URL, {"shop": shop.pk, "file": csv_file()})
    job = ImportJob.objects.get()
    waiting = page_of.get(f"{URL}{job.pk}/", headers={"hx-request": "true"}).content.decode()
    run_job(job.pk)
    over = page_of.get(f"{URL}{job.pk}/", headers={"hx-request": "true"}).content.decode()
    assert "every 2s" in waiting
    assert "every 2s" not in over
    assert "<html" not in waiting + over


def test_it_gives_refused_rows_back(page_of: Client, shop: Shop) -> None:
    job = import_now(shop, "十一月.csv", GOOD.encode())
    answer = page_of.get(f"{URL}{job.pk}/refused.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith("attachment")
    text = answer.content.decode("utf-8-sig")
    assert text.startswith("行号,原因,评价ID")
    assert "R2" in text
    assert "R1" not in text


def test_it_says_why_a_file_was_not_read(page_of: Client, shop: Shop) -> None:
    job = import_now(shop, "a.csv", "标题,价格\n1,2".encode())
    text = page_of.get(f"{URL}{job.pk}/").content.decode()
    assert "文件无法读取" in text
    assert job.error.split("。")[0] in text


@pytest.mark.parametrize("sent", [{}, {"file": None}, {"shop": 999}])
def test_it_asks_again_for_what_is_missing(page_of: Client, shop: Shop, sent: dict[str, Any]) -> None:
    data = {"shop": shop.pk, "file": csv_file(), **sent}
    wrong = {name: value for name, value in data.items() if value is not None} if sent else {}
    assert page_of.post(URL, wrong).status_code == 422
    assert not ImportJob.objects.exists()


def test_it_refuses_a_file_that_is_too_large(page_of: Client, shop: Shop) -> None:
    answer = page_of.post(URL, {"shop": shop.pk, "file": csv_file(b"x" * (20 * 2**20 + 1))})
    assert answer.status_code == 422
    assert "20 MB" in answer.content.decode()


def test_it_offers_only_the_shops_one_manages(page_of: Client, other_shop: Shop, manager: User) -> None:
    assert other_shop.name not in page_of.get(URL).content.decode()
    assert page_of.post(URL, {"shop": other_shop.pk, "file": csv_file()}).status_code == 422


def test_it_hides_files_of_other_shops(page_of: Client, other_shop: Shop) -> None:
    job = import_now(other_shop, "theirs.csv", GOOD.encode())
    assert "theirs.csv" not in page_of.get(URL).content.decode()
    assert page_of.get(f"{URL}{job.pk}/").status_code == 404
    assert page_of.get(f"{URL}{job.pk}/refused.csv").status_code == 404


def test_it_is_for_managers(client: Client, agent: User, shop: Shop) -> None:
    job = import_now(shop, "a.csv", GOOD.encode())
    client.force_login(agent)
    for path in (URL, f"{URL}{job.pk}/", f"{URL}{job.pk}/refused.csv"):
        assert client.get(path).status_code == 403


def test_it_is_for_the_managers_of_this_very_shop(client: Client, shop: Shop) -> None:
    both = make_user("both", shop=make_shop("managed"), role=Role.MANAGER)
    both.memberships.create(shop=shop, role=Role.AGENT)
    job = import_now(shop, "a.csv", GOOD.encode())
    client.force_login(both)
    assert client.get(f"{URL}{job.pk}/").status_code == 403


def test_it_asks_strangers_to_sign_in(client: Client, db: None) -> None:
    assert client.get(URL)["Location"].startswith("/login/")


@pytest.mark.parametrize("path", ["1/", "1/refused.csv"])
def test_it_only_reads_there(page_of: Client, path: str) -> None:
    assert page_of.post(f"{URL}{path}").status_code == 405


def test_it_explains_itself_when_nothing_was_imported_yet(page_of: Client) -> None:
    text = page_of.get(URL).content.decode()
    for words in ("评价ID", "订单编号", "samples/reviews.csv", "samples/orders.csv"):
        assert words in text


@pytest.mark.parametrize(("name", "rows"), [("reviews", 3), ("orders", 2)])
def test_it_takes_its_own_samples(shop: Shop, name: str, rows: int) -> None:
    content = (Path(settings.BASE_DIR) / "static" / "samples" / f"{name}.csv").read_bytes()
    file = parse_file(content, f"{name}.csv", shop_code=shop.code, zone=shop.zone)
    assert (file.kind, len(file.rows), file.unknown_headers) == (name, rows, [])
    assert import_now(shop, f"{name}.csv", content).created == rows


@pytest.mark.parametrize("number", [1, 15])
def test_it_lists_files_in_a_fixed_number_of_queries(
    page_of: Client, shop: Shop, number: int, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for n in range(number):
        ImportJob.objects.create(shop=shop, filename=f"{n}.csv", content=b"")
    with django_assert_max_num_queries(12):
        assert "0.csv" in page_of.get(URL).content.decode()


# --- in the browser --------------------------------------------------------------------------------


def sign_in(page: Page, server: LiveServer, user: User) -> None:
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": server.url}])


@pytest.mark.browser
def test_a_manager_sends_a_file_and_watches_it(
    live_server: LiveServer, page: Page, manager: User, shop: Shop, monkeypatch: Any
) -> None:
    monkeypatch.setattr(tasks.run_import, "delay", lambda job_id: None)
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    sign_in(page, live_server, manager)
    page.goto(live_server.url + URL)
    page.get_by_label("文件", exact=True).set_input_files(
        {"name": "评价.csv", "mimeType": "text/csv", "buffer": GOOD.encode()}
    )
    page.get_by_role("button", name="导入文件").click()
    expect(page.get_by_role("status").filter(has_text="排队中")).to_be_visible()
    run_job(ImportJob.objects.get().pk)
    expect(page.get_by_text("共读取 2 行")).to_be_visible()
    expect(page.get_by_role("row", name="3 “评价等级”列")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="下载并修改").click()
    assert "R2" in download.value.path().read_text("utf-8-sig")
    assert Review.objects.count() == 1
    assert troubles == []


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_it(
    live_server: LiveServer, page: Page, manager: User, shop: Shop, scheme: Any
) -> None:
    page.emulate_media(color_scheme=scheme)
    jobs = [import_now(shop, "a.csv", GOOD.encode()), import_now(shop, "b.csv", b"a,b\n1,2")]
    running = ImportJob.objects.create(
        shop=shop, filename="c.csv", content=b"", status="running", total=900, done=300
    )
    ImportJob.objects.filter(pk=running.pk).update(claimed_until=timezone.now() + timedelta(hours=1))
    sign_in(page, live_server, manager)
    for path in (URL, *(f"{URL}{job.pk}/" for job in [*jobs, running])):
        page.goto(live_server.url + path)
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
