"""The main job under load: bad reviews posted to a running instance all become dispatched cases.

    python -m benchmarks.main_job                                    1,000 made-up reviews on SQLite
    python -m benchmarks.main_job --data FILE.tsv --number 5000      texts of a file (column `text`)
    python -m benchmarks.main_job --database-url postgres://… --redis-url redis://…/9

Starts `manage.py run` on a database of its own, posts orders and reviews over HTTP, kills the worker with
-9 in the middle, posts everything a second time, and reads every case back through the API. Prints JSON;
exit status 1 when a review was lost or doubled.
"""

import argparse
import csv
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BASE = Path(__file__).resolve().parent.parent
SHOP = "demo-taobao"
BATCH = 100
MADE_UP = [
    "收到就是碎的，包装里全是渣，太失望了",
    "客服问了三天都不回，态度也差",
    "尺码偏小太多，根本穿不下",
    "等了半个月才发货，物流信息一直不动",
    "用了两天就坏了，充不进电",
    "颜色和图片完全不一样",
    "味道一般，不值这个价",
]


def main() -> int:
    options = read_options()
    texts = read_texts(options.data, options.number)
    with (
        tempfile.TemporaryDirectory(prefix="huiping-bench-") as var,
        own_database(options.database_url) as url,
    ):
        env = environment(var, url, options.redis_url)
        with running(env) as address:
            key = manage(env, "create_api_key", "--shop", SHOP).strip()
            figures = run(Client(address, key), texts, kill=not options.no_kill)
    figures["database"] = "postgresql" if options.database_url else "sqlite"
    print(json.dumps(figures, indent=1))
    return 1 if figures["lost"] or figures["doubled"] or figures["undispatched"] else 0


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="tab-separated file with a column `text`")
    parser.add_argument("--number", type=int, default=1000)
    parser.add_argument(
        "--database-url", default="", help="a PostgreSQL server; a database is made and dropped"
    )
    parser.add_argument("--redis-url", default="")
    parser.add_argument("--no-kill", action="store_true", help="leave the worker alive")
    return parser.parse_args()


def read_texts(data: Path | None, number: int) -> list[str]:
    if data is None:
        return [f"{MADE_UP[at % len(MADE_UP)]}，第{at}单" for at in range(number)]
    with data.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [row["text"] for row in rows[:number]]


# --- the instance --------------------------------------------------------------------------------


def environment(var: str, database_url: str, redis_url: str) -> dict[str, str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    env = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", var),
        "HUIPING_VAR": var,
        "PORT": str(port),
    }
    if database_url:
        env["DATABASE_URL"] = database_url
    if redis_url:
        env["REDIS_URL"] = redis_url
    return env


@contextmanager
def own_database(server_url: str) -> Iterator[str]:
    """A fresh database on the server, dropped afterwards; nothing for SQLite."""
    if not server_url:
        yield ""
        return
    import psycopg
    from psycopg import sql

    name = f"huiping_bench_{os.getpid()}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield f"{server_url.rsplit('/', 1)[0]}/{name}"
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def running(env: dict[str, str]) -> Iterator[str]:
    """The whole program, as `make run` starts it; its address."""
    process = subprocess.Popen([sys.executable, "manage.py", "run"], cwd=BASE, env=env, stdout=sys.stderr)
    address = f"http://127.0.0.1:{env['PORT']}"
    try:
        await_page(address, process)
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def await_page(address: str, process: subprocess.Popen[bytes]) -> None:
    for _try in range(600):
        try:
            with urllib.request.urlopen(f"{address}/login/", timeout=5):
                return
        except OSError:
            if process.poll() is not None:
                raise SystemExit("the program did not start") from None
            time.sleep(0.2)
    raise SystemExit("the program did not answer within two minutes")


def manage(env: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=BASE,
        env=env,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


def kill_worker() -> int:
    """kill -9 every process of the classifying worker; how many."""
    found = subprocess.run(
        ["pgrep", "-f", "celery -A config worker.*-n worker@"], stdout=subprocess.PIPE, text=True
    )
    pids = [int(pid) for pid in found.stdout.split()]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return len(pids)


# --- the work ------------------------------------------------------------------------------------


class Client:
    """Another system with a key."""

    def __init__(self, address: str, key: str) -> None:
        self.address, self.headers = (
            address,
            {"Authorization": f"Api-Key {key}", "Content-Type": "application/json"},
        )

    def post(self, path: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        request = urllib.request.Request(f"{self.address}{path}", json.dumps(rows).encode(), self.headers)
        answers: list[dict[str, Any]] = self._ask(request)
        return answers

    def get(self, url: str) -> Any:
        return self._ask(urllib.request.Request(url, headers=self.headers))

    def _ask(self, request: urllib.request.Request) -> Any:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)

    def all(self, path: str) -> Iterator[dict[str, Any]]:
        url = f"{self.address}{path}"
        while url:
            page = self.get(url)
            yield from page["results"]
            url = page["next"]


def run(client: Client, texts: list[str], *, kill: bool) -> dict[str, Any]:
    orders, reviews = made_orders(len(texts)), made_reviews(texts)
    keys = {row["review_key"] for row in reviews}
    began = time.monotonic()
    post_all(client, "/api/v1/orders/batch/", orders)
    posted = time.monotonic()
    first = post_all(client, "/api/v1/reviews/batch/", reviews[: len(reviews) // 2])
    killed = kill_worker() if kill else 0
    first += post_all(client, "/api/v1/reviews/batch/", reviews[len(reviews) // 2 :])
    taken_in = time.monotonic()
    second = post_all(client, "/api/v1/reviews/batch/", reviews)
    again = time.monotonic()
    cases = await_cases(client, keys)
    ended = time.monotonic()
    seen = Counter(case["review_key"] for case in cases)
    return {
        "reviews": len(reviews),
        "first_post": dict(first),
        "second_post": dict(second),
        "worker_processes_killed": killed,
        "lost": len(keys - set(seen)),
        "doubled": sum(count > 1 for count in seen.values()),
        "undispatched": sum(case["assignee"] is None for case in cases),
        "causes": dict(Counter(case["cause"] for case in cases)),
        "seconds": {
            "orders_posted": round(posted - began, 1),
            "reviews_posted": round(taken_in - posted, 1),
            "posted_again": round(again - taken_in, 1),
            "all_cases_open_after_first_review": round(ended - posted, 1),
        },
    }


def post_all(client: Client, path: str, rows: list[dict[str, Any]]) -> Counter[str]:
    """Post in batches from four connections; how many rows had which status."""
    batches = [rows[at : at + BATCH] for at in range(0, len(rows), BATCH)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda batch: client.post(path, batch), batches))
    return Counter(row["status"] for answer in answers for row in answer)


def await_cases(client: Client, keys: set[str], patience: float = 600) -> list[dict[str, Any]]:
    deadline = time.monotonic() + patience
    while True:
        cases = [case for case in client.all("/api/v1/cases/?page_size=200") if case["review_key"] in keys]
        if len({case["review_key"] for case in cases}) == len(keys) or time.monotonic() > deadline:
            return cases
        time.sleep(1)


def made_orders(number: int) -> list[dict[str, Any]]:
    return [
        {
            "order_no": f"9{at:017d}",
            "status": "completed",
            "created_at": "2026-11-11T10:00:00+08:00",
            "buyer_nick": f"买家{at}",
            "buyer_name": "王小明",
            "buyer_phone": f"1990000{at % 10000:04d}",
            "address": "浙江省杭州市西湖区某路1号",
            "item_id": str(600000 + at % 40),
            "item_title": f"商品{at % 40}",
            "quantity": 1,
            "amount": f"{20 + at % 300}.00",
        }
        for at in range(number)
    ]


def made_reviews(texts: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "review_key": f"bench-{at}",
            "order_no": f"9{at:017d}",
            "item_id": str(600000 + at % 40),
            "buyer_nick": f"买家{at}",
            "rating": "bad",
            "stars": 1,
            "content": text,
            "created_at": "2026-11-18T10:00:00+08:00",
        }
        for at, text in enumerate(texts)
    ]


if __name__ == "__main__":
    sys.exit(main())
