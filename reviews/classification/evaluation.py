"""How good verdicts are against labels: every figure that a release is judged by."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from reviews.causes import Cause
from reviews.classification.samples import Sample
from reviews.classification.verdict import Verdict

Pairs = Sequence[tuple[Sample, Verdict]]

# The causes whose F1 is averaged: malicious and praise are too rare in a plain sample.
AVERAGED = (Cause.PRODUCT, Cause.SUBJECTIVE, Cause.SERVICE)
BINS = 10


def measure(samples: Sequence[Sample], verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Compare verdicts with the labels of their samples; figures without a label to stand on are null."""
    pairs = list(zip(samples, verdicts, strict=True))
    labelled = [(sample, verdict) for sample, verdict in pairs if sample.sub]
    rated = [(sample, verdict) for sample, verdict in pairs if sample.sub is None and sample.rating]
    return {"reviews": len(pairs), **measure_causes(labelled), **measure_polarity(rated)}


def measure_causes(pairs: Pairs) -> dict[str, Any]:
    """Measure verdicts whose cause is labelled."""
    decided = [(sample, verdict) for sample, verdict in pairs if verdict.decided]
    return {
        "accuracy": _share(pairs, _right),
        "macro_f1": _rounded([f1(pairs, cause) for cause in AVERAGED]),
        "sub_cause_accuracy": _share(pairs, lambda s, v: s.sub == v.sub_cause),
        "decided_share": _share(pairs, lambda s, v: v.decided),
        "decided_accuracy": _share(decided, _right),
        "malicious_precision": _precision(pairs, Cause.MALICIOUS),
        "malicious_recall": _recall(pairs, Cause.MALICIOUS),
        "honest_called_malicious": _share(
            [pair for pair in pairs if pair[0].cause != Cause.MALICIOUS],
            lambda s, v: v.cause == Cause.MALICIOUS,
        ),
        "also_f1": _also_f1(pairs),
        "calibration_error": calibration_error(pairs),
        "reliability": reliability(pairs),
        "confusion": confusion(pairs),
    }


def measure_polarity(pairs: Pairs) -> dict[str, Any]:
    """Measure whether good texts are told from bad ones: by the polarity, and by what the cause says of it.

    `polarity_balanced` is the mean of the shares right of good and of bad.
    """
    good = [pair for pair in pairs if pair[0].rating == "good"]
    bad = [pair for pair in pairs if pair[0].rating == "bad"]
    return {
        "polarity_accuracy": _share(pairs, _right_way),
        "polarity_balanced": _rounded(
            [part for part in (_share(good, _right_way), _share(bad, _right_way)) if part is not None]
        ),
        "polarity_by_cause": _share(pairs, lambda s, v: (s.rating == "good") == (v.cause == Cause.NONE)),
        "good_called_complaint": _share(good, lambda s, v: v.cause != Cause.NONE),
        "bad_called_praise": _share(bad, lambda s, v: v.cause == Cause.NONE),
    }


def f1(pairs: Pairs, cause: Cause) -> float:
    """Give the F1 of one cause, 0 where it neither occurs nor is said."""
    hits = sum(sample.cause == cause == verdict.cause for sample, verdict in pairs)
    named = sum((sample.cause == cause) + (verdict.cause == cause) for sample, verdict in pairs)
    return 2 * hits / named if named else 0.0


def reliability(pairs: Pairs) -> list[dict[str, Any]]:
    """Give, for every tenth of confidence, how many reviews it has, how sure and how right they were."""
    bins: dict[int, list[tuple[Sample, Verdict]]] = {}
    for sample, verdict in pairs:
        bins.setdefault(min(int(verdict.confidence * BINS), BINS - 1), []).append((sample, verdict))
    return [
        {
            "from": number / BINS,
            "reviews": len(inside),
            "confidence": round(sum(verdict.confidence for _, verdict in inside) / len(inside), 4),
            "accuracy": _share(inside, _right),
        }
        for number, inside in sorted(bins.items())
    ]


def calibration_error(pairs: Pairs) -> float | None:
    """Give the expected calibration error: how far confidence and accuracy lie apart, weighed by tenths."""
    if not pairs:
        return None
    gaps = (one["reviews"] * abs(one["confidence"] - one["accuracy"]) for one in reliability(pairs))
    return round(float(sum(gaps)) / len(pairs), 4)


def confusion(pairs: Pairs) -> dict[str, dict[str, int]]:
    """Count verdicts (inner) by labelled cause (outer)."""
    counts = Counter((sample.cause, verdict.cause) for sample, verdict in pairs)
    return {label.value: {said.value: counts[label, said] for said in Cause} for label in Cause}


def _right(sample: Sample, verdict: Verdict) -> bool:
    return sample.cause == verdict.cause


def _right_way(sample: Sample, verdict: Verdict) -> bool:
    return sample.rating == verdict.polarity


def _share(pairs: Pairs, holds: Callable[[Sample, Verdict], bool]) -> float | None:
    return round(sum(holds(sample, verdict) for sample, verdict in pairs) / len(pairs), 4) if pairs else None


def _rounded(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def _precision(pairs: Pairs, cause: Cause) -> float | None:
    return _share([pair for pair in pairs if pair[1].cause == cause], _right)


def _recall(pairs: Pairs, cause: Cause) -> float | None:
    return _share([pair for pair in pairs if pair[0].cause == cause], _right)


def _also_f1(pairs: Pairs) -> float | None:
    hits = sum(len(set(sample.also) & set(verdict.also)) for sample, verdict in pairs)
    named = sum(len(sample.also) + len(verdict.also) for sample, verdict in pairs)
    return round(2 * hits / named, 4) if named else None
