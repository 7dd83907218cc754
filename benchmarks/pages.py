"""Server time and query count of the desk's pages on PostgreSQL, small and large.

    python -m benchmarks.pages                                   10,000 and 1,000,000 reviews
    python -m benchmarks.pages --sizes 10000 100000 --rounds 30

Starts a PostgreSQL of its own (tests.servers), fills it by INSERT … SELECT generate_series (a fifth of the
reviews has a case, a tenth of those is open, 50 shops, 100 agents; whatever the size, 30 own cases, a page of
cases to take and a page of hits for a rare word: what grows is what lies behind a page, not the page)
and asks the WSGI application itself: middleware, view, template, the check of the connection, no network
and no client's work. Wall time has the database in it and whatever else the machine does; CPU time is this
process alone. Milliseconds, p50. Each size has a database and a process of its own, asked in turn, since a
shared machine is not always as fast; `loop` is a bare loop timed in every round, and growth is judged in
such loops. Prints JSON; exit status 1 when a goal is missed (goals are about CPU time where the machine is
shared: --wall for wall).
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import cache
from io import BytesIO
from multiprocessing import get_context
from typing import Any, NamedTuple
from urllib.parse import urlencode

SHOPS, AGENTS, PRODUCTS, OWN, RARE_HITS = 50, 100, 1000, 30, 100
GOALS = {"queue": 20.0, "case": 35.0, "poll": 2.0}  # ms, p50
GROWTH, LAST_PAGE = 1.2, 1.3
A_TURN = 5  # requests before it is the other size's turn
SHORT = 5  # times as many for the polls: all of them together last no longer than one page's
BASE_ID = 1_000_000  # of generated rows: below are the few made by hand
# What generated reviews say: four of these each, early ones often; RARE_HITS of the cases say a rare one too.
SAYINGS = (
    "收到就有破损", "颜色和图片不一样", "客服半天不回", "物流太慢了", "味道很大", "尺码偏小", "质量一般",
    "和描述不符", "包装压坏了", "用了两天就坏", "线头很多", "价格买贵了", "少发了配件", "退款一直不处理",
    "盖子拧不紧", "有划痕", "漏水", "声音很响", "充不进电", "发错了款式", "没有赠品", "开机黑屏", "掉色严重",
    "安装师傅没来", "生产日期不新鲜", "态度恶劣", "起球", "拉链卡住", "屏幕有亮点", "承诺的返修没有兑现",
)  # fmt: skip
RARE = "插头冒烟"
TOKEN = "b" * 32  # against forgery: the cookie's and the header's


class Sample(NamedTuple):
    """What one request took, in milliseconds."""

    wall: float
    cpu: float
    loop: float


def main() -> int:
    options = read_options()
    from tests.servers import PostgresServer

    server = PostgresServer()
    try:
        with tempfile.TemporaryDirectory(prefix="huiping-bench-") as var:
            figures = measure_sizes(server.url, var, options.sizes, options.rounds)
    finally:
        server.stop()
    kind = "wall" if options.wall else "cpu"
    report = {"sizes": figures, "judged_by": kind, "missed": missed(figures, kind)}
    print(json.dumps(report, indent=1, ensure_ascii=False))
    return 1 if report["missed"] else 0


def measure_sizes(url: str, var: str, sizes: list[int], rounds: int) -> dict[str, dict[str, Any]]:
    """Fill a database for each size, then ask every page of all of them in turn."""
    figures: dict[str, dict[str, Any]] = {}
    with ExitStack() as open_pools:
        readers = {}
        for size in sizes:
            with process(own_database(url), var) as made:
                made.submit(create, f"reviews_{size}").result()
            database = own_database(url, f"reviews_{size}")
            with process(database, var) as filler:
                figures[str(size)] = {"filled_in_s": filler.submit(fill, size).result()}
            readers[str(size)] = open_pools.enter_context(process(database, var))
        for name in next(iter(readers.values())).submit(pages).result():
            samples: dict[str, list[Sample]] = {of_size: [] for of_size in readers}
            queries = {
                of_size: reader.submit(count_queries, name).result() for of_size, reader in readers.items()
            }
            for _turn in range(-(-rounds // A_TURN)):
                for of_size, reader in readers.items():
                    samples[of_size] += reader.submit(timed, name).result()
            for of_size, taken in samples.items():
                figures[of_size][name] = {**in_short(taken), "queries": queries[of_size]}
    return figures


def process(url: str, var: str) -> ProcessPoolExecutor:
    """A process of its own with Django on this database: what one size did tells nothing in the other's."""
    return ProcessPoolExecutor(1, get_context("spawn"), start, (url, var))


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 1_000_000], help="reviews")
    parser.add_argument("--rounds", type=int, default=60, help="requests measured a page")
    parser.add_argument("--wall", action="store_true", help="judge by wall time")
    return parser.parse_args()


def own_database(url: str, name: str = "postgres") -> str:
    """A database of the server at this address; without a name the one every fresh server has."""
    return f"{url.rpartition('/')[0]}/{name}"


def start(url: str, var: str) -> None:
    os.environ.update(
        DATABASE_URL=url,
        HUIPING_VAR=var,
        DJANGO_SETTINGS_MODULE="config.settings",
        LOG_LEVEL="ERROR",
        REDIS_URL="redis://127.0.0.1:1/0",
    )
    import django

    django.setup()
    from django.conf import settings

    settings.ALLOWED_HOSTS = ["*"]
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


# --- the rows --------------------------------------------------------------------------------------


def create(name: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")


def fill(reviews: int) -> float:
    """Make shops and people by the factories, the rest by one INSERT a table; the seconds it took."""
    from django.core.management import call_command
    from django.db import connection

    from reviews.models import CaseEvent, Product, PublicReply, Review, ReviewVersion
    from tests import factories

    call_command("migrate", verbosity=0)
    began = time.monotonic()
    shops = [factories.make_shop(f"bench-{n}") for n in range(SHOPS)]
    agents = [factories.make_user(f"agent-{n}", shop=shops[n % SHOPS]) for n in range(AGENTS)]
    factories.make_user("boss", is_superuser=True)
    model = factories.make_case(shops[0])
    review, order = model.review, model.review.order
    assert order
    PublicReply.objects.create(review=review, text="感谢反馈")
    cases, first_shop, first_agent = reviews // 5, shops[0].pk, agents[0].pk
    shop = f"{first_shop} + g % {SHOPS}"
    said = saying(cases // RARE_HITS)
    multiply(order.buyer, cases, shop_id=shop, nick="'买家' || g", key=None)
    multiply(order.product, PRODUCTS, shop_id=shop, key="'p' || g", title="'保温杯 ' || g")
    product = f"{BASE_ID} + 1 + g % {PRODUCTS}"
    relations = {"shop_id": shop, "product_id": product, "buyer_id": f"{BASE_ID} + g"}
    multiply(order, cases, **relations, order_no="'b' || g", phone_index="md5(g::text)")
    hours = "now() - (g % 8760) * interval '1 hour' - (g % 3600) * interval '1 second'"
    multiply(
        review,
        reviews,
        shop_id=shop,
        product_id=product,
        buyer_id=f"CASE WHEN g < {cases} THEN {BASE_ID} + g END",
        order_id=f"CASE WHEN g < {cases} THEN {BASE_ID} + g END",
        order_no="'b' || g",
        review_key="'r' || g",
        created_at=hours,
        content=said,
    )
    of_review = f"{BASE_ID} + g"
    text = f"{said} || ' 保温杯 ' || (1 + g % {PRODUCTS}) || ' 买家' || g"
    multiply(
        review.search_text, reviews, review_id=of_review, text=text, numbers="' r' || g || ' b' || g || ' '"
    )
    version = ReviewVersion.objects.get(review=review)
    multiply(version, cases - 1, review_id=of_review)
    multiply(PublicReply.objects.get(), cases - 1, review_id=of_review, token=None)
    is_open = "g % 10 = 0"
    agent = f"{first_agent} + 1 + (g / 10) % {AGENTS - 1}"
    multiply(
        model,
        cases - 1,
        review_id=of_review,
        shop_id=shop,
        status=f"CASE WHEN {is_open} THEN (CASE WHEN g % 40 = 0 THEN 'new' ELSE 'assigned' END)"
        " ELSE 'closed' END",
        outcome=f"CASE WHEN {is_open} THEN '' ELSE 'solved' END",
        assignee_id=f"CASE WHEN g % 40 = 0 THEN NULL ELSE {agent} END",
        opened_at=hours,
        due_at=f"{hours} + interval '2 hours'",
        first_contact_at=f"CASE WHEN g % 50 <> 0 THEN {hours} END",
        closed_at=f"CASE WHEN {is_open} THEN NULL ELSE {hours} + interval '1 day' END",
        upset="(g % 100) / 100.0",
        value="g % 500",
        suspected="g % 400 = 0",
        needs_decision="g % 300 = 0",
    )
    multiply(
        CaseEvent.objects.filter(case=model).latest("pk"),
        (cases - 1) * 4,
        case_id=f"{BASE_ID} + 1 + (g - 1) / 4",
        at="now() - (g % 8760) * interval '1 hour'",
    )
    busy(shops[0], agents[0])
    with connection.cursor() as cursor:
        for table in (Review, Product, CaseEvent):
            name = table._meta.db_table
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), max(id)) FROM {name}")
        cursor.execute("VACUUM ANALYZE")
    return round(time.monotonic() - began, 1)


def saying(rare_every: int) -> str:
    """SQL of what review g says: four sayings drawn by its number, now and then a rare one."""
    words = "ARRAY[" + ", ".join(f"'{one}'" for one in SAYINGS) + "]"
    drawn = (
        f"({words})[1 + floor({len(SAYINGS)} * power(abs(hashint8(g * 4 + {n}) % 1000) / 1000.0, 2))::int]"
        for n in range(4)
    )
    return " || '，' || ".join([*drawn, f"CASE WHEN g % {rare_every} = 0 THEN '{RARE}' ELSE '。' END"])


def busy(shop: Any, agent: Any) -> None:
    """Thirty cases in the hands of the agent who looks and more than a page to take, whatever the size."""
    from callbacks.case_list import PAGE
    from reviews.models import Status
    from tests import factories

    for _n in range(PAGE + 1):
        factories.make_case(shop)

    for n in range(OWN):
        status = Status.IN_PROGRESS if n % 3 == 0 else Status.ASSIGNED
        factories.make_case(shop, assignee=agent, status=status, upset=n / OWN)


def multiply(row: Any, number: int, **columns: str | None) -> None:
    """`number` copies of one row in one statement; `columns` are SQL in terms of g = 1 … number."""
    from django.db import connection

    table = row._meta.db_table
    names = [one.column for one in row._meta.concrete_fields]
    columns = {"id": f"{BASE_ID} + g", **{name: sql for name, sql in columns.items() if name in names}}
    values = [(columns[name] or "NULL") if name in columns else f'm."{name}"' for name in names]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(f'{chr(34)}{name}{chr(34)}' for name in names)}) "
            f"SELECT {', '.join(values)} FROM {table} m, generate_series(1, {number}) g "
            f"WHERE m.{row._meta.pk.column} = {row.pk}"
        )


# --- the pages -------------------------------------------------------------------------------------


class Browser:
    """Somebody signed in who asks the WSGI application as a web server does, without a client's own work."""

    def __init__(self, user: Any) -> None:
        from django.conf import settings
        from django.core.wsgi import get_wsgi_application
        from django.test import Client, RequestFactory

        client = Client()
        client.force_login(user)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        self._factory = RequestFactory(headers={"X-CSRFToken": TOKEN})
        self._factory.cookies.load({settings.SESSION_COOKIE_NAME: session, settings.CSRF_COOKIE_NAME: TOKEN})
        self._application = get_wsgi_application()

    def get(self, url: str, data: dict[str, str] | None = None) -> Callable[[], tuple[int, bytes]]:
        return self._asking(self._factory.get(url, data).environ, b"")

    def post(self, url: str, data: dict[str, str]) -> Callable[[], tuple[int, bytes]]:
        body = urlencode(data).encode()
        request = self._factory.post(url, body, content_type="application/x-www-form-urlencoded")
        return self._asking(request.environ, body)

    def _asking(self, environ: dict[str, Any], body: bytes) -> Callable[[], tuple[int, bytes]]:
        """Ask for this page: its status and body."""

        def ask() -> tuple[int, bytes]:
            statuses = []

            def start_response(
                status: str, _headers: object, _error: object = None
            ) -> Callable[[bytes], None]:
                statuses.append(int(status.split()[0]))
                return bytearray().extend  # the old way to write, which Django does not go

            answer = self._application({**environ, "wsgi.input": BytesIO(body)}, start_response)
            content = b"".join(answer)
            answer.close()  # ends the request: its connection is looked after
            return statuses[0], content

        return ask


def pages() -> list[str]:
    """The pages' names, in the order they are asked."""
    return list(asked())


@cache
def asked() -> dict[str, Callable[[], tuple[int, bytes]]]:
    from reviews.models import User

    of_agent, of_boss = User.objects.get(username="agent-0"), User.objects.get(username="boss")
    agent, boss = Browser(of_agent), Browser(of_boss)
    own = of_agent.cases.filter(status="in_progress").first()
    assert own
    return {
        "queue mine": agent.get("/cases/?view=mine"),
        "queue to take": agent.get("/cases/?view=to_take"),
        "queue all shops first": boss.get("/cases/?view=open"),
        "queue all shops last": at_end(boss, of_boss, "open"),
        "queue closed first": boss.get("/cases/?view=closed"),
        "queue closed last": at_end(boss, of_boss, "closed"),
        "search rare": boss.get("/cases/", {"q": RARE}),
        "search common": boss.get("/cases/", {"q": SAYINGS[0][-2:]}),
        "desk": agent.get("/"),
        "case": agent.get(f"/cases/{own.pk}/"),
        "poll queue": unchanged(agent, "/cases/?view=mine", "/cases/changes/?view=mine&version="),
        "poll queue all shops": unchanged(boss, "/cases/?view=open", "/cases/changes/?view=open&version="),
        "poll case": looked(agent, f"/cases/{own.pk}/"),
    }


def at_end(browser: Browser, user: Any, code: str) -> Callable[[], tuple[int, bytes]]:
    """The last full page of a view."""
    from callbacks.case_list import PAGE, VIEWS, _flip, _write, cases_of
    from reviews import clock

    view = VIEWS[code]
    columns = [_flip(name) for name in view.order]
    names = [name.removeprefix("-") for name in view.order]
    before = cases_of(view, user, clock.now()).order_by(*columns).values_list(*names)[PAGE]
    cursor = _write(">", before)
    return browser.get(f"/cases/?view={code}&page={cursor}")


def version_in(browser: Browser, url: str) -> str:
    _status, page = browser.get(url)()
    return page.decode().split('data-version="')[1].split('"')[0]


def unchanged(browser: Browser, url: str, poll: str) -> Callable[[], tuple[int, bytes]]:
    return browser.get(poll + version_in(browser, url))


def looked(browser: Browser, url: str) -> Callable[[], tuple[int, bytes]]:
    return browser.post(f"{url}look/", {"version": version_in(browser, url)})


def count_queries(name: str) -> int:
    """Give the number of queries of a page that was asked before."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    ask = asked()[name]
    ask()
    with CaptureQueriesContext(connection) as seen:
        answered, _page = ask()
    queries = len(seen)  # the next request forgets them
    expected = 204 if name.startswith("poll") else 200
    if answered != expected:
        raise SystemExit(f"{name}: {answered}, not {expected}")
    return queries


def timed(name: str) -> list[Sample]:
    """Ask a page once unmeasured, so that the processor has met it, and then A_TURN times."""
    ask = asked()[name]
    ask()
    samples = []
    for _round in range(A_TURN * (SHORT if name.startswith("poll") else 1)):
        loop = yardstick()
        began, spent = time.perf_counter(), time.process_time()
        ask()
        cpu, wall = time.process_time() - spent, time.perf_counter() - began
        samples.append(Sample(wall * 1000, cpu * 1000, loop))
    return samples


def in_short(samples: list[Sample]) -> dict[str, float]:
    wall, cpu, loop = (sorted(one) for one in zip(*samples, strict=True))
    return {
        "wall": round(statistics.median(wall), 2),
        "cpu": round(statistics.median(cpu), 2),
        "loop": round(statistics.median(loop), 2),
        "wall_p99": round(wall[int(len(wall) * 0.99) - 1], 1),
    }


def yardstick() -> float:
    """Milliseconds of a bare loop: what the processor itself was worth in that round."""
    began, total = time.process_time(), 0
    for number in range(50_000):
        total += number * number % 7
    return (time.process_time() - began) * 1000


def missed(figures: dict[str, dict[str, Any]], kind: str) -> list[str]:
    """Which goals were not met, in words."""
    found = []
    sizes = list(figures)
    for size, pages in figures.items():
        for name, page in pages.items():
            goal = next((ms for word, ms in GOALS.items() if name.startswith(word)), None)
            if goal and page[kind] > goal:
                found.append(f"{size}: {name} {page[kind]} ms > {goal} ms")
        for first, last in (("queue all shops first", "queue all shops last"),):
            if pages[last][kind] > LAST_PAGE * pages[first][kind]:
                found.append(f"{size}: {last} is more than {LAST_PAGE} × {first}")
    for name in figures[sizes[0]]:
        if name == "filled_in_s":
            continue
        small, large = (
            figures[size][name][kind] / figures[size][name]["loop"] for size in (sizes[0], sizes[-1])
        )
        if large > GROWTH * small:
            found.append(f"{name} grows {large / small:.2f} × from {sizes[0]} to {sizes[-1]}")
    return found


if __name__ == "__main__":
    sys.exit(main())
