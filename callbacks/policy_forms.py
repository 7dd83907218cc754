"""The ladder of one sub-cause as a form, and the limits and budget of a shop."""

import re
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from callbacks.amounts import AmountError, AmountField, parse_amount
from callbacks.limit_editing import PER, budget_name, members_of, standing_limits, words_of, written
from callbacks.policy import (
    MOST_BANDS,
    PROOFS,
    Ladder,
    PolicyError,
    Proof,
    Step,
    checked,
    checked_bands,
    plain,
)
from callbacks.remedy_kinds import RemedyKind
from callbacks.shop_policy import band_words
from reviews.causes import COMPLAINTS, SUB_CAUSES, Cause
from reviews.colliding import Marked
from reviews.models import Shop, ShopMembership

SLOTS = 4  # remedies a rung may name


@dataclass(frozen=True, slots=True)
class Slot:
    kind: forms.BoundField
    value: forms.BoundField


@dataclass(frozen=True, slots=True)
class Band:
    """One band of the form: its words, the field of its lower edge (none for the first), slots by proof."""

    words: str
    edge: forms.BoundField | None
    proofs: list[tuple[str, list[Slot]]]


class LadderForm(Marked):
    """The bands of order value, and for every band and proof up to four remedies: the kind, and 5 or 20%.

    Bands are numbered as they stand; an edge that is emptied drops its band, `edge_new` adds one.
    """

    def __init__(self, data: Any = None, *, ladder: Ladder) -> None:
        super().__init__(data, auto_id="ladder-%s")
        self.ladder = ladder
        self.count = len(ladder.bands)
        if data is not None:
            self.count = next((n for n in range(1, MOST_BANDS) if f"edge_{n}" not in data), MOST_BANDS)
        choices = [("", "–"), *RemedyKind.choices]
        for band in range(self.count):
            edge = ladder.bands[band] if band < len(ladder.bands) else None
            if band:
                self.fields[f"edge_{band}"] = edge_field(_("From, ¥"), edge)
            for proof in PROOFS:
                there = [step for step in ladder.steps if step.band == edge and step.proof == proof]
                for slot in range(SLOTS):
                    self._add_slot(band, proof, slot, there[slot] if slot < len(there) else None, choices)
        if self.count < MOST_BANDS:
            self.fields["edge_new"] = edge_field(_("One more band, from ¥"))
        self.fields["example"] = AmountField(label=_("Order, ¥"), required=False, initial="129")

    def _add_slot(self, band: int, proof: Proof, slot: int, step: Step | None, choices: list[Any]) -> None:
        where = f"{self._words(band)} {proof.label} {slot + 1}"
        kind, value = _names(band, proof, slot)
        self.fields[kind] = forms.ChoiceField(
            choices=choices, required=False, label=where, initial=step.kind if step else ""
        )
        self.fields[value] = forms.CharField(
            required=False, max_length=12, label=f"{where}: {_('amount or share')}", initial=_written(step)
        )
        self.fields[value].widget.attrs.update({"placeholder": "5 / 20%", "autocomplete": "off"})

    def _words(self, band: int) -> str:
        """The band as it was opened; one just added has only its number."""
        if band < len(self.ladder.bands):
            return band_words(self.ladder.bands[band], self.ladder.bands)
        return _("Band %(n)d") % {"n": band + 1}

    @property
    def grid(self) -> list[Band]:
        return [
            Band(
                self._words(band),
                self[f"edge_{band}"] if band else None,
                [(str(proof.label), self._slots(band, proof)) for proof in PROOFS],
            )
            for band in range(self.count)
        ]

    def _slots(self, band: int, proof: Proof) -> list[Slot]:
        """The filled slots and one empty one."""
        slots = [Slot(*(self[name] for name in _names(band, proof, n))) for n in range(SLOTS)]
        filled = sum(bool(slot.kind.value()) for slot in slots)
        return slots[: min(filled + 1, SLOTS)]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        edges = {0: 0} | {
            band: int(found[f"edge_{band}"])
            for band in range(1, self.count)
            if found.get(f"edge_{band}") is not None
        }
        steps = [
            step
            for band, edge in edges.items()
            for proof in PROOFS
            for slot in range(SLOTS)
            for step in self._read(band, edge, proof, slot, found)
        ]
        new = found.get("edge_new")
        try:
            bands = checked_bands(tuple(sorted(edges.values())))
            ladder = Ladder(bands, tuple(sorted(steps, key=lambda step: step.band)))
            found["ladder"] = ladder.fitted(tuple(sorted([*bands, int(new)]))) if new is not None else ladder
        except PolicyError as error:
            self.add_error(None, str(error))
        return found

    def _read(self, band: int, edge: int, proof: Proof, slot: int, found: dict[str, Any]) -> list[Step]:
        kind, value = _names(band, proof, slot)
        if not found.get(kind):
            if found.get(value):
                self.add_error(kind, _("Choose the remedy this belongs to."))
            return []
        try:
            return [checked(_step(edge, proof, found[kind], found.get(value) or ""))]
        except (AmountError, PolicyError) as error:
            self.add_error(value, str(error))
            return []


class WholeField(AmountField):
    """A field for whole yuan."""

    def clean(self, value: Any) -> Any:
        amount = super().clean(value)
        if amount is not None and amount != int(amount):
            raise forms.ValidationError(_("A band begins at whole yuan."))
        return amount


def edge_field(label: str, edge: int | None = None) -> WholeField:
    """A field for the lower edge of a band."""
    field = WholeField(label=label, required=False, initial="" if edge is None else str(edge))
    field.widget.attrs.update({"inputmode": "numeric", "placeholder": ""})
    return field


class BandsForm(forms.Form):
    """The bands of all defects at once: 50, 200, 500."""

    bands = forms.CharField(label=gettext_lazy("Bands of order value, ¥"), max_length=80)

    def clean_bands(self) -> tuple[int, ...]:
        parts = [one for one in re.split(r"[,，、;；/\s]+", self.cleaned_data["bands"]) if one]
        try:
            amounts = [parse_amount(one) for one in parts]
            if any(one != int(one) for one in amounts):
                raise PolicyError(_("A band begins at whole yuan."))
            return checked_bands((0, *(int(one) for one in amounts if one)))
        except (AmountError, PolicyError) as error:
            raise forms.ValidationError(str(error)) from error


def _names(band: int, proof: Proof, slot: int) -> tuple[str, str]:
    name = f"{band}_{proof.value}_{slot}"
    return f"kind_{name}", f"value_{name}"


def _written(step: Step | None) -> str:
    if step is None:
        return ""
    if step.share is not None:
        return f"{step.share}%"
    return "" if step.amount is None else plain(step.amount)


def _step(band: int, proof: Proof, kind: str, value: str) -> Step:
    """Read what stands in a slot: nothing, 5 or 20%. Raises AmountError, PolicyError."""
    text = value.strip().replace("％", "%")
    if not text:
        return Step(band, proof, kind)
    if text.endswith("%"):
        share = parse_amount(text[:-1])
        if share != int(share):
            raise PolicyError(_("A share is a whole percentage."))
        return Step(band, proof, kind, share=int(share))
    return Step(band, proof, kind, amount=parse_amount(text))


class PreviewForm(forms.Form):
    """An order of ¥129 with damaged goods → …"""

    value = AmountField(label=gettext_lazy("Order, ¥"), required=False)
    sub_cause = forms.ChoiceField(
        label=gettext_lazy("with"),
        required=False,
        choices=[
            (cause.label, [(sub.value, sub.label) for sub in SUB_CAUSES[cause]])
            for cause in COMPLAINTS
            if cause != Cause.MALICIOUS
        ],
    )


@dataclass(frozen=True, slots=True)
class MemberRow:
    """An agent with limits of their own."""

    member: ShopMembership
    fields: list[forms.BoundField]


class LimitsForm(Marked):
    """What agents give alone, and the month's budgets; empty: the shop's limit, no budget.

    The fields go by the names of callbacks.limit_editing.
    """

    def __init__(self, data: Any = None, *, shop: Shop) -> None:
        super().__init__(data, auto_id="limit-%s")
        self.members = members_of(shop)
        stands = written(standing_limits(shop, self.members))
        self.opened_with(stands)
        for name, words in words_of(self.members).items():
            field = AmountField(required=name in PER, label=words, initial=stands[name])
            own = name.startswith("per_") and name not in PER
            field.widget.attrs["placeholder"] = _("the shop's") if own else _("none")
            self.fields[name] = field

    @property
    def rows(self) -> list[MemberRow]:
        return [MemberRow(one, [self[f"{name}_{one.pk}"] for name in PER]) for one in self.members]

    @property
    def budgets(self) -> list[forms.BoundField]:
        """The budget of each kind."""
        return [self[budget_name(kind)] for kind in RemedyKind.values]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        for suffix in ("", *(f"_{one.pk}" for one in self.members)):
            self._check_day(found, suffix)
        whole = found.get("budget")
        for kind in RemedyKind.values:
            part = found.get(budget_name(kind))
            if whole is not None and part is not None and part > whole:
                self.add_error(budget_name(kind), _("This is more than the budget of the month."))
        return found

    def _check_day(self, found: dict[str, Any], suffix: str) -> None:
        """A day holds at least one case; what is left empty is the shop's."""
        case, day = (
            found.get(f"{name}{suffix}") if found.get(f"{name}{suffix}") is not None else found.get(name)
            for name in PER
        )
        typed = found.get(f"per_case{suffix}") is not None or found.get(f"per_day{suffix}") is not None
        if typed and case is not None and day is not None and day < case:
            where = f"per_day{suffix}" if found.get(f"per_day{suffix}") is not None else f"per_case{suffix}"
            self.add_error(where, _("The limit of a day is less than that of one case."))
