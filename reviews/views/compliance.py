"""The verdict while a text is typed, and the texts a manager may release."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from reviews import clock
from reviews.compliance import Kind, Offence, verdict
from reviews.models import Case, Review, Shop, StaleCase, TextRelease
from reviews.outgoing import facts_for, is_released, judge, may_be_released, offence_data, scope_of
from reviews.releases import NotReleasable, Subject, ask_release, decide_release, shown_to_decide
from reviews.replies import case_of
from reviews.views.rights import StaffRequest, staff_only

CHECKS_A_MINUTE = 240  # somebody who types without pause asks about a hundred times
LONGEST = 5000
LARGEST_ID = 2**63 - 1
SHOWN = 100


class TextForm(forms.Form):
    """A text and where it would go; `case`, `review` or `shop` must be the person's own."""

    text = forms.CharField(max_length=LONGEST, required=False, strip=False)
    kind = forms.ChoiceField(choices=[(kind.value, kind.value) for kind in Kind])
    case = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_ID)
    review = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_ID)
    shop = forms.CharField(required=False, max_length=40)


@staff_only
@require_POST
def check(request: StaffRequest) -> HttpResponse:
    """What the text breaks, with places, for the editor: pass|warn|block, or released by a manager.

    Nothing of it is kept.
    """
    if _asks_too_often(request):
        return JsonResponse({"error": _("Too many checks; wait a minute.")}, status=429)
    form = TextForm(request.POST)
    if not form.is_valid():
        wrong = {"error": _("Some of it is wrong: see errors."), "errors": form.errors}
        return JsonResponse(wrong, status=400)
    case, review, shop = _place(request, form.cleaned_data)
    text, kind, now = form.cleaned_data["text"], form.cleaned_data["kind"], clock.now()
    offences = judge(text, kind, shop, facts_for(shop, review, case, now), now)
    found = "released" if _released(text, kind, offences, scope_of(shop, case)) else verdict(offences)
    answer = JsonResponse(
        {"verdict": found, "offences": [offence_data(one) for one in offences]},
        json_dumps_params={"ensure_ascii": False},
    )
    answer["Cache-Control"] = "no-store"
    return answer


def _released(text: str, kind: str, offences: list[Offence], scope: str) -> bool:
    rules = {one.rule for one in offences}
    return bool(rules) and may_be_released(rules) and is_released(text, kind, rules, scope)


def _asks_too_often(request: StaffRequest) -> bool:
    key = f"compliance-checks:{request.user.pk}"
    cache.add(key, 0, 60)
    try:
        return cache.incr(key) > CHECKS_A_MINUTE
    except ValueError:  # it ran out between the two lines
        return False


def _place(request: StaffRequest, data: dict[str, Any]) -> tuple[Case | None, Review | None, Shop | None]:
    if data["case"]:
        case = get_object_or_404(_cases(request), pk=data["case"])
        return case, case.review, case.shop
    if data["review"]:
        reviews = Review.objects.visible_to(request.user).select_related("shop", "order")
        review = get_object_or_404(reviews, pk=data["review"])
        return case_of(review), review, review.shop
    if not data["shop"]:
        return None, None, None
    shops = Shop.objects.visible_to(request.user)
    number = Q(pk=int(data["shop"])) if data["shop"].isascii() and data["shop"].isdecimal() else Q()
    return None, None, get_object_or_404(shops, number or Q(code=data["shop"]))


def _cases(request: StaffRequest) -> Any:
    return Case.objects.visible_to(request.user).select_related("shop", "review__shop", "review__order")


@staff_only
@require_safe
def releases(request: StaffRequest) -> HttpResponse:
    """A manager's queue of refused texts; for everybody what became of their own."""
    user = request.user
    around = ("shop", "case__review__shop", "case__review__order", "asked_by", "decided_by")
    seen = TextRelease.objects.visible_to(user).select_related(*around)
    waiting = seen.waiting().filter(user.managed_shop_filter("shop")).order_by("asked_at", "id")
    asked = [(one, shown_to_decide(one)) for one in waiting[:SHOWN]] if user.is_manager else []
    mine = list(seen.filter(asked_by=user)[:SHOWN])
    return render(request, "reviews/releases.html", {"waiting": asked, "mine": mine})


@staff_only
@require_POST
def ask(request: StaffRequest) -> HttpResponse:
    """Ask a manager about a text that was refused."""
    form = TextForm(request.POST)
    if not form.is_valid():
        raise Http404
    case, _review, shop = _place(request, form.cleaned_data)
    if shop is None:
        raise Http404
    try:
        subject = Subject(form.cleaned_data["text"], form.cleaned_data["kind"], shop, case)
        ask_release(subject, by=request.user)
    except NotReleasable as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("A manager will decide. The text waits here; nothing is lost."))
    return redirect("reviews:releases")


@staff_only
@require_POST
def decide(request: StaffRequest, pk: int) -> HttpResponse:
    """Release or refuse, with a reason."""
    release = get_object_or_404(TextRelease.objects.visible_to(request.user).select_related("case"), pk=pk)
    if not request.user.manages(release.shop_id):
        raise PermissionDenied
    try:
        decide_release(
            release,
            release_it=request.POST.get("release") == "1",
            reason=request.POST.get("reason", "")[:200],
            by=request.user,
        )
    except (NotReleasable, StaleCase) as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Decided: %(status)s") % {"status": release.get_status_display()})
    return redirect("reviews:releases")
