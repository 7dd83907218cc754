"""One act on many cases: choose it, read exactly what it will do, watch it, undo it."""

import csv
import io
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from callbacks import bulk
from callbacks.bulk_forms import FORMS, BulkForm, forms_for
from callbacks.case_list import count_of
from callbacks.holding import NotAllowed
from callbacks.incident_plan import remedy_words
from callbacks.models import ActKind, BulkJob
from callbacks.models.acts import JobStatus, RowState
from callbacks.views.queue import listed
from reviews import clock
from reviews.causes import SubCause
from reviews.importers.refusals import guarded
from reviews.models import Case, InvalidTransition, Outcome, User
from reviews.models.cases import CaseQuerySet
from reviews.templatetags.ui import zdate
from reviews.views.rights import StaffRequest, staff_only

SAMPLE = 10
SHOWN_IN_FULL = 100  # of an act that gives each case something of its own
ON_A_PAGE = 200  # more cannot be ticked; "all that match" has no such bound
ICONS = {
    ActKind.ASSIGN: "transfer",
    ActKind.RELEASE: "arrow-back-up",
    ActKind.WAIT: "hourglass-high",
    ActKind.CLOSE: "archive",
    ActKind.CAUSE: "tag",
    ActKind.NOTE: "note",
    ActKind.MESSAGE: "device-mobile",
    ActKind.INCIDENT: "alert-triangle",
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which cases are meant: ticked ones, or all that a list shows; `asked` is that list's query string."""

    cases: CaseQuerySet
    words: str
    hidden: list[tuple[str, str]]
    asked: str = ""


def _chosen(user: User, asked: QueryDict) -> Chosen:
    ticked = [int(pk) for pk in asked.getlist("case") if pk.isdecimal() and len(pk) < 19][:ON_A_PAGE]
    if not asked.get("all"):
        cases = Case.objects.visible_to(user).filter(pk__in=ticked)
        number = cases.count()
        words = ngettext("%(n)d case chosen", "%(n)d cases chosen", number) % {"n": number}
        return Chosen(cases, words, [("case", str(pk)) for pk in ticked])
    view, form, cases = listed(user, asked, clock.now())
    kept = {"view": view.code, **{name: form.data[name] for name in form.filters}}
    words = _("All that match: %(view)s · %(number)s") % {"view": view.label, "number": count_of(cases)}
    return Chosen(cases, words, [("all", "1"), *kept.items()], urlencode(kept))


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: StaffRequest) -> HttpResponse:
    """Choose what to do with the cases; sent, it leads to the preview."""
    asked = request.POST if request.method == "POST" else request.GET
    chosen = _chosen(request.user, asked)
    kinds = forms_for(request.user)
    forms = {kind: _form(kind, request) for kind in kinds}
    status = 200
    if request.method == "POST":
        kind = next((one for one in kinds if one == request.POST.get("act")), None)
        if kind is None:
            raise PermissionDenied
        form = forms[kind] = _form(kind, request, request.POST)
        if form.is_valid() and (made := _prepared(chosen, kind, form, request.user)):
            return redirect("callbacks:bulk", made.pk)
        status = 422
    acts = [{"kind": kind, "icon": ICONS[kind], "form": forms[kind]} for kind in kinds]
    return render(request, "callbacks/bulk/new.html", {"chosen": chosen, "acts": acts}, status=status)


def _form(kind: ActKind, request: StaffRequest, data: QueryDict | None = None) -> BulkForm:
    """The form of one act; its fields have a name before theirs, since filters are called the same."""
    return FORMS[kind](request.user, data, auto_id=f"{kind}_%s", prefix="do")


def _prepared(chosen: Chosen, kind: ActKind, form: BulkForm, user: User) -> BulkJob | None:
    try:
        return bulk.prepare(chosen.cases, kind, form.params, by=user, asked=chosen.asked)
    except (InvalidTransition, NotAllowed) as refusal:
        form.add_error(None, str(refusal))
        return None


def _job(request: StaffRequest, pk: int) -> BulkJob:
    return get_object_or_404(BulkJob.objects.visible_to(request.user), pk=pk)


@staff_only
@require_safe
def job(request: StaffRequest, pk: int) -> HttpResponse:
    """The exact preview, then how far the job is; asked again by the page until it is over."""
    found = _job(request, pk)
    counts = found.counts()
    total = sum(counts.values())
    to_do = counts.get(RowState.TO_DO, 0)
    pending = counts.get(RowState.DONE, 0) if found.status == "undoing" else to_do
    context = {
        "job": found,
        "icon_name": ICONS[ActKind(found.act)],
        "details": _details(found),
        "counts": counts,
        "total": total,
        "to_do": to_do,
        "will_be_refused": counts.get(RowState.REFUSED, 0),
        "states": [(state, counts[state]) for state in RowState if state in counts],
        "reasons": bulk.reasons_of(found),
        "sample": _sample(found, request.user),
        "percent": 100 * (total - pending) // max(total, 1),
        "done_of": total - pending,
        "may_undo": found.may_be_undone(clock.now()) and counts.get(RowState.DONE, 0),
    }
    partial = request.headers.get("HX-Request")
    return render(request, f"callbacks/bulk/{'_job' if partial else 'job'}.html", context)


def _sample(found: BulkJob, user: User) -> list[Any]:
    """The first rows of each kind: what will be changed, then what will be refused."""
    rows = found.rows.filter(user.shop_filter("case__shop"))
    rows = rows.select_related("case__shop", "case__review__buyer")
    shown = bulk.ACTS[found.act].shown
    most = SHOWN_IN_FULL if shown else SAMPLE
    first = list(rows.filter(reason="").order_by("id")[:most])
    sample = first + list(rows.exclude(reason="").order_by("id")[:most])
    if shown and found.status == JobStatus.PREVIEW:
        for row in sample:
            if row.state == RowState.TO_DO:
                row.shown = shown(row.case, found.params)
    return sample


def _details(found: BulkJob) -> str:
    """What the job was told besides its act, in words."""
    params, words = found.params, []
    if "agent" in params:
        words.append(str(User.objects.filter(pk=params["agent"]).first() or ""))
    if "until" in params:
        words.append(zdate(datetime.fromisoformat(params["until"])))
    if "outcome" in params:
        words.append(str(Outcome(params["outcome"]).label))
    if "sub_cause" in params:
        words.append(str(SubCause(params["sub_cause"]).label))
    if params.get("kind"):
        words.append(remedy_words(params))
    said = params.get("text") or params.get("note") or params.get("statement")
    return " · ".join([*words, said] if said else words)


@staff_only
@require_POST
def start(request: StaffRequest, pk: int) -> HttpResponse:
    bulk.start(_job(request, pk))
    return redirect("callbacks:bulk", pk)


@staff_only
@require_POST
def stop(request: StaffRequest, pk: int) -> HttpResponse:
    bulk.cancel(_job(request, pk))
    return redirect("callbacks:bulk", pk)


@staff_only
@require_POST
def take_back(request: StaffRequest, pk: int) -> HttpResponse:
    try:
        bulk.take_back(_job(request, pk))
    except NotAllowed as refusal:
        messages.error(request, str(refusal))
    return redirect("callbacks:bulk", pk)


@staff_only
@require_safe
def rows_file(request: StaffRequest, pk: int) -> HttpResponse:
    """What became of every case, as a file; with ?only=errors what was not done."""
    rows = _job(request, pk).rows.filter(request.user.shop_filter("case__shop")).order_by("id")
    if request.GET.get("only") == "errors":
        rows = rows.exclude(state__in=[RowState.DONE, RowState.UNDONE, RowState.TO_DO])
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([_("Case"), _("Shop"), _("Review key"), _("Result"), _("Reason")])
    fields = ("case_id", "case__shop__name", "case__review__review_key", "state", "reason")
    for case, shop, key, state, reason in rows.values_list(*fields).iterator(chunk_size=2000):
        writer.writerow([case, guarded(shop), guarded(key), RowState(state).label, guarded(reason)])
    content = b"\xef\xbb\xbf" + out.getvalue().encode("utf-8", errors="replace")
    headers = {"Content-Disposition": f'attachment; filename="cases-{pk}.csv"', "Cache-Control": "no-store"}
    return HttpResponse(content, content_type="text/csv; charset=utf-8", headers=headers)
