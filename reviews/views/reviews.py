"""All reviews, and one with everything known about it."""

import re
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from reviews.forms import PostedReplyForm, ReviewFilterForm
from reviews.models import InvalidTransition, PublicReply, Rating, Review, Shop, StaleCase
from reviews.models.replies import ReplyStatus
from reviews.outgoing import OffendingText
from reviews.posting import mark_reply_posted
from reviews.refusals import asked_by, refusal_of
from reviews.replies import case_of, may_write, needs_approval
from reviews.review_list import count_up_to, page_of, reviews_of
from reviews.views.praise import ConsentForm
from reviews.views.rights import StaffRequest, own_place, staff_only


@staff_only
@require_safe
def page(request: StaffRequest) -> HttpResponse:
    """The list, newest first."""
    shops = list(Shop.objects.visible_to(request.user))
    form = ReviewFilterForm(request.GET, shops=shops)
    found = reviews_of(request.user, form.chosen, shops)
    shown = page_of(found, older_than=request.GET.get("before", ""), newer_than=request.GET.get("after", ""))
    context = {
        "form": form,
        "shown": shown,
        "shops": shops,
        "number": count_up_to(found),
        "older_url": _at(request, before=shown.older),
        "newer_url": _at(request, after=shown.newer),
    }
    return render(request, "reviews/reviews.html", context)


def _at(request: HttpRequest, **key: str) -> str:
    """The same list at another page; empty when there is none."""
    [(name, value)] = key.items()
    query = request.GET.copy()
    for known in ("before", "after"):
        query.pop(known, None)
    query[name] = value
    return f"?{query.urlencode()}" if value else ""


@staff_only
@require_safe
def detail(request: StaffRequest, pk: int) -> HttpResponse:
    """One review: versions, judgements, order (masked), cases, reply."""
    return _detail(request, _review(request, pk))


@staff_only
@require_POST
def post_reply(request: StaffRequest, pk: int) -> HttpResponse:
    """The reply has been put on the platform in these words."""
    review = _review(request, pk)
    reply = get_object_or_404(PublicReply, review=review)
    case = case_of(review)
    if not may_write(review, request.user):
        raise PermissionDenied
    form = PostedReplyForm(request.POST)
    if not form.is_valid():
        return _detail(request, review, form)
    if reply.status == ReplyStatus.POSTED:
        messages.info(request, _("This reply is already marked as posted."))
        return redirect(_back(request, review))
    try:
        with asked_by(request):
            mark_reply_posted(reply, form.cleaned_data["text"], by=request.user, case=case)
    except OffendingText as error:
        form.refusal = refusal_of(request, error, shop=review.shop)
        form.add_error("text", error.sentences)
        return _detail(request, review, form)
    except (InvalidTransition, StaleCase) as error:
        form.add_error("text", str(error))
        return _detail(request, review, form)
    messages.success(request, _("Noted as posted."))
    return redirect(_back(request, review))


def _review(request: StaffRequest, pk: int) -> Review:
    seen = Review.objects.visible_to(request.user).select_related(
        "shop", "product", "buyer", "order", "public_reply__edited_by"
    )
    return get_object_or_404(seen, pk=pk)


def _back(request: HttpRequest, review: Review) -> str:
    """Where the person came from, if that is a place of this site."""
    return own_place(request.POST.get("next", "")) or reverse("reviews:review", args=[review.pk])


def _detail(request: StaffRequest, review: Review, form: PostedReplyForm | None = None) -> HttpResponse:
    reply = PublicReply.objects.filter(review=review).select_related("edited_by").first()
    is_good = review.rating == Rating.GOOD
    consent_form = ConsentForm(auto_id="consent-%s", initial={"version": review.version})
    judgements = list(review.classifications.select_related("decided_by"))
    context: dict[str, Any] = {
        "review": review,
        "order": review.order,
        "reply": reply,
        "form": form or PostedReplyForm(initial={"text": reply.text if reply else ""}),
        "moves": list(reply.moves.select_related("by")) if reply else [],
        "may_write": may_write(review, request.user),
        "needs_approval": bool(reply and needs_approval(reply, review.shop, request.user)),
        "managed_ids": {review.shop_id} if request.user.manages(review.shop_id) else set(),
        "consent": review.marketing_consents.standing().first() if is_good else None,
        "consent_form": consent_form if is_good else None,
        "judgements": judgements,
        "text": mark_words(review.full_text, judgements[0].words if judgements else []),
        "versions": list(review.versions.order_by("-number")),
        "cases": list(review.cases.select_related("assignee").order_by("-pk")),
    }
    return render(request, "reviews/review.html", context, status=422 if form else 200)


def mark_words(text: str, words: list[str]) -> SafeString:
    """The text with the words that decided its cause marked."""
    known = sorted({word for word in words if word}, key=len, reverse=True)
    if not known:
        return format_html("{}", text)
    pieces = re.split(f"({'|'.join(map(re.escape, known))})", text)
    marked = ((format_html("<mark>{}</mark>", piece) if piece in known else piece,) for piece in pieces)
    return format_html_join("", "{}", marked)
