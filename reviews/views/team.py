"""The team of each shop: on duty, skills, load."""

from datetime import date

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from reviews import clock, team
from reviews.forms import DutyForm, MembershipForm
from reviews.models import Role, Shop, ShopMembership
from reviews.views.rights import StaffRequest, managed_shops, managers_only
from reviews.workdays import CHINA, announced_until, is_missing

Row = tuple[ShopMembership, MembershipForm, team.Standing]


@managers_only
@require_safe
def page(request: StaffRequest) -> HttpResponse:
    """Everybody who works in the shops one manages."""
    return _page(request)


@managers_only
@require_POST
def member(request: StaffRequest, pk: int) -> HttpResponse:
    """Set skills and the cap of one person in one shop."""
    membership = own_membership(request, pk)
    form = MembershipForm(request.POST, instance=membership)
    if not form.is_valid():
        return _page(request, form)
    before = ShopMembership.objects.select_related("shop", "user").get(pk=pk)
    skills, cap = form.cleaned_data["skills"], form.cleaned_data["max_open_cases"]
    if not form.keep(
        lambda mark: team.change_member(before, skills=skills, cap=cap, by=request.user, mark=mark)
    ):
        return _page(request, form)
    messages.success(request, _("Saved for %(name)s.") % {"name": membership.user})
    return redirect("reviews:team")


@managers_only
@require_POST
def duty(request: StaffRequest, pk: int) -> HttpResponse:
    """Put somebody on or off duty."""
    membership = own_membership(request, pk)
    form = DutyForm(request.POST)
    if form.is_valid():
        team.set_duty(membership, form.cleaned_data["on_duty"], by=request.user)
        words = _("%(name)s is on duty.") if membership.user.on_duty else _("%(name)s is off duty.")
        messages.success(request, words % {"name": membership.user})
    return redirect("reviews:team")


def own_membership(request: StaffRequest, pk: int) -> ShopMembership:
    """A membership of a shop one manages: 404 in others' shops, 403 without the role."""
    seen = ShopMembership.objects.filter(request.user.shop_filter("shop")).select_related("shop", "user")
    membership = get_object_or_404(seen, pk=pk)
    if not request.user.manages(membership.shop_id):
        raise PermissionDenied
    return membership


def _missing_calendar(shops: list[Shop]) -> date | None:
    """Up to when the official calendar is known, where a shop follows it and next year's is overdue."""
    today = clock.now().astimezone(CHINA).date()
    missing = any(shop.official_days for shop in shops) and is_missing(today)
    return announced_until(today) if missing else None


def _page(request: StaffRequest, wrong: MembershipForm | None = None) -> HttpResponse:
    shops = managed_shops(request.user)
    rows: dict[int, list[Row]] = {shop.pk: [] for shop in shops}
    members = list(team.members_of(shops))
    standings = team.standings(members, clock.now())
    for membership in members:
        form = wrong if wrong and wrong.instance.pk == membership.pk else MembershipForm(instance=membership)
        rows[membership.shop_id].append((membership, form, standings[membership.pk]))
    groups = [(shop, rows[shop.pk]) for shop in shops]
    context = {"groups": groups, "agent": Role.AGENT, "announced": _missing_calendar(shops)}
    return render(request, "reviews/team.html", context, status=wrong.status if wrong else 200)
