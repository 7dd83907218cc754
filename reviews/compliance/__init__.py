"""Compliance check of every outgoing text: rules R1–R9 as versioned data, one function for every door.

Research, not legal advice. A block of R1–R4 has no override.
"""

from .check import Kind, Offence, Verdict, find_offences, mentions_benefit, mentions_review_change, verdict
from .rules import RULES_VERSION

__all__ = [
    "RULES_VERSION",
    "Kind",
    "Offence",
    "Verdict",
    "find_offences",
    "mentions_benefit",
    "mentions_review_change",
    "verdict",
]
