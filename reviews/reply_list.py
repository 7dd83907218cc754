"""The shop's public replies by what has to be done with them next."""

from datetime import datetime, timedelta

from django.db.models import Count, Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from reviews.models import Case, PublicReply, Shop, User
from reviews.models.replies import PublicReplyQuerySet, ReplyStatus
from reviews.replies import policy_of

CLOSING = timedelta(days=3)  # a window that closes within this time is shown as closing
BEFORE_POSTING = (ReplyStatus.DRAFT, ReplyStatus.SUBMITTED, ReplyStatus.APPROVED)

# tab → (its name, icon, statuses, order)
TABS = {
    "draft": (_("Drafts"), "pencil", (ReplyStatus.DRAFT,), "-updated_at"),
    "approve": (_("To approve"), "checklist", (ReplyStatus.SUBMITTED,), "updated_at"),
    "post": (_("To post"), "message-2", (ReplyStatus.APPROVED, ReplyStatus.SENDING), "updated_at"),
    "closing": (_("Window closing"), "hourglass-high", BEFORE_POSTING, "review__created_at"),
    "posted": (_("Posted"), "check", (ReplyStatus.POSTED,), "-posted_at"),
    "back": (_("Refused or removed"), "x", (ReplyStatus.REFUSED, ReplyStatus.REMOVED), "-updated_at"),
}
DEFAULT_TAB = "draft"


def replies_of(user: User, shops: list[Shop], now: datetime) -> dict[str, PublicReplyQuerySet]:
    """The replies of each tab, of these shops. Drafts of thank-yous have a page of their own."""
    seen = PublicReply.objects.visible_to(user).filter(review__shop__in=shops)
    return {name: seen.filter(rule) for name, rule in _rules(shops, now).items()}


def counts(user: User, shops: list[Shop], now: datetime) -> dict[str, int]:
    """How many stand in each tab, in one query."""
    seen = PublicReply.objects.visible_to(user).filter(review__shop__in=shops)
    found: dict[str, int] = seen.aggregate(
        **{name: Count("pk", filter=rule) for name, rule in _rules(shops, now).items()}
    )
    return found


def _rules(shops: list[Shop], now: datetime) -> dict[str, Q]:
    complained = Q(Exists(Case.objects.filter(review=OuterRef("review"))))
    rules = {name: Q(status__in=statuses) for name, (_name, _icon, statuses, _order) in TABS.items()}
    rules["draft"] &= complained
    rules["closing"] &= complained & _closing(shops, now)
    return rules


def _closing(shops: list[Shop], now: datetime) -> Q:
    rule = Q(pk=None)
    for shop in shops:
        policy = policy_of(shop, now)
        if isinstance(policy.days, int):
            opened = now - timedelta(days=policy.days)
            mine = Q(review__shop=shop, review__created_at__gt=opened)
            mine &= Q(review__created_at__lte=opened + CLOSING)
            if policy.after_followup is False:
                mine &= Q(review__followup="")
            rule |= mine
    return rule
