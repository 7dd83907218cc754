"""What the evidence page of a case and the list of malicious cases show."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import Case as Place
from django.db.models import F, OuterRef, Q, Subquery, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from callbacks.malicious_forms import (
    AppealForm,
    ChatForm,
    DecisionForm,
    FileForm,
    MaliciousForm,
    MarkForm,
    TakeBackForm,
    initial_of,
)
from reviews import clock, complaints
from reviews.causes import Cause
from reviews.complaints import ReasonRow
from reviews.models import Case, ChatRecord, Complaint, EvidencePack, PublicReply, Shop, User
from reviews.models.complaints import ComplaintStatus, running_deadline
from reviews.platforms.complaint_rules import ComplaintRule
from reviews.signal_words import SignalWords, in_words, review_ids

SHOWN = 200  # cases on the list, the nearest deadlines first


@dataclass
class MaliciousPage:
    """One case as one person sees it now. `bound` is the form that was refused, with what was typed."""

    case: Case
    user: User
    now: datetime
    bound: MaliciousForm | None = None
    problems: dict[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        self.problems = {}
        if self.bound:
            self.problems[self.bound.place] = [str(one) for one in self.bound.non_field_errors()]

    @cached_property
    def may_handle(self) -> bool:
        return complaints.may_handle(self.user, self.case)

    @property
    def is_confirmed(self) -> bool:
        return complaints.is_confirmed(self.case)

    @cached_property
    def rule(self) -> ComplaintRule:
        return complaints.rule_of(self.case)

    @property
    def rule_is_doubtful(self) -> bool:
        return self.rule.is_doubtful(timezone.localdate(self.now))

    @property
    def due_is_doubtful(self) -> bool:
        return self.complaint is not None and complaints.is_due_doubtful(self.complaint)

    @cached_property
    def chats(self) -> list[ChatRecord]:
        return list(self.case.chats.kept().select_related("pasted_by", "marked_by"))

    @property
    def may_mark(self) -> bool:
        """Whether the chats hold no demand that is known: a person may see one."""
        return self.may_handle and bool(self.chats) and not complaints.held_by(self.case).demand

    @cached_property
    def signals(self) -> list[SignalWords]:
        found = [one.signal for one in self.case.signals.all()]
        named = review_ids(found)
        reviews = type(self.case.review).objects.visible_to(self.user).filter(pk__in=named)
        return in_words(found, reviews.in_bulk() if named else {})

    @cached_property
    def pack(self) -> EvidencePack | None:
        return complaints.pack_of(self.case)

    @cached_property
    def complaint(self) -> Complaint | None:
        return complaints.in_hand(self.case)

    @cached_property
    def earlier(self) -> list[Complaint]:
        """The other complaints about this review, the newest first."""
        return list(self.case.complaints.exclude(pk=self.complaint.pk)) if self.complaint else []

    @property
    def may_take_back(self) -> bool:
        """Whether this person recorded the verdict that stands."""
        one, settled = self.complaint, (ComplaintStatus.WON, ComplaintStatus.LOST)
        return one is not None and one.status in settled and one.decided_by_id == self.user.pk

    @property
    def is_to_hand_in(self) -> bool:
        """Whether a complaint or an appeal may be filed next: it needs the evidence of today."""
        one = self.complaint
        return one is not None and (one.status == ComplaintStatus.DRAFT or one.may_appeal)

    @cached_property
    def pack_is_old(self) -> bool:
        """Whether the case holds by now what the pack does not."""
        return self.pack is not None and self.pack.facts_sha256 != complaints.facts_of(self.case)

    @property
    def platform_reason(self) -> str:
        """What the platform's own form calls the reason; empty when unknown."""
        return self.rule.reasons.get(self.complaint.reason, "") if self.complaint else ""

    @cached_property
    def missing(self) -> list[str]:
        """What a complaint of the chosen reason still lacks."""
        if self.complaint is None or not self.is_to_hand_in:
            return []
        return complaints.missing_evidence(self.case, self.complaint.reason)

    @cached_property
    def reply(self) -> PublicReply | None:
        return PublicReply.objects.filter(review=self.case.review).first()

    @cached_property
    def form(self) -> dict[str, MaliciousForm]:
        made: dict[str, MaliciousForm] = {
            "chat": ChatForm(self.case),
            "mark": MarkForm(self.case),
            "file": FileForm(self.case, initial=initial_of(self.complaint) if self.complaint else {}),
            "decision": DecisionForm(self.case),
            "appeal": AppealForm(self.case),
            "takeback": TakeBackForm(self.case),
        }
        if self.bound:
            made[type(self.bound).__name__.removesuffix("Form").lower()] = self.bound
        return made


# --- the list -----------------------------------------------------------------------------------------

VIEWS: dict[str, Q] = {
    "": Q(),
    "to_file": Q(complaint_status=ComplaintStatus.DRAFT),
    "filed": Q(complaint_status__in=[ComplaintStatus.FILED, ComplaintStatus.APPEALED]),
    "won": Q(complaint_status=ComplaintStatus.WON),
    "lost": Q(complaint_status=ComplaintStatus.LOST),
}


_VIEW_LABELS: dict[str, Any] = {
    "": _("All"),
    "to_file": _("To file"),
    "filed": _("With the platform"),
    "won": _("Won"),
    "lost": _("Lost"),
}


_PLACE = Place(
    When(deadline__isnull=False, then=0),
    When(complaint_status=ComplaintStatus.DRAFT, then=1),
    When(complaint_id=None, then=2),
    default=3,
)


@dataclass(frozen=True, slots=True)
class Row:
    case: Case
    complaint: Complaint | None
    doubtful: bool = False


class MaliciousList:
    """Confirmed cases of the shops this person handles, and how their complaints went."""

    def __init__(self, user: User, view: str) -> None:
        self.view = view if view in VIEWS else ""
        self.shops = list(Shop.objects.filter(user.complaint_shop_filter("pk")).values_list("pk", flat=True))
        self.now = clock.now()

    @cached_property
    def rows(self) -> list[Row]:
        """Running deadlines first, unknown ones next, then the rest, the newest first."""
        first = Complaint.objects.filter(case=OuterRef("pk")).in_hand_first()
        confirmed = Q(cause=Cause.MALICIOUS, needs_decision=False)
        # What was complained of stays here when its cause is corrected: the figures count it.
        complained = Complaint.objects.filter(case__shop__in=self.shops).exclude(
            status=ComplaintStatus.WITHDRAWN
        )
        cases = (
            Case.objects.filter(confirmed | Q(pk__in=complained.values("case")), shop__in=self.shops)
            .annotate(
                complaint_id=Subquery(first.values("pk")[:1]),
                complaint_status=Subquery(first.values("status")[:1]),
                deadline=Subquery(first.values_list(running_deadline())[:1]),
            )
            .filter(VIEWS[self.view])
            .annotate(place=_PLACE)
            .select_related("shop", "review__buyer", "review__product", "assignee")
            .order_by("place", F("deadline").asc(nulls_last=True), "-opened_at", "-id")[:SHOWN]
        )
        found: list[Any] = list(cases)
        known = Complaint.objects.in_bulk([one.complaint_id for one in found if one.complaint_id])
        return [self._row(one, known.get(one.complaint_id)) for one in found]

    def _row(self, case: Case, complaint: Complaint | None) -> Row:
        if complaint is None:
            return Row(case, None)
        complaint.case = case  # known already: no query a row
        return Row(case, complaint, complaints.is_due_doubtful(complaint))

    @cached_property
    def reasons(self) -> list[ReasonRow]:
        return complaints.by_reason(self.shops)

    @cached_property
    def whole(self) -> ReasonRow:
        return complaints.whole(self.reasons)

    @cached_property
    def to_file(self) -> int:
        drafts = Complaint.objects.filter(case__shop__in=self.shops, status=ComplaintStatus.DRAFT)
        return drafts.count()

    @cached_property
    def waiting(self) -> int:
        with_platform = [ComplaintStatus.FILED, ComplaintStatus.APPEALED]
        return Complaint.objects.filter(case__shop__in=self.shops, status__in=with_platform).count()

    @property
    def views(self) -> list[tuple[str, Any]]:
        """The states one can look at, with their words."""
        return [(code, _VIEW_LABELS[code]) for code in VIEWS]

    @cached_property
    def overdue(self) -> int:
        late = Q(status=ComplaintStatus.DRAFT, due_at__lt=self.now)
        return Complaint.objects.filter(late, case__shop__in=self.shops).count()
