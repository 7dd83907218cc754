"""The agent's own page: what is next, what is promised today, on duty or not."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from callbacks import live, promises
from callbacks.case_list import view_counts
from callbacks.queue import agent_queue, next_entry
from reviews import clock
from reviews.dispatch import dispatch_waiting
from reviews.models import Case, PhoneOnlyWeeks
from reviews.views.rights import StaffRequest, staff_only


@staff_only
@require_safe
def desk(request: StaffRequest) -> HttpResponse:
    """My work: the next case, my queue, today's call-backs, today's numbers."""
    return draw_desk(request, "callbacks/desk.html")


def draw_desk(request: StaffRequest, template: str) -> HttpResponse:
    """The page, or its part that changes by itself."""
    user, now = request.user, clock.now()
    total = live.list_total(user)  # first: what changes from here on is drawn again
    today = promises.due_before(promises.for_agent(user), promises.midnight(now))
    entries = agent_queue(user, now)
    counts = view_counts(user, now, total)
    return render(
        request,
        template,
        {
            "version": live.version(total, live.holds_until(entries, now)),
            "entries": entries,
            "lapses": list(user.lapses.filter(read_at=None).select_related("case__review__product")[:20]),
            "promises": today,
            "figures": _figures(request, now, len(today)),
            "to_take": counts["to_take"],
            "to_approve": counts.get("to_approve", "0"),
            "now": now,
            "phone_only": lambda: PhoneOnlyWeeks.objects.filter(user.shop_filter("shop")).at(now),
        },
    )


def _figures(request: StaffRequest, now: datetime, promised: int) -> list[dict[str, object]]:
    """The agent's numbers; each opens its cases."""
    mine = Case.objects.visible_to(request.user).held_by(request.user)
    zone = ZoneInfo(settings.TIME_ZONE)
    today = now.astimezone(zone).date()
    closed = mine.closed().filter(closed_at__gte=datetime.combine(today, time(), zone))
    queue = reverse("callbacks:queue")
    overdue = mine.overdue(now).count()
    return [
        {"words": _("Open"), "number": mine.open().count(), "url": f"{queue}?view=mine"},
        {
            "words": _("Overdue"),
            "number": overdue,
            "url": f"{queue}?view=overdue&assignee=me",
            "tone": "red" if overdue else "",
        },
        {"words": _("Call-backs today"), "number": promised, "url": reverse("callbacks:promises")},
        {"words": _("Closed today"), "number": closed.count(), "url": f"{queue}?view=closed&assignee=me"},
    ]


@staff_only
@require_POST
def take_next(request: StaffRequest) -> HttpResponse:
    """Take the next case and open it."""
    coming_from = request.POST.get("from", "")
    but = int(coming_from) if coming_from.isdecimal() and len(coming_from) < 19 else None
    return redirect(onward(request, but=but))


def onward(request: StaffRequest, *, but: int | None = None) -> str:
    """Take the next case and say why this one; its address, or the desk's when nothing is left."""
    entry = next_entry(request.user, clock.now(), but=but)
    if entry is None:
        messages.info(request, _("Nothing is left to take. Well done."))
        return reverse("callbacks:desk")
    messages.info(request, _("Next: %(reason)s") % {"reason": entry.reason})
    return reverse("callbacks:case", args=[entry.case.pk])


@staff_only
@require_POST
def duty(request: StaffRequest) -> HttpResponse:
    """Go on or off duty; who comes on gets a share of what waits."""
    user = request.user
    user.on_duty = request.POST.get("on_duty") == "1"
    user.save(update_fields=["on_duty"])
    if user.on_duty:
        dispatch_waiting()
    back = request.POST.get("next", "")
    own = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return redirect(back if own else "callbacks:desk")
