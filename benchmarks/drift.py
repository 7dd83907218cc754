"""How often drift alarms ring in quiet shops, and how soon after a true shift. Simulated, seeded.

    python benchmarks/drift.py [--shops 300]

A quiet shop draws every day's mix around its own base (days differ more than chance: Dirichlet); it is looked
at every six hours for a quarter, by three measures, as reviews.drift does. An alarm that rings is
acknowledged, and the base begins anew. Prints JSON.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from reviews.drift_rule import compare

LOOKS = 4  # a day
BASE_DAYS, QUARTER = 28, 91
FIRST = BASE_DAYS * LOOKS
LIVELINESS = (
    300  # the larger, the more alike the days; 300 makes days of 100 reviews differ 1.3 times as chance
)
MIXES = {
    "causes": (0.45, 0.18, 0.23, 0.02, 0.12),
    "confidence": (0.08, 0.12, 0.18, 0.25, 0.37),
    "vocabulary": (0.3, 0.3, 0.25, 0.1, 0.05),
}
Mix = npt.NDArray[np.float64]


def looks(mix: Mix, days: int, a_day: int, random: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draw counts of every quarter day, shape (days × LOOKS, kinds)."""
    daily = random.dirichlet(mix * LIVELINESS, days)
    return np.array(
        [random.multinomial(random.poisson(a_day / LOOKS), daily[n // LOOKS]) for n in range(days * LOOKS)]
    )


def alarms(counts: npt.NDArray[np.int64], start: int) -> list[int]:
    """Give the looks, from `start` on, at which the alarm rings."""
    rung, known = [], 0
    for look in range(start, len(counts)):
        recent = counts[look - LOOKS + 1 : look + 1].sum(axis=0)
        first = max(known, look + 1 - LOOKS * (BASE_DAYS + 1))
        base = counts[first : look + 1 - LOOKS]
        days = [base[end - LOOKS : end].sum(axis=0).tolist() for end in range(len(base), LOOKS - 1, -LOOKS)]
        found = compare(days, recent.tolist())
        if found and found.is_alarming:
            rung.append(look)
            known = look - LOOKS + 1
    return rung


def quiet(shops: int, a_day: int) -> dict[str, Any]:
    """Count false alarms a shop and quarter, by measure and in all."""
    random = np.random.default_rng(7)
    days = BASE_DAYS + QUARTER
    rung = {
        name: [
            len(alarms(looks(np.array(mix), days, a_day, random), BASE_DAYS * LOOKS)) for _ in range(shops)
        ]
        for name, mix in MIXES.items()
    }
    whole = [sum(one) for one in zip(*rung.values(), strict=True)]
    by_measure = {name: round(statistics.mean(each), 3) for name, each in rung.items()}
    return {"false alarms a shop and quarter": round(statistics.mean(whole), 3), "by measure": by_measure}


def shifted(shops: int, a_day: int, step: float) -> dict[str, Any]:
    """Move a part of all reviews from the first cause to the third; how many shops are told in a day."""
    random = np.random.default_rng(11)
    mix = np.array(MIXES["causes"])
    moved = mix + np.array([-step, 0, step, 0, 0])
    within = []
    for _ in range(shops):
        counts = np.concatenate([looks(mix, BASE_DAYS, a_day, random), looks(moved, 2, a_day, random)])
        rung = alarms(counts, FIRST)
        within.append((rung[0] - FIRST + 1) * 24 / LOOKS if rung else float("inf"))
    index = float(((moved - mix) * np.log(moved / mix)).sum())
    return {
        "moved": step,
        "stability index": round(index, 2),
        "told within a day": round(sum(hours <= 24 for hours in within) / shops, 2),
        "median hours": statistics.median(within),
    }


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shops", type=int, default=300)
    shops = parser.parse_args().shops
    report = {
        f"{a_day} reviews a day": {
            **quiet(shops, a_day),
            "shifts": [shifted(shops, a_day, step) for step in (0.1, 0.15, 0.2, 0.3)],
        }
        for a_day in (40, 100, 300)
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
