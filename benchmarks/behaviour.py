"""How often signs of malice fire for honest buyers, and how many of a ring they find.

python -m benchmarks.behaviour --data FILE.tsv [--bad 3000]

Honest shops are made of the file's real bad reviews (column `text`), each by its own buyer with an order,
over 90 days, with the habits that fool a careless rule: three marks for one broken parcel, a broken batch
that many complain of within hours, stock phrases, masked nicks that merge, orders that never arrive. Then
rings are played in: one text in a few variants under several accounts, without orders. `--demo` reads the
demo's signs from the database instead, as the worker found them.
"""

import argparse
import csv
import json
import os
import random
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from reviews.behaviour import (
    Like,
    Mark,
    Signal,
    burst,
    demand,
    fingerprints,
    names_one_person,
    no_order,
    same_buyer,
    same_text,
    suggests_malice,
)

START = datetime(2026, 8, 1, tzinfo=UTC)
DAYS = 90


@dataclass
class Complaint:
    pk: int
    text: str
    nick: str
    order_no: str
    product: int
    at: datetime
    has_order: bool = True
    in_ring: bool = False
    looks: list[int] = field(default_factory=list)

    @property
    def writer(self) -> frozenset[str]:
        return frozenset({f"nick taobao {self.nick}"})


def honest(texts: list[str], dice: random.Random) -> list[Complaint]:
    """Bad reviews of a shop with 40 products; one in ten buyers complains again, nicks are half masked."""
    complaints: list[Complaint] = []
    for n, text in enumerate(texts):
        buyer = dice.randrange(n + 1) if n and dice.random() < 0.1 else n
        nick = f"{chr(0x4E00 + buyer % 400)}**{buyer % 10}" if buyer % 2 else f"买家{buyer}号"
        at = START + timedelta(days=dice.random() * DAYS)
        one = Complaint(n, text, nick, f"o{n}", dice.randrange(40), at, has_order=dice.random() > 0.03)
        complaints.append(one)
    for _ in range(len(texts) // 100):  # one parcel, three marks
        first = dice.choice(complaints)
        for other in dice.sample(complaints, 2):
            other.nick, other.order_no, other.at = first.nick, first.order_no, first.at + timedelta(minutes=4)
    for _ in range(6):  # a broken batch: twelve within three hours
        first = dice.choice(complaints)
        for other in dice.sample(complaints, 12):
            other.product, other.at = first.product, first.at + timedelta(minutes=dice.randrange(180))
    return complaints


def ring(pk: int, dice: random.Random) -> list[Complaint]:
    """Five accounts, one text in variants, within a day, on one product, mostly without orders."""
    heads = ("用了两天就坏了", "打开就有一股怪味", "跟图片完全两样", "一洗就掉色起球", "装上去就漏水")
    tails = ("大家千万别上当，去别家买吧", "老板态度还特别差，真的后悔", "这种店怎么还没关门，避雷避雷")
    text = (
        f"{dice.choice(heads)}，{dice.choice(tails)}，客服{dice.choice(('装死', '不理人', '只会复制粘贴'))}"
    )
    began, product = START + timedelta(days=dice.random() * DAYS), dice.randrange(40)
    ends = ("", "！", "。。", "，真的", "，无语")
    return [
        Complaint(
            pk + n,
            text + end,
            f"新人{pk}{n}",
            "" if dice.random() < 0.8 else f"r{pk}{n}",
            product,
            began + timedelta(minutes=dice.randrange(1200)),
            has_order=False,
            in_ring=True,
        )
        for n, end in enumerate(ends)
    ]


def signals_of(complaints: list[Complaint]) -> dict[int, list[Signal]]:
    """The signs of every complaint, with everything known at the end of the quarter."""
    by_look: dict[int, list[Complaint]] = defaultdict(list)
    by_nick: dict[str, list[Complaint]] = defaultdict(list)
    by_product: dict[int, list[datetime]] = defaultdict(list)
    for one in complaints:
        one.looks = fingerprints(one.text)
        for look in one.looks:
            by_look[look].append(one)
        if names_one_person(one.nick, "taobao"):
            by_nick[one.nick].append(one)
        by_product[one.product].append(one.at)
    found = {}
    for one in complaints:
        near = {other.pk: other for look in one.looks for other in by_look[look] if other is not one}
        likes = [Like(other.pk, 1, other.text, other.writer) for other in near.values()]
        marks = [
            Mark(o.pk, 1, o.product, o.order_no, True) for o in by_nick.get(one.nick, []) if o is not one
        ]
        signs = (
            no_order(has_order=one.has_order, order_no=one.order_no, matched=97, reviews=100),
            same_buyer(one.order_no, 1, marks),
            same_text(one.text, one.writer, likes),
            burst(one.at, by_product[one.product]),
            demand([("review", one.text)]),
        )
        found[one.pk] = [sign for sign in signs if sign]
    return found


def measure(texts: list[str]) -> dict[str, object]:
    dice = random.Random(7)
    complaints = honest(texts, dice)
    for n in range(20):
        complaints += ring(100_000 + 10 * n, dice)
    began = time.perf_counter()
    found = signals_of(complaints)
    took = time.perf_counter() - began
    good = [one for one in complaints if not one.in_ring]
    bad = [one for one in complaints if one.in_ring]
    fired = Counter(sign.kind.value for one in good for sign in found[one.pk])
    return {
        "honest": len(good),
        "fires_falsely": {kind: round(number / len(good), 4) for kind, number in sorted(fired.items())},
        "proposed_falsely": sum(suggests_malice(found[one.pk]) for one in good),
        "proposed_falsely_share": round(sum(suggests_malice(found[one.pk]) for one in good) / len(good), 5),
        "in_rings": len(bad),
        "ring_found": round(sum(suggests_malice(found[one.pk]) for one in bad) / len(bad), 3),
        "reviews_a_second": round(len(complaints) / took),
    }


def measure_demo() -> dict[str, object]:
    """The demo's three shops as the worker read them (HUIPING_VAR names a database that holds it)."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from reviews.models import BehaviourSignal, Case

    by_cause = Counter(
        (cause == "malicious", kind)
        for cause, kind in BehaviourSignal.objects.values_list("case__cause", "kind")
    )
    proposed = Case.objects.filter(events__kind="suspicion")
    return {
        "cases": Case.objects.count(),
        "signals_in_honest_cases": {kind: n for (bad, kind), n in by_cause.items() if not bad},
        "signals_in_malicious_cases": {kind: n for (bad, kind), n in by_cause.items() if bad},
        "proposed_honest": proposed.exclude(cause="malicious").count(),
        "proposed_malicious": proposed.filter(cause="malicious").count(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, help="real bad reviews: a TSV with a column `text`")
    parser.add_argument("--bad", type=int, default=3000, help="how many of them make the shop")
    parser.add_argument("--demo", action="store_true", help="measure the demo in the database instead")
    options = parser.parse_args()
    if options.demo:
        result = measure_demo()
    else:
        with options.data.open(encoding="utf-8") as rows:
            texts = [row["text"] for row in csv.DictReader(rows, delimiter="\t", quoting=csv.QUOTE_NONE)]
        dice = random.Random(3)
        result = measure(dice.sample(texts, min(options.bad, len(texts))))
    print(json.dumps(result, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
