"""The sequence rule (R1): a compensation and the changing of a review never meet for one buyer.

Once a compensation is offered, approved or paid, no text of that case, nor any text to that buyer for 30
days, may speak of changing a review; once such a text is out, no compensation may follow for 30 days. A buyer
is known by the shop's buyer row, by the blind index of the phone in every shop, and by the review.

Source: 网络反不正当竞争暂行规定 art. 9(5), 34; FTC 16 CFR 465.4 ("gift first, ask later" counts as well).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from reviews import clock
from reviews.behaviour import names_nobody
from reviews.compliance import Offence, mentions_benefit, mentions_review_change
from reviews.models import Buyer, Case, CaseEvent, Order, Review, SequenceMark, Shop
from reviews.models.cases import EventKind
from reviews.templatetags.ui import zday

APART = timedelta(days=30)
SPOKEN_TO_BUYER = (EventKind.MESSAGE, EventKind.REPLY, EventKind.REVIEW_WORDS)
EARLIER_TEXTS = 20  # of the case, as far back as the rule looks
LARGEST_HOUSEHOLD = 50  # a number that more buyers share (a forwarder's) says nothing about who they are


class SequenceRefusal(Exception):
    """A compensation may not follow; the message says why, until when, and what is possible instead."""


@dataclass(frozen=True, slots=True)
class Barrier:
    """Why something must not be said now, and the lawful way, in words."""

    why: str
    instead: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What has happened between shop and buyer; `earlier`: texts sent in the case, oldest first."""

    policy_allows: bool = False
    in_case: bool = False
    compensated_at: datetime | None = None
    mentioned_at: datetime | None = None
    earlier: tuple[str, ...] = ()
    shop: Shop | None = None

    def bars_review_talk(self, now: datetime) -> Barrier | None:
        """Whether a text may speak of changing a review."""
        instead = _("Say what was done about the problem; leave the review out.")
        if self.in_case:
            return Barrier(
                _("A compensation was offered in this case: nothing in it may speak of changing a review."),
                instead,
            )
        if _within(self.compensated_at, now):
            words = _("A compensation was offered to this buyer: until %(until)s no text may speak of it.")
            return Barrier(words % {"until": self._until(self.compensated_at)}, instead)
        if not self.policy_allows:
            return Barrier(_("The shop's texts do not speak of changing a review."), instead)
        return None

    def bars_compensation(self, now: datetime) -> Barrier | None:
        """Whether a compensation may be offered, approved, paid or named."""
        if not _within(self.mentioned_at, now):
            return None
        words = _(
            "A text of %(day)s told this buyer of changing the review:"
            " no compensation may follow before %(until)s."
        )
        return Barrier(
            words % {"day": zday(self.mentioned_at, self.shop), "until": self._until(self.mentioned_at)},
            _(
                "Possible now: put the fault right by explanation and advice; the buyer's own claims"
                " (return, refund through the platform) stay open."
            ),
        )

    def _until(self, moment: datetime | None) -> str:
        return zday(moment + APART, self.shop) if moment else ""


def _within(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and abs(now - moment) < APART


# --- the facts ---------------------------------------------------------------------------------


def keys_of(review: Review) -> list[str]:
    """Every trace by which the review's buyer is known again, in one order for all. A nick under which many
    stand (匿名用户, t**6) is none: one buyer's acts must not bar another's.
    """
    order = review.order
    phones = {order.phone_index} if order and order.phone_index else set()
    buyers = _named(review.buyer)
    if order and order.buyer_id != review.buyer_id:
        buyers |= _named(order.buyer)
    if buyers:
        theirs = Order.objects.filter(buyer__in=buyers).exclude(phone_index="")
        phones |= set(theirs.values_list("phone_index", flat=True)[:LARGEST_HOUSEHOLD])
    if phones:
        others = Order.objects.filter(phone_index__in=phones).exclude(buyer=None).order_by("buyer").distinct()
        found = others.values_list("buyer", "buyer__nick")[:LARGEST_HOUSEHOLD]
        buyers |= {buyer for buyer, nick in found if not names_nobody(nick)}
    return sorted(
        [f"review:{review.pk}", *(f"buyer:{one}" for one in buyers), *(f"phone:{one}" for one in phones)]
    )


def _named(buyer: Buyer | None) -> set[int]:
    return set() if buyer is None or names_nobody(buyer.nick) else {buyer.pk}


def facts_of(review: Review, case: Case | None, now: datetime) -> Facts:
    """As it stands now, for a look; an act asks under the lock."""
    marks = SequenceMark.objects.filter(key__in=keys_of(review))
    return _facts(review, case, marks, now)


def hold_facts(review: Review, case: Case | None, now: datetime) -> tuple[Facts, list[str]]:
    """The same, held until the transaction ends, with the keys for `note_text`. The case is locked first,
    always: an order in which two acts cannot wait for each other.
    """
    if case:
        case.compensated_at = Case.objects.select_for_update().get(pk=case.pk).compensated_at
    keys = keys_of(review)
    SequenceMark.objects.bulk_create([SequenceMark(key=key) for key in keys], ignore_conflicts=True)
    marks = SequenceMark.objects.select_for_update().filter(key__in=keys).order_by("key")
    return _facts(review, case, marks, now), keys


def _facts(review: Review, case: Case | None, marks: Iterable[SequenceMark], now: datetime) -> Facts:
    found = list(marks)
    return Facts(
        policy_allows=review.shop.may_mention_reviews,
        in_case=bool(case and case.compensated_at),
        compensated_at=max((one.compensated_at for one in found if one.compensated_at), default=None),
        mentioned_at=max((one.mentioned_at for one in found if one.mentioned_at), default=None),
        earlier=_earlier(case, now) if case else (),
        shop=review.shop,
    )


def _earlier(case: Case, now: datetime) -> tuple[str, ...]:
    sent = CaseEvent.objects.filter(
        case=case, kind__in=SPOKEN_TO_BUYER, at__gt=now - APART, at__lt=now + APART
    ).order_by("-at", "-id")
    texts = [str(data.get("text", "")) for data in sent.values_list("data", flat=True)[:EARLIER_TEXTS]]
    return tuple(text for text in reversed(texts) if text)


def _mark(keys: list[str], field: str, now: datetime) -> None:
    """The latest time counts, also when a past is told out of order."""
    stale = Q(**{field: None}) | Q(**{f"{field}__lt": now})
    SequenceMark.objects.filter(stale, key__in=keys).update(**{field: now})


# --- the acts ----------------------------------------------------------------------------------


def check_compensation(case: Case, now: datetime) -> tuple[Facts, list[str]]:
    """Refuse a compensation (offer, approval, payment) that may not be, or note that there is one.

    Belongs in the transaction that stores the compensation: it holds the buyer's marks until that is
    committed. Returns the facts as they stand with it, and the keys for `note_text`. Raises SequenceRefusal.
    """
    with transaction.atomic():
        facts, keys = hold_facts(case.review, case, now)
        if barrier := facts.bars_compensation(now):
            raise SequenceRefusal(f"{barrier.why} {barrier.instead}")
        case.note_compensation(now)
        _mark(keys, "compensated_at", now)
    latest = max(facts.compensated_at or now, now)
    return replace(facts, in_case=True, compensated_at=latest), keys


def note_text(text: str, case: Case | None, keys: list[str], now: datetime) -> None:
    """Remember what a text that passed spoke of; a benefit told to a case's buyer is the case's for good."""
    _remember(_spoken_of(text), case, keys, now)


def _spoken_of(text: str) -> list[str]:
    """The fields of a mark that a text moves."""
    asked = {"mentioned_at": mentions_review_change, "compensated_at": mentions_benefit}
    return [field for field, finds in asked.items() if finds(text)]


def _remember(fields: list[str], case: Case | None, keys: list[str], now: datetime) -> None:
    for field in fields:
        _mark(keys, field, now)
    if case and "compensated_at" in fields:
        case.note_compensation(now)


@transaction.atomic
def note_answer(review: Review, now: datetime) -> None:
    """Remember what the shop's public answer, written elsewhere, spoke of."""
    if fields := _spoken_of(review.reply):
        case = Case.objects.filter(review=review).order_by("-id").first()
        _facts_held, keys = hold_facts(review, case, now)
        _remember(fields, case, keys, now)


@transaction.atomic
def carry_marks(reviews: Iterable[Review]) -> None:
    """What is remembered of a review holds for its buyer as well, once a nick or an order names one."""
    by_key = {f"review:{review.pk}": review for review in reviews}
    for mark in SequenceMark.objects.filter(key__in=by_key):
        _facts_held, keys = hold_facts(by_key[mark.key], None, clock.now())
        for field in ("compensated_at", "mentioned_at"):
            if moment := getattr(mark, field):
                _mark(keys, field, moment)


def sequence_offences(text: str, facts: Facts, now: datetime) -> list[Offence]:
    """Where the text says what the rule bars for this buyer now."""
    found: list[Offence] = []
    if barrier := facts.bars_review_talk(now):
        found += [_barred(offence, barrier) for offence in mentions_review_change(text)]
    if barrier := facts.bars_compensation(now):
        found += [_barred(offence, barrier) for offence in mentions_benefit(text)]
    return found


def _barred(offence: Offence, barrier: Barrier) -> Offence:
    return Offence("R1", offence.words, offence.start, offence.end, barrier.why, barrier.instead)


def forget_old_marks(now: datetime) -> int:
    """Delete what no longer bars anything; how many rows."""
    old = now - 2 * APART
    recent = Q(compensated_at__gte=old) | Q(mentioned_at__gte=old)
    return SequenceMark.objects.exclude(recent).delete()[0]
