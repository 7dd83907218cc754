"""How fast reviews are classified, beside snownlp's sentiment and jieba's word cutting in the same run.

    python benchmarks/classification.py [--data FILE.tsv] [--reviews 2000]

Prints JSON: reviews a second on one core for each reader, the ratios, and the memory that each of them adds
to Django. Without --data the texts are made up. Speeds are by processor time: what else the machine does
meanwhile does not count.
"""

import argparse
import csv
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from pathlib import Path

import psutil

# One core: numpy's own threads must not help.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

ROUNDS = 3
# snownlp reads some hundred reviews a second: more would only take longer.
SLOW_SHARE = 10

WHAT = ("苹果", "衣服", "平板电脑", "洗发水", "这本书", "手机", "热水器", "充电器", "裤子", "包装盒")
HOW = (
    "收到就坏了，联系客服半天不回",
    "质量太差，用了两天就不行了，后悔买了",
    "和图片完全不一样，颜色差很多",
    "物流太慢，等了十多天才到，快递员态度也不好",
    "烂了好几个，根本没法吃，差评",
    "还可以吧，就是有点贵，刚买就降价",
    "尺码偏小，穿不上，想退货还要自己出运费",
    "说好的赠品没有送，发票也不给开",
)


def made_up() -> list[str]:
    """Make 80 different reviews."""
    return [f"买的{what}{how}。" for what in WHAT for how in HOW]


def read(path: Path) -> list[str]:
    """Read the column `text` of a tab-separated file."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return [row["text"] for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)]


def reviews_a_second(work: Callable[[Sequence[str]], object], texts: Sequence[str]) -> float:
    """Give the best of some rounds."""
    best = 0.0
    for _ in range(ROUNDS):
        start = time.process_time()
        work(texts)
        best = max(best, len(texts) / (time.process_time() - start))
    return best


def memory() -> float:
    """Give this process's resident memory in MB."""
    return float(psutil.Process().memory_info().rss) / 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--reviews", type=int, default=2000)
    options = parser.parse_args()
    texts = list(islice(cycle(read(options.data) if options.data else made_up()), options.reviews))

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    before = memory()
    from reviews.classification import ReviewText, classify, wants_second_reading
    from reviews.classification.model import ARTIFACT, load, shipped
    from reviews.classification.network import ARTIFACTS, load_network

    start = time.perf_counter()
    load(ARTIFACT)
    loading = {"linear model": round(time.perf_counter() - start, 3)}
    reviews = [ReviewText(text) for text in texts]
    firsts = classify(reviews, "fast")
    used = {"fast reader": memory() - before}
    start = time.perf_counter()
    load_network(ARTIFACTS)
    loading["network"] = round(time.perf_counter() - start, 3)
    classify(reviews[:200])
    used["both readers"] = memory() - before

    import jieba
    from snownlp import SnowNLP

    jieba.initialize()
    slow, few = reviews[: len(texts) // 4], texts[: max(1, len(texts) // SLOW_SHARE)]
    speeds = {
        "fast reader, batches": reviews_a_second(lambda all_: classify(reviews, "fast"), texts),
        "fast reader, one by one": reviews_a_second(
            lambda all_: [classify([review], "fast") for review in reviews], texts
        ),
        "both readers as used": reviews_a_second(lambda all_: classify(slow), texts[: len(slow)]),
        "strong reader, every review": reviews_a_second(
            lambda all_: classify(slow, "strong"), texts[: len(slow)]
        ),
        "jieba.lcut": reviews_a_second(lambda all_: [jieba.lcut(t) for t in all_], texts),
        "SnowNLP(text).sentiments": reviews_a_second(lambda all_: [SnowNLP(t).sentiments for t in all_], few),
    }
    batched = speeds["fast reader, batches"]
    read_twice = sum(map(wants_second_reading, reviews, firsts)) / len(reviews)
    report = {
        "models": sorted({shipped().version, classify(reviews[:1], "strong")[0].model}),
        "python": platform.python_version(),
        "texts": str(options.data.name) if options.data else "made up",
        "reviews": len(texts),
        "characters a review": round(sum(map(len, texts)) / len(texts), 1),
        "load in seconds": loading,
        "part read twice": round(read_twice, 3),
        "MB above Django": {name: round(size) for name, size in used.items()},
        "reviews a second": {name: round(speed) for name, speed in speeds.items()},
        "fast reader is faster by": {
            name: round(batched / speed, 2)
            for name, speed in speeds.items()
            if name != "fast reader, batches"
        },
    }
    print(json.dumps(report, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
