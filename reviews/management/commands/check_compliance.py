"""Check texts from standard input: JSON lines in, one verdict a line out, in the same order."""

import json
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from multiprocessing import get_context
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from reviews.compliance import Kind, find_offences, verdict

CHUNK = 50  # lines a process takes at once
LARGE = 50_000  # bytes


class Command(BaseCommand):
    """Needs no database. Input keys: text; if wanted kind, platform, benefit_in_case, before."""

    help = "Check texts (JSON lines on standard input) against the compliance rules."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Write `{"verdict", "offences": [{"rule", "words", "start", "end", "why"}]}` for each line.

        A line that cannot be read answers `{"error": …}` in its place, and the command fails at the end.
        Lines of a file are shared among the processor's cores, those of a pipe are answered as they come.
        """
        failed = 0
        lines = ((number, line) for number, line in enumerate(sys.stdin, start=1) if line.strip())
        with ExitStack() as stack:
            answers: Iterator[dict[str, Any]] = map(_answer, lines)
            if _is_file(sys.stdin):
                pool = stack.enter_context(get_context("fork").Pool())
                answers = pool.imap(_answer, lines, chunksize=CHUNK)
            for answer in answers:
                failed += "error" in answer
                self.stdout.write(json.dumps(answer, ensure_ascii=False))
        if failed:
            raise CommandError(
                _("%(count)d lines could not be read; their answers say why.") % {"count": failed}
            )


def _is_file(stream: Any) -> bool:
    """Whether there is enough in it to be worth several processes, and nobody waits for the first answer."""
    try:
        known = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(known.st_mode) and known.st_size > LARGE


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
