"""The call script of one case: the fitting stages, filled with this buyer's facts."""

import re
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone, translation
from django.utils.formats import date_format

from callbacks.models import CallLog, MannerHint, ScriptStage, Stage
from reviews.compliance import mentions_review_change
from reviews.models import Case, Shop, User
from reviews.models.cases import EventKind
from reviews.outgoing import fill_lawfully
from reviews.personal_data import surname
from reviews.sequence import Facts
from reviews.template_text import fill

# A sentence with its full stop; braces are kept whole, a fallback may hold one.
_SENTENCE = re.compile(r"(?:\{[^{}]*\}|[^。！？!?\n])*[。！？!?\n]*")


@dataclass(frozen=True, slots=True)
class ScriptLine:
    """One stage as the agent reads it; `at` when it was ticked in the running call."""

    stage: Stage
    text: str
    ticked: bool


def script_for(case: Case, agent: User, call: CallLog | None) -> list[ScriptLine]:
    """The stages in order. What speaks of changing the review is held back until the agent says that it is
    to be told (`review_words`), and for good once the case holds a compensation.
    """
    values = call_facts(case, agent)
    ticked = {reached.stage for reached in call.stages.all()} if call else set()
    facts = Facts(policy_allows=_is_told(case), in_case=bool(case.compensated_at))
    return [
        ScriptLine(Stage(stage), _spoken(row.text, values, case.shop, facts), stage in ticked)
        for stage, row in ScriptStage.objects.fitting(case.shop, *case.heard_as).items()
    ]


def review_words(case: Case, agent: User) -> str:
    """What the script would say of changing the review, where the shop's policy lets it; else empty."""
    if not case.shop.may_mention_reviews or case.compensated_at or _is_told(case):
        return ""
    values = call_facts(case, agent)
    rows = ScriptStage.objects.fitting(case.shop, *case.heard_as).values()
    sentences = [fill(part, values) for row in rows for part in _sentences(row.text)]
    return "".join(words for words in sentences if mentions_review_change(words)).strip()


def _is_told(case: Case) -> bool:
    told = case.shop.may_mention_reviews and not case.compensated_at
    return told and case.events.filter(kind=EventKind.REVIEW_WORDS).exists()


def _spoken(text: str, values: dict[str, str], shop: Shop, facts: Facts) -> str:
    """The words of a stage; where they may not be said as a whole, the sentences that may."""

    def lawful(words: str) -> str:
        return fill_lawfully(words, values, kind="script", shop=shop, facts=facts)

    return lawful(text) or "".join(lawful(part) for part in _sentences(text))


def _sentences(text: str) -> list[str]:
    return [part for part in _SENTENCE.findall(text) if part.strip()]


@translation.override(settings.LANGUAGE_CODE)
def call_facts(case: Case, agent: User) -> dict[str, str]:
    """What the script may name; an empty fact takes the fallback written in the text.

    Said to the buyer, so in the language of the scripts whatever the agent reads.
    """
    review, order = case.review, case.review.order
    bought = order.created_at if order else None
    return {
        "surname": surname(order.buyer_name) if order else "",
        "shop": case.shop.name,
        "agent": str(agent),
        "order_date": date_format(timezone.localtime(bought, case.shop.zone), "MONTH_DAY_FORMAT")
        if bought
        else "",
        "item": review.product.title if review.product else "",
        "sku": review.sku or (order.sku if order else ""),
        "courier": order.courier if order else "",
        "tracking_no": order.tracking_no if order else "",
        "content_excerpt": review.excerpt,
        "sub_cause_words": str(case.get_sub_cause_display()),
        "reply_name": case.shop.name,
    }


def manner_for(case: Case) -> list[str]:
    """How to speak: hints for every call and for this cause."""
    return list(MannerHint.objects.filter(cause__in=["", case.cause]).values_list("text", flat=True))
