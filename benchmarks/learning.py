"""What 200 corrections of a new kind of goods bring, by the product's own learning (reviews.shop_teaching).

    python benchmarks/learning.py --data causes_train.tsv [--more malicious_train.tsv] [--runs 3]

For every category of goods in turn: a base is trained on these files and the project's everyday reviews,
without the category and without a fifth of the other reviews; malice is proposed from where 3 in 1,000 honest
reviews of other goods are. The regression set is read by the shipped model, as in production.
Reviews of the category come in at random and a person decides each, until 200 were wrong; what was right
counts as a decision too, and so do up to 200 on other categories' reviews that the base is unsure of.
Measured on the rest of the category and on held-out reviews of the others, before and after.
A systematic error is a pair (read, right) of sub-causes that 10 or more of the corrections show. Of the
rest, reviews of these pairs count before; after, those of them that are still wrong in any way, and those
newly wrong between the two. Prints JSON: every run and the medians. Needs scikit-learn.
"""

import argparse
import json
import os
import statistics
import sys
from collections import Counter
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import django
import numpy as np

django.setup()

from reviews.causes import Cause  # noqa: E402
from reviews.classification import training  # noqa: E402
from reviews.classification.decide import malicious_score, sub_cause_chances  # noqa: E402
from reviews.classification.features import FloatArray, IntArray  # noqa: E402
from reviews.classification.model import SUBS, Settings  # noqa: E402
from reviews.classification.samples import Sample, fold_of, read_samples  # noqa: E402
from reviews.shop_delta import CAUSE_NUMBER, Lessons, judge_chances, shifted  # noqa: E402
from reviews.shop_reading import base_chances  # noqa: E402
from reviews.shop_teaching import everyday, teach  # noqa: E402

CORRECTIONS, AGREEMENTS, UNSURE_BELOW = 200, 200, 0.75
LEAST_LEFT = 300  # reviews of a category to measure on
SYSTEMATIC = 10
ACCUSED = 0.003  # of honest reviews
EVERYDAY = Path(training.__file__).parent / "everyday" / "everyday.tsv"


def chances_of(scores: FloatArray, honest: IntArray) -> FloatArray:
    """Turn the base's scores into chances; `honest` are reviews that show where malice is proposed."""
    shift = -float(np.quantile(malicious_score(scores[honest]), 1 - ACCUSED))
    return sub_cause_chances(scores, [""] * len(scores), Settings(1.0, 0.75, 0.5, {"": 0.0}, {"": shift}))


def wrong(chances: FloatArray, subs: IntArray) -> tuple[float, float]:
    """Give the shares of wrong causes and wrong sub-causes."""
    causes, found, _sure = judge_chances(chances)
    return float((causes != CAUSE_NUMBER[subs]).mean()), float((found != subs).mean())


def systematic(
    before: IntArray, after: IntArray, right: IntArray, pairs: set[tuple[int, int]]
) -> tuple[int, int]:
    """Count the systematic errors before and what is left of them or new between the same sub-causes."""
    either = pairs | {(right, read) for read, right in pairs}
    old = np.array([pair in pairs for pair in zip(before.tolist(), right.tolist(), strict=True)])
    new = np.array([pair in either for pair in zip(after.tolist(), right.tolist(), strict=True)])
    left = (old & (after != right)) | (new & (before == right))
    return int(old.sum()), int(left.sum())


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
    confused = Counter(zip(found[new[:met]].tolist(), subs[new[:met]].tolist(), strict=True))
    pairs = {pair for pair, times in confused.items() if pair[0] != pair[1] and times >= SYSTEMATIC}
    errors_before, errors_after = systematic(found[rest], judge_chances(after(rest))[1], subs[rest], pairs)
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
        "systematic errors": [errors_before, errors_after],
        "cut, systematic errors": round(1 - errors_after / errors_before, 3) if errors_before else 0.0,
        "cut, causes": round(1 - now[0] / before[0], 3),
        "cut, sub-causes": round(1 - now[1] / before[1], 3),
        "others lose, points": round(100 * (others_now[0] - others[0]), 2),
    }


def honest_others(samples: list[Sample], category: str) -> IntArray:
    """Number the honest reviews of other goods that the base was not trained on."""
    return np.array(
        [
            n
            for n, s in enumerate(samples)
            if s.category != category and not fold_of(s, 5) and s.cause != Cause.MALICIOUS
        ]
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--more", type=Path, nargs="*", default=[], help="further files for the base")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    training.NEAR = training.NEARER = 1e-2  # a quick base: both sides stand on the same one
    samples = [sample for sample in read_samples(options.data) if sample.sub]
    further = [sample for path in (EVERYDAY, *options.more) for sample in read_samples(path)]
    guard = base_chances(everyday()[0])
    names = sorted({sample.category for sample in samples})
    report: dict[str, Any] = {}
    for name in names:
        if sum(sample.category == name for sample in samples) < CORRECTIONS + LEAST_LEFT:
            continue
        known = [s for s in samples if fold_of(s, 5)] + further
        base = training.fit([s for s in known if s.category != name])
        chances = chances_of(base.scores(samples), honest_others(samples, name))
        report[name] = [run(samples, chances, guard, name, seed) for seed in range(options.runs)]
        print(name, json.dumps(report[name], ensure_ascii=False), file=sys.stderr, flush=True)
    runs = [one for each in report.values() for one in each]
    keys = ("cut, systematic errors", "cut, causes", "cut, sub-causes", "others lose, points")
    medians = {key: statistics.median(one[key] for one in runs) for key in keys}
    medians["put in use by itself"] = f"{sum(one['put in use'] for one in runs)} of {len(runs)}"
    print(json.dumps({"medians": medians, "runs": report}, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
