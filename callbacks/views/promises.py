"""Call-backs by hour."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from callbacks import promises
from reviews import clock
from reviews.views.rights import StaffRequest, staff_only


@staff_only
@require_safe
def promise_list(request: StaffRequest) -> HttpResponse:
    """The promises of my cases, or with ?whose=all those of my shops."""
    everybody = request.GET.get("whose") == "all"
    shown = promises.visible_to(request.user) if everybody else promises.for_agent(request.user)
    found = list(shown[: promises.SHOWN])
    hours = promises.by_hour(found, clock.now())
    return render(
        request, "callbacks/promises.html", {"hours": hours, "number": len(found), "everybody": everybody}
    )
