"""Texts to buyers: on the case page, and those a manager has to look after."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from callbacks import forms, texts
from callbacks.case_page import CasePage
from callbacks.models import OutgoingMessage, ShopGateway
from callbacks.views.case import answer, get_case
from reviews import clock
from reviews.models import StaleCase
from reviews.views.rights import StaffRequest, managers_only, staff_only

SHOWN = 100


@staff_only
@require_POST
def send(request: StaffRequest, pk: int) -> HttpResponse:
    """Send what is written by the shop's gateway instead of the chat."""
    case = get_case(request, pk)
    form = forms.SendTextForm(case, request.POST)
    return answer(
        request,
        case,
        form,
        lambda data: texts.send_text(
            case, data["text"], by=request.user, channel=data["channel"], recipient=data["recipient"]
        ),
    )


@staff_only
@require_POST
def take_back(request: StaffRequest, pk: int, text: int) -> HttpResponse:
    case = get_case(request, pk)
    message = get_object_or_404(case.outgoing.select_related("case__shop"), pk=text)
    form = forms.TakeBackForm(case, request.POST)
    return answer(request, case, form, lambda _data: texts.take_back(message, by=request.user))


@staff_only
@require_safe
def of_case(request: StaffRequest, pk: int) -> HttpResponse:
    """The texts of a case alone: asked for while one is on its way."""
    case = get_case(request, pk)
    page = CasePage(case, request.user, clock.now())
    return render(request, "callbacks/_texts.html", {"page": page, "case": case})


@managers_only
@require_safe
def page(request: StaffRequest) -> HttpResponse:
    """The gateways of the shops one manages, and the texts given up after five failures."""
    mine = request.user.managed_shop_filter("case__shop")
    parked = OutgoingMessage.objects.parked().filter(mine)
    rows = parked.select_related("case__shop", "queued_by").order_by("parked_at", "id")
    gateways = ShopGateway.objects.filter(request.user.managed_shop_filter("shop")).select_related("shop")
    return render(
        request,
        "callbacks/texts.html",
        {"rows": list(rows[:SHOWN]), "number": parked.count(), "gateways": list(gateways)},
    )


@managers_only
@require_POST
def decide(request: StaffRequest, pk: int) -> HttpResponse:
    """Let a parked text be tried again with the same key, or let it be."""
    seen = OutgoingMessage.objects.visible_to(request.user).select_related("case__shop")
    message = get_object_or_404(seen, pk=pk)
    if not request.user.manages(message.case.shop_id):
        raise PermissionDenied
    try:
        if request.POST.get("do") == "retry":
            texts.retry(message)
            messages.success(request, _("The text is being sent again."))
        else:
            texts.give_up(message, by=request.user)
            messages.success(request, _("The text is left as it is."))
    except StaleCase as stale:
        messages.warning(request, str(stale))
    return redirect("callbacks:texts")
