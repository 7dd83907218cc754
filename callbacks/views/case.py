"""The case page, and the one way every act on it is answered."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from callbacks.case_page import CasePage, find_case, seen_of
from callbacks.forms import CaseForm
from callbacks.holding import NotAllowed
from callbacks.models import Act, CaseViewer, OutgoingMessage
from callbacks.views.undo import offer_to_take_back, offer_undo
from reviews import clock
from reviews.colliding import Collision
from reviews.models import Case, InvalidTransition, StaleCase
from reviews.outgoing import OffendingText
from reviews.refusals import asked_by, refusal_of
from reviews.sequence import SequenceRefusal
from reviews.views.rights import StaffRequest, staff_only


@staff_only
@require_safe
def case(request: StaffRequest, pk: int) -> HttpResponse:
    """One screen, one case, one next step."""
    return show(request, get_case(request, pk))


def get_case(request: StaffRequest, pk: int) -> Case:
    """The case if it is in one of this person's shops, else 404."""
    try:
        return find_case(request.user, pk)
    except Case.DoesNotExist as missing:
        raise Http404 from missing


def managed_case(request: StaffRequest, pk: int) -> Case:
    """The case for a manager's act: 404 in another shop, 403 without the role."""
    case = get_case(request, pk)
    if not request.user.manages(case.shop_id):
        raise PermissionDenied
    return case


def answer(
    request: StaffRequest,
    case: Case,
    form: CaseForm,
    act: Callable[[dict[str, Any]], object],
    done: Callable[[], HttpResponse] | None = None,
) -> HttpResponse:
    """Do the act with what the form says and show the case again, or answer with `done`.

    What is refused comes back with the reason beside the form and everything typed still in it: 422,
    or 409 when somebody else was quicker.
    """
    status = 422
    CaseViewer.objects.all().note(case.pk, request.user.pk, clock.now())  # an act keeps the case in hand
    if form.is_valid():
        try:
            _check_seen(request, case)
            with asked_by(request):
                done_act = act(form.cleaned_data)
        except StaleCase as stale:
            form.add_error(None, str(stale))
            form.theirs = stale.theirs if isinstance(stale, Collision) else None
            status = 409
        except OffendingText as offending:
            form.refusal = refusal_of(request, offending)
            for sentence in offending.sentences:
                form.add_error(None, sentence)
        except (InvalidTransition, NotAllowed, SequenceRefusal) as refusal:
            form.add_error(None, str(refusal))
        else:
            if isinstance(done_act, Act):
                offer_undo(request, done_act)
            elif isinstance(done_act, OutgoingMessage):
                offer_to_take_back(request, done_act)
            return done() if done else _shown_again(request, case)
    return show(request, get_case(request, case.pk), bound=form, status=status)


def _check_seen(request: StaffRequest, case: Case) -> None:
    """The page says what it showed; when that is no longer so, its reader has to look first."""
    seen = request.POST.get("seen")
    if seen and seen != seen_of(case):
        raise StaleCase(
            _("The case has changed since you opened it. This is how it stands now; what you typed is kept.")
        )


def is_partial(request: StaffRequest) -> bool:
    """Whether htmx asks, which swaps a part of the page."""
    return bool(request.htmx)  # type: ignore[attr-defined]


def _shown_again(request: StaffRequest, case: Case) -> HttpResponse:
    if is_partial(request):
        return show(request, get_case(request, case.pk))
    return redirect("callbacks:case", case.pk)


def show(
    request: StaffRequest,
    case: Case,
    *,
    bound: CaseForm | None = None,
    phone: str = "",
    heard: tuple[int, str] = (0, ""),
    status: int = 200,
) -> HttpResponse:
    """The whole page, or for htmx its changing part; `phone` is the number just revealed, `heard` a call and
    the link to its recording."""
    page = CasePage(case, request.user, clock.now(), bound=bound, phone=phone, heard=heard)
    partial = is_partial(request)
    template = "callbacks/_case.html" if partial else "callbacks/case.html"
    response = render(request, template, {"page": page, "case": case, "partial": partial}, status=status)
    if partial:
        response["HX-Retarget"] = "#case"
        response["HX-Reswap"] = "morph:outerHTML"
    patch_cache_control(response, private=True, no_cache=True)
    return response
