"""Labelled reviews read from tab-separated files, for training and evaluation."""

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from reviews.causes import CAUSE_OF, Cause, SubCause

RATINGS = {"", "good", "neutral", "bad"}
# With its rating a labelled review has one field more.
RATED_FIELDS = 7


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled review.

    `sub` is None where only good or bad is known, `rating` empty where it is not; `source` names the file.
    """

    id: str
    text: str
    category: str
    sub: SubCause | None
    also: tuple[Cause, ...]
    rating: str
    source: str = ""

    @property
    def cause(self) -> Cause | None:
        """Give the labelled primary cause."""
        return CAUSE_OF[self.sub] if self.sub else None


class UnreadableSamplesError(ValueError):
    """A data file has a line that is no labelled review."""


def read_samples(path: Path) -> list[Sample]:
    """Read a file with the header `id category cause sub_cause also [rating] text`, or a polarity file.

    The latter has no header; its lines are `id category label text`, label 1 good or 0 bad.
    `.gz` is unpacked.

    Raises:
        UnreadableSamplesError: a line lacks fields or has an unknown code; it names file and line.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", newline="\n") as lines:
        return list(_samples(lines, path))


def _samples(lines: TextIO, path: Path) -> Iterator[Sample]:
    """Read the lines of one file."""
    for number, line in enumerate(lines, 1):
        fields = line.rstrip("\r\n").split("\t")
        if number == 1 and fields[0] == "id":
            continue
        try:
            yield replace(_sample(fields), source=path.name)
        except (KeyError, ValueError) as wrong:
            raise UnreadableSamplesError(f"{path}, line {number}: {wrong}") from wrong


def _sample(fields: list[str]) -> Sample:
    """Read one line's fields."""
    if len(fields) == 4:
        name, category, label, text = fields
        return Sample(name, text.lstrip("﻿"), category, None, (), {"1": "good", "0": "bad"}[label])
    rating = fields.pop(5) if len(fields) == RATED_FIELDS else ""
    if rating not in RATINGS:
        raise ValueError(f"{rating} is no rating")
    name, category, cause, sub, also, text = fields
    if CAUSE_OF[SubCause(sub)] != cause:
        raise ValueError(f"{sub} is no sub-cause of {cause}")
    further = tuple(Cause(one) for one in also.split(",") if one)
    return Sample(name, text, category, SubCause(sub), further, rating)


def fold_of(sample: Sample, folds: int) -> int:
    """Give the cross-validation fold of a sample: by its id, so the same review is always in the same one.

    Reviews with label and rating are grouped by category: they are held out trade by trade.
    """
    key = sample.category if sample.sub and sample.rating else sample.id
    return int(hashlib.sha256(key.encode()).hexdigest(), 16) % folds
