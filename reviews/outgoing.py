"""No text leaves the shop, or is kept to leave it, without the compliance check. Every door ends here."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from django.db import models, transaction
from django.utils.translation import gettext as _

from reviews import clock
from reviews.compliance import RULES_VERSION, Offence, find_offences, verdict
from reviews.models import AuditEntry, Case, Review, Shop, User
from reviews.models.audit import Action
from reviews.personal_data import text_index
from reviews.sequence import (
    Facts,
    SequenceRefusal,
    check_compensation,
    facts_of,
    hold_facts,
    note_text,
    sequence_offences,
)
from reviews.template_text import fill

NEVER_RELEASED = frozenset({"R1", "R2", "R3", "R4"})


class OffendingText(Exception):
    """The text breaks a rule. `offences` name words, rule and why."""

    def __init__(self, offences: Sequence[Offence], *, text: str = "", kind: str = "") -> None:
        self.offences, self.text, self.kind = list(offences), text, kind
        super().__init__(" ".join(self.sentences))

    @property
    def sentences(self) -> list[str]:
        """One sentence a broken rule, with all its words."""
        by_rule: dict[str, list[Offence]] = {}
        for offence in self.offences:
            by_rule.setdefault(offence.rule, []).append(offence)
        return [
            explain(replace(found[0], words="”“".join(dict.fromkeys(one.words for one in found))))
            for found in by_rule.values()
        ]


def explain(offence: Offence) -> str:
    """One sentence a person understands: the words, the rule, why, and a lawful way."""
    sentence = _("“%(words)s” is not allowed (%(rule)s): %(why)s") % {
        "words": offence.words,
        "rule": offence.rule,
        "why": offence.why,
    }
    return f"{sentence} {offence.suggestion}".strip()


def judge(text: str, kind: str, shop: Shop | None, facts: Facts, now: datetime) -> list[Offence]:
    """Every rule the text breaks: by its words, by earlier texts, by what the buyer was offered or told."""
    platform = shop.platform if shop else ""
    alone = find_offences(text, kind, platform)
    if any(offence.rule in NEVER_RELEASED for offence in alone):
        return alone
    barred = sequence_offences(text, facts, now)
    places = {(offence.start, offence.end) for offence in barred}
    found = find_offences(text, kind, platform, before=facts.earlier) if facts.earlier else alone
    found = [one for one in found if one.rule != "R1" or (one.start, one.end) not in places]
    return sorted([*found, *barred], key=lambda offence: (offence.start, offence.rule, offence.end))


def facts_for(shop: Shop | None, review: Review | None, case: Case | None, now: datetime) -> Facts:
    """What a text is judged by besides its words, for a look."""
    if review:
        return facts_of(review, case, now)
    return Facts(policy_allows=shop is None or shop.may_mention_reviews, shop=shop)


def fill_lawfully(text: str, values: Mapping[str, str], *, kind: str, shop: Shop, facts: Facts) -> str:
    """Fill in a text; a value that makes it unlawful (a product's title, a buyer's words) gives way to its
    fallback. Empty when the text is unlawful even so.
    """
    state = (kind, shop.platform, facts.policy_allows, facts.in_case)
    if _may_stand(filled := fill(text, values), *state):
        return filled
    harmless = {name: said for name, said in values.items() if _may_stand(fill(text, {name: said}), *state)}
    for kept in (harmless, {}):
        if _may_stand(filled := fill(text, kept), *state):
            return filled
    return ""


@lru_cache(maxsize=4096)
def _may_stand(text: str, kind: str, platform: str, policy_allows: bool, in_case: bool) -> bool:
    """Whether a draft may be shown; its length is a person's matter."""
    facts = Facts(policy_allows=policy_allows, in_case=in_case)
    found = judge(text, kind, Shop(platform=platform), facts, clock.now())
    return {offence.rule for offence in found} <= {"R5", "R8"}


def check_outgoing(
    text: str,
    *,
    kind: str,
    shop: Shop | None,
    by: User | None,
    thing: models.Model,
    case: Case | None = None,
    review: Review | None = None,
) -> None:
    """Raise OffendingText when the law forbids a text kept to leave later; the refusal stays on record.

    `kind` is public_reply|sms|chat|script|template|note. Outside any transaction. What leaves now, or is
    noted in a case for good, goes through `cleared`.
    """
    now = clock.now()
    facts = facts_for(shop, review or (case.review if case else None), case, now)
    try:
        _decide(text, kind, judge(text, kind, shop, facts, now))
    except OffendingText as refusal:
        _record(refusal, shop=shop, by=by, thing=thing)
        raise


@contextmanager
def cleared(
    text: str,
    *,
    kind: str,
    review: Review,
    case: Case | None,
    by: User | None,
    thing: models.Model,
    leaves: bool = True,
) -> Iterator[None]:
    """A transaction in which a text is stored as sent (or with leaves=False as noted in its case).

    Holds the buyer's marks until that is committed, so that no compensation slips in between. Raises
    OffendingText; the refusal stays on record. Outside any other transaction.
    """
    try:
        with transaction.atomic():
            if text.strip():
                _pass(text, kind=kind, review=review, case=case)
            yield
            if leaves:
                _note_sent(text, kind=kind, shop=review.shop, by=by, thing=thing)
    except OffendingText as refusal:
        _record(refusal, shop=review.shop, by=by, thing=thing)
        raise


@contextmanager
def compensating(case: Case, *, note: str, by: User | None) -> Iterator[None]:
    """A transaction in which a compensation is stored, with a note that is lawful too.

    Raises SequenceRefusal or OffendingText; the refusal stays on record. Outside any other transaction.
    """
    try:
        with transaction.atomic():
            check_compensation(case, clock.now())
            if note.strip():
                _pass(note, kind="note", review=case.review, case=case)
            yield
    except OffendingText as refusal:
        _record(refusal, shop=case.shop, by=by, thing=case)
        raise
    except SequenceRefusal:
        AuditEntry.note(
            Action.COMPLIANCE, case, user=by, shop=case.shop, kind="compensation", outcome="refused"
        )
        raise


def _pass(text: str, *, kind: str, review: Review, case: Case | None) -> None:
    now = clock.now()
    facts, keys = hold_facts(review, case, now)
    _decide(text, kind, judge(text, kind, review.shop, facts, now))
    note_text(text, keys, now)


def _decide(text: str, kind: str, offences: list[Offence]) -> None:
    if verdict(offences) == "block":
        raise OffendingText(offences, text=text, kind=kind)


def _note_sent(text: str, *, kind: str, shop: Shop, by: User | None, thing: models.Model) -> None:
    AuditEntry.note(
        Action.TEXT_SENT, thing, user=by, shop=shop, kind=kind, rules=RULES_VERSION, text=text_index(text)
    )


def _record(refusal: OffendingText, *, shop: Shop | None, by: User | None, thing: models.Model) -> None:
    AuditEntry.note(
        Action.COMPLIANCE,
        thing,
        user=by,
        shop=shop,
        kind=refusal.kind,
        rules=RULES_VERSION,
        text=text_index(refusal.text),
        outcome="refused",
        offences=[{"rule": one.rule, "start": one.start, "end": one.end} for one in refusal.offences],
    )
