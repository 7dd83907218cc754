"""Until when a review may be answered in public. Pure: values and `now` in, a verdict out."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from .policy import UNLIMITED, ReplyPolicy

State = Literal["open", "closed", "unknown"]
Reason = Literal["", "late", "followup", "replied"]


@dataclass(frozen=True, slots=True)
class ReplyWindow:
    """`open` until `closes_at` (None: for ever) · `closed` for `reason` · `unknown`: a rule that decides
    is not known; `closes_at` is then what is known of it."""

    state: State
    reason: Reason = ""
    closes_at: datetime | None = None

    @property
    def is_closed(self) -> bool:
        return self.state == "closed"


def reply_window(
    policy: ReplyPolicy,
    *,
    written_at: datetime,
    has_followup: bool,
    has_reply: bool,
    now: datetime,
) -> ReplyWindow:
    """Whether a review written at `written_at` may be answered `now`.

    `has_reply`: an answer stands on the platform already. Days are spans of 24 hours from the writing.
    """
    if has_reply and policy.once:
        return ReplyWindow("closed", "replied")
    if has_followup and policy.after_followup is False:
        return ReplyWindow("closed", "followup")
    closes_at = None
    if policy.days is not None and policy.days != UNLIMITED:
        closes_at = written_at + timedelta(days=int(policy.days))
    if closes_at and now >= closes_at:
        return ReplyWindow("closed", "late", closes_at)
    unsure = (
        policy.days is None
        or (has_reply and policy.once is None)
        or (has_followup and policy.after_followup is None)
    )
    return ReplyWindow("unknown" if unsure else "open", closes_at=closes_at)
