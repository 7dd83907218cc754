"""What 200 corrections of a new kind of goods bring, by the product's own learning (reviews.shop_teaching).

    python benchmarks/learning.py --data causes_train.tsv [--runs 3]

For every category of goods in turn: a base is trained without it and without a fifth of the other reviews.
Reviews of the category come in at random and a person decides each, until 200 were wrong; what was right
counts as a decision too, and so do up to 200 on other categories' reviews that the base is unsure of.
Measured on the rest of the category and on held-out reviews of the others, before and after. Prints JSON:
every run and the medians. Needs scikit-learn.
"""

import argparse
import json
import os
import statistics
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import django
import numpy as np

django.setup()

from reviews.classification import training  # noqa: E402
from reviews.classification.decide import sub_cause_chances  # noqa: E402
from reviews.classification.features import FloatArray, IntArray  # noqa: E402
from reviews.classification.model import SUBS, Settings  # noqa: E402
from reviews.classification.samples import Sample, fold_of, read_samples  # noqa: E402
from reviews.shop_delta import CAUSE_NUMBER, Lessons, judge_chances, shifted  # noqa: E402
from reviews.shop_teaching import everyday, teach  # noqa: E402

CORRECTIONS, AGREEMENTS, UNSURE_BELOW = 200, 200, 0.75
LEAST_LEFT = 300  # reviews of a category to measure on
PLAIN = Settings(1.0, 0.75, 0.5, {"": 0.0}, {"": -2.0})


def chances_of(base: training.Fit, samples: list[Sample]) -> FloatArray:
    return sub_cause_chances(base.scores(samples), [""] * len(samples), PLAIN)


def wrong(chances: FloatArray, subs: IntArray) -> tuple[float, float]:
    """Give the shares of wrong causes and wrong sub-causes."""
    causes, found, _sure = judge_chances(chances)
    return float((causes != CAUSE_NUMBER[subs]).mean()), float((found != subs).mean())


def everyday_samples() -> list[Sample]:
    return [Sample(str(n), one.text, "", None, (), "") for n, one in enumerate(everyday()[0])]


def run(
    samples: list[Sample], chances: FloatArray, guard: FloatArray, category: str, seed: int
) -> dict[str, Any]:
    """Let one shop meet the category; its figures before and after."""
    random = np.random.default_rng(seed)
    subs = np.array([SUBS.index(s.sub) for s in samples if s.sub])
    new = random.permutation([n for n, s in enumerate(samples) if s.category == category])
    old = random.permutation(
        [n for n, s in enumerate(samples) if s.category != category and not fold_of(s, 5)]
    )
    _causes, found, sure = judge_chances(chances)
    errors = np.cumsum(found[new] != subs[new])
    met = min(int(np.searchsorted(errors, CORRECTIONS)) + 1, len(new) - LEAST_LEFT)
    known, measured = old[: len(old) // 2], old[len(old) // 2 :]
    learnt = np.concatenate([new[:met], known[sure[known] < UNSURE_BELOW][:AGREEMENTS]])
    texts = [samples[n].text for n in learnt]
    taught = teach(
        Lessons.decided(texts, chances[learnt], subs[learnt]), [samples[n].id for n in learnt], guard
    )

    def after(numbers: IntArray) -> FloatArray:
        return shifted(chances[numbers], taught.delta.shift([samples[n].text for n in numbers]))

    rest = new[met:]
    before, now = wrong(chances[rest], subs[rest]), wrong(after(rest), subs[rest])
    others, others_now = wrong(chances[measured], subs[measured]), wrong(after(measured), subs[measured])
    return {
        "corrections": int(errors[met - 1]),
        "decisions": len(learnt),
        "strength": taught.figures["strength"],
        "put in use": not taught.hindrance,
        "hindrance": taught.hindrance.get("code", ""),
        "wrong causes": [round(before[0], 3), round(now[0], 3)],
        "wrong sub-causes": [round(before[1], 3), round(now[1], 3)],
        "cut, causes": round(1 - now[0] / before[0], 3),
        "cut, sub-causes": round(1 - now[1] / before[1], 3),
        "others lose, points": round(100 * (others_now[0] - others[0]), 2),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    training.NEAR = training.NEARER = 1e-2  # a quick base: both sides stand on the same one
    samples = [sample for sample in read_samples(options.data) if sample.sub]
    names = sorted({sample.category for sample in samples})
    report: dict[str, Any] = {}
    for name in names:
        if sum(sample.category == name for sample in samples) < CORRECTIONS + LEAST_LEFT:
            continue
        base = training.fit([s for s in samples if s.category != name and fold_of(s, 5)])
        chances, guard = chances_of(base, samples), chances_of(base, everyday_samples())
        report[name] = [run(samples, chances, guard, name, seed) for seed in range(options.runs)]
        print(name, json.dumps(report[name], ensure_ascii=False), file=sys.stderr, flush=True)
    runs = [one for each in report.values() for one in each]
    keys = ("cut, causes", "cut, sub-causes", "others lose, points")
    medians = {key: statistics.median(one[key] for one in runs) for key in keys}
    medians["put in use by itself"] = f"{sum(one['put in use'] for one in runs)} of {len(runs)}"
    print(json.dumps({"medians": medians, "runs": report}, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
