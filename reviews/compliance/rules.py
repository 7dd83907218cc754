"""Loads rules.toml into compiled patterns, and holds the words each rule is explained with."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from reviews.platforms import reply_lengths

_DATA = tomllib.loads((Path(__file__).parent / "rules.toml").read_text(encoding="utf-8"))
RULES_VERSION: str = _DATA["version"]
SOURCES: dict[str, str] = _DATA["sources"]
DISGUISES: tuple[tuple[str, str], ...] = tuple((each["find"], each["word"]) for each in _DATA["disguises"])
MIXTURES: tuple[tuple[str, str], ...] = tuple((each["find"], each["word"]) for each in _DATA["mixtures"])
LENGTH_LIMITS: dict[str, dict[str, int]] = {"public_reply": reply_lengths()}

# Rule → why it is refused, and a lawful wording or way.
EXPLANATIONS: dict[str, tuple[Promise, Promise]] = {
    "R1": (
        _("It ties money, a gift or a remedy to a review."),
        _("Name only the problem and what you do about it; leave the review out."),
    ),
    "R2": (
        _("It asks for a particular rating."),
        _("Thank the buyer for the feedback, or ask for an honest review without naming a rating."),
    ),
    "R3": (
        _("It asks to delete or hide a review."),
        _("Explain in public what happened and what was done; the review stays."),
    ),
    "R4": (
        _("It threatens, presses, begs or says what is not true."),
        _("State the facts calmly and say what you can do."),
    ),
    "R5": (
        _("It advertises with absolutes or promises a cure."),
        _("Use a fact that can be proved instead."),
    ),
    "R6": (
        _("It shows personal data or an order number in public."),
        _("Leave it out and ask the buyer to write in the shop's chat."),
    ),
    "R7": (
        _("It leads the buyer off the platform."),
        _("Settle it in the shop's chat and by the platform's own refund."),
    ),
    "R8": (
        _("It is longer than the platform accepts."),
        _("Shorten the text."),
    ),
    "R9": (
        _("It advertises to a buyer who has not agreed to it."),
        _("Write only about this buyer's order and problem."),
    ),
}  # fmt: skip
WARNING_ONLY = frozenset({"R5"})


@dataclass(frozen=True, slots=True)
class Finder:
    """What to look for, and the words before or after that cancel a match."""

    find: re.Pattern[str]
    unless_before: re.Pattern[str] | None
    unless_after: re.Pattern[str] | None

    def first(self, text: str) -> re.Match[str] | None:
        """First match that nothing cancels."""
        at = 0
        while match := self.find.search(text, at):
            before, after = (
                text[max(0, match.start() - 24) : match.start()],
                text[match.end() : match.end() + 24],
            )
            denied = self.unless_before and self.unless_before.search(before)
            if not denied and not (self.unless_after and self.unless_after.match(after)):
                return match
            at = match.start() + 1
        return None

    def is_denied(self, text: str) -> bool:
        """Whether it matches, and something cancels every match."""
        return self.first(text) is None and self.find.search(text) is not None


@dataclass(frozen=True, slots=True)
class Pattern:
    """A rule is broken when all `needs` are found in a text of these kinds and platforms."""

    rule: str
    needs: tuple[str, ...]
    kinds: frozenset[str]
    not_platforms: frozenset[str]
    only_with_benefit: bool

    def applies(self, kind: str, platform: str, benefit_in_case: bool) -> bool:
        """Whether this text is subject to the pattern; no `kinds` means every kind."""
        return (
            (not self.kinds or kind in self.kinds)
            and platform not in self.not_platforms
            and (benefit_in_case or not self.only_with_benefit)
        )


def _expanded(pattern: str) -> str:
    """Put vocabulary entries in place of `<name>`, to any depth."""
    vocabulary: dict[str, str] = _DATA["vocabulary"]
    names = re.compile("<(" + "|".join(vocabulary) + ")>")
    while names.search(pattern):
        pattern = names.sub(lambda name: vocabulary[name[1]], pattern)
    return pattern


def _finder(entry: dict[str, str]) -> Finder:
    before, after = entry.get("unless_before"), entry.get("unless_after")
    return Finder(
        re.compile(_expanded(entry["find"])),
        re.compile(f"(?:{_expanded(before)})$") if before else None,
        re.compile(_expanded(after)) if after else None,
    )


@cache
def finders() -> dict[str, Finder]:
    """Compiled finders by name."""
    return {name: _finder(entry) for name, entry in _DATA["finders"].items()}


@cache
def patterns() -> tuple[Pattern, ...]:
    """All patterns, in the order of the file."""
    return tuple(
        Pattern(
            entry["rule"], tuple(entry["needs"]), frozenset(entry.get("kinds", ())),
            frozenset(entry.get("not_platforms", ())), entry.get("only") == "benefit_in_case",
        )
        for entry in _DATA["patterns"]
    )  # fmt: skip


@lru_cache(maxsize=256)
def patterns_for(kind: str, platform: str, benefit_in_case: bool) -> tuple[Pattern, ...]:
    """The patterns a text of this kind is subject to."""
    return tuple(each for each in patterns() if each.applies(kind, platform, benefit_in_case))
