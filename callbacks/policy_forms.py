"""The ladder of one sub-cause as a form, and the limits and budget of a shop."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from callbacks.amounts import AmountError, AmountField, parse_amount
from callbacks.policy import BANDS, LADDER, PolicyError, Proof, Step, checked, plain
from callbacks.remedy_kinds import RemedyKind
from callbacks.shop_policy import band_words
from reviews.causes import COMPLAINTS, SUB_CAUSES, Cause
from reviews.models import Role, Shop, ShopMembership

SLOTS = 4  # remedies a rung may name


@dataclass(frozen=True, slots=True)
class Slot:
    kind: forms.BoundField
    value: forms.BoundField


class LadderForm(forms.Form):
    """For every band and proof up to four remedies: the kind, and 5 or 20% beside it."""

    def __init__(self, data: Any = None, *, steps: Sequence[Step] = ()) -> None:
        super().__init__(data, auto_id="ladder-%s")
        choices = [("", "–"), *RemedyKind.choices]
        for band in BANDS:
            for proof in LADDER:
                there = [step for step in steps if step.band == band and step.proof == proof]
                for slot in range(SLOTS):
                    self._add_slot(band, proof, slot, there[slot] if slot < len(there) else None, choices)

    def _add_slot(self, band: int, proof: Proof, slot: int, step: Step | None, choices: list[Any]) -> None:
        where = f"{band_words(band)} {proof.label} {slot + 1}"
        kind, value = _names(band, proof, slot)
        self.fields[kind] = forms.ChoiceField(
            choices=choices, required=False, label=where, initial=step.kind if step else ""
        )
        self.fields[value] = forms.CharField(
            required=False, max_length=12, label=f"{where}: {_('amount or share')}", initial=_written(step)
        )
        self.fields[value].widget.attrs.update({"placeholder": "5 / 20%", "autocomplete": "off"})

    @property
    def grid(self) -> list[tuple[str, list[tuple[str, list[Slot]]]]]:
        """For each band: its words and, for each proof, its words and slots."""
        return [
            (band_words(band), [(str(proof.label), self._slots(band, proof)) for proof in LADDER])
            for band in BANDS
        ]

    def _slots(self, band: int, proof: Proof) -> list[Slot]:
        """The filled slots and one empty one."""
        slots = [Slot(*(self[name] for name in _names(band, proof, n))) for n in range(SLOTS)]
        filled = sum(bool(slot.kind.value()) for slot in slots)
        return slots[: min(filled + 1, SLOTS)]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        steps: list[Step] = []
        for band in BANDS:
            for proof in LADDER:
                for slot in range(SLOTS):
                    steps += self._read(band, proof, slot, found)
        found["steps"] = steps
        return found

    def _read(self, band: int, proof: Proof, slot: int, found: dict[str, Any]) -> list[Step]:
        kind, value = _names(band, proof, slot)
        if not found.get(kind):
            if found.get(value):
                self.add_error(kind, _("Choose the remedy this belongs to."))
            return []
        try:
            return [checked(_step(band, proof, found[kind], found.get(value) or ""))]
        except (AmountError, PolicyError) as error:
            self.add_error(value, str(error))
            return []


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


class LimitsForm(forms.Form):
    """What agents give alone, and the month's budget; empty budget: none."""

    per_case = AmountField(label=gettext_lazy("An agent alone, a case, ¥"))
    per_day = AmountField(label=gettext_lazy("An agent alone, a day, ¥"))
    budget = AmountField(label=gettext_lazy("Budget of the month, ¥"), required=False)

    def __init__(self, data: Any = None, *, shop: Shop, budget_fen: int | None) -> None:
        initial = {
            "per_case": plain(shop.remedy_limit_per_case),
            "per_day": plain(shop.remedy_limit_per_day),
            "budget": "" if budget_fen is None else plain(Decimal(budget_fen) / 100),
        }
        super().__init__(data, initial=initial, auto_id="limit-%s")
        agents = ShopMembership.objects.filter(shop=shop, role=Role.AGENT, user__is_active=True)
        self.members = list(agents.select_related("user").order_by("user__display_name", "pk"))
        for member in self.members:
            for name in ("per_case", "per_day"):
                own = getattr(member, f"remedy_limit_{name}")
                field = AmountField(required=False, label=self.fields[name].label)
                field.initial = "" if own is None else plain(own)
                field.widget.attrs["placeholder"] = gettext_lazy("the shop's")
                self.fields[f"{name}_{member.pk}"] = field

    @property
    def rows(self) -> list[tuple[ShopMembership, forms.BoundField, forms.BoundField]]:
        return [(one, self[f"per_case_{one.pk}"], self[f"per_day_{one.pk}"]) for one in self.members]
