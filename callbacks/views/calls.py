"""Acts of a call: the number, beginning, stages, notes, end; and what was promised in it."""

from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from callbacks import contacts, forms, promising
from callbacks.holding import NotAllowed
from callbacks.models import CallbackPromise, CallLog
from callbacks.views.case import answer, get_case, is_partial, managed_case, show
from reviews.models import Case, InvalidTransition, StaleCase
from reviews.views.rights import StaffRequest, staff_only


def _running_call(case: Case) -> CallLog:
    call = case.calls.filter(ended_at=None).first()
    if call is None:
        raise StaleCase(_("No call is running in this case any more."))
    return call


@staff_only
@require_POST
@never_cache
def reveal(request: StaffRequest, pk: int) -> HttpResponse:
    """The full number with its tel: link, in this answer only; the look is recorded."""
    case = get_case(request, pk)
    form = forms.StartCallForm(case, request.POST)
    form.full_clean()
    try:
        phone = contacts.reveal_phone(case, by=request.user)
    except (InvalidTransition, NotAllowed) as refusal:
        form.add_error(None, str(refusal))
        return show(request, get_case(request, pk), bound=form, status=422)
    if is_partial(request):
        return render(request, "callbacks/_phone.html", {"phone": phone, "holds": True, "case": case})
    return show(request, get_case(request, pk), phone=phone)


@staff_only
@require_POST
def start_call(request: StaffRequest, pk: int) -> HttpResponse:
    case = get_case(request, pk)
    form = forms.StartCallForm(case, request.POST)
    return answer(request, case, form, lambda _data: contacts.start_call(case, by=request.user))


@staff_only
@require_safe
@never_cache
def clock(request: StaffRequest, pk: int) -> HttpResponse:
    """The clock of the running call, as the telephone system tells it; 204 while nothing has changed."""
    case = get_case(request, pk)
    call = case.calls.filter(ended_at=None, agent=request.user).first()
    if call is None or not (call.answered_at or call.hung_up_at):
        return HttpResponse(status=204)
    watched = not call.hung_up_at
    return render(request, "callbacks/_clock.html", {"call": call, "case": case, "watched": watched})


@staff_only
@require_POST
def tick(request: StaffRequest, pk: int) -> HttpResponse:
    """Tick a stage of the running call, or with done=0 take the tick back."""
    case = get_case(request, pk)
    form = forms.StageForm(case, request.POST)
    return answer(
        request,
        case,
        form,
        lambda data: contacts.tick_stage(
            _running_call(case), data["stage"], by=request.user, done=data["done"]
        ),
    )


@staff_only
@require_POST
def tick_rest(request: StaffRequest, pk: int) -> HttpResponse:
    """Tick all stages that are left."""
    case = get_case(request, pk)
    form = forms.RestForm(case, request.POST)
    return answer(request, case, form, lambda _data: contacts.tick_rest(_running_call(case), by=request.user))


@staff_only
@require_POST
def answer_stage(request: StaffRequest, pk: int) -> HttpResponse:
    """Note how the buyer answered: the next words follow, and the outcome it leads to."""
    case = get_case(request, pk)
    form = forms.AnswerForm(case, request.POST)
    return answer(
        request,
        case,
        form,
        lambda data: contacts.answer_stage(
            _running_call(case), data["stage"], data["answer"], by=request.user
        ),
    )


@staff_only
@require_POST
def keep_notes(request: StaffRequest, pk: int) -> HttpResponse:
    """Save the notes while they are typed: nothing to show, so 204 with the number of the saving.

    409 with the saved text when another page was quicker: whoever types decides which one stays.
    """
    case = get_case(request, pk)
    form = forms.NotesForm(case, request.POST)
    saved: HttpResponse = HttpResponse(status=204)

    def keep(data: dict[str, Any]) -> None:
        nonlocal saved
        base, draft = data["notes_saved"], data["notes_draft"]
        try:
            number = contacts.keep_notes(
                _running_call(case), data["notes"], by=request.user, base=base, draft=draft
            )
            saved["X-Notes-Saved"] = str(number)
        except contacts.StaleNotes as stale:
            other = {"saved": stale.call.notes_saved, "notes": stale.call.notes}
            saved = JsonResponse(other, status=409)

    return answer(request, case, form, keep, lambda: saved)


@staff_only
@require_POST
def end_call(request: StaffRequest, pk: int) -> HttpResponse:
    """No end without an outcome; `later` needs its hour."""
    case = get_case(request, pk)
    form = forms.EndCallForm(case, request.POST)
    return answer(
        request,
        case,
        form,
        lambda data: contacts.end_call(
            _running_call(case),
            data["outcome"],
            by=request.user,
            notes=data["notes"],
            notes_base=data["notes_saved"],
            notes_draft=data["notes_draft"],
            callback_at=data["callback_at"],
            callback_note=data["callback_note"],
            callback_agent=data["callback_agent"],
            callback_text=data["callback_text"],
        ),
    )


@staff_only
@require_POST
def end_call_for(request: StaffRequest, pk: int) -> HttpResponse:
    """A manager ends the call of an agent who is gone."""
    case = managed_case(request, pk)
    form = forms.EndForForm(case, request.POST)
    return answer(
        request,
        case,
        form,
        lambda data: contacts.end_call_for(
            _running_call(case), data["outcome"], by=request.user, reason=data["reason"]
        ),
    )


@staff_only
@require_POST
def promise(request: StaffRequest, pk: int) -> HttpResponse:
    case = get_case(request, pk)
    form = forms.CallbackForm(case, request.POST)
    return answer(
        request,
        case,
        form,
        lambda data: contacts.promise_callback(
            case,
            data["callback_at"],
            by=request.user,
            note=data["callback_note"],
            agent=data["callback_agent"],
            text=data["callback_text"],
        ),
    )


@staff_only
@require_POST
def move_promise(request: StaffRequest, pk: int) -> HttpResponse:
    """Another hour or another agent for the promise; the buyer's text follows."""
    case = get_case(request, pk)
    form = forms.MovePromiseForm(case, request.POST)
    return answer(
        request,
        case,
        form,
        lambda data: promising.move_promise(
            _pending(case),
            by=request.user,
            at=data["callback_at"],
            agent=data["callback_agent"],
            note=data["callback_note"] or None,
            at_buyers_wish=data["at_buyers_wish"],
        ),
    )


@staff_only
@require_POST
def cancel_promise(request: StaffRequest, pk: int) -> HttpResponse:
    case = get_case(request, pk)
    form = forms.CancelPromiseForm(case, request.POST)
    return answer(request, case, form, lambda _data: _cancel(case, request))


def _cancel(case: Case, request: StaffRequest) -> None:
    contacts.cancel_promise(_pending(case), by=request.user)


def _pending(case: Case) -> CallbackPromise:
    pending = CallbackPromise.objects.filter(case=case).pending().first()
    if pending is None:
        raise StaleCase(_("This call-back has already been made or cancelled."))
    return pending
