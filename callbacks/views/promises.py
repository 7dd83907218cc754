"""Call-backs by hour, those that are up now, and how many were kept."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from callbacks import forms, promises, promising
from callbacks.kept import judged, kept, missed, shares
from callbacks.views.case import answer, get_case
from reviews import clock, incidents
from reviews.models import Shop
from reviews.statistics import Period, Scope
from reviews.views.rights import StaffRequest, staff_only

COUNTED_DAYS = 30


@staff_only
@require_safe
def promise_list(request: StaffRequest) -> HttpResponse:
    """The promises of my cases, or with ?whose=all those of my shops."""
    user, now = request.user, clock.now()
    everybody = request.GET.get("whose") == "all"
    shown = promises.visible_to(user) if everybody else promises.for_agent(user)
    found = list(shown[: promises.SHOWN])
    period = Period.of_days(COUNTED_DAYS, timezone.localdate(now))
    scope = Scope(tuple(Shop.objects.visible_to(user)), period)
    rows = shares(scope, now, None if everybody else user)
    return render(
        request,
        "callbacks/promises.html",
        {
            "hours": promises.by_hour(found, now),
            "number": len(found),
            "everybody": everybody,
            "kept": [row for row in rows if not everybody or row.agent is None],
            "days": _days(period),
        },
    )


@staff_only
@require_safe
@never_cache
def due(request: StaffRequest) -> HttpResponse:
    """What is up now, for the notice on every page: call-backs, and to managers incidents nobody has opened;
    204 when that is what the page shows already."""
    up = promises.coming_up(request.user, clock.now())
    alarms = incidents.unseen_by_managers(request.user)
    digest = ".".join([*(f"i{one.pk}" for one in alarms), *filter(None, [up.digest])])
    if request.GET.get("seen", "") == digest:
        response = HttpResponse(status=204)
    else:
        response = render(request, "callbacks/_due.html", {"notices": up.notices, "alarms": alarms})
    response["X-Seen"] = digest
    response["X-Next"] = f"{up.next_in:.3f}"
    return response


@staff_only
@require_POST
def take_over(request: StaffRequest, pk: int) -> HttpResponse:
    """Call in a colleague's place: nobody has, and the hour is over."""
    case = get_case(request, pk)
    form = forms.TakeOverForm(case, request.POST)
    return answer(request, case, form, lambda _data: promising.take_over(case, by=request.user))


@staff_only
@require_safe
def kept_list(request: StaffRequest) -> HttpResponse:
    """The promises behind a number: ?shop= &agent= &from= &until= &how=kept|missed."""
    user, now = request.user, clock.now()
    form = forms.KeptForm(user, request.GET)
    filters = form.filters
    shops = [filters["shop"]] if "shop" in filters else list(Shop.objects.visible_to(user))
    until = filters.get("until") or timezone.localdate(now)
    period = Period(filters.get("from") or Period.of_days(COUNTED_DAYS, until).first, until)
    found = judged(Scope(tuple(shops), period), now)
    if "agent" in filters:
        found = found.filter(agent=filters["agent"])
    if how := {"kept": kept, "missed": missed}.get(filters.get("how", "")):
        found = how(found)
    found = found.order_by("-judged_at", "-pk")
    rows = found.select_related("case__shop", "case__review__product", "agent")
    return render(
        request,
        "callbacks/kept.html",
        {
            "rows": list(rows[: promises.SHOWN]),
            "number": found.count(),
            "how": filters.get("how", ""),
            "period": period,
            "same": urlencode([(n, str(v)) for n, v in request.GET.items() if n != "how"]),
        },
    )


def _days(period: Period) -> str:
    return urlencode({"from": period.first.isoformat(), "until": period.last.isoformat()})
