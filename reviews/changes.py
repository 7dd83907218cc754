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
    complaining = iter(complain(fresh, again=again))
    unsure = iter([False] * len(fresh) if again else _wants_second_reading(fresh))
    changes = {}
    for request, old in pairs:
        was, now = said_in(old), said_in(request.review)
        content_complains, followup_complains = next(complaining), next(complaining)
        change = judge(was, now, content_complains=content_complains, followup_complains=followup_complains)
        is_unsure = any([next(unsure), next(unsure)]) and change == Change.CALM
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


def complain(texts: Sequence[str], *, again: bool = False) -> list[bool]:
    """Whether new words complain. The mark is not asked: it was given for what was said before.

    The classifier is told of a good mark, which makes it hear out "the new one has come, thank you"; what is
    "still" or "again" wrong is read without.
    """
    lenient = _read(_under_praise(texts), again=again)
    strict = _read([ReviewText(text=text) for text in texts], again=again)
    return [_complains(*three) for three in zip(texts, lenient, strict, strict=True)]


def _under_praise(texts: Sequence[str]) -> list[ReviewText]:
    return [ReviewText(text=text, rating="good") for text in texts]


def _read(texts: Sequence[ReviewText], *, again: bool) -> list[Verdict]:
    first = classify(texts, engine="fast")
    return read_again(texts, first) if again else first


def _wants_second_reading(texts: Sequence[str]) -> list[bool]:
    said = _under_praise(texts)
    return [wants_second_reading(*pair) for pair in zip(said, _read(said, again=False), strict=True)]


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
