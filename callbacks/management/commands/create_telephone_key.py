"""`manage.py create_telephone_key --shop CODE`: id and secret, printed once, on standard output."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _

from callbacks.telephone import create_key
from reviews.management.shops import find_shop


class Command(BaseCommand):
    help = "Make the key by which the telephone system of one shop signs its events, and print it, once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--shop", required=True, metavar="CODE")

    def handle(self, *args: Any, **options: Any) -> None:
        key, secret = create_key(find_shop(options["shop"]), by=None)
        self.stderr.write(
            _("Keep this secret: it is shown only now. First the id of the key, then the secret.")
        )
        self.stdout.write(f"{key.key_id} {secret}")
