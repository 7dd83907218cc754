"""The call scripts: as they would be read, stage by stage, and changing one stage."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from callbacks import script_editing
from callbacks.models import ScriptStage, Stage
from callbacks.script_editing import Place, UnfitScript
from callbacks.script_forms import ScriptChoiceForm, StageForm
from reviews.causes import CAUSE_OF, Cause, SubCause
from reviews.models import Shop
from reviews.outgoing import OffendingText
from reviews.refusals import asked_by, refusal_of
from reviews.template_text import FALLBACKS, TemplateTextError, fill
from reviews.views.rights import StaffRequest, managed_shops, managers_only

VARIABLES = [(name, fallback) for name, fallback in FALLBACKS.items() if name != "buyer_nick_masked"]
VERSIONS_SHOWN = 30


@dataclass(frozen=True, slots=True)
class StageRow:
    """One stage on the page: its words filled in, and where they come from."""

    stage: Stage
    row: ScriptStage | None
    text: str
    is_own: bool
    edit_url: str


@managers_only
@require_safe
def page(request: StaffRequest) -> HttpResponse:
    """The ten stages of one cause as an agent would read them."""
    form = ScriptChoiceForm(
        request.GET, shops=managed_shops(request.user), may_share=request.user.is_superuser
    )
    cause, sub_cause = form.cause_chosen
    place = Place(form.shop_chosen, cause, sub_cause)
    facts = script_editing.sample_facts(place.shop, request.user)
    stages = place.stages()
    rows = [_row(place, stage, stages.get(stage.value), facts) for stage in Stage]
    context = {"form": form, "place": place, "rows": rows, "own": sum(row.is_own for row in rows)}
    return render(request, "callbacks/scripts/list.html", context)


def _row(place: Place, stage: Stage, row: ScriptStage | None, facts: dict[str, str]) -> StageRow:
    own = place.shop is not None and row is not None and row.shop_id == place.shop.pk
    return StageRow(
        stage,
        row,
        _filled(row.text if row else "", facts),
        own,
        _url(place, stage),
    )


def _filled(text: str, facts: dict[str, str]) -> str:
    try:
        return fill(text, facts)
    except TemplateTextError:
        return text


def _url(place: Place, stage: Stage | None = None) -> str:
    pairs = {
        "shop": place.shop.code if place.shop else "common",
        "cause": place.cause,
        "sub_cause": place.sub_cause,
    }
    path = reverse("callbacks:script_stage", args=[stage.value]) if stage else reverse("callbacks:scripts")
    return f"{path}?{urlencode({name: value for name, value in pairs.items() if value})}"


@managers_only
@require_http_methods(["GET", "HEAD", "POST"])
def stage(request: StaffRequest, code: str) -> HttpResponseBase:
    """Change the words of one stage for one shop and cause."""
    place, one = _place(request), _stage(code)
    form = StageForm(request.POST or None, initial={"text": _text(place, one)})
    if not form.is_bound or "preview" in request.POST:
        return _stage_page(request, place, one, form)
    if form.is_valid():
        try:
            with asked_by(request):
                script_editing.save_stage(place, one, form.cleaned_data["text"], by=request.user)
        except OffendingText as error:
            form.refusal = refusal_of(request, error, shop=place.shop)
            form.add_error("text", error.sentences)
        except UnfitScript as error:
            form.add_error("text", error.faults)
        else:
            messages.success(request, _("Saved."))
            return redirect(_url(place))
    return _stage_page(request, place, one, form, status=422)


@managers_only
@require_POST
def preview(request: StaffRequest) -> HttpResponse:
    """How a text reads with sample facts; nothing is kept."""
    return render(
        request, "callbacks/scripts/_preview.html", _previewed(request, None, request.POST.get("text", ""))
    )


@managers_only
@require_POST
def reset(request: StaffRequest, code: str) -> HttpResponse:
    """Read the common words again instead of the shop's own."""
    place, one = _place(request), _stage(code)
    if script_editing.reset_stage(place, one):
        messages.success(request, _("The common words are read again."))
    return redirect(_url(place))


@managers_only
@require_POST
def restore(request: StaffRequest, code: str, version: int) -> HttpResponse:
    """Bring back older words."""
    place, one = _place(request), _stage(code)
    get_object_or_404(script_editing.history_of(place, one), history_id=version)
    try:
        script_editing.restore_stage(place, one, version, by=request.user)
    except (OffendingText, UnfitScript) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The older wording is back."))
    return redirect(_url(place, one))


def _stage(code: str) -> Stage:
    try:
        return Stage(code)
    except ValueError as unknown:
        raise Http404 from unknown


def _place(request: StaffRequest) -> Place:
    """What the address names: 404 for another's shop, 403 for one's own without the right."""
    code = request.GET.get("shop", "")
    shops = {shop.code: shop for shop in Shop.objects.visible_to(request.user)}
    if code != "common" and code not in shops:
        raise Http404
    shop = None if code == "common" else shops[code]
    cause, sub_cause = request.GET.get("cause", ""), request.GET.get("sub_cause", "")
    known = {(one.value, "") for one in Cause} | {(one.value, sub.value) for sub, one in CAUSE_OF.items()}
    if (cause, sub_cause) not in known | {("", "")}:
        raise Http404
    place = Place(shop, cause, sub_cause)
    if not place.may_edit(request.user):
        raise PermissionDenied
    return place


def _text(place: Place, one: Stage) -> str:
    row = place.stages().get(one.value)
    return row.text if row else ""


def _previewed(request: StaffRequest, shop: Shop | None, text: str) -> dict[str, str]:
    try:
        return {"preview": fill(text, script_editing.sample_facts(shop, request.user)), "preview_error": ""}
    except TemplateTextError as error:
        return {"preview": "", "preview_error": str(error)}


def _stage_page(
    request: StaffRequest, place: Place, one: Stage, form: StageForm, *, status: int = 200
) -> HttpResponse:
    text = str(form["text"].value() or "")
    context: dict[str, Any] = {
        "place": place,
        "stage": one,
        "form": form,
        "own": place.row(one) if place.shop else None,
        "sub_label": SubCause(place.sub_cause).label if place.sub_cause else "",
        "variables": VARIABLES,
        "versions": list(script_editing.history_of(place, one)[:VERSIONS_SHOWN]),
        "back_url": _url(place),
        "query": _url(place).partition("?")[2],
        **_previewed(request, place.shop, text),
    }
    return render(request, "callbacks/scripts/stage.html", context, status=status)
