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
from callbacks.case_page import find_case
from callbacks.models import Answer, ScriptStage, Stage
from callbacks.models.scripts import Spot
from callbacks.script import call_facts
from callbacks.script_editing import Place, UnfitScript
from callbacks.script_forms import PreviewForm, ScriptChoiceForm, StageForm
from callbacks.script_spots import ENDS, ICONS, answers_at, spot_label
from reviews.causes import CAUSE_OF, Cause, SubCause
from reviews.models import Case, Shop, User
from reviews.outgoing import OffendingText
from reviews.refusals import asked_by, refusal_of
from reviews.template_text import FALLBACKS, TemplateTextError, fill
from reviews.views.rights import StaffRequest, managed_shops, managers_only

VARIABLES = [(name, fallback) for name, fallback in FALLBACKS.items() if name != "buyer_nick_masked"]


@dataclass(frozen=True, slots=True)
class SpotRow:
    """The words of one stage, or after one answer in it: filled in, and where they come from."""

    spot: Spot
    row: ScriptStage | None
    text: str
    is_own: bool
    edit_url: str
    answers: tuple["SpotRow", ...] = ()

    @property
    def stage(self) -> Stage:
        return Stage(self.spot[0])

    @property
    def answer(self) -> Answer:
        return Answer(self.spot[1])

    @property
    def icon(self) -> str:
        return ICONS[self.answer]

    @property
    def ends(self) -> str:
        """How the call ends after this answer; empty when it goes on."""
        end = ENDS.get(self.answer)
        return str(end.label) if end else ""


@managers_only
@require_safe
def page(request: StaffRequest) -> HttpResponse:
    """The ten stages of one cause as an agent would read them, with the buyer's answers."""
    form = ScriptChoiceForm(
        request.GET, shops=managed_shops(request.user), may_share=request.user.is_superuser
    )
    cause, sub_cause = form.cause_chosen
    place = Place(form.shop_chosen, cause, sub_cause)
    facts = script_editing.sample_facts(place.shop, request.user)
    read = ScriptStage.objects.read_in(place.shop, cause, sub_cause)
    rows = [_row(place, (stage.value, ""), read, facts) for stage in Stage]
    own = sum(row.is_own + sum(one.is_own for one in row.answers) for row in rows)
    return render(
        request, "callbacks/scripts/list.html", {"form": form, "place": place, "rows": rows, "own": own}
    )


def _row(place: Place, spot: Spot, read: dict[Spot, ScriptStage], facts: dict[str, str]) -> SpotRow:
    row = read.get(spot)
    stage, answer = spot
    below = () if answer else answers_at(stage)
    return SpotRow(
        spot,
        row,
        _filled(row.text if row else "", facts),
        place.shop is not None and row is not None and row.shop_id == place.shop.pk,
        _url(place, Stage(stage), answer),
        tuple(_row(place, (stage, one.value), read, facts) for one in below),
    )


def _filled(text: str, facts: dict[str, str]) -> str:
    try:
        return fill(text, facts)
    except TemplateTextError:
        return text


def _url(place: Place, stage: Stage | None = None, answer: str = "") -> str:
    pairs = {
        "shop": place.shop.code if place.shop else "common",
        "cause": place.cause,
        "sub_cause": place.sub_cause,
        "answer": answer,
    }
    path = reverse("callbacks:script_stage", args=[stage.value]) if stage else reverse("callbacks:scripts")
    return f"{path}?{urlencode({name: value for name, value in pairs.items() if value})}"


@managers_only
@require_http_methods(["GET", "HEAD", "POST"])
def stage(request: StaffRequest, code: str) -> HttpResponseBase:
    """Change the words of one stage, or after one answer in it, for one shop and cause."""
    place, one, reply = _place(request), _stage(code), _answer(request, code)
    stands = script_editing.spoken_at(place, one, reply)
    form = StageForm(request.POST or None, initial={"text": stands})
    form.opened_with(stands)
    if not form.is_bound or "preview" in request.POST:
        return _stage_page(request, place, one, reply, form)
    if form.is_valid():
        try:
            with asked_by(request):
                kept = form.keep(lambda mark: _save_stage(place, one, reply, form, request.user, mark))
        except OffendingText as error:
            form.refusal = refusal_of(request, error, shop=place.shop)
            form.add_error("text", _named((one.value, reply), error.sentences))
        except UnfitScript as error:
            form.add_error("text", error.faults)
        else:
            if kept:
                messages.success(request, _("Saved."))
                return redirect(_url(place))
    return _stage_page(request, place, one, reply, form, status=form.status)


def _save_stage(place: Place, one: Stage, reply: str, form: StageForm, by: User, mark: str) -> None:
    script_editing.save_stage(place, one, form.cleaned_data["text"], by=by, answer=reply, mark=mark)


def _named(spot: Spot, sentences: list[str]) -> list[str]:
    """Each refusal with the stage it is about."""
    return [
        _("“%(stage)s”: %(fault)s") % {"stage": spot_label(spot), "fault": sentence} for sentence in sentences
    ]


@managers_only
@require_POST
def preview(request: StaffRequest) -> HttpResponse:
    """How a text reads, with the facts of a real case if one is chosen; nothing is kept."""
    form = PreviewForm(request.POST)
    found = form.cleaned_data if form.is_valid() else {}
    case = _visible_case(request, found.get("case"))
    return render(
        request,
        "callbacks/scripts/_preview.html",
        _previewed(request.user, case.shop if case else None, request.POST.get("text", ""), case),
    )


def _visible_case(request: StaffRequest, pk: int | None) -> Case | None:
    if not pk:
        return None
    try:
        return find_case(request.user, pk)
    except Case.DoesNotExist as missing:
        raise Http404 from missing


@managers_only
@require_POST
def reset(request: StaffRequest, code: str) -> HttpResponse:
    """Read the common words again instead of the shop's own."""
    place, one, reply = _place(request), _stage(code), _answer(request, code)
    if script_editing.reset_stage(place, one, reply):
        messages.success(request, _("The common words are read again."))
    return redirect(_url(place))


@managers_only
@require_POST
def restore(request: StaffRequest, code: str, version: int) -> HttpResponse:
    """Bring back older words."""
    place, one, reply = _place(request), _stage(code), _answer(request, code)
    get_object_or_404(script_editing.history_of(place, one, reply), history_id=version)
    try:
        script_editing.restore_stage(place, one, version, by=request.user, answer=reply)
    except (OffendingText, UnfitScript) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The older wording is back."))
    return redirect(_url(place, one, reply))


def _answer(request: StaffRequest, code: str) -> str:
    """The buyer's answer the words follow; empty for the stage itself. 404 for one the stage has not."""
    answer = request.GET.get("answer", "")
    if answer and answer not in answers_at(_stage(code)):
        raise Http404
    return answer


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


def _previewed(user: User, shop: Shop | None, text: str, case: Case | None = None) -> dict[str, Any]:
    """The text filled with facts (of a case, or invented ones), and as it reads when nothing is known."""
    facts = call_facts(case, user) if case else script_editing.sample_facts(shop, user)
    known = {name: facts[name] for name in ("shop", "agent")}
    try:
        filled, bare = fill(text, facts), fill(text, known)
    except TemplateTextError as error:
        return {"preview": "", "preview_error": str(error)}
    return {"preview": filled, "preview_bare": bare if bare != filled else "", "preview_error": ""}


def _stage_page(
    request: StaffRequest, place: Place, one: Stage, reply: str, form: StageForm, *, status: int = 200
) -> HttpResponse:
    text = str(form["text"].value() or "")
    context: dict[str, Any] = {
        "place": place,
        "stage": one,
        "answer": Answer(reply) if reply else "",
        "title": spot_label((one.value, reply)),
        "form": form,
        "own": place.row(one, reply) if place.shop else None,
        "sub_label": SubCause(place.sub_cause).label if place.sub_cause else "",
        "variables": VARIABLES,
        "cases": script_editing.sample_cases(place, request.user),
        "versions": script_editing.versions_of(place, one, reply),
        "back_url": _url(place),
        "query": _url(place, one, reply).partition("?")[2],
        **_previewed(request.user, place.shop, text),
    }
    return render(request, "callbacks/scripts/stage.html", context, status=status)
