"""Who may open a page: everybody who signed in, or managers."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from reviews.models import Shop, User

P = ParamSpec("P")


class StaffRequest(HttpRequest):
    """A request of somebody who signed in."""

    user: User


def staff_only(
    view: Callable[Concatenate[StaffRequest, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Send who has not signed in to the sign-in page."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)  # type: ignore[arg-type]
        return _ask_to_sign_in(request)

    return guarded


def _ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page, and from there back to what was open.

    A part of a page (htmx) is refused with a notice instead (401): the page and all that was typed in
    it stay. After an act the way back leads to the page it was done on: its own address shows nothing.
    """
    if request.headers.get("HX-Request"):
        words = _("You are signed out. Sign in in another tab, then repeat this: what you typed stays here.")
        notice = json.dumps({"toast": {"text": words, "level": "error"}})
        return HttpResponse(status=401, headers={"HX-Trigger": notice})
    if request.method in ("GET", "HEAD"):
        return redirect_to_login(request.get_full_path())
    referer = request.headers.get("Referer", "")
    own = url_has_allowed_host_and_scheme(referer, allowed_hosts={request.get_host()})
    return redirect_to_login(urlsplit(referer).path if own else "/")


def managers_only(
    view: Callable[Concatenate[StaffRequest, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Refuse (403) who manages no shop."""

    @wraps(view)
    def guarded(request: StaffRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_manager:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return staff_only(guarded)


def managed_shops(user: User) -> list[Shop]:
    """The shops this person manages, in the order of their codes."""
    return list(Shop.objects.filter(user.managed_shop_filter("pk")))


def own_place(place: str) -> str:
    """The address to go back to, if it is one of this site; else empty."""
    return place if url_has_allowed_host_and_scheme(place, allowed_hosts=None) else ""
