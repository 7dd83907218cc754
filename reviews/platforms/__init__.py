"""What each platform permits, as data with source and date, and the rules that follow from it. Leaf."""

from .policy import Policy, ReplyPolicy, Value, policies, reply_lengths, reply_policy
from .windows import ReplyWindow, reply_window

__all__ = [
    "Policy",
    "ReplyPolicy",
    "ReplyWindow",
    "Value",
    "policies",
    "reply_lengths",
    "reply_policy",
    "reply_window",
]
