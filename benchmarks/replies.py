"""How long a search over many reply templates takes: python -m benchmarks.replies [--templates 5000].

Measures the page's own query on a database of its own, for words, full pinyin and initials.
"""

import argparse
import os
import statistics
import tempfile
import time

QUERIES = ("补发", "bufa", "bf", "psqj", "posun", "店铺 liaotian", "ztzxt")
PLACES = ("破损", "缺件", "气味", "尺码", "物流", "发票", "态度", "做工", "鲜度", "承诺")
SAYINGS = (
    "请把照片发到店铺聊天里",
    "我们核对后补发",
    "抱歉让您失望",
    "退换由您选",
    "运费由店里承担",
    "售后会跟到底",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--templates", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    os.environ.setdefault("HUIPING_VAR", tempfile.mkdtemp())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    _fill(options.templates)
    for query in QUERIES:
        times, found = _measure(query, options.rounds)
        times.sort()
        print(
            f"{query:<14} {found:>5} found   median {statistics.median(times):5.1f} ms"
            f"   p95 {times[int(len(times) * 0.95) - 1]:5.1f} ms"
        )


def _fill(number: int) -> None:
    from reviews.models import ReplyTemplate, Shop

    shop, _made = Shop.objects.get_or_create(code="bench", defaults={"name": "b", "platform": "own"})
    missing = number - ReplyTemplate.objects.count()
    ReplyTemplate.objects.bulk_create(
        ReplyTemplate(
            shop=shop,
            name=f"{PLACES[n % 10]}{PLACES[n // 10 % 10]} {n}",
            text="。".join(SAYINGS[(n + turn * turn) % 6] for turn in range(6)),
        )
        for n in range(missing)
    )


def _measure(query: str, rounds: int) -> tuple[list[float], int]:
    from reviews.models import ReplyTemplate, Shop

    shop = Shop.objects.get(code="bench")
    times = []
    for _round in range(rounds):
        began = time.perf_counter()
        list(ReplyTemplate.objects.usable_in(shop).filter(purpose="reply").search(query)[:20])
        times.append((time.perf_counter() - began) * 1000)
    return times, ReplyTemplate.objects.usable_in(shop).search(query).count()


if __name__ == "__main__":
    main()
