"""The compensation policy: the whole table, one ladder to change, limits and budget."""

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from callbacks import policy_editing
from callbacks.limit_editing import save_limits
from callbacks.policy import Ladder
from callbacks.policy_forms import BandsForm, LadderForm, LimitsForm, PreviewForm
from reviews.causes import CAUSE_OF, Cause, SubCause
from reviews.models import Shop
from reviews.views.rights import StaffRequest, managed_shops, managers_only

EXAMPLE = {"value": "129", "sub_cause": SubCause.DAMAGED_MISSING.value}


@managers_only
@require_safe
def page(request: StaffRequest) -> HttpResponse:
    """What each defect earns by order value and proof, with an example that can be changed."""
    shop, shops = _chosen(request), managed_shops(request.user)
    example = {name: request.GET.get(name) or value for name, value in EXAMPLE.items()}
    preview = PreviewForm(example)
    valid = preview.is_valid() and preview.cleaned_data["value"] is not None
    found = preview.cleaned_data if valid else {}
    table = policy_editing.table(shop)
    context = {
        "shop": shop,
        "shops": shops,
        "code": _code(shop),
        "table": table,
        "edges": "、".join(str(edge) for edge in table.edges[1:]),
        "preview": preview,
        "found": found,
        "said": policy_editing.said(policy_editing.in_force(shop, found["sub_cause"]), found["value"], shop)
        if found
        else [],
        "may_edit": shop is not None or request.user.is_superuser,
        "may_share": request.user.is_superuser,
    }
    return render(request, "callbacks/policy/page.html", context)


@managers_only
@require_http_methods(["GET", "HEAD", "POST"])
def ladder(request: StaffRequest, code: str) -> HttpResponseBase:
    """Change the ladder of one sub-cause."""
    shop, sub = _place(request), _sub_cause(code)
    stands = policy_editing.in_force(shop, sub.value)
    form = LadderForm(request.POST or None, ladder=stands)
    form.opened_with(policy_editing.stored(stands))
    if form.is_bound and form.is_valid() and "preview" not in request.POST:
        ladder = form.cleaned_data["ladder"]

        def save(mark: str) -> None:
            saved = policy_editing.save_ladder(shop, sub.value, ladder, by=request.user, mark=mark)
            _say(request, saved)

        if form.keep(save):
            return redirect(_url("callbacks:policy", shop))
    context = {
        "shop": shop,
        "sub": sub,
        "form": form,
        "said": _preview(form, stands, shop),
        "own": policy_editing.own_row(shop, sub.value) if shop else None,
        "versions": policy_editing.versions(shop, sub.value),
        "back_url": _url("callbacks:policy", shop),
        "query": urlencode({"shop": _code(shop)}),
    }
    return render(request, "callbacks/policy/ladder.html", context, status=form.status)


def _say(request: StaffRequest, saved: bool) -> None:
    messages.success(request, _("Saved.") if saved else _("Nothing was changed."))


def _preview(form: LadderForm, stands: Ladder, shop: Shop | None) -> list[Any]:
    """What the ladder as it is typed gives to the example."""
    if not form.is_bound:
        return policy_editing.said(stands, Decimal(129), shop)
    value, ladder = form.cleaned_data.get("example"), form.cleaned_data.get("ladder")
    return policy_editing.said(ladder, value, shop) if ladder and value is not None else []


@managers_only
@require_POST
def bands(request: StaffRequest) -> HttpResponse:
    """Give every defect of the shop the same bands of order value."""
    shop = _place(request)
    form = BandsForm(request.POST)
    if form.is_valid():
        number = policy_editing.set_bands(shop, form.cleaned_data["bands"], by=request.user)
        messages.success(request, _("Ladders changed: %(n)d") % {"n": number})
    else:
        for words in form.errors.get("bands", []):
            messages.error(request, str(words))
    return redirect(_url("callbacks:policy", shop))


@managers_only
@require_POST
def reset(request: StaffRequest, code: str) -> HttpResponse:
    """Read the common ladder again instead of the shop's own."""
    shop, sub = _place(request), _sub_cause(code)
    if shop and policy_editing.reset_ladder(shop, sub.value, by=request.user):
        messages.success(request, _("The common policy is read again."))
    return redirect(_url("callbacks:policy", shop))


@managers_only
@require_POST
def restore(request: StaffRequest, code: str, version: int) -> HttpResponse:
    """Bring back an older ladder."""
    shop, sub = _place(request), _sub_cause(code)
    try:
        policy_editing.restore(shop, sub.value, version, by=request.user)
    except LookupError as missing:
        raise Http404 from missing
    messages.success(request, _("The older version is back."))
    return redirect(_url("callbacks:policy_ladder", shop, sub.value))


@managers_only
@require_http_methods(["GET", "HEAD", "POST"])
def limits(request: StaffRequest) -> HttpResponse:
    """What agents give alone, and the month's budget."""
    shop = _place(request)
    if shop is None:
        raise Http404
    form = LimitsForm(request.POST or None, shop=shop)
    if form.is_valid() and form.keep(
        lambda mark: _say(request, save_limits(shop, form.cleaned_data, by=request.user, mark=mark))
    ):
        return redirect(_url("callbacks:policy", shop))
    context = {"shop": shop, "form": form, "back_url": _url("callbacks:policy", shop)}
    return render(request, "callbacks/policy/limits.html", context, status=form.status)


# --- what the address names ----------------------------------------------------------------------


def _chosen(request: StaffRequest) -> Shop | None:
    """The shop to show: the named one, the first one managed; "common" is shown to everybody here."""
    shops = managed_shops(request.user)
    code = request.GET.get("shop", "")
    if code == "common" or not shops:
        return None
    return next((shop for shop in shops if shop.code == code), shops[0])


def _place(request: StaffRequest) -> Shop | None:
    """The shop to change: 404 for another's, 403 for one's own without the right."""
    code = request.GET.get("shop", "")
    if code == "common":
        if not request.user.is_superuser:
            raise PermissionDenied
        return None
    shop = Shop.objects.visible_to(request.user).filter(code=code).first()
    if shop is None:
        raise Http404
    if not request.user.manages(shop):
        raise PermissionDenied
    return shop


def _sub_cause(code: str) -> SubCause:
    if code not in SubCause.values or CAUSE_OF[SubCause(code)] in (Cause.MALICIOUS, Cause.NONE):
        raise Http404
    return SubCause(code)


def _code(shop: Shop | None) -> str:
    return shop.code if shop else "common"


def _url(name: str, shop: Shop | None, *args: Any) -> str:
    return f"{reverse(name, args=args)}?{urlencode({'shop': _code(shop)})}"
