"""No text leaves the shop, or is kept to leave it, without the compliance check. Every door ends here."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext as _

from reviews import clock
from reviews.compliance import RULES_VERSION, Offence, find_offences, verdict
from reviews.models import AuditEntry, Case, Review, Shop, TextRelease, User
from reviews.models.audit import Action
from reviews.models.releases import ReleaseStatus
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
# Lawful sentences offered in place of an unlawful one, said to buyers; "" takes the words out.
WORDING = {
    "R1": "问题我们会按实际情况处理，有进展及时告诉您。",
    "R2": "谢谢您的反馈，哪里没做好请直接告诉我们。",
    "R3": "您的意见我们已经记下，会按实际情况处理。",
    "R4": "我们会如实说明情况，尽力帮您解决。",
    "R5": "",
    "R6": "",
    "R7": "有任何情况请在店铺聊天里找我们。",
}

# Set while a person acts who can be asked: the hashes of the texts whose warnings they have seen and keep.
_kept: ContextVar[frozenset[str] | None] = ContextVar("kept", default=None)


@contextmanager
def asking(kept: Iterable[str]) -> Iterator[None]:
    """Refuse warnings (R5) too, except of texts with these hashes: their words are kept knowingly."""
    token = _kept.set(frozenset(kept))
    try:
        yield
    finally:
        _kept.reset(token)


def may_be_released(rules: Iterable[str]) -> bool:
    """Whether a manager may let a text pass that breaks these rules."""
    return not NEVER_RELEASED.intersection(rules)


def scope_of(shop: Shop | None, case: Case | None) -> str:
    """For which place a release holds."""
    return f"case:{case.pk}" if case else f"shop:{shop.pk}" if shop else ""


class OffendingText(Exception):
    """The text breaks a rule. `offences` name words, rule and why."""

    def __init__(
        self, offences: Sequence[Offence], *, text: str = "", kind: str = "", case: Case | None = None
    ) -> None:
        self.offences, self.text, self.kind, self.case = list(offences), text, kind, case
        super().__init__(" ".join(self.sentences))

    @property
    def may_be_kept(self) -> bool:
        """Only warnings: who writes it may keep the words knowingly."""
        return verdict(self.offences) == "warn"

    @property
    def may_be_released(self) -> bool:
        """A manager may let it pass."""
        return bool(self.offences) and may_be_released(one.rule for one in self.offences)

    @property
    def sentences(self) -> list[str]:
        """One sentence a broken rule, with all its words."""
        return sentences_of(self.offences)


def sentences_of(offences: Iterable[Offence]) -> list[str]:
    """One sentence a broken rule and reason, with all its words."""
    by_rule: dict[tuple[str, str], list[Offence]] = {}
    for offence in offences:
        by_rule.setdefault((offence.rule, offence.why), []).append(offence)
    return [
        explain(replace(found[0], words="”“".join(dict.fromkeys(one.words for one in found))))
        for found in by_rule.values()
    ]


def offence_data(offence: Offence) -> dict[str, Any]:
    """An offence for the editor: places count characters; `wording` is None where nothing can be offered."""
    return {
        "rule": offence.rule,
        "words": offence.words,
        "start": offence.start,
        "end": offence.end,
        "why": offence.why,
        "suggestion": offence.suggestion,
        "wording": WORDING.get(offence.rule),
    }


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
        _decide(text, kind, judge(text, kind, shop, facts, now), shop, case)
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
            outcome = _pass(text, kind=kind, review=review, case=case, leaves=leaves) if text.strip() else ""
            yield
            if leaves and outcome:
                _note_sent(text, outcome, kind=kind, shop=review.shop, by=by, thing=thing)
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
            held = check_compensation(case, clock.now())
            if note.strip():
                _pass(note, kind="note", review=case.review, case=case, held=held)
            yield
    except OffendingText as refusal:
        _record(refusal, shop=case.shop, by=by, thing=case)
        raise
    except SequenceRefusal:
        AuditEntry.note(
            Action.COMPLIANCE, case, user=by, shop=case.shop, kind="compensation", outcome="refused"
        )
        raise


def _pass(
    text: str,
    *,
    kind: str,
    review: Review,
    case: Case | None,
    held: tuple[Facts, list[str]] | None = None,
    leaves: bool = False,
) -> str:
    """How the text passed: passed|warned|kept|released; `held`: facts and keys that are held already."""
    now = clock.now()
    facts, keys = held or hold_facts(review, case, now)
    outcome = _decide(text, kind, judge(text, kind, review.shop, facts, now), review.shop, case)
    note_text(text, case if leaves else None, keys, now)
    return outcome


def _decide(text: str, kind: str, offences: list[Offence], shop: Shop | None, case: Case | None) -> str:
    found = verdict(offences)
    if found == "pass":
        return "passed"
    rules = {one.rule for one in offences}
    if may_be_released(rules) and is_released(text, kind, rules, scope_of(shop, case)):
        return "released"
    if found == "warn":
        kept = _kept.get()
        if kept is None or text_index(text) in kept:
            return "warned" if kept is None else "kept"
    raise OffendingText(offences, text=text, kind=kind, case=case)


def is_released(text: str, kind: str, rules: set[str], scope: str) -> bool:
    """Whether a manager let these very words pass there; a rule broken since then is a new question."""
    release = TextRelease.objects.filter(
        scope=scope, kind=kind, text_index=text_index(text), status=ReleaseStatus.RELEASED
    ).first()
    return release is not None and rules <= set(release.rules)


def _note_sent(
    text: str, outcome: str, *, kind: str, shop: Shop, by: User | None, thing: models.Model
) -> None:
    AuditEntry.note(
        Action.TEXT_SENT,
        thing,
        user=by,
        shop=shop,
        kind=kind,
        rules=RULES_VERSION,
        text=text_index(text),
        outcome=outcome,
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
