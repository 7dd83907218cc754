"""Check texts from standard input: JSON lines in, one verdict a line out, in the same order."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from reviews.compliance import Kind, find_offences, verdict


class Command(BaseCommand):
    """Needs no database. Input keys: text, and optionally kind, platform, benefit_in_case."""

    help = "Check texts (JSON lines on standard input) against the compliance rules."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Write `{"verdict", "offences": [{"rule", "words", "start", "end", "why"}]}` for each line."""
        for number, line in enumerate(sys.stdin, start=1):
            if line.strip():
                self.stdout.write(json.dumps(self._answer(line, number), ensure_ascii=False))

    def _answer(self, line: str, number: int) -> dict[str, Any]:
        try:
            entry = json.loads(line)
            text, kind = entry["text"], Kind(entry.get("kind") or Kind.PUBLIC_REPLY)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            message = _("Line %(line)d is not a JSON object with a text and a known kind.")
            raise CommandError(message % {"line": number}) from error
        offences = find_offences(
            str(text), kind, entry.get("platform") or "", benefit_in_case=bool(entry.get("benefit_in_case"))
        )
        shown = [
            {"rule": each.rule, "words": each.words, "start": each.start, "end": each.end, "why": each.why}
            for each in offences
        ]
        return {"verdict": verdict(offences), "offences": shown}
