"""The text to send by shop chat: what was done, by when, whom to call. It never speaks of the review."""

from collections.abc import Sequence

from django.conf import settings
from django.utils import translation

from callbacks.models import CallbackPromise, Remedy, RemedyKind, RemedyStatus
from reviews.models import Case, User
from reviews.outgoing import fill_lawfully
from reviews.sequence import Facts
from reviews.templatetags.ui import zday, ztime

# Written to the buyer, so in the buyer's language whatever the agent reads.
_GREETING = "您好，我是{shop}负责售后的{agent}。"
_HEARD = "您反映的问题我这边已经接手，由我一跟到底。"
_AGREED = "跟您说好的是：{item}"
_PROMISED = "我会在{order_date}再给您打电话。"
_ASK = "方便的话请把问题的照片发到这里，我核对后马上给您办。"
_END = "有任何情况直接在这里找我就行。"
_REMEDIES: dict[str, str] = {
    RemedyKind.REFUND: "全额退款",
    RemedyKind.PART_REFUND: "退您{amount}元",
    RemedyKind.EXCHANGE: "给您换一件",
    RemedyKind.RESEND: "给您补发",
    RemedyKind.RETURN_FREIGHT: "退货的运费我们出",
    RemedyKind.COUPON: "给您{amount}元的店铺券",
    RemedyKind.FREE_SHIPPING: "您下一单由我们包邮",
    RemedyKind.MEMBERSHIP: "给您升一级店铺会员",
    RemedyKind.GIFT: "随单补您一份小礼物",
    RemedyKind.CASH: "给您打款{amount}元",
}


@translation.override(settings.LANGUAGE_CODE)
def chat_text(case: Case, agent: User, remedies: Sequence[Remedy], promise: CallbackPromise | None) -> str:
    """Draft the message from what is agreed in the case; a person reads it before it is sent."""
    agreed = [_remedy_words(one) for one in remedies if one.status == RemedyStatus.APPROVED]
    parts = [_GREETING, _HEARD]
    facts = {"shop": case.shop.name, "agent": agent.name_for_buyers}
    if agreed:
        parts.append(_AGREED)
        facts["item"] = "；".join(agreed) + "。"
    else:
        parts.append(_ASK)
    if promise:
        parts.append(_PROMISED)
        facts["order_date"] = f"{zday(promise.due_at, case.shop)} {ztime(promise.due_at, case.shop)}"
    known = Facts(policy_allows=case.shop.may_mention_reviews, in_case=bool(case.compensated_at))
    return fill_lawfully("".join([*parts, _END]), facts, kind="chat", shop=case.shop, facts=known)


def _remedy_words(remedy: Remedy) -> str:
    amount = f"{remedy.amount:f}"
    return _REMEDIES[remedy.kind].replace(
        "{amount}", amount.rstrip("0").rstrip(".") if "." in amount else amount
    )
