"""Who carries texts to buyers: one module a provider, all with the same few answers."""

from callbacks.gateways.base import Answer, Gateway, Parcel
from callbacks.gateways.console import Console
from callbacks.gateways.mail import Mail
from callbacks.models import Provider, ShopGateway

__all__ = ("Answer", "Gateway", "Parcel", "gateway_for")


def gateway_for(row: ShopGateway) -> Gateway:
    """The provider a shop has chosen for a channel."""
    if row.provider == Provider.MAIL:
        return Mail()
    if row.provider == Provider.SIGNED_HTTP:
        from callbacks.gateways.signed_http import SignedHttp  # an HTTP client: loaded where one is asked

        return SignedHttp(row.endpoint, row.secret)
    return Console()
