"""What a buyer is told of a promised call-back: in the buyer's language, short, and never of the review."""

from datetime import datetime

from django.conf import settings
from django.utils import translation

from reviews.models import Case, Shop, User
from reviews.outgoing import fill_lawfully
from reviews.sequence import Facts
from reviews.templatetags.ui import zday, ztime

HOUR = "{hour}"  # stands in a confirmation for the hour, which is chosen in the same form
_CONFIRMED = "您好，我是{shop}的{agent}。跟您约好{promise_day}给您回电，请留意接听。"
_MOVED = "您好，我是{shop}的{agent}。原约{order_date}的回电改到{promise_day}，届时请留意接听。"
_CANCELLED = "您好，我是{shop}的{agent}。原约{order_date}的回电取消了，有任何问题请在店铺聊天里找我们。"


def confirmation(case: Case, agent: User) -> str:
    """The draft an agent may change; `{hour}` is filled in when the hour is promised."""
    return _filled(_CONFIRMED, case, agent, promise_day=HOUR)


def with_hour(text: str, at: datetime, shop: Shop) -> str:
    """The confirmation with the promised hour in it."""
    return text.replace(HOUR, hour_words(at, shop))


def moved(case: Case, agent: User, before: datetime, after: datetime) -> str:
    """What corrects a text that has left."""
    shop = case.shop
    hours = {"order_date": hour_words(before, shop), "promise_day": hour_words(after, shop)}
    return _filled(_MOVED, case, agent, **hours)


def cancelled(case: Case, agent: User, before: datetime) -> str:
    """What takes a text back that has left."""
    return _filled(_CANCELLED, case, agent, order_date=hour_words(before, case.shop))


@translation.override(settings.LANGUAGE_CODE)
def hour_words(at: datetime, shop: Shop) -> str:
    """11月18日 15:30, on the clock of the shop."""
    return f"{zday(at, shop)} {ztime(at, shop)}"


def _filled(text: str, case: Case, agent: User, **hours: str) -> str:
    facts = {"shop": case.shop.name, "agent": agent.name_for_buyers, **hours}
    known = Facts(policy_allows=case.shop.may_mention_reviews, in_case=bool(case.compensated_at))
    return fill_lawfully(text, facts, kind="sms", shop=case.shop, facts=known)
