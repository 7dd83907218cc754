"""A provider reached by signed JSON over HTTP: the shop's own adapter to whichever SMS house it uses.

    POST {endpoint}          Idempotency-Key: KEY   {"key", "channel", "to", "text", "subject"}
    POST {endpoint}/status                          {"key"}

Both answer 2xx {"id", "status": "accepted"|"delivered"|"failed", "reason", "at"}; the second 404 for a key
never seen. 4xx is a refusal for good, but 408, 425, 429 and 503 mean later. The provider counts a key once.
"""

import json
from typing import Any

import httpx

from callbacks.gateways.base import Answer, Parcel, moment
from callbacks.signing import signed
from reviews import clock

PATIENCE = httpx.Timeout(8.0, connect=3.0)
LATER = (408, 425, 429, 503)
LONGEST_ANSWER = 100_000  # bytes


class SignedHttp:
    """One shop's provider at `endpoint`, which knows the shop's `secret`."""

    can_ask = True

    def __init__(self, endpoint: str, secret: str) -> None:
        self.endpoint, self.secret = endpoint.rstrip("/"), secret

    def send(self, parcel: Parcel) -> Answer:
        return self._post(
            self.endpoint,
            {
                "key": parcel.key,
                "channel": parcel.channel,
                "to": parcel.recipient,
                "text": parcel.text,
                "subject": parcel.subject,
            },
            parcel.key,
        )

    def ask(self, key: str) -> Answer:
        return self._post(f"{self.endpoint}/status", {"key": key}, key)

    def _post(self, url: str, said: dict[str, str], key: str) -> Answer:
        body = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        headers |= signed(self.secret, body, clock.now())
        try:
            answer = httpx.post(url, content=body, headers=headers, timeout=PATIENCE, follow_redirects=False)
        except (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.UnsupportedProtocol,
            httpx.InvalidURL,
        ) as error:
            return Answer("busy", reason=type(error).__name__)
        except httpx.HTTPError as error:
            return Answer("unknown", reason=type(error).__name__)
        return read_answer(answer.status_code, answer.content, asked=url != self.endpoint)


def read_answer(status: int, content: bytes, *, asked: bool) -> Answer:
    """An HTTP answer in our words."""
    said = _json(content)
    words = str(said.get("reason", ""))[:200]
    if 200 <= status < 300:
        state = said.get("status")
        if state not in ("accepted", "delivered", "failed"):
            return Answer("unknown", reason=words or "no status in the answer")
        return Answer(state, str(said.get("id", ""))[:80], words, moment(said.get("at")))
    if asked and status == 404:
        return Answer("unheard")
    if status in LATER or (asked and status < 500):
        return Answer("busy", reason=words or f"HTTP {status}")
    if 400 <= status < 500:
        return Answer("refused", reason=words or f"HTTP {status}")
    return Answer("unknown", reason=words or f"HTTP {status}")


def _json(content: bytes) -> dict[str, Any]:
    try:
        said = json.loads(content[:LONGEST_ANSWER])
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
