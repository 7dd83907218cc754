"""`manage.py set_gateway --shop CODE --channel sms --provider signed_http …`: who carries a shop's texts."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils.translation import gettext as _

from callbacks.models import Channel, Provider, ShopGateway
from callbacks.signing import new_secret
from callbacks.texts import rule_kind
from reviews.compliance import find_offences, verdict
from reviews.management.shops import find_shop
from reviews.models import AuditEntry
from reviews.models.audit import Action
from reviews.outgoing import sentences_of


class Command(BaseCommand):
    help = "Choose by whom a shop sends the texts of a channel. A new secret is printed once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--shop", required=True, metavar="CODE")
        parser.add_argument("--channel", choices=Channel.values, default=Channel.SMS)
        parser.add_argument("--provider", choices=Provider.values)
        parser.add_argument("--endpoint", default="", help="address of a signed_http provider")
        parser.add_argument("--signature", help="stands before every text as 【…】")
        parser.add_argument("--new-secret", action="store_true", help="replace the shared secret")
        parser.add_argument("--off", action="store_true", help="send nothing on this channel any more")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        shop = find_shop(options["shop"])
        known = ShopGateway.objects.filter(shop=shop, channel=options["channel"]).first()
        row = known or ShopGateway(shop=shop, channel=options["channel"])
        row.provider = options["provider"] or row.provider or Provider.CONSOLE
        row.endpoint = options["endpoint"] or row.endpoint
        row.is_active = not options["off"]
        if options["signature"] is not None:
            row.signature = options["signature"].strip()[:20]
            check_signature(row)
        if row.is_active:
            check(row)
        fresh = options["new_secret"] or (row.provider == Provider.SIGNED_HTTP and not row.secret)
        if fresh:
            row.secret = new_secret()
        row.save()
        AuditEntry.note(
            Action.SHOP_RULE, row, shop=shop, rule="gateway", channel=row.channel, provider=row.provider,
            active=row.is_active, new_secret=fresh,
        )  # fmt: skip
        self.stderr.write(_("Receipts come to: %(path)s") % {"path": f"/gateways/{row.code}/receipts/"})
        if fresh:
            self.stderr.write(_("Keep this secret: it is shown only now. Both sides sign with it."))
            self.stdout.write(row.secret)


def check_signature(row: ShopGateway) -> None:
    """Refuse unlawful words that would stand before every text."""
    offences = find_offences(row.signature, rule_kind(row.channel), row.shop.platform)
    if verdict(offences) == "block":
        raise CommandError(" ".join(sentences_of(offences)))


def check(row: ShopGateway) -> None:
    """Refuse what cannot work, or would send personal data in the clear."""
    if row.provider == Provider.MAIL:
        if row.channel != Channel.EMAIL:
            raise CommandError(_("The mail server carries the channel email only."))
        if not settings.EMAIL_HOST:
            raise CommandError(_("Set EMAIL_HOST first: no mail server is known."))
    if row.provider != Provider.SIGNED_HTTP:
        return
    address = urlsplit(row.endpoint)
    local = address.hostname in ("127.0.0.1", "localhost", "::1")
    if not address.hostname or not (address.scheme == "https" or (address.scheme == "http" and local)):
        raise CommandError(_("--endpoint must be an https:// address (http:// only on this machine)."))
