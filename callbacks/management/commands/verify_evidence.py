"""manage.py verify_evidence FILE: whether every byte of an evidence pack is as it was sealed."""

import hashlib
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from callbacks.evidence import verify
from reviews.models import EvidencePack


class Command(BaseCommand):
    help = "Check an evidence pack (ZIP or unpacked folder) and compare it with what the database remembers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        place: Path = options["file"]
        if not place.exists():
            raise CommandError(f"{place}: there is no such file.")
        try:
            files, found = verify.inspect(place)
        except OSError as unreadable:
            raise CommandError(f"{place} cannot be opened: {unreadable}") from None
        if found:
            raise CommandError("\n".join([*found, f"{place} was changed."]))
        self.stdout.write(f"{len(files)} files are as they were sealed.")
        self._compare(place, hashlib.sha256(files[verify.MANIFEST]).hexdigest())

    def _compare(self, place: Path, fingerprint: str) -> None:
        """A pack sealed anew by somebody else agrees with itself, but not with this database."""
        known = EvidencePack.objects.filter(manifest_sha256=fingerprint)
        if not known.exists():
            raise CommandError(f"No pack with the list {fingerprint} was ever sealed in this database.")
        if place.is_file():
            digest = hashlib.sha256(place.read_bytes()).hexdigest()
            if not known.filter(zip_sha256=digest).exists():
                raise CommandError("The list is known, but the ZIP itself is not the one sealed here.")
        self.stdout.write(f"Sealed here: manifest SHA-256 {fingerprint}")
