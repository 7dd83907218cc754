"""A small provider of text messages on a real socket: it checks signatures and counts a key once."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from callbacks.gateways.signed_http import PATIENCE
from callbacks.signing import is_genuine
from reviews import clock


@dataclass
class SmsHouse:
    """What it was asked and what it sent. `script`: answers to come, each a status code, "drop" (reads, keeps
    the text and hangs up), "late" (keeps it and hangs up when nobody waits any more) or "lose" (hangs up
    without keeping it); then everything is accepted. An answer takes `pace` seconds; `arrived` is when it
    first had a text, in seconds since 1970."""

    secret: str
    url: str = ""
    sent: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    forged: int = 0
    script: list[int | str] = field(default_factory=list)
    status: str = "accepted"
    stall: threading.Event | None = None  # has the text, and says so only when this is set
    pace: float = 0.0
    arrived: dict[str, float] = field(default_factory=dict)

    def answer(self, path: str, body: bytes, headers: Any) -> tuple[int, dict[str, Any]] | None:
        if not is_genuine(self.secret, headers, body, clock.now()):
            self.forged += 1
            return 401, {"reason": "signature"}
        said = json.loads(body)
        if path.endswith("/status"):
            self.asked.append(said["key"])
            known = said["key"] in self.sent
            return (200, {"id": "n1", "status": self.status}) if known else (404, {})
        assert headers["Idempotency-Key"] == said["key"]
        self.keys.append(said["key"])
        todo = self.script.pop(0) if self.script else 200
        if todo in (200, "drop", "late"):
            self.sent.setdefault(said["key"], said)
            self.arrived.setdefault(said["key"], time.time())
            if self.stall:
                self.stall.wait(30)
        time.sleep((PATIENCE.read or 0) + 1 if todo == "late" else self.pace)
        if isinstance(todo, str):
            return None
        return todo, {"id": "n1", "status": self.status} if todo == 200 else {"reason": "no"}


@contextmanager
def sms_house(secret: str = "s" * 32) -> Iterator[SmsHouse]:
    house = SmsHouse(secret)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found = house.answer(self.path, body, self.headers)
            if found is None:
                self.close_connection = True
                return
            status, words = found
            content = json.dumps(words).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    house.url = f"http://127.0.0.1:{server.server_port}/sms"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield house
    finally:
        server.shutdown()
        server.server_close()
