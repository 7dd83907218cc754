"""The call script of one case: the fitting stages, filled with this buyer's facts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.formats import date_format

from callbacks.models import Answer, BuyerAnswer, CallLog, CallOutcome, MannerHint, ScriptStage, Stage
from callbacks.models.scripts import Spot
from callbacks.script_spots import ENDS, FIRST_KEY, ICONS, answers_at
from reviews.compliance import mentions_review_change
from reviews.models import Case, Shop, User
from reviews.models.cases import EventKind
from reviews.outgoing import fill_lawfully
from reviews.personal_data import surname
from reviews.prepared import Asked, Prepared
from reviews.sequence import Facts
from reviews.template_text import fill

# A sentence with its full stop; braces and stretches are kept whole, they may hold one.
_SENTENCE = re.compile(r"(?s:\[\[.*?\]\]|\{[^{}]*\}|[^。！？!?\n])*[。！？!?\n]*")


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """One way the buyer may answer: the words that then follow, the key that chooses it, `at` when it was
    chosen in the running call."""

    answer: Answer
    text: str
    key: int
    at: datetime | None = None

    @property
    def icon(self) -> str:
        return ICONS[self.answer]


@dataclass(frozen=True, slots=True)
class ScriptLine:
    """One stage as the agent reads it; `at` when it was ticked in the running call."""

    stage: Stage
    text: str
    at: datetime | None = None
    answers: tuple[AnswerLine, ...] = ()

    @property
    def ticked(self) -> bool:
        return self.at is not None

    @property
    def chosen(self) -> AnswerLine | None:
        """How the buyer answered here."""
        return next((one for one in self.answers if one.at), None)


def script_for(case: Case, agent: User, call: CallLog | None) -> list[ScriptLine]:
    """The stages in order. What speaks of changing the review is held back until the agent says that it is
    to be told (`review_words`), and for good once the case holds a compensation.
    """
    values = call_facts(case, agent)
    facts = Facts(policy_allows=_is_told(case), in_case=bool(case.compensated_at))
    rows = ScriptStage.objects.read_in(case.shop, *case.heard_as)
    words = {spot: _spoken(row.text, values, case.shop, facts) for spot, row in rows.items()}
    ticked = {reached.stage: reached.at for reached in call.stages.all()} if call else {}
    answered = {given.stage: given for given in call.answers.all()} if call else {}
    return [
        ScriptLine(Stage(stage), text, ticked.get(stage), _answers(stage, words, answered.get(stage)))
        for (stage, answer), text in words.items()
        if not answer
    ]


def _answers(stage: str, words: Mapping[Spot, str], given: BuyerAnswer | None) -> tuple[AnswerLine, ...]:
    return tuple(
        AnswerLine(
            answer,
            words.get((stage, answer), ""),
            FIRST_KEY + number,
            given.at if given and given.answer == answer else None,
        )
        for number, answer in enumerate(answers_at(stage))
    )


def outcome_of(call: CallLog) -> CallOutcome | None:
    """How the call ends by what the buyer said last; None while nothing said ends it."""
    given = sorted(call.answers.all(), key=lambda one: (one.at, one.pk), reverse=True)
    ends = (ENDS.get(Answer(one.answer)) for one in given)
    return next((end for end in ends if end), None)


def review_words(case: Case, agent: User) -> str:
    """What the script would say of changing the review, where the shop's policy lets it; else empty."""
    if not case.shop.may_mention_reviews or case.compensated_at or _is_told(case):
        return ""
    values = call_facts(case, agent)
    rows = ScriptStage.objects.read_in(case.shop, *case.heard_as).values()
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
        "agent": agent.name_for_buyers,
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
    return _HINTS(cause=case.cause)


_HINTS = Prepared(
    lambda: MannerHint.objects.filter(Q(cause="") | Q(cause=Asked("cause"))).values_list("text", flat=True)
)
