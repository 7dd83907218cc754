"""Working hours: of one member, of a shop, and the days that differ."""

from datetime import date
from typing import TypeVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from reviews import clock, team
from reviews.models import PhoneOnlyWeeks, Shop, ShopDay, User
from reviews.team_forms import DaysForm, PhoneOnlyForm, ShopHoursForm, WeekForm
from reviews.views.rights import StaffRequest, managers_only
from reviews.views.team import own_membership
from reviews.workdays import announced_until, is_missing


@managers_only
@require_http_methods(["GET", "HEAD", "POST"])
def member(request: StaffRequest, pk: int) -> HttpResponse:
    """Somebody's shifts in one shop."""
    membership = own_membership(request, pk)
    form = WeekForm(request.POST if request.method == "POST" else None, week=membership.week)
    if form.is_valid() and form.keep(
        lambda mark: team.set_shifts(membership, form.week, by=request.user, mark=mark)
    ):
        messages.success(request, _("Saved for %(name)s.") % {"name": membership.user})
        return redirect("reviews:team")
    context = {"member": membership, "shop": membership.shop, "form": form}
    return render(request, "reviews/team/shifts.html", context, status=form.status)


@managers_only
@require_http_methods(["GET", "HEAD", "POST"])
def shop(request: StaffRequest, pk: int) -> HttpResponse:
    """A shop's working hours and its calendar."""
    one = _own_shop(request, pk)
    form = ShopHoursForm(request.POST if request.method == "POST" else None, shop=one)
    if form.is_valid() and form.keep(lambda mark: _set_hours(one, form, request.user, mark)):
        messages.success(request, _("Saved. Deadlines count these hours; open cases follow within a minute."))
        return redirect("reviews:team_shop", pk)
    return _shop_page(request, one, hours=form)


def _set_hours(shop: Shop, form: ShopHoursForm, by: User, mark: str) -> None:
    official = form.cleaned_data["official_days"]
    team.set_shop_hours(shop, form.week, official_days=official, by=by, mark=mark)


@managers_only
@require_POST
def days(request: StaffRequest, pk: int) -> HttpResponse:
    """Make days off, or worked."""
    one = _own_shop(request, pk)
    form = DaysForm(request.POST, today=_today(one))
    if not form.is_valid():
        return _shop_page(request, one, days=form)
    found = form.cleaned_data
    team.set_days(one, found["first"], found["last"], is_worked=found["kind"] == "worked", by=request.user)
    messages.success(request, _("Saved."))
    return redirect("reviews:team_shop", pk)


@managers_only
@require_POST
def forget_day(request: StaffRequest, pk: int) -> HttpResponse:
    """Take a day of one's own out of the calendar."""
    row = _own_row(request, ShopDay, pk)
    team.forget_day(row, by=request.user)
    return redirect("reviews:team_shop", row.shop_id)


@managers_only
@require_POST
def phone_only(request: StaffRequest, pk: int) -> HttpResponse:
    """Enter weeks in which buyers are contacted by telephone only."""
    one = _own_shop(request, pk)
    form = PhoneOnlyForm(request.POST, today=_today(one))
    if not form.is_valid():
        return _shop_page(request, one, phone_only=form)
    team.add_phone_only(one, **form.cleaned_data, by=request.user)
    messages.success(request, _("Saved."))
    return redirect("reviews:team_shop", pk)


@managers_only
@require_POST
def forget_phone_only(request: StaffRequest, pk: int) -> HttpResponse:
    """Write to buyers again."""
    weeks = _own_row(request, PhoneOnlyWeeks, pk)
    team.forget_phone_only(weeks, by=request.user)
    return redirect("reviews:team_shop", weeks.shop_id)


def _own_shop(request: StaffRequest, pk: int) -> Shop:
    one = get_object_or_404(Shop.objects.visible_to(request.user), pk=pk)
    if not request.user.manages(one):
        raise PermissionDenied
    return one


Row = TypeVar("Row", ShopDay, PhoneOnlyWeeks)


def _own_row(request: StaffRequest, model: type[Row], pk: int) -> Row:
    """What is entered for a shop: 404 in another shop, 403 without the role."""
    row = get_object_or_404(
        model._default_manager.filter(request.user.shop_filter("shop")).select_related("shop"), pk=pk
    )
    if not request.user.manages(row.shop_id):
        raise PermissionDenied
    return row


def _today(shop: Shop) -> date:
    return clock.now().astimezone(shop.zone).date()


def _shop_page(
    request: StaffRequest,
    shop: Shop,
    *,
    hours: ShopHoursForm | None = None,
    days: DaysForm | None = None,
    phone_only: PhoneOnlyForm | None = None,
) -> HttpResponse:
    today = _today(shop)
    forms = (
        hours or ShopHoursForm(shop=shop),
        days or DaysForm(today=today),
        phone_only or PhoneOnlyForm(today=today),
    )
    context = {
        "shop": shop,
        **dict(zip(("form", "days", "phone_only"), forms, strict=True)),
        "own_days": shop.own_days.filter(day__gte=today),
        "weeks": shop.phone_only_weeks.filter(last__gte=today),
        "announced": announced_until(today) if shop.official_days else None,
        "is_missing": shop.official_days and is_missing(today),
    }
    wrong = any(form.is_bound for form in forms[1:])
    return render(request, "reviews/team/hours.html", context, status=422 if wrong else forms[0].status)
