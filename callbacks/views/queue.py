"""The list of cases: views with counts, filters, pages."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from callbacks import live
from callbacks.case_list import (
    NOT_COUNTED,
    VIEWS,
    SavedView,
    cases_of,
    count_of,
    narrow,
    page_of,
    view_counts,
    views_for,
)
from callbacks.forms import CONTACTED, OUTCOMES, FilterForm
from callbacks.queue import QueueEntry, reason
from callbacks.work_order import CallingHours
from reviews import clock
from reviews.causes import SubCause
from reviews.models import Product, Status, User
from reviews.models.cases import CaseQuerySet
from reviews.views.rights import StaffRequest, staff_only


@staff_only
@require_safe
def queue(request: StaffRequest) -> HttpResponse:
    """One saved view, narrowed by the filters of the URL."""
    return draw_queue(request, "callbacks/queue.html")


def draw_queue(request: StaffRequest, template: str) -> HttpResponse:
    """The page, or its part that changes by itself."""
    user, now = request.user, clock.now()
    total = live.list_total(user)  # first: what changes from here on is drawn again
    view, form, cases = listed(user, request.GET, now)
    filters, hours = form.filters, CallingHours.at(now, user)
    page = page_of(cases, view.order, now, request.GET.get("page", ""), hours)
    counts = view_counts(user, now, total)
    narrowed = filters or view.code in NOT_COUNTED
    entries = [QueueEntry(case, reason(case, now, hours)) for case in page.cases]
    return render(
        request,
        template,
        {
            "version": live.version(total, live.holds_until(entries, now)),
            "live_url": reverse("callbacks:queue_changes") + _url(request, page=request.GET.get("page", "")),
            "view": view,
            "all_url": _bulk_url(view, form),
            "views": [
                {"view": one, "count": counts.get(one.code, ""), "current": one == view}
                for one in views_for(user)
            ],
            "entries": entries,
            "number": count_of(cases) if narrowed else counts[view.code],
            "form": form,
            "further": [
                {"words": words, "off": _url(request, without=name)}
                for name, words in _further(filters, user)
            ],
            "hidden": {name: request.GET[name] for name in HIDDEN if request.GET.get(name)},
            "is_narrowed": bool(filters),
            "previous_url": _page_url(request, page.previous),
            "next_url": _page_url(request, page.next),
        },
    )


def listed(user: User, asked: QueryDict, now: datetime) -> tuple[SavedView, FilterForm, CaseQuerySet]:
    """What a URL of the list asks for: its view, its filters and all its cases, not only a page of them."""
    form = FilterForm(user, asked)
    filters = form.filters
    view = _view_of(asked.get("view", ""), filters, user)
    return view, form, narrow(cases_of(view, user, now), filters, user)


HIDDEN = (
    "sub_cause",
    "status",
    "outcome",
    "contacted",
    "assignee",
    "product",
    "buyer",
    "incident",
    "from",
    "until",
)


def _view_of(code: str, filters: dict[str, Any], user: User) -> SavedView:
    """The view that is named; without a name one's own cases, or all once something is filtered."""
    known = {view.code: view for view in views_for(user)}
    return known.get(code) or VIEWS["all" if filters else "mine"]


def _further(filters: dict[str, Any], user: User) -> list[tuple[str, Any]]:
    """Filters without a control of their own, in words; each can be taken off."""
    words: dict[str, Any] = {
        "sub_cause": lambda value: SubCause(value).label,
        "status": lambda value: Status(value).label,
        "outcome": lambda value: OUTCOMES[value],
        "contacted": lambda value: CONTACTED[value],
        "assignee": lambda value: _assignee_words(value, user),
        "product": lambda value: Product.objects.filter(user.shop_filter("shop"), pk=value).first() or value,
        "buyer": lambda _value: _("One buyer"),
        "incident": lambda value: _("Incident #%(number)s") % {"number": value},
        "from": lambda value: _("from %(day)s") % {"day": value},
        "until": lambda value: _("until %(day)s") % {"day": value},
    }
    return [(name, words[name](filters[name])) for name in HIDDEN if name in filters]


def _assignee_words(value: str, user: User) -> Any:
    if value in ("me", str(user.pk)):
        return _("My cases")
    return _("Nobody's") if value == "none" else _colleagues(user).filter(pk=value).first() or value


def _colleagues(user: User) -> QuerySet[User]:
    """People of one's own shops; who works elsewhere stays a number."""
    return User.objects.filter(user.shop_filter("memberships__shop"))


def _bulk_url(view: SavedView, form: FilterForm) -> str:
    """Where all that match are acted upon, however many pages they fill."""
    kept = {name: form.data[name] for name in form.filters}
    return f"{reverse('callbacks:bulk_new')}?{urlencode({'all': 1, 'view': view.code, **kept})}"


def _page_url(request: StaffRequest, cursor: str) -> str:
    return _url(request, page=cursor) if cursor else ""


def _url(request: StaffRequest, *, without: str = "", page: str = "") -> str:
    """The present list with one filter less, or at another page."""
    kept = [
        (name, str(value)) for name, value in request.GET.items() if name not in ("page", "version", without)
    ]
    if page:
        kept.append(("page", page))
    return f"?{urlencode(kept)}"
