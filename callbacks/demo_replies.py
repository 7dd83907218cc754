"""What the demo's people did with public replies besides posting them, so that no tab stands empty."""

from collections.abc import Iterable
from datetime import timedelta

from reviews import clock, replies
from reviews.consents import record_consent
from reviews.models import PublicReply, Review, Shop, User
from reviews.models.cases import OPEN
from reviews.models.replies import ReplyStatus
from reviews.posting import leave_unconfirmed, mark_reply_refused
from reviews.thanks import unanswered

QUOTED = 2  # buyers who agreed to be quoted


def play(shops: Iterable[Shop], manager: User) -> None:
    """Hand in, approve, leave open and have refused one reply each; record two consents."""
    drafts = _open_drafts(shops)
    acts = [_hand_in, _hand_in, _approve, _leave_open, _refused]
    for reply, act in zip(drafts, acts, strict=False):
        act(reply, manager)
    praise = (
        unanswered(Review.objects.filter(shop__in=shops)).exclude(content="").order_by("created_at", "id")
    )
    for review in praise.select_related("shop")[:QUOTED]:
        agreed_at = min(review.created_at + timedelta(days=1), clock.now())
        words = "可以引用，别写我的名字就行"
        record_consent(
            review, version=review.version, agreed_at=agreed_at, how="chat", words=words, by=manager
        )


def _open_drafts(shops: Iterable[Shop]) -> list[PublicReply]:
    """Drafts of cases somebody holds whose window is still open."""
    found = PublicReply.objects.filter(
        status=ReplyStatus.DRAFT,
        review__shop__in=shops,
        review__cases__status__in=OPEN,
        review__cases__assignee__isnull=False,
    )
    rows = found.select_related("review__shop").prefetch_related("review__cases__assignee").order_by("-pk")
    return [one for one in rows if not replies.window_of(one.review, clock.now()).is_closed]


def _agent(reply: PublicReply, otherwise: User) -> User:
    case = replies.case_of(reply.review)
    return (case.assignee if case else None) or otherwise


def _hand_in(reply: PublicReply, manager: User) -> None:
    case = replies.case_of(reply.review)
    replies.hand_in(reply, reply.text, by=_agent(reply, manager), case=case)


def _approve(reply: PublicReply, manager: User) -> None:
    _hand_in(reply, manager)
    replies.approve_reply(reply, by=manager)


def _leave_open(reply: PublicReply, manager: User) -> None:
    leave_unconfirmed(reply, reply.text, by=_agent(reply, manager), case=replies.case_of(reply.review))


def _refused(reply: PublicReply, manager: User) -> None:
    case = replies.case_of(reply.review)
    mark_reply_refused(
        reply, reply.text, "平台提示：含有引导站外联系的字样", by=_agent(reply, manager), case=case
    )
