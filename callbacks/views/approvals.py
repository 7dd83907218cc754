"""What waits for a manager, decided with one key."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from callbacks import approvals, remedies
from callbacks.amounts import AmountField
from callbacks.holding import NotAllowed
from callbacks.models import Remedy
from reviews import clock
from reviews.models import StaleCase
from reviews.outgoing import OffendingText
from reviews.sequence import SequenceRefusal
from reviews.views.rights import StaffRequest, managed_shops, managers_only


class ApprovalForm(forms.Form):
    approve = forms.TypedChoiceField(choices=[("1", "1"), ("0", "0")], coerce=lambda value: value == "1")
    amount = AmountField(required=False, label=gettext_lazy("Approve, ¥"))
    words = forms.CharField(label=gettext_lazy("Reason"), max_length=300, required=False)


@managers_only
@require_safe
def page(request: StaffRequest) -> HttpResponse:
    """The oldest first; with ?show=to_pay what is agreed and not carried out."""
    return _page(request)


def _page(
    request: StaffRequest, *, refused: int = 0, problems: tuple[str, ...] = (), status: int = 200
) -> HttpResponse:
    now, to_pay = clock.now(), request.GET.get("show") == "to_pay"
    context = {
        "to_pay": to_pay,
        "cards": [] if to_pay else approvals.waiting(request.user, now),
        "owed": approvals.to_carry_out(request.user) if to_pay else [],
        "purses": approvals.purses(managed_shops(request.user), now),
        "refused": refused,
        "problems": problems,
        "typed": request.POST,
    }
    return render(request, "callbacks/approvals.html", context, status=status)


@managers_only
@require_POST
def decide(request: StaffRequest, pk: int) -> HttpResponse:
    """Approve, or refuse with a reason; who comes second is told who was first."""
    remedy = _remedy(request, pk)
    form = ApprovalForm(request.POST)
    if not form.is_valid():
        words = [str(error) for errors in form.errors.values() for error in errors]
        return _page(request, refused=pk, problems=tuple(words), status=422)
    try:
        remedies.decide_remedy(remedy, by=request.user, **form.cleaned_data)
    except StaleCase as stale:
        messages.warning(request, str(stale))
        return _page(request, status=409)
    except (NotAllowed, OffendingText, SequenceRefusal) as refusal:
        return _page(request, refused=pk, problems=(str(refusal),), status=422)
    done = _("Approved.") if form.cleaned_data["approve"] else _("Refused. The agent sees your reason.")
    messages.success(request, done)
    return redirect("callbacks:approvals")


def _remedy(request: StaffRequest, pk: int) -> Remedy:
    """404 in another shop, 403 in one's own without the role."""
    rule = request.user.shop_filter("case__shop")
    remedy = Remedy.objects.filter(rule, pk=pk).select_related("case__shop", "case__review").first()
    if remedy is None:
        raise Http404
    if not request.user.manages(remedy.case.shop_id):
        raise PermissionDenied
    return remedy
