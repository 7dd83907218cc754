"""Undo: offered after each act that can be undone, and on the page of what one did lately."""

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from callbacks import undoing
from callbacks.holding import NotAllowed
from callbacks.models import Act, BulkJob, OutgoingMessage
from callbacks.models.messages import MessageState
from callbacks.templatetags.desk import UNDO_TAG
from reviews import clock
from reviews.models import StaleCase
from reviews.views.rights import StaffRequest, own_place, staff_only

SHOWN = 30


def offer_undo(request: StaffRequest, act: Act) -> None:
    """Say what was done, with the way back beside it."""
    words = _("%(act)s · %(case)s: done") % {"act": act.get_kind_display(), "case": act.case}
    messages.success(request, words, extra_tags=f"{UNDO_TAG}{reverse('callbacks:undo', args=[act.pk])}")


def offer_to_take_back(request: StaffRequest, message: OutgoingMessage) -> None:
    """The same for a text to the buyer, which leaves in a moment; one taken back offers nothing."""
    if message.state == MessageState.QUEUED:
        way_back = reverse("callbacks:take_back_text", args=[message.case_id, message.pk])
        messages.success(request, _("The text leaves in 15 seconds."), extra_tags=f"{UNDO_TAG}{way_back}")


@staff_only
@require_safe
def page(request: StaffRequest) -> HttpResponse:
    """What one did lately, one by one and to many cases; what can still be undone has its button."""
    now = clock.now()
    mine = Act.objects.visible_to(request.user).filter(by=request.user, row=None)
    acts = (
        mine.filter(at__gt=now - undoing.KEPT_FOR)
        .select_related("case__shop", "case__review")
        .order_by("-at", "-id")
    )
    jobs = BulkJob.objects.visible_to(request.user).annotate(number=Count("rows"))
    jobs = jobs.order_by("-created_at", "-id")
    context = {"acts": acts[:SHOWN], "jobs": jobs[:SHOWN], "now": now}
    return render(request, "callbacks/acts.html", context)


@staff_only
@require_POST
def undo_act(request: StaffRequest, pk: int) -> HttpResponse:
    """Put one case back as it stood, and show it."""
    act = get_object_or_404(Act.objects.visible_to(request.user).select_related("case__shop"), pk=pk)
    try:
        undoing.undo(act, by=request.user)
    except (NotAllowed, StaleCase) as refusal:
        messages.error(request, str(refusal))
    else:
        messages.info(request, _("Undone: %(act)s") % {"act": act.get_kind_display()})
    return redirect(own_place(request.POST.get("next", "")) or reverse("callbacks:case", args=[act.case_id]))
