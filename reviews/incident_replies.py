"""The public replies of an incident: one true statement, to each case in words of its own."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import reviews.defaults
from reviews.models import Case, CaseEvent
from reviews.outgoing import fill_lawfully
from reviews.reply_facts import case_facts, review_facts, signature
from reviews.sequence import Facts


@cache
def _words() -> dict[str, list[str]]:
    path = Path(reviews.defaults.__file__).parent / "incident_words.json"
    found: dict[str, list[str]] = json.loads(path.read_text("utf-8"))
    return found


def frame(number: int) -> tuple[str, str, str]:
    """Opening, way into the statement, and closing for a case's number in its incident.

    No two of 576 numbers get the same three, and neighbours differ in each.
    """
    words, place = _words(), number - 1
    openings, middles, closings = words["openings"], words["middles"], words["closings"]
    turn, opening = divmod(place, len(openings))
    closing = (turn + 5 * opening) % len(closings)
    middle = (turn // len(closings) + opening) % len(middles)
    return openings[opening], middles[middle], closings[closing]


def reply_for(case: Case, number: int, statement: str, events: Sequence[CaseEvent]) -> str:
    """The statement filled with this case's facts, in its own frame; empty when nothing lawful is left.

    `events`: what was done in the case (reviews.reply_facts.events_of).
    """
    shop = case.shop
    facts = Facts(policy_allows=shop.may_mention_reviews, in_case=bool(case.compensated_at))
    opening, middle, closing = frame(number)
    text = f"{opening}{middle}{statement}{closing}——{signature()}"
    values = review_facts(case.review, shop) | case_facts(events, shop)
    return fill_lawfully(text, values, kind="public_reply", shop=shop, facts=facts)
