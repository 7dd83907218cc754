"""Signs of malice in plain words, each with what speaks against it: a reader must be able to doubt it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reviews.behaviour import Signal, SignalKind
from reviews.models import BehaviourSignal, Review

ICONS = {
    SignalKind.DEMAND: "coin",
    SignalKind.SAME_TEXT: "copy",
    SignalKind.SAME_PICTURE: "photo",
    SignalKind.REUSED_PROOF: "photo",
    SignalKind.SAME_BUYER: "user-question",
    SignalKind.NO_ORDER: "shopping-cart",
    SignalKind.BURST: "trending-up",
}


@dataclass(frozen=True, slots=True)
class SignalWords:
    """One sign as it is shown: what was seen, what speaks against it, the reviews that may be opened.

    `hidden` counts reviews of shops the reader has no right to see.
    """

    kind: str
    icon: str
    title: str
    seen: str
    against: str
    weight: int
    passages: tuple[str, ...] = ()
    reviews: tuple[Review, ...] = ()
    hidden: int = 0


def review_ids(signals: Sequence[Signal]) -> set[int]:
    """The reviews the facts name."""
    return {pk for one in signals for pk in one.facts.get("reviews", [])}


def in_words(signals: Sequence[Signal], visible: Mapping[int, Review]) -> list[SignalWords]:
    """The signs for a reader who may open the `visible` reviews."""
    return [_words(one, visible) for one in signals]


def _words(signal: Signal, visible: Mapping[int, Review]) -> SignalWords:
    named = signal.facts.get("reviews", [])
    shown = tuple(visible[pk] for pk in named if pk in visible)
    seen, against = _SEEN[signal.kind](signal.facts)
    return SignalWords(
        kind=signal.kind.value,
        icon=ICONS[signal.kind],
        title=str(dict(BehaviourSignal.KINDS)[signal.kind.value]),
        seen=seen,
        against=against,
        weight=signal.weight,
        passages=tuple(one["words"] for one in signal.facts.get("passages", [])),
        reviews=shown,
        hidden=len(named) - len(shown),
    )


Facts = dict[str, Any]


def _demand(facts: Facts) -> tuple[str, str]:
    places = {one["place"] for one in facts["passages"]}
    if places == {"review"}:
        seen = _("The review itself ties money, goods or a refund to the mark:")
    else:
        seen = _("In a pasted chat the buyer ties money, goods or a refund to the mark:")
    return seen, _("Who asks for a refund they are entitled to may be angry, not malicious. Read all of it.")


def _same_text(facts: Facts) -> tuple[str, str]:
    seen = ngettext(
        "%(alike)d %% of the text also stands under %(n)d other account.",
        "%(alike)d %% of the text also stands under %(n)d other accounts.",
        facts["accounts"] - 1,
    ) % {"alike": facts["alike"], "n": facts["accounts"] - 1}
    return seen, _("Families and colleagues share phones, and phrases are copied from other reviews.")


def _same_picture(_facts: Facts) -> tuple[str, str]:
    seen = _("A picture of this review was shown by another account before.")
    return seen, _("Platforms reuse addresses of default pictures, and one household may have two accounts.")


def _reused_proof(facts: Facts) -> tuple[str, str]:
    if facts["foreign"]:
        seen = _("A picture handed in as proof stood before in the case of another account.")
    else:
        seen = _("A picture handed in as proof stood before in another case, perhaps of the same buyer.")
    return seen, _(
        "It may be the shop's own picture, one parcel that two people ordered, or a picture added to the"
        " wrong case. Look at both."
    )


def _same_buyer(facts: Facts) -> tuple[str, str]:
    seen = ngettext(
        "%(marks)d bad marks for separate orders in 90 days, in %(n)d shop; good ones: %(good)d.",
        "%(marks)d bad marks for separate orders in 90 days, in %(n)d shops; good ones: %(good)d.",
        facts["shops"],
    ) % {"marks": facts["marks"], "n": facts["shops"], "good": facts["good"]}
    return seen, _("Who buys much complains more often. Look whether the complaints differ.")


def _no_order(facts: Facts) -> tuple[str, str]:
    share = round(100 * facts["matched"] / facts["known"])
    seen = _("No order is known for this review; %(share)d %% of the shop's reviews find theirs.")
    return seen % {"share": share}, _("The order may not have arrived yet, or its number was mistyped.")


def _burst(facts: Facts) -> tuple[str, str]:
    seen = _("%(marks)d mid or bad marks on this product within an hour; usual are %(usual)s a day.")
    seen %= {"marks": facts["marks"], "usual": facts["usual_a_day"]}
    return seen, _("A bad batch or a lost parcel load does the same. Look what the others complain of.")


_SEEN: dict[SignalKind, Callable[[Facts], tuple[str, str]]] = {
    SignalKind.DEMAND: _demand,
    SignalKind.SAME_TEXT: _same_text,
    SignalKind.SAME_PICTURE: _same_picture,
    SignalKind.REUSED_PROOF: _reused_proof,
    SignalKind.SAME_BUYER: _same_buyer,
    SignalKind.NO_ORDER: _no_order,
    SignalKind.BURST: _burst,
}
