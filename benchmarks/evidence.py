"""How long an evidence pack takes from the click until it can be downloaded, with the program as it is run.

    python -m benchmarks.evidence                     20 photos of 1.8 MB and 40 chats, PostgreSQL, worker
    python -m benchmarks.evidence --photos 4 --runs 3

Signs in as the agent of a malicious case, clicks "build" (POST …/evidence/pack/) and asks the page as a
browser does until it shows the download; then unpacks what it got and checks it as the platform would
(verify.py of the pack), once as it is and once with one byte changed. Prints JSON; exit status 1 when a pack
took longer than the goal of ten seconds, did not verify, or a changed byte went unseen.
"""

import argparse
import http.client
import io
import json
import random
import re
import sys
import tempfile
import time
import zipfile
from datetime import timedelta
from typing import Any

from benchmarks.deployment import deployment, noon_zone, session_of

GOAL = 10.0  # seconds, from the click
PATIENCE = 120.0
EVERY = 0.25  # seconds between two looks at the page


def main() -> int:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--photos", type=int, default=20)
    options.add_argument("--chats", type=int, default=40)
    options.add_argument("--runs", type=int, default=5)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="huiping-bench-") as var, deployment(var) as program:
        case, session = prepare(chosen.photos, chosen.chats)
        program.start("web", "worker", "beat")
        packs = [one_pack(program.port, case, session) for _run in range(chosen.runs)]
    figures = {"photos": chosen.photos, "chats": chosen.chats, "packs": packs}
    wrong = [one for one in packs if one["seconds"] > GOAL or one["problems"] or not one["change_seen"]]
    print(json.dumps({**figures, "wrong": len(wrong)}, indent=1))
    return 1 if wrong else 0


def prepare(photos: int, chats: int) -> tuple[int, str]:
    """A confirmed malicious case with its proof; its number and the session of its agent."""
    from callbacks import contacts
    from callbacks.chats import keep_chat
    from callbacks.photos import add_photos
    from reviews import clock
    from reviews.models import Status
    from tests import factories

    shop = factories.make_shop("evidence", time_zone=noon_zone())
    agent = factories.make_user("evidence-agent", shop=shop)
    case = factories.make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    for number in range(chats):
        said = clock.now() - timedelta(hours=2, minutes=number)
        keep_chat(case, source="shop_chat", said_at=said, text=f"买家：第{number}次，转100元就删", by=agent)
    for number in range(photos):
        add_photos(case, [(f"{number}.jpg", noisy_photo(number))], by=agent)
    contacts.decide_cause(case, "extortion", by=agent)
    return case.pk, session_of(agent)


def noisy_photo(number: int) -> bytes:
    """A picture of 1.8 MB, as telephones take them."""
    from PIL import Image

    chance = random.Random(number)
    small = Image.frombytes("RGB", (1000, 750), chance.randbytes(1000 * 750 * 3))
    out = io.BytesIO()
    small.resize((2000, 1500)).save(out, "JPEG", quality=80)
    return out.getvalue()


def one_pack(port: int, case: int, session: str) -> dict[str, Any]:
    """Click, wait, download, verify."""
    place = f"/cases/{case}/evidence/"
    known = set(_links(_get(port, place, session).decode()))
    token = "a" * 32
    head = {"Cookie": f"sessionid={session}; csrftoken={token}", "X-CSRFToken": token}
    clicked = time.perf_counter()
    _ask(port, "POST", f"{place}pack/", {**head, "Content-Type": "application/x-www-form-urlencoded"})
    while not (new := set(_links(_get(port, place, session).decode())) - known):
        if time.perf_counter() - clicked > PATIENCE:
            raise SystemExit("no pack came")
        time.sleep(EVERY)
    seconds = time.perf_counter() - clicked
    return {"seconds": round(seconds, 2), **checked(_get(port, new.pop(), session))}


def _links(page: str) -> list[str]:
    return re.findall(r'href="(/cases/\d+/evidence/pack/\d+/)"', page)


def checked(content: bytes) -> dict[str, Any]:
    """What the pack's own check says of it, and of a copy with one byte changed."""
    from callbacks.evidence import verify

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    photo = max(files, key=lambda name: len(files[name]))
    broken = bytearray(files[photo])
    broken[len(broken) // 2] ^= 1
    return {
        "megabytes": round(len(content) / 1e6, 1),
        "problems": verify.problems(files),
        "change_seen": bool(verify.problems({**files, photo: bytes(broken)})),
    }


def _get(port: int, path: str, session: str) -> bytes:
    return _ask(port, "GET", path, {"Cookie": f"sessionid={session}"})


def _ask(port: int, method: str, path: str, head: dict[str, str]) -> bytes:
    """An answer's body.

    Raises:
        SystemExit: the program refused.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, headers=head)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status >= 400:
        raise SystemExit(f"{method} {path}: {answer.status} {body[:300]!r}")
    return body


if __name__ == "__main__":
    sys.exit(main())
