"""Acts on a case besides its calls: whose it is, its cause, texts, its end."""

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from callbacks import contacts, forms
from callbacks.views.case import answer, get_case, is_partial, managed_case
from callbacks.views.desk import onward
from reviews.signals import refresh
from reviews.views.rights import StaffRequest, staff_only


@staff_only
@require_POST
def take(request: StaffRequest, pk: int) -> HttpResponse:
    case = get_case(request, pk)
    form = forms.ActForm(case, request.POST)
    return answer(request, case, form, lambda _data: case.take(request.user))


@staff_only
@require_POST
def release(request: StaffRequest, pk: int) -> HttpResponse:
    case = get_case(request, pk)
    form = forms.ActForm(case, request.POST)
    return answer(request, case, form, lambda _data: contacts.give_back(case, by=request.user))


@staff_only
@require_POST
def reassign(request: StaffRequest, pk: int) -> HttpResponse:
    case = managed_case(request, pk)
    form = forms.ReassignForm(case, request.POST)
    return answer(
        request, case, form, lambda data: contacts.hand_over(case, data["assignee"], by=request.user)
    )


@staff_only
@require_POST
def correct_cause(request: StaffRequest, pk: int) -> HttpResponse:
    case = get_case(request, pk)
    form = forms.CauseForm(case, request.POST)
    return answer(
        request, case, form, lambda data: contacts.decide_cause(case, data["sub_cause"], by=request.user)
    )


@staff_only
@require_POST
def look_again(request: StaffRequest, pk: int) -> HttpResponse:
    """Ask once more what behaviour says: orders arrive, others write the same."""
    case = get_case(request, pk)
    form = forms.LookForm(case, request.POST)
    return answer(request, case, form, lambda _data: refresh(case.shop, [case]))


@staff_only
@require_POST
def reply_save(request: StaffRequest, pk: int) -> HttpResponse:
    case = get_case(request, pk)
    form = forms.ReplyForm(case, request.POST)
    return answer(
        request,
        case,
        form,
        lambda data: contacts.keep_reply(case, data["text"], by=request.user, mark=data["mark"]),
    )


@staff_only
@require_POST
def reply_posted(request: StaffRequest, pk: int) -> HttpResponse:
    case = get_case(request, pk)
    form = forms.ReplyForm(case, request.POST)
    return answer(
        request,
        case,
        form,
        lambda data: contacts.keep_reply(case, data["text"], by=request.user, posted=True, mark=data["mark"]),
    )


@staff_only
@require_POST
def reply_hand_in(request: StaffRequest, pk: int) -> HttpResponse:
    case = get_case(request, pk)
    form = forms.ReplyForm(case, request.POST)
    return answer(
        request,
        case,
        form,
        lambda data: contacts.keep_reply(
            case, data["text"], by=request.user, hand_in=True, mark=data["mark"]
        ),
    )


@staff_only
@require_POST
def message(request: StaffRequest, pk: int) -> HttpResponse:
    case = get_case(request, pk)
    form = forms.MessageForm(case, request.POST)
    return answer(
        request, case, form, lambda data: contacts.record_message(case, data["text"], by=request.user)
    )


@staff_only
@require_POST
def tell_of_review(request: StaffRequest, pk: int) -> HttpResponse:
    case = get_case(request, pk)
    form = forms.ReviewWordsForm(case, request.POST)
    return answer(request, case, form, lambda _data: contacts.tell_of_review(case, by=request.user))


@staff_only
@require_POST
def close(request: StaffRequest, pk: int) -> HttpResponse:
    """Close the case; with ?then=next go on to the next one."""
    case = get_case(request, pk)
    form = forms.CloseForm(case, request.POST)
    onward = request.GET.get("then") == "next"
    return answer(
        request,
        case,
        form,
        lambda data: contacts.settle(case, data["outcome"], by=request.user, note=data["note"]),
        (lambda: _go_on(request)) if onward else None,
    )


def _go_on(request: StaffRequest) -> HttpResponse:
    there = onward(request)
    return HttpResponse(headers={"HX-Redirect": there}) if is_partial(request) else redirect(there)


@staff_only
@require_POST
def reopen(request: StaffRequest, pk: int) -> HttpResponse:
    """For the manager, or the agent who had it."""
    case = get_case(request, pk)
    if not request.user.manages(case.shop_id) and case.assignee_id != request.user.pk:
        raise PermissionDenied
    form = forms.ReopenForm(case, request.POST)
    return answer(
        request, case, form, lambda data: contacts.reopen(case, by=request.user, reason=data["reason"])
    )
