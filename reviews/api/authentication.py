"""Who speaks to the API: another system with the key of one shop, or signed-in staff who only read."""

from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from reviews.models import Shop, ShopApiKey, User
from reviews.models.access import Viewer

if TYPE_CHECKING:
    from rest_framework.views import APIView

KEYWORD = "Api-Key"


class ShopKeyAuthentication(BaseAuthentication):
    """`Authorization: Api-Key <key>`; `request.auth` is then the ShopApiKey and nobody is signed in."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, ShopApiKey] | None:
        keyword, _space, key = request.headers.get("Authorization", "").partition(" ")
        if keyword.lower() != KEYWORD.lower():
            return None
        return AnonymousUser(), find_key(key.strip())

    def authenticate_header(self, request: Request) -> str:
        return f'{KEYWORD} realm="api"'


def find_key(key: str) -> ShopApiKey:
    """The usable key with its shop. AuthenticationFailed when it is wrong, revoked or expired."""
    prefix = key.partition(".")[0]
    usable = ShopApiKey.objects.get_usable_keys().select_related("shop")
    found: ShopApiKey | None = None if "\x00" in prefix else usable.filter(prefix=prefix).first()
    if found is None or found.has_expired or not found.is_valid(key):
        raise AuthenticationFailed(_("This API key is wrong, revoked or expired."))
    return found


class KeyOrStaff(BasePermission):
    """A key reads and writes its shop; signed-in staff read what they may see."""

    message = _("Signed-in people only read here. Writing needs an API key of the shop.")

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if isinstance(request.auth, ShopApiKey):
            return True
        return isinstance(request.user, User) and request.method in SAFE_METHODS


def viewer_of(request: Request) -> Viewer:
    """Whose eyes every look-up starts with."""
    if isinstance(request.auth, ShopApiKey):
        return request.auth
    if isinstance(request.user, User):
        return request.user
    raise NotAuthenticated


def shop_of(request: Request) -> Shop:
    """The shop a key writes to."""
    if not isinstance(request.auth, ShopApiKey):
        raise NotAuthenticated
    return request.auth.shop
