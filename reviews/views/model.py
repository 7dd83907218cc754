"""The model page: what the machine reads by in a shop, and the choice of another version."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from reviews import clock
from reviews.model_page import ModelPage
from reviews.models import DriftAlarm, ModelVersion, Shop, StaleVersion
from reviews.views.rights import StaffRequest, managed_shops, managers_only


@managers_only
@require_safe
def page(request: StaffRequest) -> HttpResponse:
    """The model of one of the shops one manages."""
    shops = managed_shops(request.user)
    chosen = next(
        (shop for shop in shops if shop.code == request.GET.get("shop")), shops[0] if shops else None
    )
    shown = ModelPage(chosen, clock.now()) if chosen else None
    return render(request, "reviews/model.html", {"shops": shops, "page": shown})


@managers_only
@require_POST
def promote(request: StaffRequest, pk: int) -> HttpResponse:
    """Put a version in use instead of the one the page showed in use."""
    version = _own(request, pk)
    seen = request.POST.get("instead_of", "")
    try:
        version.promote(instead_of=int(seen) if seen.isdecimal() else None, by=request.user)
    except StaleVersion:
        messages.error(request, _("Meanwhile another version was put in use. Look again before you choose."))
    else:
        messages.success(request, _("Version %(number)s is in use.") % {"number": version.number})
    return _back(version.shop)


@managers_only
@require_POST
def roll_back(request: StaffRequest, pk: int) -> HttpResponse:
    """Take the version in use out of it, back to the one before."""
    version = _own(request, pk)
    try:
        earlier = version.roll_back(by=request.user)
    except StaleVersion:
        messages.error(request, _("This version is not in use any more."))
    else:
        words = _("Back to version %(number)s.") % {"number": earlier.number} if earlier else ""
        messages.success(request, words or _("Back to the shipped model alone."))
    return _back(version.shop)


@managers_only
@require_POST
def acknowledge(request: StaffRequest, pk: int) -> HttpResponse:
    """Somebody has seen a drift alarm: the mix is compared anew from there on."""
    alarm = get_object_or_404(DriftAlarm.objects.visible_to(request.user).select_related("shop"), pk=pk)
    if not request.user.manages(alarm.shop_id):
        raise PermissionDenied
    alarm.acknowledge(by=request.user)
    messages.success(request, _("Noted. From here on the new mix is the base."))
    return _back(alarm.shop)


def _own(request: StaffRequest, pk: int) -> ModelVersion:
    """A version of a shop one manages: 404 in others' shops, 403 without the role."""
    seen = ModelVersion.objects.visible_to(request.user).without_artifact().select_related("shop")
    version = get_object_or_404(seen, pk=pk)
    if not request.user.manages(version.shop_id):
        raise PermissionDenied
    return version


def _back(shop: Shop) -> HttpResponse:
    return redirect(f"{reverse('reviews:model')}?shop={shop.code}")
