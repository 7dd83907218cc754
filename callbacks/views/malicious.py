"""The malicious path: evidence, chats and the complaint of one case, and the list of all of them."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_POST, require_safe

from callbacks.chats import keep_chat, mark_demand, take_back_chat
from callbacks.evidence.packs import open_pack, request_pack
from callbacks.malicious_forms import (
    AppealForm,
    ChatForm,
    DecisionForm,
    FileForm,
    MaliciousForm,
    MarkForm,
    PlainForm,
    TakeBackForm,
)
from callbacks.malicious_page import MaliciousList, MaliciousPage
from callbacks.views.case import get_case, is_partial
from reviews import clock, complaints
from reviews.models import Case, Complaint, EvidencePack, InvalidTransition, StaleCase
from reviews.models.complaints import PackStatus
from reviews.views.rights import StaffRequest, staff_only

REFUSALS = (InvalidTransition, complaints.MissingEvidence, complaints.NotYetConfirmed)


@staff_only
@require_safe
def malicious_list(request: StaffRequest) -> HttpResponse:
    """Every confirmed case with its complaint, and how complaints went by reason."""
    if not request.user.handles_complaints:
        raise PermissionDenied
    view = request.GET.get("view", "")
    return render(request, "callbacks/malicious/list.html", {"page": MaliciousList(request.user, view)})


def _handled_case(request: StaffRequest, pk: int) -> Case:
    """The case for whoever handles complaints: 404 in another shop, 403 without the right."""
    case = get_case(request, pk)
    if not complaints.may_handle(request.user, case):
        raise PermissionDenied
    return case


def _show(
    request: StaffRequest, case: Case, *, bound: MaliciousForm | None = None, status: int = 200
) -> HttpResponse:
    page = MaliciousPage(case, request.user, clock.now(), bound)
    response = render(request, "callbacks/malicious/case.html", {"page": page, "case": case}, status=status)
    patch_cache_control(response, private=True, no_cache=True)
    return response


@staff_only
@require_safe
def evidence(request: StaffRequest, pk: int) -> HttpResponse:
    """Chats, evidence pack and complaint of one case; for htmx only how far the pack is."""
    case = get_case(request, pk)
    if is_partial(request):
        page = MaliciousPage(case, request.user, clock.now())
        return render(request, "callbacks/malicious/_pack.html", {"page": page, "case": case})
    return _show(request, case)


def _answer(
    request: StaffRequest, case: Case, form: MaliciousForm, act: Callable[[dict[str, Any]], object]
) -> HttpResponse:
    """Do the act and go back to the page; what is refused comes back with the reason and what was typed."""
    status = 422
    if form.is_valid():
        try:
            act(form.cleaned_data)
        except StaleCase as stale:
            form.add_error(None, str(stale))
            status = 409
        except REFUSALS as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect("callbacks:evidence", case.pk)
    return _show(request, get_case(request, case.pk), bound=form, status=status)


@staff_only
@require_POST
def chat(request: StaffRequest, pk: int) -> HttpResponse:
    case = _handled_case(request, pk)
    form = ChatForm(case, request.POST)
    return _answer(request, case, form, lambda data: keep_chat(case, by=request.user, **data))


@staff_only
@require_POST
def chat_mark(request: StaffRequest, pk: int) -> HttpResponse:
    case = _handled_case(request, pk)
    form = MarkForm(case, request.POST)
    return _answer(request, case, form, lambda data: mark_demand(case, by=request.user, **data))


@staff_only
@require_POST
def chat_back(request: StaffRequest, pk: int, chat: int) -> HttpResponse:
    case = _handled_case(request, pk)
    record = get_object_or_404(case.chats, pk=chat)
    form = PlainForm(case, request.POST)
    return _answer(request, case, form, lambda _data: take_back_chat(record, by=request.user))


@staff_only
@require_POST
def build_pack(request: StaffRequest, pk: int) -> HttpResponse:
    case = _handled_case(request, pk)
    form = PlainForm(case, request.POST)
    return _answer(request, case, form, lambda _data: request_pack(case, by=request.user))


@staff_only
@require_safe
def download_pack(request: StaffRequest, pk: int, pack: int) -> HttpResponse:
    """The ZIP; every download is on record. Refused in words while it holds what was taken back."""
    case = _handled_case(request, pk)
    ready = get_object_or_404(EvidencePack, pk=pack, case=case, status=PackStatus.READY)
    try:
        content = open_pack(ready, by=request.user)
    except InvalidTransition as refusal:
        form = PlainForm(case, {})
        form.add_error(None, str(refusal))
        return _show(request, case, bound=form, status=409)
    name = f"evidence-{case.pk}-{ready.manifest_sha256[:8]}.zip"
    response = HttpResponse(content, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    patch_cache_control(response, private=True, no_store=True)
    return response


def _pending(case: Case) -> Complaint:
    """The complaint the page shows as the one in hand; 404 when there is none."""
    complaint = complaints.in_hand(case)
    if complaint is None:
        raise Http404
    complaint.case = case
    return complaint


@staff_only
@require_POST
def complaint_new(request: StaffRequest, pk: int) -> HttpResponse:
    case = _handled_case(request, pk)
    form = PlainForm(case, request.POST)
    return _answer(request, case, form, lambda _data: complaints.draft_complaint(case, by=request.user))


@staff_only
@require_POST
def complaint_file(request: StaffRequest, pk: int) -> HttpResponse:
    """Keep the draft; with `filed` it now stands on the platform."""
    case = _handled_case(request, pk)
    complaint = _pending(case)
    form = FileForm(case, request.POST)

    def act(data: dict[str, Any]) -> None:
        complaints.save_draft(complaint, **data)
        if "filed" in request.POST:
            complaints.file_complaint(complaint, by=request.user)

    return _answer(request, case, form, act)


@staff_only
@require_POST
def complaint_decide(request: StaffRequest, pk: int) -> HttpResponse:
    case = _handled_case(request, pk)
    complaint = _pending(case)
    form = DecisionForm(case, request.POST)
    return _answer(
        request,
        case,
        form,
        lambda data: complaints.decide_complaint(
            complaint, won=data["won"], by=request.user, verdict=data["verdict"]
        ),
    )


@staff_only
@require_POST
def verdict_back(request: StaffRequest, pk: int) -> HttpResponse:
    case = _handled_case(request, pk)
    complaint = _pending(case)
    form = TakeBackForm(case, request.POST)
    return _answer(
        request,
        case,
        form,
        lambda data: complaints.take_back_verdict(complaint, by=request.user, reason=data["why"]),
    )


@staff_only
@require_POST
def complaint_appeal(request: StaffRequest, pk: int) -> HttpResponse:
    case = _handled_case(request, pk)
    complaint = _pending(case)
    form = AppealForm(case, request.POST)
    return _answer(
        request, case, form, lambda data: complaints.appeal(complaint, by=request.user, note=data["note"])
    )


@staff_only
@require_POST
def complaint_withdraw(request: StaffRequest, pk: int) -> HttpResponse:
    case = _handled_case(request, pk)
    complaint = _pending(case)
    form = PlainForm(case, request.POST)
    return _answer(request, case, form, lambda _data: complaints.withdraw(complaint, by=request.user))
