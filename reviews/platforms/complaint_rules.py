"""Reads complaints.toml: grounds, place and deadline of a complaint. What is unknown stays unknown."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

from reviews.platforms.policy import ALIASES, STALE_AFTER


@dataclass(frozen=True, slots=True)
class ComplaintRule:
    """One platform. None or "": unknown. `days` from the review, `appeal_days` from the refusal."""

    platform: str
    where: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)
    days: int | None = None
    appeal_days: int | None = None
    source: str = ""
    verified_on: date | None = None

    def is_doubtful(self, today: date) -> bool:
        """Never read in the platform's own rule, or so long ago that it may have changed."""
        return self.verified_on is None or today - self.verified_on > STALE_AFTER

    def due_at(self, reviewed_at: datetime) -> datetime | None:
        return reviewed_at + timedelta(days=self.days) if self.days else None

    def appeal_due_at(self, refused_at: datetime) -> datetime | None:
        return refused_at + timedelta(days=self.appeal_days) if self.appeal_days else None


@cache
def _rules() -> dict[str, ComplaintRule]:
    text = (Path(__file__).parent / "complaints.toml").read_text(encoding="utf-8")
    rules = [ComplaintRule(**row) for row in tomllib.loads(text)["platform"]]
    for rule in rules:
        if (rule.days or rule.appeal_days) and not rule.source:
            raise ValueError(f"complaints.toml: {rule.platform} has a deadline without its source")
    return {rule.platform: rule for rule in rules}


def complaint_rule(platform: str) -> ComplaintRule:
    """What is known of complaints on this platform (`taobao`, `jd`, …)."""
    name = ALIASES.get(platform, platform)
    return _rules().get(name, ComplaintRule(name))
