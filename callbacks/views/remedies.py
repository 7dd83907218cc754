"""Acts on remedies from the case page, and the pictures that prove a fault."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST, require_safe

from callbacks import photos, remedies, remedy_forms
from callbacks.forms import CaseForm
from callbacks.models import Remedy
from callbacks.views.case import answer, get_case, managed_case
from reviews.views.rights import StaffRequest, staff_only


@staff_only
@require_POST
def offer(request: StaffRequest, pk: int) -> HttpResponse:
    case = get_case(request, pk)
    form = remedy_forms.RemedyForm(case, request.POST)
    return answer(request, case, form, lambda data: remedies.offer_remedy(case, by=request.user, **data))


@staff_only
@require_POST
def decide(request: StaffRequest, pk: int, remedy: int) -> HttpResponse:
    case = managed_case(request, pk)
    asked = get_object_or_404(case.remedies, pk=remedy)
    form = remedy_forms.DecisionForm(case, request.POST)
    return answer(request, case, form, lambda data: remedies.decide_remedy(asked, by=request.user, **data))


def _act(
    request: StaffRequest,
    pk: int,
    remedy: int,
    form_class: type[CaseForm],
    act: Callable[[Remedy, dict[str, Any]], object],
) -> HttpResponse:
    case = get_case(request, pk)
    one = get_object_or_404(case.remedies.select_related("case__shop"), pk=remedy)
    return answer(request, case, form_class(case, request.POST), lambda data: act(one, data))


@staff_only
@require_POST
def accept(request: StaffRequest, pk: int, remedy: int) -> HttpResponse:
    """The buyer has said yes."""
    by = request.user
    return _act(
        request, pk, remedy, remedy_forms.AcceptForm, lambda one, _data: remedies.accept_remedy(one, by=by)
    )


@staff_only
@require_POST
def cancel(request: StaffRequest, pk: int, remedy: int) -> HttpResponse:
    by = request.user
    return _act(
        request,
        pk,
        remedy,
        remedy_forms.CancelForm,
        lambda one, data: remedies.cancel_remedy(one, by=by, **data),
    )


@staff_only
@require_POST
def carry_out(request: StaffRequest, pk: int, remedy: int) -> HttpResponse:
    """It is paid or sent."""
    by = request.user
    return _act(
        request, pk, remedy, remedy_forms.PayoutForm, lambda one, data: remedies.carry_out(one, by=by, **data)
    )


@staff_only
@require_POST
def reverse(request: StaffRequest, pk: int, remedy: int) -> HttpResponse:
    """The payment came back."""
    case = managed_case(request, pk)
    one = get_object_or_404(case.remedies, pk=remedy)
    payout = get_object_or_404(one.payouts.select_related("remedy__case__shop").order_by("-id")[:1])
    form = remedy_forms.ReversalForm(case, request.POST)
    return answer(
        request,
        case,
        form,
        lambda data: remedies.reverse_payout(payout, by=request.user, reason=data["reason"]),
    )


# --- pictures ------------------------------------------------------------------------------------


@staff_only
@require_POST
def add_photos(request: StaffRequest, pk: int) -> HttpResponse:
    case = get_case(request, pk)
    form = remedy_forms.PhotoForm(case, request.POST, request.FILES)

    def keep(data: dict[str, Any]) -> None:
        files = [(file.name, file.read()) for file in data["photos"]]
        photos.add_photos(case, files, by=request.user)

    return answer(request, case, form, keep)


@staff_only
@require_safe
def photo(request: StaffRequest, pk: int, photo: int) -> HttpResponseBase:
    """The copy without hidden data; never the original."""
    case = get_case(request, pk)
    shown = get_object_or_404(case.photos, pk=photo).shown
    return _file(shown.open("rb"), "image/jpeg", f"{case.pk}-{photo}.jpg")


@staff_only
@require_safe
def original_photo(request: StaffRequest, pk: int, photo: int) -> HttpResponseBase:
    """The original, for a manager who needs the evidence: hidden data included, only to be kept."""
    case = get_case(request, pk)
    if not request.user.manages(case.shop_id):
        raise PermissionDenied
    one = get_object_or_404(case.photos, pk=photo)
    return _file(
        one.original.open("rb"), "application/octet-stream", f"{case.pk}-{one.sha256[:12]}", keep=True
    )


def _file(file: Any, kind: str, name: str, *, keep: bool = False) -> FileResponse:
    response = FileResponse(file, content_type=kind, as_attachment=keep, filename=name)
    response["Cache-Control"] = "private, max-age=3600" if not keep else "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
