"""The complaint about a malicious review: drafted when a person confirms it, filed with fitting evidence.

No text of it goes to a buyer or the public; the platform alone reads it.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reviews import clock
from reviews.behaviour import SignalKind, find_demands
from reviews.causes import Cause
from reviews.models import (
    Case,
    Complaint,
    EvidencePack,
    InvalidTransition,
    Review,
    StaleCase,
    User,
)
from reviews.models.cases import EventKind
from reviews.models.complaints import MOVES, PENDING, ComplaintStatus, PackStatus, Reason
from reviews.platforms.complaint_rules import ComplaintRule, complaint_rule


class MissingEvidence(Exception):
    """What the reason needs and the case does not hold, named."""


class NotYetConfirmed(Exception):
    """Malice is an accusation: no step before a person has confirmed it."""


# --- who may ------------------------------------------------------------------------------------------


def may_handle(user: User, case: Case) -> bool:
    """Who holds the case, and whoever handles complaints in its shop."""
    return case.assignee_id == user.pk or user.handles_complaints_of(case.shop_id)


# --- the evidence a reason needs ----------------------------------------------------------------------

COPIES = frozenset({SignalKind.SAME_TEXT, SignalKind.SAME_PICTURE, SignalKind.REUSED_PROOF})
PATTERNS = frozenset({SignalKind.SAME_BUYER, SignalKind.BURST}) | COPIES


@dataclass(frozen=True, slots=True)
class Held:
    """What the case holds that could prove something."""

    text: bool
    chat: bool
    demand: bool
    no_order: bool
    pattern: bool
    copies: bool


@dataclass(frozen=True, slots=True)
class Need:
    """One thing a reason cannot do without: how to see it, and what to say when it is missing."""

    is_met: Callable[[Held], bool]
    words: Any


_TEXT = Need(lambda held: held.text, gettext_lazy("The review has no text to complain of."))
NEEDS: dict[str, tuple[Need, ...]] = {
    Reason.UNRELATED: (_TEXT,),
    Reason.SPAM: (_TEXT,),
    Reason.ABUSE: (_TEXT,),
    Reason.COMPETITOR: (
        _TEXT,
        Need(
            lambda held: held.no_order or held.pattern or held.chat,
            gettext_lazy(
                "Missing: a sign that no buyer wrote this (no order, a pattern of marks or texts), or a chat."
            ),
        ),
    ),
    Reason.EXTORTION: (
        Need(
            lambda held: held.demand,
            gettext_lazy(
                "Missing: a chat in which the buyer asks money or goods against the review. "
                "Paste it under “Chat records”; if it asks in a roundabout way, mark the words there."
            ),
        ),
    ),
    Reason.COORDINATED: (
        Need(
            lambda held: held.copies,
            gettext_lazy("Missing: the same text or picture from other accounts."),
        ),
    ),
}


def held_by(case: Case) -> Held:
    """What the case holds now, read from its review, chats and signs."""
    signs = case.signals.exclude(kind=SignalKind.REUSED_PROOF, weight=1)  # perhaps the buyer's own picture
    kinds = set(signs.values_list("kind", flat=True))
    chats = list(case.chats.kept())
    review: Review = case.review
    said = [review.full_text, *(chat.text for chat in chats)]
    marked = any(chat.demand for chat in chats)
    return Held(
        text=bool(review.full_text),
        chat=bool(chats),
        demand=marked or any(one.weight > 1 for text in said for one in find_demands(text)),
        no_order=review.order_id is None and SignalKind.NO_ORDER in kinds,
        pattern=bool(kinds & PATTERNS),
        copies=bool(kinds & COPIES),
    )


# What says something of the deal or the buyer; who held the case or looked at it does not.
TELLING = (
    EventKind.CALL,
    EventKind.CAUSE,
    EventKind.CHAT,
    EventKind.MESSAGE,
    EventKind.NOTE,
    EventKind.PHOTO,
    EventKind.REMEDY,
    EventKind.REPLY,
    EventKind.REVIEW_CHANGED,
    EventKind.REVIEW_WORDS,
    EventKind.UNDO,
)
_OF_ORDER = (
    "order_no",
    "amount",
    "quantity",
    "sku",
    "product_id",
    "created_at",
    "shipped_at",
    "completed_at",
)


def facts_of(case: Case) -> str:
    """A fingerprint (SHA-256) of what a pack of the case would tell now.

    Read from the rows, not from a pack: calls, messages, photos, marks and replies stand by their events.
    """
    review = Review.objects.select_related("order").get(pk=case.review_id)
    order = review.order
    signs = list(case.signals.order_by("kind").values_list("kind", "weight", "facts"))
    alike = {pk for _kind, _weight, facts in signs for pk in facts.get("reviews", [])}
    facts = {
        "review": [review.version, case.sub_cause],
        "order": [getattr(order, name) for name in _OF_ORDER] if order else [],
        "events": list(case.events.filter(kind__in=TELLING).order_by("id").values_list("id", flat=True)),
        "signs": signs,
        "alike": list(Review.objects.filter(pk__in=alike).order_by("pk").values_list("pk", "version")),
    }
    return hashlib.sha256(json.dumps(facts, default=str, sort_keys=True).encode()).hexdigest()


def missing_evidence(case: Case, reason: str) -> list[str]:
    """What has to be there before a complaint of this reason may be filed, in words."""
    held = held_by(case)
    return [str(need.words) for need in NEEDS[reason] if not need.is_met(held)]


# --- the life of a complaint ----------------------------------------------------------------------------


def is_confirmed(case: Case) -> bool:
    """Whether a person has said that it is malicious."""
    return case.cause == Cause.MALICIOUS and not case.needs_decision


def rule_of(case: Case) -> ComplaintRule:
    return complaint_rule(case.shop.platform)


def is_due_doubtful(complaint: Complaint) -> bool:
    """Whether its deadline is one nobody has read in the platform's own rule; what a person typed is not."""
    case, rule = complaint.case, rule_of(complaint.case)
    counted = rule.due_at(case.review.followup_at or case.review.created_at)
    appeal = complaint.appeal_due_at is not None and complaint.status == ComplaintStatus.LOST
    return rule.is_doubtful(timezone.localdate(clock.now())) and (complaint.due_at == counted or appeal)


def follow_cause(case: Case, *, by: User) -> None:
    """A confirmed malicious case gets its draft with the platform's deadline; one that is not loses it."""
    drafts = Complaint.objects.filter(case=case, status=ComplaintStatus.DRAFT)
    if not is_confirmed(case):
        for draft in drafts:
            withdraw(draft, by=by, note=_("The cause was corrected."))
    elif not Complaint.objects.filter(case=case).exclude(status=ComplaintStatus.WITHDRAWN).exists():
        draft_complaint(case, by=by)
    else:
        drafts.update(reason=case.sub_cause)


def draft_complaint(case: Case, *, by: User) -> Complaint:
    """A new draft for the case's sub-cause. One complaint at a time is pending."""
    _check_confirmed(case)
    if case.complaints.filter(status__in=PENDING).exists():
        raise StaleCase(_("A complaint about this review is already under way."))
    complaint = Complaint.objects.create(
        case=case,
        reason=case.sub_cause,
        quote=case.review.full_text,
        due_at=rule_of(case).due_at(case.review.followup_at or case.review.created_at),
        created_by=by,
    )
    _log(complaint, by)
    return complaint


_WITH_THE_PLATFORM = (ComplaintStatus.FILED, ComplaintStatus.APPEALED)


def _check_confirmed(case: Case) -> None:
    if not is_confirmed(case):
        raise NotYetConfirmed(_("First a person has to confirm on the case page that it is malicious."))


def save_draft(
    complaint: Complaint,
    *,
    reason: str,
    statement: str,
    quote: str,
    due_at: datetime | None,
    platform_no: str = "",
) -> None:
    """Keep what is typed of a draft."""
    changes = {
        "reason": Reason(reason),
        "statement": statement,
        "quote": quote,
        "due_at": due_at,
        "platform_no": platform_no,
    }
    if not Complaint.objects.filter(pk=complaint.pk, status=ComplaintStatus.DRAFT).update(**changes):
        raise StaleCase(_("This complaint is no longer a draft."))
    for name, value in changes.items():
        setattr(complaint, name, value)


def file_complaint(complaint: Complaint, *, by: User, platform_no: str = "") -> None:
    """A person has filed it on the platform. Refused without the evidence the reason needs, by name."""
    pack = _todays_pack(complaint)
    number = platform_no or complaint.platform_no
    _move(complaint, "file", by=by, filed_at=clock.now(), evidence=pack, platform_no=number)


def _todays_pack(complaint: Complaint) -> EvidencePack:
    """The pack to hand in, which tells what the case holds now.

    Raises:
        NotYetConfirmed: no person says (any longer) that it is malicious.
        MissingEvidence: naming everything that lacks.
    """
    case = complaint.case
    _check_confirmed(case)
    missing = missing_evidence(case, complaint.reason)
    pack = pack_of(case, PackStatus.READY)
    if pack is None:
        missing.append(_("Missing: the evidence pack. Build it first."))
    elif pack.facts_sha256 != facts_of(case):
        missing.append(_("The case has changed since the evidence pack was built. Build it anew."))
    if not complaint.statement.strip():
        missing.append(_("Missing: what happened, in your own words."))
    missing += [
        _("Nobody wrote “%(words)s” like this: quote the review or a kept chat word for word.")
        % {"words": line[:40]}
        for line in _unsaid(case, complaint.quote)
    ]
    if pack is None or missing:
        raise MissingEvidence(" ".join(missing))
    return pack


def _unsaid(case: Case, quote: str) -> list[str]:
    """Lines of the quote that stand in no version of the review and in no kept chat; blanks do not count."""
    versions = case.review.versions.values_list("content", "followup")
    said = [*(text for pair in versions for text in pair), *(chat.text for chat in case.chats.kept())]
    known = ["".join(text.split()) for text in said]
    lines = [line.strip(' \t“”"「」') for line in quote.splitlines()]
    return [line for line in lines if line and not any("".join(line.split()) in text for text in known)]


def decide_complaint(complaint: Complaint, *, won: bool, by: User, verdict: str = "") -> None:
    """What the platform said; after a refusal the clock of the appeal runs."""
    now = clock.now()
    changes: dict[str, Any] = {"decided_at": now, "decided_by": by, "verdict": verdict}
    if not won and complaint.appealed_at is None:
        changes["appeal_due_at"] = rule_of(complaint.case).appeal_due_at(now)
    _move(complaint, "win" if won else "lose", by=by, note=verdict, **changes)


def take_back_verdict(complaint: Complaint, *, by: User, reason: str) -> None:
    """A verdict recorded by mistake: who recorded it takes it back, with the reason on record."""
    if complaint.status in (ComplaintStatus.WON, ComplaintStatus.LOST) and complaint.decided_by_id != by.pk:
        raise InvalidTransition(_("Only who recorded the verdict takes it back."))
    if not reason.strip():
        raise InvalidTransition(_("Say why the verdict is taken back."))
    changes: dict[str, Any] = {"decided_at": None, "decided_by": None, "verdict": ""}
    verb = "unsettle"
    if complaint.appealed_at:
        verb = "unsettle_appeal"
    else:
        changes["appeal_due_at"] = None
    _check_alone(complaint)
    note = _("The verdict is taken back: %(reason)s") % {"reason": reason}
    _move(complaint, verb, by=by, note=note, **changes)


def _check_alone(complaint: Complaint) -> None:
    """Raise StaleCase while another complaint about the review is pending: it may not run beside it."""
    others = Complaint.objects.filter(case=complaint.case_id, status__in=PENDING).exclude(pk=complaint.pk)
    if others.exists():
        raise StaleCase(_("A complaint about this review is already under way."))


def appeal(complaint: Complaint, *, by: User, note: str = "") -> None:
    """Once, within its deadline, with a pack of today's facts like the complaint itself."""
    changes: dict[str, Any] = {"appealed_at": clock.now()}
    if complaint.status == ComplaintStatus.LOST:
        if not complaint.may_appeal:
            raise InvalidTransition(_("The appeal has already been made, or its deadline is over."))
        _check_alone(complaint)
        changes["evidence"] = _todays_pack(complaint)
    _move(complaint, "appeal", by=by, note=note, **changes)


def withdraw(complaint: Complaint, *, by: User, note: str = "") -> None:
    _move(complaint, "withdraw", by=by, note=note)


@transaction.atomic
def _move(complaint: Complaint, verb: str, *, by: User, note: str = "", **changes: Any) -> None:
    """Check the table, compare-and-set on what the caller saw, append the case's event."""
    allowed, target = MOVES[verb]
    before = ComplaintStatus(complaint.status)
    if before not in allowed:
        words = _("A complaint that is “%(status)s” does not allow this.") % {"status": before.label}
        raise InvalidTransition(words)
    if not Complaint.objects.filter(pk=complaint.pk, status=before).update(status=target, **changes):
        raise StaleCase(_("Somebody else was quicker: the complaint has changed. Load it again."))
    for name, value in {"status": target, **changes}.items():
        setattr(complaint, name, value)
    pack = changes.get("evidence")
    _log(complaint, by, note, **({"pack": pack.manifest_sha256} if pack else {}))


def _log(complaint: Complaint, by: User, note: str = "", **more: str) -> None:
    data = {"reason": complaint.reason, "status": complaint.status, "note": note, **more}
    complaint.case.log(EventKind.COMPLAINT, by=by, **data)


# --- the numbers ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """How complaints of one reason went."""

    reason: Reason
    pending: int
    won: int
    lost: int

    @property
    def won_share(self) -> float | None:
        """Won among the decided, 0–1; nothing while none is."""
        decided = self.won + self.lost
        return self.won / decided if decided else None


def by_reason(shops: Sequence[int]) -> list[ReasonRow]:
    """Every reason with a complaint in these shops, in the order of the reasons; withdrawn ones left out."""
    rows = (
        Complaint.objects.filter(case__shop__in=shops)
        .exclude(status=ComplaintStatus.WITHDRAWN)
        .order_by()
        .values("reason")
        .annotate(
            won=Count("pk", filter=Q(status=ComplaintStatus.WON)),
            lost=Count("pk", filter=Q(status=ComplaintStatus.LOST)),
            all=Count("pk"),
        )
    )
    known = {row["reason"]: row for row in rows}
    return [
        ReasonRow(reason, row["all"] - row["won"] - row["lost"], row["won"], row["lost"])
        for reason in Reason
        if (row := known.get(reason.value))
    ]


def whole(rows: Sequence[ReasonRow]) -> ReasonRow:
    """All reasons together."""
    return ReasonRow(
        Reason.UNRELATED,
        sum(one.pending for one in rows),
        sum(one.won for one in rows),
        sum(one.lost for one in rows),
    )


def pack_of(case: Case, *status: PackStatus) -> EvidencePack | None:
    """The latest pack, or the latest of these states."""
    packs = case.packs.defer("content").select_related("requested_by")
    return (packs.filter(status__in=status) if status else packs).first()


def in_hand(case: Case) -> Complaint | None:
    """The complaint of the case to go on with; nothing while there is none."""
    around = ("evidence", "created_by", "case__shop", "case__review")
    return case.complaints.in_hand_first().select_related(*around).defer("evidence__content").first()


def by_deadline(complaints: Any) -> Any:
    """What is due first comes first; unknown deadlines before all: they have to be looked up."""
    return complaints.order_by(F("due_at").asc(nulls_first=True), "id")
