"""Check texts from standard input: JSON lines in, one verdict a line out, in the same order."""

import json
import sys
from collections.abc import Iterable, Iterator
from multiprocessing import get_context
from queue import SimpleQueue
from threading import Thread
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from reviews.compliance import Kind, find_offences, verdict

CHUNK = 50  # lines a process takes at once


class Command(BaseCommand):
    """Needs no database. Input keys: text; if wanted kind, platform, benefit_in_case, before."""

    help = "Check texts (JSON lines on standard input) against the compliance rules."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Write `{"verdict", "offences": [{"rule", "words", "start", "end", "why"}]}` for each line.

        A line that cannot be read answers `{"error": …}` in its place, and the command fails at the end.
        Lines are shared among the processor's cores and answered as they come.
        """
        try:
            failed = self._answer_all()
        except UnicodeDecodeError as strange:
            raise CommandError(_("The texts are not in UTF-8; save them in that encoding.")) from strange
        if failed:
            raise CommandError(
                _("%(count)d lines could not be read; their answers say why.") % {"count": failed}
            )

    def _answer_all(self) -> int:
        """How many lines could not be read."""
        failed = 0
        with get_context("fork").Pool() as pool:
            for answers in pool.imap(_answers, _chunks(sys.stdin)):
                for answer in answers:
                    failed += "error" in answer
                    self.stdout.write(json.dumps(answer, ensure_ascii=False))
                self.stdout.flush()
        return failed


def _chunks(source: Iterable[str]) -> Iterator[list[tuple[int, str]]]:
    """Lines with their numbers, as many together as have come: nobody who writes one waits for the next."""
    come: SimpleQueue[tuple[int, str] | Exception | None] = SimpleQueue()

    def read() -> None:
        try:
            for number, line in enumerate(source, start=1):
                if line.strip():
                    come.put((number, line))
            come.put(None)
        except Exception as broken:
            come.put(broken)

    Thread(target=read, daemon=True).start()
    chunk: list[tuple[int, str]] = []
    while isinstance(one := come.get(), tuple):
        chunk.append(one)
        if come.empty() or len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
    if one:
        raise one


def _answers(numbered: list[tuple[int, str]]) -> list[dict[str, Any]]:
    return [_answer(one) for one in numbered]


def _answer(numbered: tuple[int, str]) -> dict[str, Any]:
    number, line = numbered
    try:
        entry = json.loads(line)
        text, kind = entry["text"], entry.get("kind") or Kind.PUBLIC_REPLY
        if not isinstance(text, str):
            raise TypeError
    except (ValueError, KeyError, TypeError, AttributeError):
        return {"error": _("Line %(line)d is not a JSON object with a text.") % {"line": number}}
    # An unknown kind is judged as strictly as what everybody may read.
    known = kind if kind in list(Kind) else Kind.PUBLIC_REPLY
    offences = find_offences(
        text,
        known,
        str(entry.get("platform") or "").lower(),
        benefit_in_case=bool(entry.get("benefit_in_case")),
        before=[str(earlier) for earlier in entry.get("before") or ()],
    )
    shown = [
        {"rule": each.rule, "words": each.words, "start": each.start, "end": each.end, "why": each.why}
        for each in offences
    ]
    return {"verdict": verdict(offences), "offences": shown}
