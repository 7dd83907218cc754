"""What Ctrl K looks up on the server: cases, as a small list."""

from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from callbacks.palette import find_cases
from reviews.models import Case
from reviews.views.rights import StaffRequest, staff_only

LONGEST = 80


@staff_only
@require_safe
@never_cache
def cases(request: StaffRequest) -> HttpResponse:
    """The cases that fit ?q=, with what a row shows; personal data masked."""
    found = find_cases(request.user, request.GET.get("q", "")[:LONGEST])
    return JsonResponse({"cases": [_row(case) for case in found]}, json_dumps_params={"ensure_ascii": False})


def _row(case: Case) -> dict[str, str]:
    review = case.review
    facts = (review.buyer, case.shop, case.get_outcome_display() or case.get_status_display())
    return {
        "title": f"{case} {review.excerpt[:40]}".strip(),
        "note": " · ".join(str(one) for one in facts if one),
        "url": reverse("callbacks:case", args=[case.pk]),
    }
