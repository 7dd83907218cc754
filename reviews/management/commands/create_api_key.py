"""`manage.py create_api_key --shop CODE`: a key, printed once, alone on standard output."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django.utils.translation import gettext as _

from reviews.management.shops import find_shop
from reviews.models import AuditEntry, ShopApiKey
from reviews.models.audit import Action


class Command(BaseCommand):
    help = "Make an API key of one shop and print it, once. Only its hash is stored."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--shop", required=True, metavar="CODE")
        parser.add_argument("--name", default="command line", help="whose key it is, e.g. ERP")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        shop = find_shop(options["shop"])
        made, key = ShopApiKey.objects.create_key(
            shop=shop, name=options["name"].strip()[:50] or "command line"
        )
        # Not AuditEntry.note: the primary key of an API key contains its hash.
        AuditEntry.objects.create(
            action=Action.KEY_CREATED,
            object_type="shopapikey",
            object_id=made.prefix,
            shop=shop,
            data={"name": made.name},
        )
        self.stderr.write(_("Keep this key: it is shown only now. Send it as “Authorization: Api-Key …”."))
        self.stdout.write(key)
