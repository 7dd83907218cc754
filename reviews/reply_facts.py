"""What a public reply may say: facts of the review and of what was done in its case. Nothing else, nothing
personal, no amounts, and no benefit beyond the cure of the problem."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from reviews.models import Case, CaseEvent, Review, Shop
from reviews.models.cases import EventKind
from reviews.personal_data import mask_name
from reviews.template_text import fill

# Remedies a public text may name: they undo the fault itself. Coupons, gifts and money beyond the order's
# never stand beside a review (law.md, R1).
CURES = ("resend", "exchange", "refund", "part_refund", "return_freight")
GRANTED = frozenset({"approved", "paid"})
NOT_REACHED = frozenset({"no_answer", "wrong_number"})
TOLD = (EventKind.CALL, EventKind.PROMISE, EventKind.PROMISE_CANCELLED, EventKind.REMEDY)
_SO = "1"

# Written to the buyer, so in the buyer's language whatever the agent reads. Each is said only when it is so.
_DONE = (
    "[[called|{call_day}已跟您通过电话，情况记下了。]]"
    "[[resend|已为您安排补发。]]"
    "[[exchange|已为您安排换货。]]"
    "[[refund|已为您安排退款。]]"
    "[[part_refund|已为您安排部分退款。]]"
    "[[return_freight|退货的运费由店里承担。]]"
    "[[settled&!named|怎么处理已跟您说好，售后会跟到底。]]"
)
_NEXT = (
    "[[promised|我们会在{promise_day}再与您联系。]]"
    "[[unreached&!settled|给您打过电话没有接通，方便时在店铺聊天里说一声就好。]]"
)


def signature() -> str:
    """Who a public reply is signed by, in the language of the texts: no agent's name goes public."""
    with translation.override(settings.LANGUAGE_CODE):
        return _("After-sales team")


def review_facts(review: Review, shop: Shop) -> dict[str, str]:
    """What the review itself tells: nothing personal."""
    return {
        "shop": shop.name,
        "item": review.product.title if review.product else "",
        "buyer_nick_masked": mask_name(review.buyer.nick) if review.buyer else "",
        "reply_name": signature(),
    }


def events_of(cases: Iterable[Case]) -> dict[int, list[CaseEvent]]:
    """What was done in each of these cases, oldest first, in one query."""
    found: dict[int, list[CaseEvent]] = {}
    keys = [case.pk for case in cases]
    for event in CaseEvent.objects.filter(case__in=keys, kind__in=TOLD).order_by("at", "id") if keys else []:
        found.setdefault(event.case_id, []).append(event)
    return found


def case_facts(events: Sequence[CaseEvent], shop: Shop) -> dict[str, str]:
    """Facts of what was done: conditions are "1" when so; days as the shop's calendar has them."""
    return _in_words({**_call_facts(events, shop), **_promise_facts(events, shop), **_remedy_facts(events)})


def _in_words(facts: dict[str, str]) -> dict[str, str]:
    """The facts with the sentences that say what was done and what comes next."""
    return facts | {"done": fill(_DONE, facts), "next": fill(_NEXT, facts)}


def _call_facts(events: Sequence[CaseEvent], shop: Shop) -> dict[str, str]:
    calls = [event for event in events if event.kind == EventKind.CALL]
    spoken = [event for event in calls if event.data.get("outcome") not in NOT_REACHED]
    if spoken:
        return {"called": _SO, "call_day": _day(spoken[-1].at, shop)}
    return {"unreached": _SO} if calls else {}


def _promise_facts(events: Sequence[CaseEvent], shop: Shop) -> dict[str, str]:
    """The promise that still stands: later calls keep it, a cancellation ends it."""
    due_at = None
    for event in events:
        if event.kind == EventKind.PROMISE:
            due_at = datetime.fromisoformat(event.data["due_at"])
        elif event.kind == EventKind.PROMISE_CANCELLED or (due_at and event.kind == EventKind.CALL):
            due_at = None
    return {"promised": _SO, "promise_day": _day(due_at, shop)} if due_at else {}


def _remedy_facts(events: Sequence[CaseEvent]) -> dict[str, str]:
    """What was granted and stands: the latest word on each remedy counts.

    Old events have no id; there kind and amount tell one remedy from another.
    """
    latest: dict[object, Mapping[str, object]] = {}
    for event in events:
        if event.kind == EventKind.REMEDY:
            data = event.data
            alike = (data.get("remedy"), Decimal(data.get("amount") or 0))
            if "id" in data:
                latest.pop(alike, None)  # what became of one that was offered before ids were written
            latest[data.get("id", alike)] = data
    granted = {str(data["remedy"]) for data in latest.values() if data.get("status") in GRANTED}
    if not granted:
        return {}
    cures = {kind: _SO for kind in CURES if kind in granted}
    return {"settled": _SO, **cures, **({"named": _SO} if cures else {})}


def _day(moment: datetime, shop: Shop) -> str:
    with translation.override(settings.LANGUAGE_CODE):
        return date_format(timezone.localtime(moment, shop.zone), "MONTH_DAY_FORMAT")


def sample_facts(shop: Shop | None) -> dict[str, str]:
    """Facts of an invented buyer, to show how a text reads before anything was done."""
    with translation.override(settings.LANGUAGE_CODE):
        return {
            "shop": shop.name if shop else _("Sample shop"),
            "reply_name": signature(),
            "item": _("Blue thermos 500 ml"),
            "buyer_nick_masked": _("W**"),
        }


def sample_done(shop: Shop | None) -> dict[str, str]:
    """The same once the buyer was reached and the goods are sent again."""
    with translation.override(settings.LANGUAGE_CODE):
        done = {"called": _SO, "call_day": _("Nov 12"), "settled": _SO, "named": _SO, "resend": _SO}
    return sample_facts(shop) | _in_words(done)
