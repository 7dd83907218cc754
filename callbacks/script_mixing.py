"""A benefit in one stage and the changing of a review in another of one call: looked for in every call."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from django.db.models import Q
from django.utils.translation import gettext as _

from callbacks.models import ScriptStage
from callbacks.models.scripts import Spot, most_specific
from callbacks.script_spots import spot_label
from reviews.causes import SUB_CAUSES, Cause, SubCause
from reviews.compliance import mentions_benefit, mentions_review_change

Where = tuple[int | None, str, str]  # shop (None: one without words of its own), cause, sub-cause


def mixed_faults(edited: ScriptStage) -> list[str]:
    """What these words of one stage would bring together, in words; [] when nothing.

    A general stage is read in the calls of every cause and a common one in every shop, so each such call is
    put together as it would be read.
    """
    speaks, gives = _speaks_of_review(edited.text), _gives(edited.text)
    if not (speaks or gives):
        return []
    own = Q(shop=edited.shop) | Q(shop=None) if edited.shop else Q()
    rows = [edited, *ScriptStage.objects.filter(own).exclude(pk=edited.pk)]
    faults: dict[Spot, str] = {}
    for where in _places(edited, rows):
        read = most_specific(row for row in rows if _fits(row, where))
        if read.get(edited.spot) is not edited:
            continue  # words of its own are read there
        for row in read.values():
            mixed = (speaks and _gives(row.text)) or (gives and _speaks_of_review(row.text))
            if row is not edited and mixed:
                faults.setdefault(row.spot, _words(where, row))
    if speaks and gives:
        faults[edited.spot] = _words((edited.shop_id, edited.cause, edited.sub_cause), edited)
    return list(faults.values())


def _places(edited: ScriptStage, rows: Sequence[ScriptStage]) -> Iterator[Where]:
    shops = {edited.shop_id} if edited.shop_id else {None, *(row.shop_id for row in rows)}
    for shop in sorted(shops, key=lambda one: one or 0):
        for cause, sub_cause in _calls():
            if edited.cause in ("", cause) and edited.sub_cause in ("", sub_cause):
                yield shop, cause, sub_cause


def _calls() -> Iterator[tuple[str, str]]:
    yield "", ""
    for cause, subs in SUB_CAUSES.items():
        yield cause.value, ""
        for sub in subs:
            yield cause.value, sub.value


def _fits(row: ScriptStage, where: Where) -> bool:
    shop, cause, sub_cause = where
    return row.shop_id in (None, shop) and row.cause in ("", cause) and row.sub_cause in ("", sub_cause)


def _words(where: Where, row: ScriptStage) -> str:
    _shop, cause, sub_cause = where
    call = SubCause(sub_cause).label if sub_cause else Cause(cause).label if cause else _("any cause")
    return _(
        "R1: in the call for “%(call)s” the stage “%(stage)s” would stand beside these words:"
        " a benefit and the changing of a review may not meet in one call."
    ) % {"call": call, "stage": spot_label(row.spot)}


@lru_cache(maxsize=2048)
def _speaks_of_review(text: str) -> bool:
    return bool(mentions_review_change(text))


@lru_cache(maxsize=2048)
def _gives(text: str) -> bool:
    return bool(mentions_benefit(text))
