"""Who may look: people by membership, other systems by a key of one shop."""

from typing import Protocol

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from rest_framework_api_key.models import AbstractAPIKey

from reviews.models.shops import Shop


class Viewer(Protocol):
    """A person or a key: every look-up of shop data starts at its `shop_filter`."""

    def shop_filter(self, path: str) -> Q:
        """Restrict a query to the viewer's shops; `path` leads to the shop's primary key."""


class ShopApiKey(AbstractAPIKey):
    """A key by which another system reads and writes one shop. Only its hash is stored."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="api_keys")

    class Meta(AbstractAPIKey.Meta):
        verbose_name = _("API key")  # type: ignore[assignment]
        verbose_name_plural = _("API keys")  # type: ignore[assignment]

    def shop_filter(self, path: str) -> Q:
        return Q(**{path: self.shop_id})
