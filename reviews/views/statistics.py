"""The manager's numbers."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.http import require_safe

from reviews import statistics
from reviews.causes import COMPLAINTS, Cause
from reviews.clock import now
from reviews.forms import OFFERED_DAYS, PeriodForm
from reviews.models import ClassificationRequest, Shop
from reviews.statistics import Scope, Statistics
from reviews.templatetags.figures import Links
from reviews.templatetags.ui import CAUSE_LOOKS
from reviews.views.rights import StaffRequest, managed_shops, managers_only


@managers_only
@require_safe
def page(request: StaffRequest) -> HttpResponse:
    """Charts and tables of the same numbers; every number opens its cases."""
    shops = managed_shops(request.user)
    today = timezone.localdate(now(), shops[0].zone if shops else None)
    seen = set(Shop.objects.visible_to(request.user).values_list("pk", flat=True))
    # Who is an agent elsewhere too would find those cases behind the numbers: then one shop at a time.
    together = seen == {shop.pk for shop in shops}
    form = PeriodForm(request.GET, shops=shops, today=today, together=together)
    scope = Scope(form.chosen_shops, form.period)
    found = statistics.read(scope, now())
    links = Links(scope.shops if len(scope.shops) < len(seen) else (), scope.period)
    context = {
        "form": form,
        "found": found,
        "links": links,
        "offered_days": OFFERED_DAYS,
        "chart": chart_data(found, links),
        "parked": ClassificationRequest.objects.parked().filter(review__shop__in=shops).count(),
    }
    return render(request, "reviews/statistics.html", context)


def chart_data(found: Statistics, links: Links) -> dict[str, Any]:
    """The tables' numbers for the charts, with the addresses of their cases."""
    stack = [*COMPLAINTS, *([Cause.NONE] if found.no_complaint.count else [])]
    return {
        "causes": [
            {
                "name": str(row.cause.label),
                "tone": CAUSE_LOOKS[row.cause].tone,
                "percent": row.percent,
                "typical": row.typical,
                "count": row.ending.cases.count,
                "url": links.cases(row.ending.cases),
            }
            for row in found.causes
        ],
        "days": [
            {
                "day": date_format(row.day, "MONTH_DAY_FORMAT"),
                "counts": [cell.count for cell in (*row.by_cause, row.no_complaint)],
                "urls": [links.cases(cell) for cell in (*row.by_cause, row.no_complaint)],
            }
            for row in found.trend
        ],
        "stack": [{"name": str(cause.label), "tone": CAUSE_LOOKS[cause].tone} for cause in stack],
    }
