"""Reply templates: list, edit with preview, versions, own copies of common ones."""

from itertools import groupby
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from reviews import reply_templates, template_pictures
from reviews.forms import ReplyTemplateForm
from reviews.models import InvalidTransition, ReplyTemplate, Shop, TemplatePicture
from reviews.models.replies import Purpose
from reviews.outgoing import OffendingText
from reviews.refusals import asked_by, refusal_of
from reviews.reply_facts import sample_done, sample_facts
from reviews.template_text import CONDITIONS, FALLBACKS, TemplateTextError, fill
from reviews.views.rights import StaffRequest, managed_shops, managers_only, staff_only

# What a public text may name; the rest are for the telephone.
VARIABLES = ("shop", "reply_name", "item", "buyer_nick_masked", "done", "next", "call_day", "promise_day")
VERSIONS_SHOWN = 30


@managers_only
@require_safe
def page(request: StaffRequest) -> HttpResponse:
    """All templates one may use, grouped by what they answer."""
    shops = managed_shops(request.user)
    own = Q(shop=None) | Q(shop__in=shops)
    templates = ReplyTemplate.objects.filter(own).select_related("shop")
    code = request.GET.get("shop", "")
    query = request.GET.get("q", "")
    templates = templates.search(query)
    if code:
        templates = templates.filter(shop__in=[shop for shop in shops if shop.code == code])
    rows = list(reply_templates.with_use(templates, request.user))
    read = [(row, _previewed(row.text, row.shop)["preview"] or row.text) for row in rows]
    groups = [
        (key, list(found)) for key, found in groupby(read, key=lambda pair: (pair[0].purpose, pair[0].cause))
    ]
    context = {
        "groups": groups,
        "number": len(rows),
        "shops": shops,
        "code": code,
        "q": query,
        "thanks": Purpose.THANKS,
    }
    return render(request, "reviews/templates.html", context)


@managers_only
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: StaffRequest) -> HttpResponseBase:
    """Write a template of one's own."""
    return _edit(request, ReplyTemplate())


@managers_only
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Read a template; change it if it is one's own."""
    template = _found(request, pk)
    if not reply_templates.may_edit(template, request.user):
        return _read_only(request, template)
    return _edit(request, template)


@managers_only
@require_POST
def preview(request: StaffRequest) -> HttpResponse:
    """How a text reads with sample facts; nothing is kept."""
    shop = Shop.objects.filter(
        request.user.managed_shop_filter("pk"), pk=_number(request.POST.get("shop"))
    ).first()
    return render(request, "reviews/templates/_preview.html", _previewed(request.POST.get("text", ""), shop))


@managers_only
@require_POST
def copy(request: StaffRequest, pk: int) -> HttpResponse:
    """Make an own copy of a common template."""
    template = _found(request, pk)
    shop = get_object_or_404(Shop.objects.visible_to(request.user), pk=_number(request.POST.get("shop")))
    if not request.user.manages(shop):
        raise PermissionDenied
    try:
        made = reply_templates.copy_template(template, shop, by=request.user)
    except OffendingText as error:
        messages.error(request, str(error))
        return redirect("reviews:reply_template", pk=pk)
    messages.success(request, _("Copied for %(shop)s. Change it as you like.") % {"shop": shop})
    return redirect("reviews:reply_template", pk=made.pk)


@managers_only
@require_POST
def use(request: StaffRequest, pk: int) -> HttpResponse:
    """Take a template out of use, or back in."""
    template = _editable(request, pk)
    in_use = request.POST.get("in_use") == "1"
    reply_templates.set_in_use(template, in_use)
    messages.success(request, _("In use again.") if in_use else _("Taken out of use."))
    return redirect("reviews:reply_template", pk=pk)


@managers_only
@require_POST
def restore(request: StaffRequest, pk: int, version: int) -> HttpResponse:
    """Bring back an older wording."""
    template = _editable(request, pk)
    get_object_or_404(template.history, history_id=version)
    try:
        reply_templates.restore_version(template, version, by=request.user)
    except OffendingText as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The older wording is back."))
    return redirect("reviews:reply_template", pk=pk)


@managers_only
@require_POST
def add_picture(request: StaffRequest, pk: int) -> HttpResponse:
    """Keep a picture with a template."""
    template = _editable(request, pk)
    file = request.FILES.get("picture")
    if file is None:
        messages.error(request, _("Choose a picture."))
        return redirect("reviews:reply_template", pk=pk)
    try:
        template_pictures.add_picture(
            template, file.name or "", file.read(template_pictures.LARGEST + 1), by=request.user
        )
    except InvalidTransition as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Picture added."))
    return redirect("reviews:reply_template", pk=pk)


@staff_only
@require_safe
def picture(request: StaffRequest, pk: int, picture: int) -> HttpResponse:
    """One picture of a template: agents post it with the reply."""
    seen = ReplyTemplate.objects.visible_to(request.user)
    found = get_object_or_404(TemplatePicture, pk=picture, template=pk, template__in=seen)
    headers = {
        "Content-Disposition": f'inline; filename="reply-{found.pk}.jpg"',
        "Cache-Control": "private, max-age=86400",
        "X-Content-Type-Options": "nosniff",
    }
    return HttpResponse(bytes(found.content), content_type="image/jpeg", headers=headers)


@managers_only
@require_POST
def remove_picture(request: StaffRequest, pk: int, picture: int) -> HttpResponse:
    """Take a picture away from a template."""
    template = _editable(request, pk)
    get_object_or_404(template.pictures, pk=picture).delete()
    messages.success(request, _("Picture removed."))
    return redirect("reviews:reply_template", pk=pk)


def _found(request: StaffRequest, pk: int) -> ReplyTemplate:
    """A common template, or one of a shop the person manages (404 of others', 403 without the role)."""
    templates = ReplyTemplate.objects.visible_to(request.user).select_related("shop")
    template = get_object_or_404(templates, pk=pk)
    if template.shop_id and not request.user.manages(template.shop_id):
        raise PermissionDenied
    return template


def _editable(request: StaffRequest, pk: int) -> ReplyTemplate:
    template = _found(request, pk)
    if not reply_templates.may_edit(template, request.user):
        raise PermissionDenied
    return template


def _read_only(request: StaffRequest, template: ReplyTemplate) -> HttpResponse:
    if request.method == "POST":
        raise PermissionDenied
    context = {"template": template, "shops": managed_shops(request.user), **_previewed(template.text, None)}
    return render(request, "reviews/templates/read.html", context)


def _edit(request: StaffRequest, template: ReplyTemplate) -> HttpResponseBase:
    shops = managed_shops(request.user)
    form = ReplyTemplateForm(
        request.POST or None, instance=template, shops=shops, may_share=request.user.is_superuser
    )
    form.opened_with(reply_templates.content_of(template))
    if "preview" in request.POST:
        return _form_page(request, template, form, text=request.POST.get("text", ""))
    if not form.is_bound:
        return _form_page(request, template, form, text=template.text)
    if form.is_valid():
        try:
            with asked_by(request):
                kept = form.keep(
                    lambda mark: reply_templates.save_template(form.instance, by=request.user, mark=mark)
                )
        except OffendingText as error:
            form.refusal = refusal_of(request, error, shop=form.instance.shop)
            form.add_error("text", error.sentences)
            kept = False
        if kept:
            messages.success(request, _("Saved."))
            return redirect("reviews:reply_template", pk=form.instance.pk)
    return _form_page(request, template, form, text=request.POST.get("text", ""), status=form.status)


def _form_page(
    request: StaffRequest, template: ReplyTemplate, form: ReplyTemplateForm, *, text: str, status: int = 200
) -> HttpResponse:
    context = {
        "template": template if template.pk else None,
        "form": form,
        "variables": [(name, FALLBACKS[name]) for name in VARIABLES],
        "conditions": CONDITIONS,
        "versions": _versions(template),
        "pictures": list(template.pictures.defer("content")) if template.pk else [],
        "used": _use_of(template, request),
        **_previewed(text, template.shop),
    }
    return render(request, "reviews/templates/edit.html", context, status=status)


def _use_of(template: ReplyTemplate, request: StaffRequest) -> ReplyTemplate | None:
    """The same row with what became of its drafts."""
    rows = ReplyTemplate.objects.filter(pk=template.pk) if template.pk else ReplyTemplate.objects.none()
    return reply_templates.with_use(rows, request.user).first()


def _versions(template: ReplyTemplate) -> list[Any]:
    if not template.pk:
        return []
    return list(template.history.select_related("history_user")[:VERSIONS_SHOWN])


def _previewed(text: str, shop: Shop | None) -> dict[str, str]:
    try:
        before, after = (fill(text, facts(shop)) for facts in (sample_facts, sample_done))
    except TemplateTextError as error:
        return {"preview": "", "preview_done": "", "preview_error": str(error)}
    return {"preview": before, "preview_done": after if after != before else "", "preview_error": ""}


def _number(value: str | None) -> int:
    """The key that was sent; 0, which nothing has, for nonsense."""
    return int(value) if value and value.isdecimal() and value.isascii() else 0
