"""The signature between the program and a provider: HMAC-SHA256 over time and body, in both directions.

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
    return {TIMESTAMP: timestamp, SIGNATURE: f"sha256={_digest(secret, timestamp, body)}"}


def is_genuine(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether who knows the secret signed this body within the last minutes."""
    timestamp, given = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
    if not secret or not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < 12):
        return False
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE:
        return False
    wanted = f"sha256={_digest(secret, timestamp, body)}"
    return hmac.compare_digest(wanted.encode(), given.encode())


def _digest(secret: str, timestamp: str, body: bytes) -> str:
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
