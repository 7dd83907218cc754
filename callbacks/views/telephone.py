"""The telephone system of each shop one manages: keys, extensions, calls that found no place."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from callbacks import telephone
from callbacks.forms import ExtensionForm
from callbacks.holding import NotAllowed
from callbacks.models import Extension, LineEvent, LineKey
from reviews.models import Shop, ShopMembership
from reviews.views.rights import StaffRequest, managed_shops, managers_only


@managers_only
@require_safe
def page(request: StaffRequest) -> HttpResponse:
    """Everything about the telephone, by shop."""
    return _page(request)


@managers_only
@require_POST
@never_cache
def create_key(request: StaffRequest) -> HttpResponse:
    """Make a key; its secret stands in this answer only."""
    shop = get_object_or_404(Shop.objects.visible_to(request.user), code=request.POST.get("shop", ""))
    _check(request, shop)
    key, secret = telephone.create_key(shop, by=request.user)
    return _page(request, made=key, secret=secret)


@managers_only
@require_POST
def revoke_key(request: StaffRequest, key: int) -> HttpResponse:
    found = get_object_or_404(LineKey.objects.filter(request.user.shop_filter("shop")), pk=key)
    _check(request, found.shop)
    telephone.revoke_key(found, by=request.user)
    messages.success(request, _("The key is revoked."))
    return redirect("callbacks:telephone")


@managers_only
@require_POST
def set_extension(request: StaffRequest, pk: int) -> HttpResponse:
    """On which extension a member of the team speaks."""
    members = ShopMembership.objects.filter(request.user.shop_filter("shop")).select_related("shop", "user")
    member = get_object_or_404(members, pk=pk)
    _check(request, member.shop)
    form = ExtensionForm(request.POST)
    form.opened_with(telephone.extension_of(member.shop, member.user))
    if form.is_valid():
        number, by = form.cleaned_data["number"], request.user
        try:
            kept = form.keep(
                lambda mark: telephone.set_extension(member.shop, member.user, number, by=by, mark=mark)
            )
        except NotAllowed as refusal:
            form.add_error("number", str(refusal))
            kept = False
        if kept:
            messages.success(request, _("Saved for %(name)s.") % {"name": member.user})
            return redirect("callbacks:telephone")
    return _page(request, wrong=(member.pk, form))


@managers_only
@require_POST
def seen(request: StaffRequest, event: int) -> HttpResponse:
    """A call that found no place has been looked at."""
    found = get_object_or_404(LineEvent.objects.visible_to(request.user).select_related("shop"), pk=event)
    _check(request, found.shop)
    telephone.mark_seen(found, by=request.user)
    return redirect("callbacks:telephone")


def _check(request: StaffRequest, shop: Shop) -> None:
    if not request.user.manages(shop):
        raise PermissionDenied


def _page(
    request: StaffRequest,
    *,
    made: LineKey | None = None,
    secret: str = "",
    wrong: tuple[int, ExtensionForm] | None = None,
) -> HttpResponse:
    shops = list(managed_shops(request.user))
    keys = list(LineKey.objects.usable().filter(shop__in=shops))
    extensions = Extension.objects.filter(shop__in=shops)
    numbers = {(one.shop_id, one.user_id): one.number for one in extensions}
    members = ShopMembership.objects.filter(shop__in=shops, user__is_active=True).select_related("user")
    calls = telephone.unplaced_calls(shops)
    rows: dict[int, list[Any]] = {shop.pk: [] for shop in shops}
    for member in members.order_by("role", "user__display_name", "user_id"):
        number = numbers.get((member.shop_id, member.user_id), "")
        form = wrong[1] if wrong and wrong[0] == member.pk else _extension_form(number)
        rows[member.shop_id].append((member, form))
    groups = [
        (shop, [key for key in keys if key.shop_id == shop.pk], rows[shop.pk], calls[shop.pk])
        for shop in shops
    ]
    context = {
        "groups": groups,
        "made": made,
        "secret": secret,
        "address": request.build_absolute_uri("/api/v1/calls/events/"),
    }
    return render(request, "callbacks/telephone.html", context, status=wrong[1].status if wrong else 200)


def _extension_form(number: str) -> ExtensionForm:
    form = ExtensionForm(initial={"number": number})
    form.opened_with(number)
    return form
