"""No text leaves the shop, or is kept to leave it, without the compliance check. Every door ends here."""

from dataclasses import replace
from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext as _

from reviews.compliance import RULES_VERSION, Offence, find_offences, verdict
from reviews.models import AuditEntry, Case, Shop, User
from reviews.models.audit import Action

if TYPE_CHECKING:
    from collections.abc import Sequence


class OffendingText(Exception):
    """The text breaks a rule. `offences` name words, rule and why."""

    def __init__(self, offences: "Sequence[Offence]") -> None:
        self.offences = list(offences)
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


def check_outgoing(
    text: str,
    *,
    kind: str,
    shop: Shop | None,
    by: User | None,
    thing: models.Model,
    case: Case | None = None,
) -> None:
    """Raise OffendingText when the law forbids the text; the refusal is kept in the audit log.

    `kind` is public_reply|sms|chat|script|template|note. In a case with a compensation nothing may
    mention the review's mark.
    """
    offences = find_offences(
        text,
        kind,
        shop.platform if shop else "",
        benefit_in_case=bool(case and case.compensated_at),
    )
    if verdict(offences) != "block":
        return
    AuditEntry.note(
        Action.COMPLIANCE,
        thing,
        user=by,
        shop=shop,
        kind=kind,
        rules=RULES_VERSION,
        offences=[{"rule": one.rule, "start": one.start, "end": one.end} for one in offences],
    )
    raise OffendingText(offences)
