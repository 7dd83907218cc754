"""`manage.py import_reviews FILE --shop CODE`: a file of reviews or orders, at once."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from reviews.importing import import_now, reasons, refused_file
from reviews.management.shops import find_shop
from reviews.models import ImportJob
from reviews.models.imports import ImportKind, ImportStatus


class Command(BaseCommand):
    help = (
        "Import a CSV or Excel file of reviews or orders. Progress goes to standard error, the summary and "
        "the refused lines with their reasons to standard output. Exit status 1 when nothing could be taken."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--shop", required=True, metavar="CODE")
        parser.add_argument(
            "--kind", choices=ImportKind.values, default="", help="default: the headers decide"
        )
        parser.add_argument(
            "--refused", type=Path, metavar="OUT.csv", help="write the refused rows to this file"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        shop = find_shop(options["shop"])
        path: Path = options["file"]
        job = import_now(shop, path.name, _content(path), kind=options["kind"], progress=self._progress)
        if job.status == ImportStatus.FAILED:
            raise CommandError(job.error)
        if not job.is_over:
            raise CommandError(_("A worker has taken over this file; the import page shows how it goes on."))
        self._report(job)
        if options["refused"]:
            _write(options["refused"], refused_file(job))
        if job.refused and not job.created + job.changed + job.unchanged:
            sys.exit(1)

    def _progress(self, job: ImportJob) -> None:
        self.stderr.write(f"{job.done} / {job.total}", self.style.NOTICE)

    def _report(self, job: ImportJob) -> None:
        self.stdout.write(
            _(
                "%(total)d rows: %(created)d new, %(changed)d changed, "
                "%(unchanged)d unchanged, %(refused)d refused."
            )
            % {name: getattr(job, name) for name in ("total", "created", "changed", "unchanged", "refused")}
        )
        if job.unknown_headers:
            self.stdout.write(_("Columns not used: %(names)s") % {"names": "、".join(job.unknown_headers)})
        for refusal in job.refusals.all():
            self.stdout.write(_("Line %(line)d: %(why)s") % {"line": refusal.line, "why": reasons(refusal)})


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(
            _("%(file)s cannot be read: %(why)s") % {"file": path, "why": error.strerror}
        ) from error


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise CommandError(
            _("%(file)s cannot be written: %(why)s") % {"file": path, "why": error.strerror}
        ) from error
