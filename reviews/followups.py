"""A follow-up that complains under words of praise: what the buyer said last is what counts."""

from collections.abc import Sequence
from dataclasses import replace

from reviews.causes import Cause
from reviews.classification import ReviewText, Verdict, classify
from reviews.models import Rating, Review


def heard_last(reviews: Sequence[Review], verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Take the follow-up's own verdict where a good review as a whole complains of nothing and it does.

    Praise outweighs a short "broken after two weeks" in one reading of both, so the follow-up is read alone.
    """
    heard = list(verdicts)
    praising = [at for at, review in enumerate(reviews) if _praises(review, heard[at])]
    alone = classify(
        [ReviewText(text=_followup(reviews[at]), rating="good") for at in praising], engine="fast"
    )
    for at, verdict in zip(praising, alone, strict=True):
        if verdict.cause != Cause.NONE:
            heard[at] = _placed(verdict, reviews[at])
    return heard


def _praises(review: Review, verdict: Verdict) -> bool:
    return (
        review.rating == Rating.GOOD
        and verdict.cause == Cause.NONE
        and bool(review.content.strip() and _followup(review))
    )


def _followup(review: Review) -> str:
    return review.followup.strip()


def _placed(verdict: Verdict, review: Review) -> Verdict:
    """Count the marks of a follow-up's verdict from the beginning of the whole text."""
    start = review.full_text.rfind(_followup(review))
    return replace(
        verdict, marks=tuple((start + begin, start + end, weight) for begin, end, weight in verdict.marks)
    )
