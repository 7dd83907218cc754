"""What a review complains of: pure Python, numpy and, for the second reader, onnxruntime.

No database, no web, no network connection. `classify` reads; `wants_second_reading` and `read_again` are its
two steps for whoever answers with the fast reader at once and lets the second one follow in a queue.
`decide_from` decides anew once something has been added to a verdict's `scores`.
"""

from collections.abc import Sequence

from reviews.classification import decide as deciding
from reviews.classification.decide import decide
from reviews.classification.model import shipped
from reviews.classification.second import decided_from, read_again, reader, wants_second_reading
from reviews.classification.verdict import SUBS, Engine, Mark, ReviewText, Verdict

__all__ = [
    "SUBS",
    "Engine",
    "Mark",
    "ReviewText",
    "Verdict",
    "classify",
    "decide_from",
    "read_again",
    "wants_second_reading",
]


def classify(texts: Sequence[ReviewText], engine: Engine = "both") -> list[Verdict]:
    """Judge reviews with the shipped models, in their order; any string is answered, none raises.

    `fast` is the linear model alone and all that web processes and the waiting queue may use; `strong` the
    network alone; `both` lets the network join in where the linear model is unsure.
    """
    if engine == "strong":
        return decide(texts, shipped(), reader("strong"))
    verdicts = decide(texts, shipped())
    if engine == "fast":
        return verdicts
    pairs = zip(texts, verdicts, strict=True)
    unsure = [number for number, (text, first) in enumerate(pairs) if wants_second_reading(text, first)]
    again = read_again([texts[n] for n in unsure], [verdicts[n] for n in unsure])
    for number, verdict in zip(unsure, again, strict=True):
        verdicts[number] = verdict
    return verdicts


def decide_from(scores: Sequence[float], review: ReviewText, first: Verdict) -> Verdict:
    """Decide anew from changed scores: logarithms in the order of `SUBS`, which need not add up to anything.

    The rating is already in `first.scores`. What `first` said of further causes stays; words and marks become
    those of the new sub-cause; a text without words keeps its first verdict, and one the model does not read
    is still never decided and never malicious.
    """
    return deciding.decide_from(scores, review, first, shipped(), decided_from(first.model))
