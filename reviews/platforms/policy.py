"""Reads policies.toml. A value that is not there is unknown, never guessed."""

import tomllib
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Literal

Value = int | bool | str

UNLIMITED = "unlimited"
STALE_AFTER = timedelta(days=180)
ALIASES = {"tmall": "taobao"}  # one platform with one set of rules

_KINDS: dict[str, type] = {
    "reply_length": int,
    "reply_days": int,
    "reply_once": bool,
    "reply_after_followup": bool,
    "reply_editable": bool,
    "reply_api": bool,
    "reply_pictures": int,
}


@dataclass(frozen=True, slots=True)
class Policy:
    """One known value of one platform: where it is from and when it was last looked up."""

    platform: str
    key: str
    value: Value
    source: str
    verified_on: date

    def is_stale(self, today: date) -> bool:
        """Looked up so long ago that it may have changed."""
        return today - self.verified_on > STALE_AFTER


@dataclass(frozen=True, slots=True)
class ReplyPolicy:
    """What a platform permits for public replies. None: unknown."""

    length: int | None = None
    days: int | Literal["unlimited"] | None = None
    once: bool | None = None
    after_followup: bool | None = None
    editable: bool | None = None
    api: bool | None = None
    pictures: int | None = None
    stale: tuple[str, ...] = ()


def _checked(row: dict[str, object]) -> Policy:
    policy = Policy(**row)  # type: ignore[arg-type]  # a wrong name or a missing one fails here, at start
    kind = _KINDS.get(policy.key)
    fits = (kind and type(policy.value) is kind) or (policy.key, policy.value) == ("reply_days", UNLIMITED)
    if not fits or not isinstance(policy.verified_on, date) or not policy.source:
        raise ValueError(f"policies.toml: {policy.platform}.{policy.key} = {policy.value!r} is no such value")
    return policy


@cache
def policies() -> dict[tuple[str, str], Policy]:
    """Every known value by platform and key."""
    text = (Path(__file__).parent / "policies.toml").read_text(encoding="utf-8")
    rows = [_checked(row) for row in tomllib.loads(text)["policy"]]
    found = {(row.platform, row.key): row for row in rows}
    if len(found) != len(rows):
        raise ValueError("policies.toml names a value twice")
    return found


def reply_policy(platform: str, today: date) -> ReplyPolicy:
    """What this platform (`taobao`, `jd`, …) permits for replies; values looked up long ago are named."""
    known = {
        key.removeprefix("reply_"): row
        for (of, key), row in policies().items()
        if of == ALIASES.get(platform, platform) and key.startswith("reply_")
    }
    stale = tuple(sorted(key for key, row in known.items() if row.is_stale(today)))
    return ReplyPolicy(**{key: row.value for key, row in known.items()}, stale=stale)  # type: ignore[arg-type]


def reply_lengths() -> dict[str, int]:
    """Characters a public reply may have, by platform, its aliases included; unknown ones are left out."""
    known = {of: int(row.value) for (of, key), row in policies().items() if key == "reply_length"}
    return known | {alias: known[of] for alias, of in ALIASES.items() if of in known}
