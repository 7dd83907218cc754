"""What a changed review means for a case that is closed. Pure: plain values in, one word out.

A better mark is a fact like any other: it reopens nothing, and nothing anywhere counts it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from reviews.differences import bare, likeness

_MARKS = {"bad": 0, "neutral": 1, "good": 2}

# A text that is this much the old one says nothing new in substance (for what was closed as malicious).
ALIKE = 0.8


class Change(models.TextChoices):
    """How a review differs from what it said before."""

    SAME = "same", _("same mark and words")
    CALM = "calm", _("no new complaint")
    WORSE = "worse", _("lower mark")
    FURTHER = "further", _("a further complaint")


ALARMING = (Change.WORSE, Change.FURTHER)


@dataclass(frozen=True, slots=True)
class Said:
    """What a buyer said at one time; `rating` is good, neutral or bad."""

    rating: str
    content: str = ""
    followup: str = ""


def judge(before: Said, after: Said, *, content_complains: bool, followup_complains: bool) -> Change:
    """Name the change. The flags tell whether the new words of text and follow-up complain.

    Pictures, stars within a mark, signs and spaces are no change. A follow-up that complains is a new cry
    whatever the mark; a reworded text under a better mark is not.
    """
    if _same(before, after):
        return Change.SAME
    step = _MARKS[after.rating] - _MARKS[before.rating]
    if step < 0:
        return Change.WORSE
    if followup_complains or (content_complains and step == 0):
        return Change.FURTHER
    return Change.CALM


def _same(before: Said, after: Said) -> bool:
    words = [(bare(one.content), bare(one.followup)) for one in (before, after)]
    return before.rating == after.rating and words[0] == words[1]


def alarms(change: Change, before: Said, after: Said, *, malicious: bool) -> bool:
    """Whether somebody has to look again. A malicious text turned about a little says nothing new.

    Text and follow-up each count alone: a new follow-up is a new cry, however short beside the text.
    """
    if malicious and change == Change.FURTHER:
        pairs = [(before.content, after.content), (before.followup, after.followup)]
        return any(likeness(old, new) < ALIKE for old, new in pairs)
    return change in ALARMING


def is_watched(closed_at: datetime, now: datetime, days: int) -> bool:
    """Whether the closed case still takes up what its buyer says; later it is a new case."""
    return now <= closed_at + timedelta(days=days)
