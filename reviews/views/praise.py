"""Good reviews: thanks in bulk with an exact preview, and those that may be shown elsewhere."""

import csv
import io
from collections import Counter
from datetime import datetime, time
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from reviews import clock, consents, posting
from reviews import thanks as bulk
from reviews.forms import DayField, DayInput
from reviews.importers.refusals import guarded
from reviews.models import (
    InvalidTransition,
    Review,
    Shop,
    StaleCase,
    ThanksJob,
)
from reviews.models.praise import ConsentHow
from reviews.outgoing import OffendingText
from reviews.search import search
from reviews.views.rights import StaffRequest, own_place, staff_only

PAGE = 20
CONFIRMED_AT_ONCE = 500


class ThanksForm(forms.Form):
    """Which good reviews are answered."""

    shop = forms.ModelChoiceField(Shop.objects.none(), label=gettext_lazy("Shop"), empty_label=None)
    q = forms.CharField(label=gettext_lazy("Search"), required=False, max_length=60)

    def __init__(self, *args: Any, shops: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["shop"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = shops
        field.to_field_name = "code"


@staff_only
@require_safe
def thanks(request: StaffRequest) -> HttpResponse:
    """Unanswered good reviews of one shop; what asks something stands on top, for a person."""
    shops = Shop.objects.visible_to(request.user)
    first = shops.first()
    data = {"shop": first.code if first else "", **request.GET.dict()}
    form = ThanksForm(data, shops=shops)
    shop = form.cleaned_data["shop"] if form.is_valid() else first
    found = search(Review.objects.visible_to(request.user), request.GET.get("q", ""))
    rows = bulk.unanswered(found.filter(shop=shop)) if shop else found.none()
    rows = rows.select_related("shop", "product", "buyer", "public_reply").order_by("-created_at", "-id")
    context = {
        "form": form,
        "shop": shop,
        "shops": shops,
        "q": request.GET.get("q", ""),
        "rows": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "jobs": ThanksJob.objects.visible_to(request.user).filter(shop=shop).select_related("created_by")[:5],
        "at_once": bulk.AT_ONCE,
    }
    return render(request, "reviews/thanks.html", context)


@staff_only
@require_POST
def prepare(request: StaffRequest) -> HttpResponse:
    """Choose all that match and show exactly what each will be answered."""
    form = ThanksForm(request.POST, shops=Shop.objects.visible_to(request.user))
    if not form.is_valid():
        messages.error(request, _("Choose a shop."))
        return redirect("reviews:thanks")
    found = search(Review.objects.visible_to(request.user), form.cleaned_data["q"])
    try:
        job = bulk.prepare(form.cleaned_data["shop"], found, by=request.user)
    except InvalidTransition as refusal:
        messages.error(request, str(refusal))
        return redirect("reviews:thanks")
    return redirect("reviews:thanks_job", job.pk)


@staff_only
@require_safe
def job(request: StaffRequest, pk: int) -> HttpResponse:
    """The exact preview, then how far the job is; asked again by the page until it is over."""
    found = _job(request, pk)
    shown = Paginator(range(found.total), PAGE).get_page(request.GET.get("page"))
    first, last = shown.start_index(), shown.end_index()
    waiting, stale = bulk.to_post(found) if found.is_over else ([], 0)
    context = {
        "job": found,
        "rows": bulk.texts_of(found, last)[max(0, first - 1) :],
        "shown": shown,
        "left": [(_left_words(reason), number) for reason, number in found.left.items()],
        "stale": stale,
        "by_hand": posting.poster_for(found.shop) is None,
        "to_post": len(waiting),
        "at_once": min(CONFIRMED_AT_ONCE, len(waiting)),
    }
    partial = request.headers.get("HX-Request") and not request.GET.get("page")
    return render(request, f"reviews/thanks/{'_job' if partial else 'job'}.html", context)


def _left_words(reason: str) -> str:
    words = {
        "question": _("ask something: a person answers"),
        "followup": _("have a follow-up: a person answers"),
        "reservation": _("hold something back: a person answers"),
        "window": _("can no longer be answered on the platform"),
        "changed": _("changed since the preview"),
        "answered": _("were answered or became a case meanwhile"),
        "edited": _("have a reply a person has written"),
        "compliance": _("were refused by the compliance check"),
    }
    return words.get(reason, reason)


@staff_only
@require_POST
def start(request: StaffRequest, pk: int) -> HttpResponse:
    """Let a worker keep the texts as shown."""
    found = _job(request, pk)
    try:
        bulk.start(found, by=request.user)
    except InvalidTransition as refusal:
        messages.error(request, str(refusal))
    return redirect("reviews:thanks_job", pk)


@staff_only
@require_safe
def texts(request: StaffRequest, pk: int) -> HttpResponse:
    """The texts still to post with their review keys, as a file for the platform's back-end."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([_("Review key"), _("Reply")])
    for reply in bulk.to_post(_job(request, pk))[0]:
        writer.writerow([guarded(reply.review.review_key), guarded(reply.text)])
    content = b"\xef\xbb\xbf" + out.getvalue().encode("utf-8", errors="replace")
    headers = {"Content-Disposition": f'attachment; filename="thanks-{pk}.csv"', "Cache-Control": "no-store"}
    return HttpResponse(content, content_type="text/csv; charset=utf-8", headers=headers)


@staff_only
@require_POST
def posted(request: StaffRequest, pk: int) -> HttpResponse:
    """The first texts of the job still to post, as many as are noted at once, stand on the platform now."""
    waiting, stale = bulk.to_post(_job(request, pk))
    counts: Counter[str] = Counter()
    for reply in waiting[:CONFIRMED_AT_ONCE]:
        try:
            posting.mark_reply_posted(reply, reply.text, by=request.user, case=None)
        except (OffendingText, InvalidTransition, StaleCase):
            counts["refused"] += 1
        else:
            counts["posted"] += 1
    messages.success(request, _("%(n)d replies noted as posted.") % {"n": counts["posted"]})
    if counts["refused"]:
        messages.error(
            request,
            _("%(n)d could not be noted: the compliance check refuses them or somebody was quicker.")
            % {"n": counts["refused"]},
        )
    if stale:
        messages.warning(
            request, _("%(n)d were left out: the review changed or became a case.") % {"n": stale}
        )
    return redirect("reviews:thanks_job", pk)


def _job(request: StaffRequest, pk: int) -> ThanksJob:
    return get_object_or_404(
        ThanksJob.objects.visible_to(request.user).select_related("shop", "created_by"), pk=pk
    )


# --- shown elsewhere ---------------------------------------------------------------------------


class ConsentForm(forms.Form):
    """When, how and in which words the buyer agreed, to which version of the review."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    day = DayField(label=gettext_lazy("agreed on"), widget=DayInput)
    how = forms.ChoiceField(label=gettext_lazy("how the buyer agreed"), choices=ConsentHow.choices)
    words = forms.CharField(label=gettext_lazy("the buyer's words"), max_length=200)


@staff_only
@require_POST
def consent(request: StaffRequest, pk: int) -> HttpResponse:
    """Record that the buyer agreed to be quoted without a name."""
    review = _review(request, pk)
    form = ConsentForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Say when, how and in which words the buyer agreed."))
        return redirect("reviews:review", pk)
    day = form.cleaned_data["day"]
    now = clock.now()
    today = timezone.localtime(now, review.shop.zone).date()
    # Of today's consent the hour is now; of an earlier day's its last minute is sure to lie after the review.
    last = datetime.combine(day, time.max, review.shop.zone)
    try:
        consents.record_consent(
            review,
            version=form.cleaned_data["version"],
            agreed_at=now if day == today else last,
            how=form.cleaned_data["how"],
            words=form.cleaned_data["words"],
            by=request.user,
        )
    except InvalidTransition as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Consent recorded. The review may be shown elsewhere, without a name."))
    return redirect("reviews:review", pk)


@staff_only
@require_POST
def withdraw(request: StaffRequest, pk: int) -> HttpResponse:
    """The buyer no longer agrees: it is in no list and no file from now on."""
    review = _review(request, pk)
    consents.withdraw_consent(review, by=request.user)
    messages.success(request, _("Withdrawn. The review is shown nowhere else any more."))
    return redirect(own_place(request.POST.get("next", "")) or "reviews:showcase")


def _review(request: StaffRequest, pk: int) -> Review:
    return get_object_or_404(Review.objects.visible_to(request.user).select_related("shop"), pk=pk)


@staff_only
@require_safe
def showcase(request: StaffRequest) -> HttpResponse:
    """Good reviews whose buyers agreed to be quoted, names hidden."""
    rows = Paginator(consents.reusable(request.user), PAGE).get_page(request.GET.get("page"))
    shown = [(one, consents.shown_text(one.review)) for one in rows]
    return render(request, "reviews/showcase.html", {"rows": rows, "shown": shown})


@staff_only
@require_safe
def showcase_file(request: StaffRequest) -> HttpResponse:
    """The same as a file, for managers: of the shops they manage."""
    if not request.user.is_manager:
        raise PermissionDenied
    headers = {"Content-Disposition": 'attachment; filename="reviews.csv"', "Cache-Control": "no-store"}
    return HttpResponse(
        consents.export(request.user), content_type="text/csv; charset=utf-8", headers=headers
    )
