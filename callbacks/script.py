"""The call script of one case: the fitting stages, filled with this buyer's facts."""

from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone, translation
from django.utils.formats import date_format

from callbacks.models import CallLog, MannerHint, ScriptStage, Stage
from reviews.models import Case, User
from reviews.personal_data import surname
from reviews.template_text import fill


@dataclass(frozen=True, slots=True)
class ScriptLine:
    """One stage as the agent reads it; `at` when it was ticked in the running call."""

    stage: Stage
    text: str
    ticked: bool


def script_for(case: Case, agent: User, call: CallLog | None) -> list[ScriptLine]:
    """The stages in order."""
    facts = call_facts(case, agent)
    ticked = {reached.stage for reached in call.stages.all()} if call else set()
    return [
        ScriptLine(Stage(stage), fill(row.text, facts), stage in ticked)
        for stage, row in ScriptStage.objects.fitting(case.shop, *case.heard_as).items()
    ]


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
