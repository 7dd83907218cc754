"""Mass incidents: the alarm and its reason, the cases that belong, one statement and one plan for all."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from callbacks import bulk, incident_plan
from callbacks.holding import NotAllowed
from callbacks.incident_forms import IncidentDecisionForm, IncidentPlanForm
from callbacks.limits import room
from callbacks.models import ActKind, BulkJob
from reviews import clock, incidents
from reviews.models import Case, Incident, IncidentCase, InvalidTransition
from reviews.models.incidents import IncidentState
from reviews.outgoing import OffendingText
from reviews.refusals import asked_by, refusal_of
from reviews.template_text import FALLBACKS
from reviews.views.rights import StaffRequest, managers_only

SHOWN = 50
SUGGESTED = 50
COURSE = timedelta(hours=8)  # how long after its beginning the course is drawn
HEIGHT = 60  # of the tallest bar


@dataclass(frozen=True, slots=True)
class Bar:
    """Complaints of ten minutes, as a bar of the course."""

    at: datetime
    number: int
    x: int
    y: int
    height: int
    struck: bool


@managers_only
@require_safe
def page(request: StaffRequest) -> HttpResponse:
    """What is to decide first, then the newest."""
    found = Incident.objects.filter(request.user.managed_shop_filter("shop"))
    found = found.select_related("shop", "product").order_by("-rang_at", "-id")
    open_ones = list(found.open())
    over = list(found.exclude(pk__in=[one.pk for one in open_ones])[:SHOWN])
    counts = _counts([*open_ones, *over])
    rows = {
        "open": [(one, counts.get(one.pk, 0)) for one in open_ones],
        "over": [(one, counts.get(one.pk, 0)) for one in over],
    }
    return render(request, "callbacks/incidents/list.html", rows)


def _counts(found: list[Incident]) -> dict[int, int]:
    places = IncidentCase.objects.filter(incident__in=found).order_by().values_list("incident_id", flat=True)
    counts: dict[int, int] = {}
    for pk in places:
        counts[pk] = counts.get(pk, 0) + 1
    return counts


def _own(request: StaffRequest, pk: int) -> Incident:
    """404 in another's shop, 403 in one's own without the role."""
    seen = Incident.objects.visible_to(request.user).select_related("shop", "product", "decided_by")
    found = get_object_or_404(seen, pk=pk)
    if not request.user.manages(found.shop_id):
        raise PermissionDenied
    return found


@managers_only
@require_safe
def incident(request: StaffRequest, pk: int) -> HttpResponse:
    """One incident: why it rang, its course, its cases, statement and plan."""
    return _page(request, _own(request, pk))


def _page(
    request: StaffRequest, found: Incident, form: IncidentPlanForm | None = None, *, status: int = 200
) -> HttpResponse:
    now = clock.now()
    places = list(
        found.places.select_related(
            "case__shop", "case__assignee", "case__review__buyer", "case__review__product"
        )
    )
    more = incidents.suggested(found).select_related("shop", "review__buyer", "review__product")
    fields = ("statement", "remedy_kind", "remedy_amount", "remedy_reason")
    if form is None:
        form = IncidentPlanForm(initial={name: getattr(found, name) for name in fields})
        form.opened_with(incidents.plan_of(found))
    jobs = BulkJob.objects.visible_to(request.user).filter(act=ActKind.INCIDENT, params__incident=found.pk)
    context: dict[str, Any] = {
        "incident": found,
        "bars": _bars(found, now),
        "places": places,
        "suggested": list(more.order_by("-review__created_at")[:SUGGESTED]) if found.is_open else [],
        "form": form,
        "variables": [(name, FALLBACKS[name]) for name in incidents.STATEMENT_VARIABLES],
        "jobs": jobs.order_by("-id")[:10],
        "preview": _preview(found, places),
        "budget": room(places[0].case, request.user, now).budget_fen if places else None,
        "may_apply": found.state == IncidentState.CONFIRMED
        and places
        and (found.statement or found.remedy_kind),
    }
    return render(request, "callbacks/incidents/incident.html", context, status=status)


def _bars(found: Incident, now: datetime) -> list[Bar]:
    """The course in steps of ten minutes, ready to be drawn."""
    until = min(now, found.began_at + COURSE)
    course = list(incidents.counts_by_minutes(found, until))
    most = max((number for _at, number in course), default=1) or 1
    return [
        Bar(
            at,
            number,
            n * 10,
            HEIGHT - number * HEIGHT // most,
            number * HEIGHT // most,
            at >= found.began_at,
        )
        for n, (at, number) in enumerate(course)
    ]


def _preview(found: Incident, places: list[IncidentCase]) -> list[tuple[IncidentCase, str]]:
    """How the statement reads in the first cases."""
    if not found.statement:
        return []
    params = {**incident_plan.params_of(found), "kind": ""}
    return [(place, incident_plan.shown(place.case, params)) for place in places[:3]]


@managers_only
@require_POST
def seen(request: StaffRequest, pk: int) -> HttpResponse:
    """The page was opened."""
    incidents.note_seen(_own(request, pk), by=request.user)
    return HttpResponse(status=204)


@managers_only
@require_POST
def decide(request: StaffRequest, pk: int) -> HttpResponse:
    """It is an incident, it is none (with a reason), or it is over."""
    found = _own(request, pk)
    form = IncidentDecisionForm(request.POST)
    if not form.is_valid():
        return _page(request, found, status=422)
    try:
        if form.cleaned_data["verb"] == "dismiss":
            incidents.dismiss(found, by=request.user, reason=form.cleaned_data["words"])
        else:
            verbs = {"confirm": incidents.confirm, "close": incidents.close}
            verbs[form.cleaned_data["verb"]](found, by=request.user)
    except InvalidTransition as refusal:
        messages.error(request, str(refusal))
    return redirect("callbacks:incident", pk)


@managers_only
@require_POST
def cases(request: StaffRequest, pk: int) -> HttpResponse:
    """Take one case out (`remove`), or let the chosen ones belong (`case`), or all that fit (`all`)."""
    found = _own(request, pk)
    try:
        if removed := _numbers(request, "remove"):
            incidents.remove_case(
                found, get_object_or_404(Case, pk=removed[0], shop=found.shop), by=request.user
            )
        else:
            fitting = incidents.suggested(found)
            named = Case.objects.filter(shop=found.shop, pk__in=_numbers(request, "case"))
            number = incidents.add_cases(
                found, fitting if request.POST.get("all") else named, by=request.user
            )
            messages.success(
                request, ngettext("%(n)d case added", "%(n)d cases added", number) % {"n": number}
            )
    except InvalidTransition as refusal:
        messages.error(request, str(refusal))
    return redirect("callbacks:incident", pk)


def _numbers(request: StaffRequest, name: str) -> list[int]:
    return [int(pk) for pk in request.POST.getlist(name) if pk.isdecimal() and len(pk) < 19]


@managers_only
@require_POST
def plan(request: StaffRequest, pk: int) -> HttpResponse:
    """Keep statement and plan; nothing is answered or offered yet."""
    found = _own(request, pk)
    form = IncidentPlanForm(request.POST)
    form.opened_with(incidents.plan_of(found))
    if not form.is_valid():
        return _page(request, found, form, status=422)
    words = form.cleaned_data
    try:
        with asked_by(request):
            kept = form.keep(lambda mark: incidents.save_plan(found, by=request.user, mark=mark, **words))
    except OffendingText as error:
        form.refusal = refusal_of(request, error, shop=found.shop)
        form.add_error("remedy_reason" if error.kind == "note" else "statement", error.sentences)
        return _page(request, found, form, status=422)
    except InvalidTransition as refusal:
        form.add_error(None, str(refusal))
        return _page(request, found, form, status=422)
    if not kept:
        return _page(request, _own(request, pk), form, status=form.status)
    messages.success(request, _("Saved."))
    return redirect("callbacks:incident", pk)


@managers_only
@require_POST
def apply(request: StaffRequest, pk: int) -> HttpResponse:
    """Lead to the preview of what each case gets."""
    found = _own(request, pk)
    try:
        incident_plan.check_ready(found)
        of_it = Case.objects.visible_to(request.user).filter(incident_place__incident=found)
        job = bulk.prepare(
            of_it,
            ActKind.INCIDENT,
            incident_plan.params_of(found),
            by=request.user,
            asked=f"view=all&incident={found.pk}",
        )
    except (InvalidTransition, NotAllowed) as refusal:
        messages.error(request, str(refusal))
        return redirect("callbacks:incident", pk)
    return redirect("callbacks:bulk", job.pk)
