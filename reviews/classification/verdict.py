"""What goes into the classifier and what comes out of it."""

from dataclasses import dataclass
from typing import Literal

from reviews.causes import CAUSE_OF, Cause, SubCause

# fast: the linear model alone. strong: the network alone. both: the linear model, and where it is unsure the
# network together with it.
Engine = Literal["fast", "strong", "both"]

CAUSES: tuple[Cause, ...] = tuple(Cause)
# The order of `Verdict.scores`.
SUBS: tuple[SubCause, ...] = tuple(SubCause)
CAUSE_NUMBERS: tuple[int, ...] = tuple(CAUSES.index(CAUSE_OF[sub]) for sub in SUBS)

# Whether a text as a whole praises or complains.
Polarity = Literal["good", "bad"]

# A clause that decided: where it starts and ends in the text as written (the end not included), and how much
# it weighs beside the weightiest, 0 … 1.
Mark = tuple[int, int, float]


@dataclass(frozen=True, slots=True)
class ReviewText:
    """What the classifier sees of a review; `rating` is good, neutral, bad or empty when unknown."""

    text: str
    category: str = ""
    rating: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a review complains of.

    `words` stand verbatim in the text; `marks` are the clauses that decided, in the order of the text.
    `scores` are the logarithms of the chances of all 24 sub-causes in the order of `SUBS`: what was learnt
    elsewhere may be added to them, and `reviews.classification.decide_from` decides anew. `model` names the
    version of what read the text. `polarity` is the good or bad of the text alone: it has a threshold of
    its own and may be good where the cause of a complaint is named.
    """

    cause: Cause
    sub_cause: SubCause
    also: tuple[Cause, ...]
    confidence: float
    decided: bool
    words: tuple[str, ...]
    model: str
    marks: tuple[Mark, ...] = ()
    scores: tuple[float, ...] = ()
    polarity: Polarity = "bad"
