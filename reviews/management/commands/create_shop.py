"""`manage.py create_shop --code CODE --platform P --name NAME`: an empty shop."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from reviews.models import Platform, Shop


class Command(BaseCommand):
    help = "Make an empty shop."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--code", required=True, help="names it in commands, files and the API")
        parser.add_argument("--platform", required=True, choices=Platform.values)
        parser.add_argument("--name", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        shop = Shop(code=options["code"], platform=options["platform"], name=options["name"].strip())
        if Shop.objects.filter(code=shop.code).exists():
            raise CommandError(_("There is already a shop “%(code)s”.") % {"code": shop.code})
        try:
            shop.full_clean()
        except ValidationError as wrong:
            raise CommandError(_sentences(wrong)) from wrong
        shop.save()
        self.stdout.write(_("Shop “%(name)s” (%(code)s) is made.") % {"name": shop.name, "code": shop.code})


def _sentences(wrong: ValidationError) -> str:
    return " ".join(f"{name}: {' '.join(messages)}" for name, messages in wrong.message_dict.items())
