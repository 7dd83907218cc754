"""Changing what is said on the phone: a stage is kept only if the whole call stays lawful and in order."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from callbacks.models import ScriptStage, Stage
from callbacks.script_mixing import mixed_faults
from callbacks.script_spots import spot_label
from callbacks.script_text import ScriptFault, lint_stages
from reviews import colliding
from reviews.differences import Piece, word_diff
from reviews.models import Case, Shop, User
from reviews.outgoing import check_outgoing

CASES_OFFERED = 8


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

    def texts(self) -> dict[str, str]:
        """Every text of the call as the lint takes it: by `stage` or `stage/answer`, in order."""
        read = ScriptStage.objects.read_in(self.shop, self.cause, self.sub_cause)
        return {"/".join(filter(None, spot)): row.text for spot, row in read.items()}

    def row(self, stage: Stage, answer: str = "") -> ScriptStage | None:
        """The text kept for just this place, if there is one."""
        rows = ScriptStage.objects.filter(
            stage=stage, answer=answer, cause=self.cause, sub_cause=self.sub_cause
        )
        return rows.filter(shop=self.shop).first()

    def may_edit(self, user: User) -> bool:
        return user.manages(self.shop) if self.shop else user.is_superuser


def spoken_at(place: Place, stage: Stage, answer: str = "") -> str:
    """What is read there now, of the place itself or common to more; empty: nothing."""
    row = ScriptStage.objects.read_in(place.shop, place.cause, place.sub_cause).get((stage.value, answer))
    return row.text if row else ""


def _check_mark(place: Place, stage: Stage, answer: str, text: str, mark: str) -> None:
    """Raises Collision when the words have changed since a form with this mark was opened."""
    if row := place.row(stage, answer):
        ScriptStage.objects.select_for_update().get(pk=row.pk)
    stands = spoken_at(place, stage, answer)
    latest = history_of(place, stage, answer).first()
    who, at = (latest.history_user, latest.history_date) if latest else ("", None)
    colliding.check(mark, stands, text, who=who, at=at)


def save_stage(
    place: Place, stage: Stage, text: str, *, by: User, answer: str = "", mark: str = ""
) -> ScriptStage:
    """Keep the words of one stage (or after one answer in it) for one place. Raises OffendingText,
    UnfitScript or Collision."""
    row = place.row(stage, answer) or ScriptStage(
        shop=place.shop, stage=stage, answer=answer, cause=place.cause, sub_cause=place.sub_cause
    )
    thing: models.Model = row if row.pk else by
    check_outgoing(text, kind="script", shop=place.shop, by=by, thing=thing)
    row.text = text
    faults = new_faults(place, stage, text, answer) or mixed_faults(row)
    if faults:
        raise UnfitScript(faults)
    with transaction.atomic():
        _check_mark(place, stage, answer, text, mark)
        row.save()
    return row


def new_faults(place: Place, stage: Stage, text: str, answer: str = "") -> list[str]:
    """What would be wrong with the call because of these words; older faults elsewhere hinder nobody."""
    before = place.texts()
    spot = "/".join(filter(None, (stage.value, answer)))
    after = _in_order({**before, spot: text})
    known = set(lint_stages(before))
    faults = [fault for fault in lint_stages(after) if fault not in known or fault.spot == spot]
    return [in_words(fault) for fault in faults]


def _in_order(texts: dict[str, str]) -> dict[str, str]:
    order = Stage.values
    return dict(sorted(texts.items(), key=lambda pair: order.index(pair[0].partition("/")[0])))


def in_words(fault: ScriptFault) -> str:
    """Where, what is wrong with which words, and the way out."""
    if not fault.spot:
        return str(fault)
    stage, _slash, answer = fault.spot.partition("/")
    words = f"{fault.why} {fault.way}".strip()
    return _("“%(stage)s”: %(fault)s") % {"stage": spot_label((stage, answer)), "fault": words}


def reset_stage(place: Place, stage: Stage, answer: str = "") -> bool:
    """Forget the shop's own words, so that the common ones are read again; the history stays."""
    row = place.row(stage, answer)
    if place.shop is None or row is None:
        return False
    row.delete()
    return True


def restore_stage(place: Place, stage: Stage, history_id: int, *, by: User, answer: str = "") -> ScriptStage:
    """Bring back older words; today's rules decide whether they may still be kept.

    Not one transaction: the record of a refusal must stay.
    """
    version: Any = history_of(place, stage, answer).get(history_id=history_id)
    return save_stage(place, stage, version.text, by=by, answer=answer)


def history_of(place: Place, stage: Stage, answer: str = "") -> Any:
    """Every wording this place has had, newest first, also from before a reset."""
    rows = ScriptStage.history.filter(
        stage=stage, answer=answer, cause=place.cause, sub_cause=place.sub_cause
    )
    return (
        rows.filter(shop=place.shop).select_related("history_user").order_by("-history_date", "-history_id")
    )


@dataclass(frozen=True, slots=True)
class Version:
    """One wording a place has had; `pieces` tell what it changed of the one before (whole for the first)."""

    record: Any
    pieces: list[Piece]


def versions_of(place: Place, stage: Stage, answer: str = "", *, most: int = 30) -> list[Version]:
    """The latest wordings with what each changed."""
    records = list(history_of(place, stage, answer)[: most + 1])
    earlier = [*records[1:], None][: len(records)]
    made = [
        Version(new, word_diff(old.text, new.text) if old else [Piece("same", new.text)])
        for new, old in zip(records, earlier, strict=True)
    ]
    return made[:most]


def sample_cases(place: Place, user: User) -> list[Case]:
    """The latest cases the words of this place would be read in, to try them on."""
    cases = Case.objects.visible_to(user).select_related("review__buyer", "shop")
    if place.shop:
        cases = cases.filter(shop=place.shop)
    if place.cause:
        cases = cases.filter(cause=place.cause)
    if place.sub_cause:
        cases = cases.filter(sub_cause=place.sub_cause)
    return list(cases.order_by("-pk")[:CASES_OFFERED])


@translation.override(settings.LANGUAGE_CODE)
def sample_facts(shop: Shop | None, agent: User) -> dict[str, str]:
    """Facts of an invented call in the language of the scripts, to show how one reads."""
    return {
        "surname": _("Wang"),
        "shop": shop.name if shop else _("Sample shop"),
        "agent": agent.name_for_buyers,
        "order_date": _("Nov 12"),
        "item": _("Blue thermos 500 ml"),
        "sku": _("colour: misty blue"),
        "courier": _("ZTO Express"),
        "tracking_no": "75312345678901",
        "content_excerpt": _("It arrived broken and the lid leaks"),
        "sub_cause_words": _("Damaged or missing parts"),
        "reply_name": shop.name if shop else _("Sample shop"),
    }
