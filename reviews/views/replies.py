"""Public replies by what comes next; the acts on one; the library to draft from."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from reviews import clock, posting, replies
from reviews.models import Case, InvalidTransition, PublicReply, Review, Shop, StaleCase
from reviews.outgoing import OffendingText
from reviews.reply_facts import events_of
from reviews.reply_list import DEFAULT_TAB, TABS, counts, replies_of
from reviews.views.rights import StaffRequest, own_place, staff_only

PAGE = 20
OFFERED = 20  # templates shown at once in the library


@staff_only
@require_safe
def page(request: StaffRequest) -> HttpResponse:
    """One tab a state, and one for windows about to close."""
    now = clock.now()
    shops = list(Shop.objects.visible_to(request.user))
    code = request.GET.get("shop", "")
    chosen = [shop for shop in shops if not code or shop.code == code]
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else DEFAULT_TAB
    order = TABS[tab][3]
    found = replies_of(request.user, chosen, now)[tab].order_by(order, "pk")
    rows = found.select_related(
        "review__shop",
        "review__product",
        "review__buyer",
        "template",
        "edited_by",
        "approved_by",
        "posted_by",
    ).prefetch_related("review__cases")
    numbers = counts(request.user, chosen, now)
    context = {
        "tab": tab,
        "tabs": [(name, label, icon, numbers[name]) for name, (label, icon, *_rest) in TABS.items()],
        "rows": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "shops": shops,
        "code": code,
        "managed": [shop for shop in chosen if request.user.manages(shop)],
        "managed_ids": {shop.pk for shop in shops if request.user.manages(shop)},
    }
    return render(request, "reviews/replies.html", context)


class ReportForm(forms.Form):
    """What became of a reply, or what is to happen to it."""

    ACTS = ("submit", "posted", "refused", "unsure", "recall", "removed", "revise")
    act = forms.ChoiceField(choices=[(one, one) for one in ACTS])
    text = forms.CharField(required=False, max_length=2000)
    reason = forms.CharField(required=False, max_length=200)

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        against = found.get("act") in ("refused", "removed")
        if against and not found.get("reason"):
            raise forms.ValidationError(_("Say why, as the platform gave it."))
        if found.get("reason") and not against:
            raise forms.ValidationError(_("A reason was given with it: say whether it was refused."))
        return found


class DecisionForm(forms.Form):
    approve = forms.TypedChoiceField(choices=[("1", "1"), ("0", "0")], coerce=lambda value: value == "1")
    reason = forms.CharField(label=gettext_lazy("reason"), required=False, max_length=200)

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("approve") and found.get("reason"):
            raise forms.ValidationError(_("A reason belongs to sending back. Nothing was approved."))
        return found


@staff_only
@require_POST
def report(request: StaffRequest, pk: int) -> HttpResponse:
    """Hand in, say what became of it on the platform, or write it anew."""
    reply = _reply(request, pk)
    if not replies.may_write(reply.review, request.user):
        raise PermissionDenied
    form = ReportForm(request.POST)
    if not form.is_valid():
        return _refused(request, reply, " ".join(str(one) for each in form.errors.values() for one in each))
    data, by, case = form.cleaned_data, request.user, replies.case_of(reply.review)
    text = data["text"] or reply.text
    acts: dict[str, tuple[Callable[[], None], str]] = {
        "submit": (lambda: replies.hand_in(reply, text, by=by, case=case), _("Handed in for approval.")),
        "posted": (
            lambda: posting.mark_reply_posted(reply, text, by=by, case=case),
            _("Noted as posted."),
        ),
        "refused": (
            lambda: posting.mark_reply_refused(reply, text, data["reason"], by=by, case=case),
            _("Noted as refused by the platform."),
        ),
        "unsure": (
            lambda: posting.leave_unconfirmed(reply, text, by=by, case=case),
            _("Noted. It stays in the list until you say whether it stands there."),
        ),
        "recall": (lambda: posting.take_back(reply, by=by), _("Back in the list to post.")),
        "removed": (
            lambda: posting.mark_reply_removed(reply, data["reason"], by=by),
            _("Noted as removed."),
        ),
        "revise": (lambda: reply.revise(by=by), _("It is a draft again.")),
    }
    act, done = acts[data["act"]]
    return _do(request, reply, act, done)


@staff_only
@require_POST
def decide(request: StaffRequest, pk: int) -> HttpResponse:
    """A manager approves the very text, or sends it back with a reason."""
    reply = _reply(request, pk)
    if not request.user.manages(reply.review.shop_id):
        raise PermissionDenied
    form = DecisionForm(request.POST)
    if not form.is_valid():
        both = " ".join(str(one) for one in form.non_field_errors())
        return _refused(request, reply, both or _("Choose: approve or send back."))
    by, reason = request.user, form.cleaned_data["reason"]
    if form.cleaned_data["approve"]:
        seen = request.POST.get("text")
        if seen is not None and seen.split() != reply.text.split():
            return _refused(request, reply, _("The text has changed since you read it. Read it again."))
        return _do(request, reply, lambda: replies.approve_reply(reply, by=by), _("Approved."))
    return _do(request, reply, lambda: replies.send_back(reply, by=by, reason=reason), _("Sent back."))


@staff_only
@require_POST
def approval_rule(request: StaffRequest) -> HttpResponse:
    """Whether a manager approves every public reply of a shop."""
    number = request.POST.get("shop", "")
    shop = get_object_or_404(
        Shop.objects.visible_to(request.user),
        pk=int(number) if number.isdecimal() and number.isascii() else 0,
    )
    if not request.user.manages(shop):
        raise PermissionDenied
    replies.set_approval_rule(shop, request.POST.get("needed") == "1", by=request.user)
    messages.success(request, _("Saved."))
    return redirect("reviews:replies")


@staff_only
@require_safe
def library(request: StaffRequest, pk: int) -> HttpResponse:
    """Templates for one review, filled with its facts; found by words, pinyin or initials, the closest to
    the case's cause first."""
    review, case = _for_library(request, pk)
    query = request.GET.get("q", "")
    found = replies.library_of(review.shop, case).search(query)
    templates = list(found.prefetch_related("pictures"))
    if case:
        fit = replies.closest_first if query else replies.most_specific
        templates = fit(templates, case)
    events = events_of([case]).get(case.pk, []) if case else []
    offered = [(one, replies.fill_for(one, review, review.shop, case, events)) for one in templates[:OFFERED]]
    context = {
        "review": review,
        "case": case,
        "q": query,
        "offered": offered,
        "more": len(templates) - len(offered),
        "next": own_place(request.GET.get("next", "")),
    }
    partial = request.headers.get("HX-Request")
    return render(request, f"reviews/replies/{'_library' if partial else 'library'}.html", context)


@staff_only
@require_POST
def use_template(request: StaffRequest, pk: int) -> HttpResponse:
    """Draft this review's reply from a template somebody chose."""
    review, case = _for_library(request, pk)
    number = request.POST.get("template", "")
    template = get_object_or_404(
        replies.library_of(review.shop, case),
        pk=int(number) if number.isdecimal() and number.isascii() else 0,
    )
    reply, _created = PublicReply.objects.get_or_create(review=review, defaults={"text": ""})
    return _do(
        request,
        reply,
        lambda: replies.use_template(reply, template, by=request.user, case=case),
        _("Drafted. Read it once more before it is posted."),
    )


def _for_library(request: StaffRequest, pk: int) -> tuple[Review, Case | None]:
    seen = Review.objects.visible_to(request.user).select_related("shop", "product", "buyer")
    review = get_object_or_404(seen.prefetch_related("cases"), pk=pk)
    if not replies.may_write(review, request.user):
        raise PermissionDenied
    return review, replies.case_of(review)


def _reply(request: StaffRequest, pk: int) -> PublicReply:
    seen = PublicReply.objects.visible_to(request.user).select_related(
        "review__shop", "review__product", "review__buyer"
    )
    return get_object_or_404(seen.prefetch_related("review__cases"), pk=pk)


def _do(request: StaffRequest, reply: PublicReply, act: Callable[[], None], done: str) -> HttpResponse:
    try:
        act()
    except OffendingText as error:
        return _refused(request, reply, " ".join(error.sentences))
    except (InvalidTransition, StaleCase) as error:
        return _refused(request, reply, str(error))
    messages.success(request, done)
    return redirect(_back(request, reply))


def _refused(request: StaffRequest, reply: PublicReply, words: str) -> HttpResponse:
    """The reason on the page the person came from: nothing was changed."""
    messages.error(request, words)
    return redirect(_back(request, reply))


def _back(request: StaffRequest, reply: PublicReply) -> str:
    return own_place(request.POST.get("next", "")) or reverse("reviews:review", args=[reply.review_id])
