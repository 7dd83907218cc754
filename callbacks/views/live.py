"""What an open page asks every few seconds: has anything changed? 204 when not, else the fresh part."""

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from callbacks import live
from callbacks.models import LapsedHold
from callbacks.views.case import get_case, show
from callbacks.views.desk import draw_desk
from callbacks.views.queue import draw_queue
from reviews import clock
from reviews.models import Case
from reviews.views.rights import StaffRequest, staff_only


@staff_only
@require_safe
@never_cache
def queue_changes(request: StaffRequest) -> HttpResponse:
    """The list of cases with the filters of the URL."""
    return _same_list(request) or draw_queue(request, "callbacks/_queue_live.html")


@staff_only
@require_safe
@never_cache
def desk_changes(request: StaffRequest) -> HttpResponse:
    """My work."""
    return _same_list(request) or draw_desk(request, "callbacks/_desk_live.html")


def _same_list(request: StaffRequest) -> HttpResponse | None:
    total = live.list_total(request.user)
    same = live.still_holds(request.GET.get("version", ""), total, clock.now())
    return HttpResponse(status=204) if same else None


@staff_only
@require_POST
@never_cache
def look(request: StaffRequest, pk: int) -> HttpResponse:
    """The page of one case: asks, and tells that somebody has it open."""
    user, now = request.user, clock.now()
    try:
        total = live.look(pk, user, now)
    except Case.DoesNotExist as missing:
        raise Http404 from missing
    if live.still_holds(request.POST.get("version", ""), total, now):
        return HttpResponse(status=204)
    return show(request, get_case(request, pk))


@staff_only
@require_POST
def lapses_read(request: StaffRequest) -> HttpResponse:
    """The agent has read which cases were freed."""
    LapsedHold.objects.filter(agent=request.user, read_at=None).update(read_at=clock.now())
    return redirect("callbacks:desk")
