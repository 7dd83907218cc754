"""Classify reviews given as JSON lines; needs no database."""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, BinaryIO, get_args

from django.core.management.base import BaseCommand, CommandError, CommandParser

from reviews.classification import Engine, ReviewText, Verdict, classify

BATCH = 500
RATINGS = {"", "good", "neutral", "bad"}


class BrokenLineError(ValueError):
    """A line of the input is no review."""


class Command(BaseCommand):
    help = (
        'Read reviews as JSON lines {"text": ..., "category": ..., "rating": good|neutral|bad} (the last two '
        "optional) in UTF-8 from standard input and write, in the same order, one JSON line for each: "
        '{"cause", "sub_cause", "also": [], "confidence", "decided", "words": [], "polarity": good|bad}; the '
        "polarity is that of the text alone, whatever the rating. Empty lines are passed over. At the first "
        "broken line it stops: every line before it has been answered, the message on "
        "standard error names the line, and the exit code is 1. Needs no database."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--engine",
            choices=get_args(Engine),
            default="both",
            help="fast: the linear model; strong: the network; both: the network where the former is unsure",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            _answer(sys.stdin.buffer, sys.stdout.buffer, options["engine"])
        except BrokenLineError as broken:
            raise CommandError(str(broken)) from broken
        except BrokenPipeError:
            # Whoever read the answers has had enough (`| head`); nothing can be written at exit either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _answer(lines: BinaryIO, answers: BinaryIO, engine: Engine) -> None:
    """Answer all lines, batch by batch, those before a broken one too."""
    reviews = _reviews(lines)
    while batch := _next_batch(reviews):
        good = [review for review in batch if isinstance(review, ReviewText)]
        answers.writelines(_as_line(verdict) for verdict in classify(good, engine))
        answers.flush()
        if isinstance(batch[-1], BrokenLineError):
            raise batch[-1]


def _next_batch(reviews: Iterator[ReviewText | BrokenLineError]) -> list[ReviewText | BrokenLineError]:
    """Take the next reviews, up to BATCH."""
    return list(islice(reviews, BATCH))


def _reviews(lines: Iterable[bytes]) -> Iterator[ReviewText | BrokenLineError]:
    """Read lines; ends with the error of the first broken one."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield _review(json.loads(line.decode("utf-8-sig")))
        except (ValueError, RecursionError) as wrong:
            yield BrokenLineError(f"Line {number}: {_reason(wrong)}")
            return


def _review(fields: object) -> ReviewText:
    """Check one parsed line."""
    if not isinstance(fields, dict):
        raise BrokenLineError('expected an object like {"text": "..."}')
    if not isinstance(fields.get("text"), str):
        raise BrokenLineError('"text" is missing or no string')
    category, rating = (fields.get(name) or "" for name in ("category", "rating"))
    if not isinstance(category, str):
        raise BrokenLineError('"category" is no string')
    if rating not in RATINGS:
        raise BrokenLineError('"rating" is none of good, neutral, bad')
    return ReviewText(fields["text"], category, rating)


def _reason(wrong: Exception) -> str:
    """Say what is wrong with a line."""
    if isinstance(wrong, BrokenLineError):
        return str(wrong)
    if isinstance(wrong, UnicodeDecodeError):
        return "not UTF-8"
    return f"not JSON ({wrong})"


def _as_line(verdict: Verdict) -> bytes:
    """Write one verdict as a JSON line."""
    fields = {
        "cause": verdict.cause,
        "sub_cause": verdict.sub_cause,
        "also": verdict.also,
        "confidence": verdict.confidence,
        "decided": verdict.decided,
        "words": verdict.words,
        "polarity": verdict.polarity,
    }
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"
