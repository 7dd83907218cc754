"""How a public reply gets onto the platform: by a connector where there is one, else by a person who copies
it and says what became of it. Both give the same four answers, and one posting has one token."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol

from django.db import transaction
from django.utils.translation import gettext as _

from reviews import clock
from reviews.models import Case, InvalidTransition, PublicReply, Shop, StaleCase, User
from reviews.models.cases import EventKind
from reviews.models.replies import Move, PublicReplyQuerySet, ReplyStatus
from reviews.outgoing import OffendingText, cleared
from reviews.replies import case_of, check_window, needs_approval, note_in_case

ASK_AGAIN_AFTER = timedelta(minutes=1)
ASKED_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class PostResult:
    """`sent` now · `already` stood there under this token · `refused` for a reason · `unknown`: ask again."""

    state: Literal["sent", "already", "refused", "unknown"]
    reason: str = ""


class Poster(Protocol):
    """One platform's way to post a reply. Safe to call again with the same token."""

    def post_reply(self, review_key: str, text: str, token: str) -> PostResult: ...


@dataclass(frozen=True, slots=True)
class CopyAndConfirm:
    """A person carries the text to the platform; what they saw there is the answer."""

    told: PostResult

    def post_reply(self, review_key: str, text: str, token: str) -> PostResult:
        return self.told


_connectors: dict[str, Callable[[Shop], Poster | None]] = {}


def connect(platform: str, connector: Callable[[Shop], Poster | None]) -> None:
    """Let replies of this platform be posted by a connector; None for a shop without credentials."""
    _connectors[platform] = connector


def poster_for(shop: Shop) -> Poster | None:
    """The shop's connector; None where a person copies and confirms."""
    connector = _connectors.get(shop.platform)
    return connector(shop) if connector else None


def post_reply(reply: PublicReply, text: str, poster: Poster, *, by: User, case: Case | None) -> None:
    """Put this very text on the platform and keep what came of it.

    It is approved and under way before the platform is asked: a process lost in between leaves a reply
    that is asked for again, never one posted twice. Raises OffendingText, WindowClosed, InvalidTransition
    (a manager has to approve first), StaleCase.
    """
    check_window(reply, by=by)
    _carry(reply, text, poster, by=by, case=case)


def _carry(reply: PublicReply, text: str, poster: Poster, *, by: User | None, case: Case | None) -> None:
    """The same without a look at the window: what was done on the platform is a fact when it is told."""
    if reply.status != ReplyStatus.SENDING:
        _send(reply, text, by=by, case=case)
    elif text != reply.text:
        raise StaleCase(_("Another wording of this reply is being posted. Say first what became of it."))
    _ask(reply, poster, by=by, case=case)


def _send(reply: PublicReply, text: str, *, by: User | None, case: Case | None) -> None:
    shop = reply.review.shop
    with cleared(text, kind="public_reply", review=reply.review, case=case, by=by, thing=reply):
        reply.edit(text, by=by)
        if needs_approval(reply, shop, by):
            raise InvalidTransition(
                _("In this shop a manager approves every public reply. Hand it in for approval.")
            )
        if reply.status != ReplyStatus.APPROVED:
            reply.approve(by=by)
        reply.send(by=by)


def _ask(reply: PublicReply, poster: Poster, *, by: User | None, case: Case | None) -> None:
    result = poster.post_reply(reply.review.review_key, reply.text, str(reply.token))
    with transaction.atomic():
        if result.state == "unknown":
            PublicReply.objects.filter(pk=reply.pk).unconfirmed().update(asked_at=clock.now())
        elif result.state == "refused":
            reply.mark_refused(result.reason, by=by)
            note_in_case(case, reply, by=by)
        else:
            reply.mark_posted(by=by, note=result.state if result.state == "already" else "")
            if case:
                case.log(EventKind.REPLY, by=by, text=reply.text)


def mark_reply_posted(reply: PublicReply, text: str, *, by: User, case: Case | None) -> None:
    """A person has put this very text on the platform. Said twice, it counts once."""
    _told(reply, text, PostResult("sent"), ReplyStatus.POSTED, by=by, case=case)


def mark_reply_refused(reply: PublicReply, text: str, reason: str, *, by: User, case: Case | None) -> None:
    """A person saw the platform refuse this very text."""
    _told(reply, text, PostResult("refused", reason), ReplyStatus.REFUSED, by=by, case=case)


def leave_unconfirmed(reply: PublicReply, text: str, *, by: User, case: Case | None) -> None:
    """A person has copied the text and does not know yet whether it stands there: they are asked again.

    Raises WindowClosed: the text is only now handed out.
    """
    check_window(reply, by=by)
    _told(reply, text, PostResult("unknown"), ReplyStatus.SENDING, by=by, case=case)


def _told(
    reply: PublicReply, text: str, told: PostResult, end: ReplyStatus, *, by: User, case: Case | None
) -> None:
    if (reply.status, reply.text) == (end, text):
        return
    try:
        _carry(reply, text, CopyAndConfirm(told), by=by, case=case)
    except StaleCase:
        reply.refresh_from_db()  # a double click was quicker; anything else somebody did is not ours to undo
        if (reply.status, reply.text) != (end, text):
            raise


def take_back(reply: PublicReply, *, by: User) -> None:
    """It does not stand on the platform after all: it is to be posted again."""
    reply.move(Move.RECALL, by=by, token=None, asked_at=None)


def mark_reply_removed(reply: PublicReply, reason: str, *, by: User) -> None:
    """It stood on the platform and was taken away there."""
    with transaction.atomic():
        reply.mark_removed(reason, by=by)
        note_in_case(case_of(reply.review), reply, by=by)


def ask_unconfirmed() -> int:
    """Settle what has no clear answer yet; how many are settled now.

    The platform's own copy of a review settles its reply once that names it; else its connector is asked.
    """
    before = clock.now() - ASK_AGAIN_AFTER
    there = PublicReply.objects.named_by_platform(before)
    named = sum(_settle_as_imported(reply) for reply in _in_full(there))
    waiting = PublicReply.objects.unconfirmed().filter(
        asked_at__lt=before, review__shop__platform__in=_connectors
    )
    asked = sum(_ask_again(reply) for reply in _in_full(waiting.order_by("asked_at")))
    return named + asked


def _in_full(replies: PublicReplyQuerySet) -> PublicReplyQuerySet:
    return replies.select_related("review__shop").prefetch_related("review__cases")[:ASKED_AT_ONCE]


def _settle_as_imported(reply: PublicReply) -> bool:
    there = CopyAndConfirm(PostResult("already"))
    try:
        _carry(reply, reply.text, there, by=None, case=case_of(reply.review))
    except OffendingText:  # on record now; a person decides, nobody asks every minute
        PublicReply.objects.filter(pk=reply.pk).update(asked_at=clock.now())
        return False
    except StaleCase:  # somebody says it at this moment
        return False
    return True


def _ask_again(reply: PublicReply) -> bool:
    poster = poster_for(reply.review.shop)
    if poster:
        _ask(reply, poster, by=None, case=case_of(reply.review))
    return reply.status != ReplyStatus.SENDING
