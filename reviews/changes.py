"""Changed reviews: what the new version says that the last one read did not."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from reviews.causes import Cause
from reviews.classification import ReviewText, Verdict, classify, read_again, wants_second_reading
from reviews.differences import Piece, fresh_clauses, word_diff
from reviews.models import Classification, ClassificationRequest, ReadingRequest, Review, ReviewVersion
from reviews.watch_rule import Change, Said, judge

Request = ClassificationRequest | ReadingRequest

# "Still" and "again" after a repair: what the classifier, told that the writer may be content, overhears.
_STILL = re.compile(r"还是|仍|依然|依旧|又[^给帮送]|再次|还没|一直|始终")


@dataclass(frozen=True, slots=True)
class ReviewChange:
    """From version `number` of a review to the present one.

    `is_unsure`: no complaint was heard in the new words, and the second reader should hear them too.
    """

    number: int
    before: Said
    after: Said
    change: Change
    is_unsure: bool = False


def read_changes(claimed: Sequence[Request], *, again: bool = False) -> dict[int, ReviewChange]:
    """What changed since the version last read, by id of the request; first versions are not in it.

    With `again` the new words are read by the second reader.
    """
    changed = [request for request in claimed if request.version > 1]
    if not changed:
        return {}
    before = _versions_before(changed)
    pairs = [(request, before[request.pk]) for request in changed if request.pk in before]
    fresh = [text for request, old in pairs for text in _fresh_words(old, request)]
    heard = iter(_hear(fresh, again=again))
    changes = {}
    for request, old in pairs:
        was, now = said_in(old), said_in(request.review)
        content, followup = next(heard), next(heard)
        change = judge(was, now, content_complains=content.complains, followup_complains=followup.complains)
        is_unsure = change == Change.CALM and (content.is_unsure or followup.is_unsure)
        changes[request.pk] = ReviewChange(old.number, was, now, change, is_unsure)
    return changes


def said_in(source: Review | ReviewVersion) -> Said:
    """Mark and words of a review or one of its versions."""
    return Said(source.rating, source.content, source.followup)


def _versions_before(changed: Sequence[Request]) -> dict[int, ReviewVersion]:
    """The version the machine read last before this one: one that was overwritten unread is passed over."""
    reviews = [request.review_id for request in changed]
    read = set(
        Classification.objects.filter(review__in=reviews, decided_by=None).values_list("review", "version")
    )
    versions: dict[int, list[ReviewVersion]] = {}
    for version in ReviewVersion.objects.filter(review__in=reviews).order_by("-number"):
        versions.setdefault(version.review_id, []).append(version)
    found = {}
    for request in changed:
        earlier = [one for one in versions.get(request.review_id, []) if one.number < request.version]
        last_read = [one for one in earlier if (one.review_id, one.number) in read]
        if last_read or earlier:
            found[request.pk] = (last_read or earlier)[0]
    return found


def _fresh_words(old: ReviewVersion, request: Request) -> tuple[str, str]:
    review = request.review
    return fresh_clauses(old.content, review.content), fresh_clauses(old.followup, review.followup)


@dataclass(frozen=True, slots=True)
class Heard:
    """Whether new words complain, and whether the second reader should hear them too."""

    complains: bool
    is_unsure: bool


def complain(texts: Sequence[str]) -> list[bool]:
    """Whether new words complain. The mark is not asked: it was given for what was said before.

    The classifier is told of a good mark, which makes it hear out "the new one has come, thank you"; what is
    "still" or "again" wrong is read without.
    """
    return [one.complains for one in _hear(texts, again=False)]


def _hear(texts: Sequence[str], *, again: bool) -> list[Heard]:
    praised = [ReviewText(text=text, rating="good") for text in texts]
    bare = [ReviewText(text=text) for text in texts]
    lenient, strict = classify(praised, engine="fast"), classify(bare, engine="fast")
    unsure = [not again and wants_second_reading(*pair) for pair in zip(praised, lenient, strict=True)]
    if again:
        lenient, strict = read_again(praised, lenient), read_again(bare, strict)
    complaining = [_complains(*three) for three in zip(texts, lenient, strict, strict=True)]
    return [Heard(*both) for both in zip(complaining, unsure, strict=True)]


def _complains(text: str, lenient: Verdict, strict: Verdict) -> bool:
    if lenient.cause != Cause.NONE:
        return True
    return bool(_STILL.search(text)) and strict.decided and strict.cause != Cause.NONE


@dataclass(frozen=True, slots=True)
class Difference:
    """What a person is shown of a change: the marks, and the words of text and follow-up."""

    before: ReviewVersion
    after: ReviewVersion
    content: list[Piece]
    followup: list[Piece]

    @property
    def has_other_mark(self) -> bool:
        return self.before.rating != self.after.rating

    @property
    def has_other_text(self) -> bool:
        return self.before.content != self.after.content

    @property
    def has_other_followup(self) -> bool:
        return self.before.followup != self.after.followup


def difference(before: ReviewVersion, after: ReviewVersion) -> Difference:
    """Compare two versions of a review, word by word."""
    content = word_diff(before.content, after.content)
    return Difference(before, after, content, word_diff(before.followup, after.followup))
