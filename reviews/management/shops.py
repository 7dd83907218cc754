"""The shop a command is told to work on."""

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from reviews.models import Shop


def find_shop(code: str) -> Shop:
    """The shop of this code. CommandError that names the shops there are."""
    shop = Shop.objects.filter(code=code).first()
    if shop is None:
        known = ", ".join(Shop.objects.values_list("code", flat=True)) or "–"
        raise CommandError(
            _("There is no shop “%(code)s”. Shops: %(known)s.") % {"code": code, "known": known}
        )
    return shop
