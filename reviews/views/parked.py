"""Reviews the worker gave up on: what went wrong, and one more try."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from reviews.models import ClassificationRequest
from reviews.tasks import wake_after_commit
from reviews.views.rights import StaffRequest, managers_only

SHOWN = 100


@managers_only
@require_safe
def page(request: StaffRequest) -> HttpResponse:
    """The parked reviews of the shops one manages, oldest first."""
    parked = ClassificationRequest.objects.parked().filter(request.user.managed_shop_filter("review__shop"))
    rows = parked.select_related("review__shop", "review__product").order_by("parked_at", "id")
    return render(request, "reviews/parked.html", {"rows": list(rows[:SHOWN]), "number": parked.count()})


@managers_only
@require_POST
def retry(request: StaffRequest, pk: int) -> HttpResponse:
    """Let the worker try again, at once."""
    seen = ClassificationRequest.objects.parked().filter(request.user.shop_filter("review__shop"))
    parked = get_object_or_404(seen.select_related("review"), pk=pk)
    if not request.user.manages(parked.review.shop_id):
        raise PermissionDenied
    with transaction.atomic():
        parked.retry()
        wake_after_commit()
    messages.success(request, _("The review is being read again."))
    return redirect("reviews:parked")
