"""Absences: one's own, and those of the people one manages."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from callbacks.absence_forms import AbsenceForm
from callbacks.absences import end_absence, enter_absence
from callbacks.covering import Covered
from callbacks.holding import NotAllowed
from reviews import clock, team
from reviews.models import Absence, Shop, ShopMembership, User
from reviews.team_forms import WEEKDAYS
from reviews.views.rights import StaffRequest, managers_only, staff_only
from reviews.views.team import own_membership
from reviews.working_hours import words_of


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def mine(request: StaffRequest) -> HttpResponse:
    """My shifts to read, my absences to enter."""
    memberships = list(
        request.user.memberships.select_related("shop", "user").prefetch_related("shop__own_days")
    )
    shop = memberships[0].shop if memberships else Shop(time_zone=settings.TIME_ZONE)
    return _page(request, request.user, shop, memberships, "callbacks:my_absences")


@managers_only
@require_http_methods(["GET", "HEAD", "POST"])
def member(request: StaffRequest, pk: int) -> HttpResponse:
    """The absences of one person of the team."""
    membership = own_membership(request, pk)
    return _page(request, membership.user, membership.shop, [membership], "callbacks:member_absences", pk)


@staff_only
@require_POST
def end(request: StaffRequest, pk: int) -> HttpResponse:
    """Back again, or not away after all."""
    absence = get_object_or_404(Absence.objects.visible_to(request.user).select_related("user"), pk=pk)
    end_absence(absence, by=request.user)
    messages.success(request, _("The absence is over: %(name)s gets cases again.") % {"name": absence.user})
    if absence.user_id == request.user.pk:
        return redirect("callbacks:my_absences")
    return redirect("reviews:team")


def _page(
    request: StaffRequest,
    person: User,
    shop: Shop,
    memberships: list[ShopMembership],
    name: str,
    *args: int,
) -> HttpResponse:
    form = AbsenceForm(request.POST if request.method == "POST" else None, shop=shop)
    if form.is_valid():
        try:
            done = enter_absence(person, **form.cleaned_data, by=request.user)
        except NotAllowed as error:
            form.add_error(None, str(error))
        else:
            _tell(request, done)
            return redirect(name, *args)
    now = clock.now()
    states = team.standings(memberships, now)
    context = {
        "person": person,
        "shop": shop,
        "form": form,
        "now": now,
        "absences": Absence.objects.ahead(now).filter(user=person),
        "shops": [(one, states[one.pk], _week(one)) for one in memberships],
    }
    return render(request, "callbacks/absences.html", context, status=422 if form.is_bound else 200)


def _week(membership: ShopMembership) -> list[tuple[str, str]]:
    """The weekdays with their hours in words; empty without a week."""
    week = membership.week or membership.shop.week
    return [(str(name), words_of(spans)) for name, spans in zip(WEEKDAYS, week, strict=False)]


def _tell(request: StaffRequest, done: Covered) -> None:
    messages.success(request, _("The absence is entered."))
    if moved := done.passed_on + done.to_take:
        words = ngettext(
            "%(n)d case that falls due meanwhile has been passed on.",
            "%(n)d cases that fall due meanwhile have been passed on.",
            moved,
        )
        messages.info(request, words % {"n": moved})
    if done.left:
        words = ngettext(
            "For %(n)d case no colleague is free yet: it is tried again every minute.",
            "For %(n)d cases no colleague is free yet: it is tried again every minute.",
            done.left,
        )
        messages.warning(request, words % {"n": done.left})
