"""The public reply of a review: drafted from the facts, checked, handed in, approved, sent back."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from reviews import clock
from reviews.causes import Cause
from reviews.compliance import RULES_VERSION, Offence
from reviews.models import (
    AuditEntry,
    Case,
    CaseEvent,
    InvalidTransition,
    PublicReply,
    ReplyTemplate,
    Review,
    Shop,
    User,
)
from reviews.models.audit import Action
from reviews.models.cases import EventKind
from reviews.models.replies import Purpose, ReplyStatus, ReplyTemplateQuerySet
from reviews.outgoing import OffendingText, check_outgoing, cleared, fill_lawfully
from reviews.platforms import ReplyPolicy, ReplyWindow, reply_policy, reply_window
from reviews.reply_facts import case_facts, events_of, review_facts
from reviews.sequence import Facts

# --- drafts ------------------------------------------------------------------------------------


def draft_reply(review: Review, case: Case | None) -> PublicReply | None:
    """Draft (or draft anew, while nobody edited or approved it) the reply that fits cause and facts."""
    draft_replies(review.shop, [(review, case)])
    return PublicReply.objects.filter(review=review).first()


def draft_replies(shop: Shop, pairs: Sequence[tuple[Review, Case | None]]) -> None:
    """The same for many reviews of one shop, with or without a case, in a few queries."""
    templates = list(ReplyTemplate.objects.usable_in(shop))
    known = {
        reply.review_id: reply
        for reply in PublicReply.objects.filter(review__in=[one.pk for one, _case in pairs])
    }
    events = events_of([case for _review, case in pairs if case])
    new = []
    for review, case in pairs:
        reply = known.get(review.pk)
        if reply and (reply.status != ReplyStatus.DRAFT or reply.edited_by_id):
            continue
        template = choose_template(templates, review, case, now_from=reply.template_id if reply else None)
        if template is None:
            continue
        text = fill_for(template, review, shop, case, events.get(case.pk, []) if case else [])
        if not text:
            continue
        if reply is None:
            new.append(PublicReply(review=review, template=template, text=text, drafted_text=text))
        elif reply.text != text:
            _redraft(reply, template, text)
    PublicReply.objects.bulk_create(new)


def _redraft(reply: PublicReply, template: ReplyTemplate, text: str) -> None:
    """Only what nobody has touched meanwhile: an agent's words are never overwritten."""
    untouched = PublicReply.objects.filter(
        pk=reply.pk, status=ReplyStatus.DRAFT, edited_by=None, text=reply.text
    )
    untouched.update(template=template, text=text, drafted_text=text, updated_at=clock.now())


def fill_for(
    template: ReplyTemplate, review: Review, shop: Shop, case: Case | None, events: Sequence[CaseEvent]
) -> str:
    """The template in this review's words, without sentences that may not be said in its case.

    `events`: what was done in the case (`events_of`). Empty when nothing lawful is left.
    """
    facts = Facts(policy_allows=shop.may_mention_reviews, in_case=bool(case and case.compensated_at))
    values = review_facts(review, shop) | case_facts(events, shop)
    return fill_lawfully(template.text, values, kind="public_reply", shop=shop, facts=facts)


def choose_template(
    usable: Sequence[ReplyTemplate], review: Review, case: Case | None, *, now_from: int | None = None
) -> ReplyTemplate | None:
    """The most specific template; among equals the one it is from now, else the review decides, so
    neighbours differ."""
    if case is None:
        fitting = [one for one in usable if one.purpose == Purpose.THANKS]
    else:
        fitting = most_specific([one for one in usable if one.purpose == Purpose.REPLY], case)
    kept = next((one for one in fitting if one.pk == now_from), None)
    return kept or (fitting[review.pk % len(fitting)] if fitting else None)


def library_of(shop: Shop, case: Case | None) -> ReplyTemplateQuerySet:
    """What a review may be answered with: thanks without a case; what speaks to malice only where a person
    has found it."""
    purpose = Purpose.REPLY if case else Purpose.THANKS
    found = ReplyTemplate.objects.usable_in(shop).filter(purpose=purpose)
    is_malicious = case is not None and case.heard_as[0] == Cause.MALICIOUS
    return found if is_malicious else found.exclude(cause=Cause.MALICIOUS)


def closest_first(templates: Iterable[ReplyTemplate], case: Case) -> list[ReplyTemplate]:
    """Those of the case's sub-cause, then of its cause, then those for any, then the others."""
    cause, sub_cause = case.heard_as

    def distance(one: ReplyTemplate) -> int:
        if one.cause == cause:
            return 0 if one.sub_cause == sub_cause else 2 if one.sub_cause else 1
        return 4 if one.cause else 3

    return sorted(templates, key=distance)


def most_specific(templates: list[ReplyTemplate], case: Case) -> list[ReplyTemplate]:
    """Those of the sub-cause, else of the cause, else those for any."""

    def of(cause: str, sub_cause: str) -> list[ReplyTemplate]:
        return [one for one in templates if (one.cause, one.sub_cause) == (cause, sub_cause)]

    cause, sub_cause = case.heard_as
    return of(cause, sub_cause) or of(cause, "") or of("", "")


# --- who, and until when -----------------------------------------------------------------------


def case_of(review: Review) -> Case | None:
    """The latest case the review opened, if any."""
    return max(review.cases.all(), key=lambda case: case.pk, default=None)


def may_write(review: Review, user: User) -> bool:
    """While a case is open its agent or a manager speaks for the shop; else everybody of the shop."""
    case = case_of(review)
    return user.manages(review.shop_id) or not (case and case.is_open) or case.assignee_id == user.pk


def needs_approval(reply: PublicReply, shop: Shop, user: User | None) -> bool:
    """Whether a manager has to agree to this reply before this person may post it."""
    approved = reply.status in (ReplyStatus.APPROVED, ReplyStatus.SENDING)
    return shop.replies_need_approval and not approved and not (user and user.manages(shop))


def policy_of(shop: Shop, now: datetime) -> ReplyPolicy:
    return reply_policy(shop.platform, now.astimezone(shop.zone).date())


def window_of(review: Review, now: datetime) -> ReplyWindow:
    """Until when the platform takes an answer to this review."""
    return reply_window(
        policy_of(review.shop, now),
        written_at=review.created_at,
        has_followup=bool(review.followup) and not (review.followup_at and review.followup_at > now),
        has_reply=bool(review.reply),
        now=now,
    )


def closed_words(window: ReplyWindow) -> str:
    """Why a closed window is closed."""
    words = {
        "late": _("The platform's time for answering this review is over."),
        "followup": _("The platform takes no reply any more once the buyer has added a follow-up review."),
        "replied": _("This review has its reply already, and the platform takes only one."),
    }
    return words.get(window.reason, "")


def check_window(reply: PublicReply, *, by: User | None) -> None:
    """Refuse (R8) what the platform will not take; the refusal is kept in the audit log.

    What is on its way already was sent while the window was open.
    """
    window = window_of(reply.review, clock.now())
    if reply.status == ReplyStatus.SENDING or not window.is_closed:
        return
    AuditEntry.note(
        Action.COMPLIANCE,
        reply,
        user=by,
        shop=reply.review.shop,
        kind="public_reply",
        rules=RULES_VERSION,
        offences=[{"rule": "R8", "window": window.reason}],
    )
    raise WindowClosed(window)


class WindowClosed(OffendingText):
    """The platform takes no reply to this review (R8)."""

    def __init__(self, window: ReplyWindow) -> None:
        way = _("Write to the buyer in the shop's chat instead.")
        super().__init__([Offence("R8", "", 0, 0, closed_words(window), way)])

    @property
    def sentences(self) -> list[str]:
        return [f"{one.why} {one.suggestion} (R8)" for one in self.offences]


# --- the verbs before posting ------------------------------------------------------------------


def save_reply(reply: PublicReply, text: str, *, by: User, case: Case | None) -> None:
    """Keep the agent's wording. Raises OffendingText when the law forbids it."""
    _check(reply, text, by=by, case=case)
    reply.edit(text, by=by)


def _check(reply: PublicReply, text: str, *, by: User, case: Case | None) -> None:
    review = reply.review
    check_outgoing(text, kind="public_reply", shop=review.shop, by=by, thing=reply, case=case, review=review)


def use_template(reply: PublicReply, template: ReplyTemplate, *, by: User, case: Case | None) -> None:
    """Take another template for the draft, by choice: from then on it is not drafted anew by itself."""
    events = events_of([case]).get(case.pk, []) if case else []
    text = fill_for(template, reply.review, reply.review.shop, case, events)
    _check(reply, text, by=by, case=case)
    with transaction.atomic():
        reply.edit(text, by=by)
        changes = {"template": template, "drafted_text": text, "edited_by": by}
        PublicReply.objects.filter(pk=reply.pk).update(**changes)


def hand_in(reply: PublicReply, text: str, *, by: User, case: Case | None) -> None:
    """Keep the wording and ask a manager to approve it."""
    check_window(reply, by=by)
    _check(reply, text, by=by, case=case)
    with transaction.atomic():
        reply.edit(text, by=by)
        reply.submit(by=by)
        note_in_case(case, reply, by=by)


def approve_reply(reply: PublicReply, *, by: User) -> None:
    """A manager agrees to this very text. Today's rules decide once more."""
    case = case_of(reply.review)
    check_window(reply, by=by)
    _check(reply, reply.text, by=by, case=case)
    with transaction.atomic():
        reply.approve(by=by)
        note_in_case(case, reply, by=by)


def send_back(reply: PublicReply, *, by: User, reason: str) -> None:
    """A manager wants other words and says why."""
    if not reason.strip():
        raise InvalidTransition(_("Say what should read differently."))
    case = case_of(reply.review)
    with cleared(reason, kind="note", review=reply.review, case=case, by=by, thing=reply, leaves=False):
        reply.send_back(by=by, reason=reason.strip())
        note_in_case(case, reply, by=by)


def note_in_case(case: Case | None, reply: PublicReply, *, by: User | None) -> None:
    """What became of the reply, in the case's timeline."""
    if case:
        case.log(EventKind.REPLY_MOVED, by=by, status=reply.status, note=reply.reason)


def set_approval_rule(shop: Shop, needed: bool, *, by: User) -> None:
    """Whether a manager approves every public reply of this shop before it is posted."""
    if shop.replies_need_approval == needed:
        return
    shop.replies_need_approval = needed
    shop.save(update_fields=["replies_need_approval"])
    AuditEntry.note(Action.SHOP_RULE, shop, user=by, shop=shop, replies_need_approval=needed)
