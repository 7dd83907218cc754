"""Changing what is said on the phone: a stage is kept only if the whole call stays lawful and in order."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import translation
from django.utils.translation import gettext as _

from callbacks.models import ScriptStage, Stage
from callbacks.script_mixing import mixed_faults
from callbacks.script_text import lint_stages
from reviews.models import Shop, User
from reviews.outgoing import check_outgoing

# A fault begins with the code of its stage and a colon, half or full width as the language has it.
_STAGE_FIRST = re.compile(rf"({'|'.join(Stage.values)})(?:: |：)")


class UnfitScript(Exception):
    """With these words the call would be out of order; `faults` say what is wrong."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = list(faults)
        super().__init__(" ".join(self.faults))


@dataclass(frozen=True, slots=True)
class Place:
    """Which text is meant: of one shop (None: common to all), for one cause and sub-cause (empty: any)."""

    shop: Shop | None
    cause: str = ""
    sub_cause: str = ""

    def stages(self) -> dict[str, ScriptStage]:
        """The ten stages as they are read there; some may be missing."""
        return ScriptStage.objects.fitting(self.shop, self.cause, self.sub_cause)

    def row(self, stage: Stage) -> ScriptStage | None:
        """The text kept for just this place, if there is one."""
        rows = ScriptStage.objects.filter(stage=stage, cause=self.cause, sub_cause=self.sub_cause)
        return rows.filter(shop=self.shop).first()

    def may_edit(self, user: User) -> bool:
        return user.manages(self.shop) if self.shop else user.is_superuser


def save_stage(place: Place, stage: Stage, text: str, *, by: User) -> ScriptStage:
    """Keep the words of one stage for one place. Raises OffendingText or UnfitScript."""
    row = place.row(stage) or ScriptStage(
        shop=place.shop, stage=stage, cause=place.cause, sub_cause=place.sub_cause
    )
    thing: models.Model = row if row.pk else by
    check_outgoing(text, kind="script", shop=place.shop, by=by, thing=thing)
    row.text = text
    faults = new_faults(place, stage, text) or mixed_faults(row)
    if faults:
        raise UnfitScript(faults)
    row.save()
    return row


def new_faults(place: Place, stage: Stage, text: str) -> list[str]:
    """What would be wrong with the call because of these words; older faults elsewhere hinder nobody."""
    before = {name: row.text for name, row in place.stages().items()}
    after = {
        name: {**before, stage.value: text}[name] for name in Stage.values if name in before or name == stage
    }
    known = set(lint_stages(before))
    faults = [fault for fault in lint_stages(after) if fault not in known or _stage_of(fault) == stage]
    return [_in_words(fault) for fault in faults]


def _stage_of(fault: str) -> str:
    found = _STAGE_FIRST.match(fault)
    return found[1] if found else ""


def _in_words(fault: str) -> str:
    """The stage by its name instead of its code."""
    found = _STAGE_FIRST.match(fault)
    if not found:
        return fault
    return _("“%(stage)s”: %(fault)s") % {"stage": Stage(found[1]).label, "fault": fault[found.end() :]}


def reset_stage(place: Place, stage: Stage) -> bool:
    """Forget the shop's own words, so that the common ones are read again; the history stays."""
    row = place.row(stage)
    if place.shop is None or row is None:
        return False
    row.delete()
    return True


def restore_stage(place: Place, stage: Stage, history_id: int, *, by: User) -> ScriptStage:
    """Bring back older words; today's rules decide whether they may still be kept.

    Not one transaction: the record of a refusal must stay.
    """
    version: Any = history_of(place, stage).get(history_id=history_id)
    return save_stage(place, stage, version.text, by=by)


def history_of(place: Place, stage: Stage) -> Any:
    """Every wording this place has had, newest first, also from before a reset."""
    rows = ScriptStage.history.filter(stage=stage, cause=place.cause, sub_cause=place.sub_cause)
    return (
        rows.filter(shop=place.shop).select_related("history_user").order_by("-history_date", "-history_id")
    )


@translation.override(settings.LANGUAGE_CODE)
def sample_facts(shop: Shop | None, agent: User) -> dict[str, str]:
    """Facts of an invented call in the language of the scripts, to show how one reads."""
    return {
        "surname": _("Wang"),
        "shop": shop.name if shop else _("Sample shop"),
        "agent": str(agent),
        "order_date": _("Nov 12"),
        "item": _("Blue thermos 500 ml"),
        "sku": _("colour: misty blue"),
        "courier": _("ZTO Express"),
        "tracking_no": "75312345678901",
        "content_excerpt": _("It arrived broken and the lid leaks"),
        "sub_cause_words": _("Damaged or missing parts"),
        "reply_name": shop.name if shop else _("Sample shop"),
    }
