"""What a person sets for themselves."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from reviews.forms import KeysForm
from reviews.views.rights import StaffRequest, staff_only


@staff_only
@require_safe
def page(request: StaffRequest) -> HttpResponse:
    """My settings: how the program looks and listens to me, nobody else's matter."""
    return render(request, "reviews/me.html")


@staff_only
@require_POST
def keys(request: StaffRequest) -> HttpResponse:
    """Switch the one-key shortcuts on or off (WCAG 2.1.4); 204 for a script, else back to the settings."""
    form = KeysForm(request.POST, instance=request.user)
    form.save()
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204)
    messages.success(request, _("Saved."))
    return redirect("reviews:me")
