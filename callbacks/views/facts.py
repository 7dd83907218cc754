"""What is kept about a buyer for the next call, and the recordings of calls."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from callbacks import buyer_facts, forms, recordings
from callbacks.holding import NotAllowed
from callbacks.models import BuyerFact, CallLog
from callbacks.views.case import answer, get_case, is_partial, show
from reviews.models import Case
from reviews.views.rights import StaffRequest, staff_only


@staff_only
@require_POST
def keep(request: StaffRequest, pk: int) -> HttpResponse:
    """Note a new fact about the buyer."""
    case = get_case(request, pk)
    form = forms.FactForm(case, request.POST)
    return answer(
        request, case, form, lambda data: buyer_facts.keep_fact(case, data["text"], by=request.user)
    )


@staff_only
@require_POST
def change(request: StaffRequest, pk: int, fact: int) -> HttpResponse:
    """Correct a fact, or with do=delete delete it."""
    case = get_case(request, pk)
    kept = get_object_or_404(BuyerFact.objects.about(case.review), pk=fact)
    form = forms.FactForm(case, request.POST)
    form.fact = kept

    def act(data: dict[str, Any]) -> None:
        if data["do"] == "delete":
            buyer_facts.delete_fact(case, kept, by=request.user)
        else:
            buyer_facts.correct_fact(case, kept, data["text"], by=request.user, mark=data["mark"])

    return answer(request, case, form, act)


@staff_only
@require_POST
def set_recording(request: StaffRequest, pk: int, call: int) -> HttpResponse:
    """Keep where the recording of a call lies; an empty address forgets it."""
    case = get_case(request, pk)
    spoken = _call(case, call)
    form = forms.RecordingForm(case, request.POST)
    form.call = spoken

    def act(data: dict[str, Any]) -> None:
        recordings.set_recording(spoken, data["recording_url"], by=request.user, mark=data["mark"])

    return answer(request, case, form, act)


@staff_only
@require_POST
@never_cache
def hear(request: StaffRequest, pk: int, call: int) -> HttpResponse:
    """The link to the recording, in this answer only; the look is recorded."""
    case = get_case(request, pk)
    spoken = _call(case, call)
    form = forms.RecordingForm(case, {})
    form.full_clean()
    try:
        url = recordings.hear_recording(spoken, by=request.user)
    except NotAllowed as refusal:
        form.add_error(None, str(refusal))
        return show(request, case, bound=form, status=422)
    if is_partial(request):
        return render(request, "callbacks/_recording_link.html", {"href": url})
    return show(request, case, heard=(spoken.pk, url))


def _call(case: Case, number: int) -> CallLog:
    call = case.calls.select_related("case").filter(pk=number).exclude(ended_at=None).first()
    if call is None:
        raise Http404
    return call
