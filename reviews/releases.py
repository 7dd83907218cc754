"""Asking a manager to let a refused text pass, and deciding it. R1–R4 never come here."""

from dataclasses import dataclass

from django.db import transaction
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from reviews import clock
from reviews.compliance import RULES_VERSION, Offence
from reviews.models import AuditEntry, Case, Shop, StaleCase, User
from reviews.models.audit import Action
from reviews.models.cases import EventKind
from reviews.models.releases import ReleaseStatus, TextRelease
from reviews.outgoing import facts_for, judge, may_be_released, scope_of, sentences_of
from reviews.personal_data import text_index


class NotReleasable(Exception):
    """The text needs no release, or can have none; the message says which."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Which text is meant: of a case, or (templates, scripts) of a shop."""

    text: str
    kind: str
    shop: Shop
    case: Case | None = None

    def offences(self) -> list[Offence]:
        """What the text breaks as things stand."""
        now = clock.now()
        facts = facts_for(self.shop, self.case.review if self.case else None, self.case, now)
        return judge(self.text, self.kind, self.shop, facts, now)


@dataclass(frozen=True, slots=True)
class Shown:
    """A text as its manager reads it: offending words marked, and a sentence a rule."""

    marked: SafeString
    sentences: list[str]


def shown_to_decide(release: TextRelease) -> Shown:
    """The text with what it breaks as the rules stand now."""
    offences = Subject(release.text, release.kind, release.shop, release.case).offences()
    parts, done = [], 0
    for one in offences:
        if one.start >= done and one.end > one.start:
            parts.append(format_html("{}<mark>{}</mark>", release.text[done : one.start], one.words))
            done = one.end
    marked = format_html_join("", "{}", ((part,) for part in parts)) + format_html("{}", release.text[done:])
    return Shown(marked, sentences_of(offences))


@transaction.atomic
def ask_release(subject: Subject, *, by: User) -> TextRelease:
    """Put the text before a manager; asking again for a refused one puts it there again."""
    rules = sorted({one.rule for one in subject.offences()})
    if not rules:
        raise NotReleasable(_("This text breaks no rule: it needs no release."))
    if not may_be_released(rules):
        raise NotReleasable(_("Nobody can release this text: the law leaves no choice (R1–R4)."))
    release, _created = TextRelease.objects.update_or_create(
        scope=scope_of(subject.shop, subject.case),
        kind=subject.kind,
        text_index=text_index(subject.text),
        defaults={
            "shop": subject.shop,
            "case": subject.case,
            "text": subject.text,
            "rules": rules,
            "rules_version": RULES_VERSION,
            "status": ReleaseStatus.ASKED,
            "asked_by": by,
            "asked_at": clock.now(),
            "decided_by": None,
            "decided_at": None,
            "reason": "",
        },
    )
    _note(release, by)
    return release


@transaction.atomic
def decide_release(release: TextRelease, *, release_it: bool, reason: str, by: User) -> None:
    """Let the very words pass for their case and kind, or not; either way with a reason."""
    if not reason.strip():
        raise NotReleasable(_("Name the reason: it is kept with the text."))
    status = ReleaseStatus.RELEASED if release_it else ReleaseStatus.REFUSED
    if release_it and not may_be_released(release.rules):
        raise NotReleasable(_("Nobody can release this text: the law leaves no choice (R1–R4)."))
    changes = {"status": status, "decided_by": by, "decided_at": clock.now(), "reason": reason.strip()}
    if not TextRelease.objects.waiting().filter(pk=release.pk).update(**changes):
        raise StaleCase(_("This text has already been decided."))
    for name, value in changes.items():
        setattr(release, name, value)
    _note(release, by)
    if release.case:
        release.case.log(EventKind.TEXT_DECIDED, by=by, status=str(status), note=reason.strip())


def _note(release: TextRelease, by: User) -> None:
    AuditEntry.note(
        Action.COMPLIANCE,
        release,
        user=by,
        shop=release.shop,
        kind=release.kind,
        rules=release.rules_version,
        text=release.text_index,
        outcome=str(release.status),
        offences=[{"rule": rule} for rule in release.rules],
        reason=release.reason,
    )
