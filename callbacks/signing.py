"""Signatures between the program and other systems: HMAC-SHA256 over time and body, in both directions.

`digest` and `is_signed` are the rule; `signed` and `is_genuine` are the headers of text message providers:
`X-Huiping-Timestamp` holds seconds since 1970, `X-Huiping-Signature` is `sha256=` and the hex digest over
the timestamp, a full stop and the body's bytes. What is older than five minutes is refused.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime

TIMESTAMP = "X-Huiping-Timestamp"
SIGNATURE = "X-Huiping-Signature"
TOLERANCE = 300  # seconds two clocks may differ, and a request may be old


def new_secret() -> str:
    """A secret of 256 bits, as text."""
    return secrets.token_urlsafe(32)


def signed(secret: str, body: bytes, now: datetime) -> dict[str, str]:
    """The two headers for this body."""
    timestamp = str(int(now.timestamp()))
    return {TIMESTAMP: timestamp, SIGNATURE: f"sha256={digest(secret, timestamp, body)}"}


def is_genuine(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether who knows the secret signed this body within the last minutes."""
    kind, _equals, given = headers.get(SIGNATURE, "").partition("=")
    return kind == "sha256" and is_signed(secret, headers.get(TIMESTAMP, ""), given, body, now)


def is_signed(secret: str, timestamp: str, given: str, body: bytes, now: datetime) -> bool:
    """Whether `given` is the digest of this body, made within the last minutes."""
    if not secret or not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < 12):
        return False
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE:
        return False
    return hmac.compare_digest(digest(secret, timestamp, body).encode(), given.encode())


def digest(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256, hex, of "timestamp.body"."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
