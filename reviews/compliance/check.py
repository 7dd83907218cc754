"""find_offences: the one function every outgoing text passes before it is saved or sent."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from . import learnt, network
from .normalise import Plain, normalise
from .rules import EXPLANATIONS, LENGTH_LIMITS, WARNING_ONLY, finders, patterns_for

Verdict = Literal["block", "warn", "pass"]
STRICT = frozenset({"R1", "R2", "R3", "R4"})
_PUBLIC = frozenset({"public_reply", "template"})
_PRIVATE = frozenset({"sms", "chat", "script"})
_SPARED = STRICT | {"R7", "R9"}  # a finder's match of these may be overruled by the readers


class Kind(StrEnum):
    """What a text is for; some rules hold only for some kinds."""

    PUBLIC_REPLY = "public_reply"
    SMS = "sms"
    CHAT = "chat"
    SCRIPT = "script"
    TEMPLATE = "template"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Offence:
    """One broken rule: `words` = text[start:end] of the given text, why, and the lawful way (translated)."""

    rule: str
    words: str
    start: int
    end: int
    why: str
    suggestion: str


def find_offences(
    text: str,
    kind: str = Kind.PUBLIC_REPLY,
    platform: str = "",
    *,
    benefit_in_case: bool = False,
    before: Sequence[str] = (),
) -> list[Offence]:
    """Every rule the text breaks, in order of place, each stretch of words once a rule.

    `platform` is the shop's code (`taobao`, `own`, …; "" = any). `benefit_in_case`: the case already holds
    a compensation, so any mention of changing a review is an offence (the sequence rule). `before`: earlier
    texts of the case, oldest first; a benefit in one and a changed review in another is an offence too.
    """
    benefit_in_case = benefit_in_case or any(mentions_benefit(earlier) for earlier in before)
    offences = _alone(text, kind, platform, benefit_in_case)
    if any(mentions_review_change(earlier) for earlier in before):
        offences = _merged([*offences, *mentions_benefit(text)])
    return offences


def mentions_review_change(text: str) -> list[Offence]:
    """Where a text speaks of changing, adding or removing a review, denied or not; [] when it does not."""
    mentioned = _alone(text, Kind.CHAT, "", True, read_again=False)
    return [each for each in mentioned if each.rule in {"R1", "R2", "R3"}]


def mentions_benefit(text: str) -> list[Offence]:
    """Where a text names money, a gift or a remedy, as R1; [] when it does not."""
    plain = normalise(text)
    match = finders()["benefit"].first(plain.text)
    return [_offence(text, "R1", *_place(plain, match))] if match else []


def _merged(offences: Iterable[Offence]) -> list[Offence]:
    return sorted(set(offences), key=lambda offence: (offence.start, offence.rule, offence.end))


def _alone(
    text: str, kind: str, platform: str, benefit_in_case: bool, *, read_again: bool = True
) -> list[Offence]:
    plain = normalise(text)
    found: dict[str, re.Match[str] | None] = {}
    spans: set[tuple[str, int, int]] = set()
    for pattern in patterns_for(kind, platform, benefit_in_case):
        if all(_find(name, plain.text, found) for name in pattern.needs):
            matches = [found[name] for name in pattern.needs]
            spans |= {(pattern.rule, *_place(plain, match)) for match in matches if match}
    spans = _weighed(text, plain, found, spans, kind, platform, benefit_in_case, read_again)
    offences = [_offence(text, rule, start, end) for rule, start, end in spans]
    if too_long := _too_long(text, kind, platform):
        offences.append(too_long)
    return _merged(offences)


def _weighed(
    text: str,
    plain: Plain,
    found: dict[str, re.Match[str] | None],
    spans: set[tuple[str, int, int]],
    kind: str,
    platform: str,
    benefit_in_case: bool,
    read_again: bool,
) -> set[tuple[str, int, int]]:
    """Add what the readers find, and drop what they hold for plainly lawful."""
    if not plain.text:
        return spans
    line = plain.line
    matched = [name for name in learnt.FINDERS if _find(name, plain.text, found)]
    judged = learnt.scores(line, [*matched, *learnt.marks(text)])
    counted = _counted(kind, platform)
    is_matched = any(rule in _SPARED for rule, _start, _end in spans)
    again = read_again and (is_matched or network.is_worth_reading(judged, counted))
    if again:
        judged = _read_again(judged, line, text, counted, benefit_in_case)
    if spans and again and not benefit_in_case:
        bar = 0.0 if learnt.may_be_spared(line, text) else network.PLAINLY_LAWFUL
        spans = {span for span in spans if not _is_spared(span[0], judged, bar)}
    named = {span[0] for span in spans}
    for rule in _learnt_rules(judged, counted):
        denied = rule == "R7" and finders()["lure"].is_denied(plain.text)
        if rule not in named and not denied:
            place = learnt.telling(line, rule) or (network.minded(line, rule) if again else None)
            if place:
                spans = spans | {(rule, *plain.span(*place))}
    return spans


def _counted(kind: str, platform: str) -> list[str]:
    """The outputs that count for this kind of text."""
    counted = ["any"]
    if kind in _PUBLIC:
        counted.append("R6")
    if platform != "own":
        counted.append("R7")
    if kind in _PRIVATE:
        counted.append("R9")
    return counted


def _read_again(
    judged: dict[str, float], line: str, text: str, counted: list[str], benefit_in_case: bool
) -> dict[str, float]:
    """Join what the networks read; once a benefit is there, they only add."""
    joint = network.judge(judged, line, counted)
    # The plain text no longer shows the stars of a masked number: only the linear model hears of them.
    if "masked" in learnt.marks(text):
        joint["R6"] = judged["R6"]
    return {output: max(odds, judged[output]) for output, odds in joint.items()} if benefit_in_case else joint


def _is_spared(rule: str, judged: dict[str, float], bar: float) -> bool:
    """Whether the readers overrule a finder's match; never of digits, addresses and names."""
    return rule in _SPARED and judged["any" if rule in STRICT else rule] < bar


def _learnt_rules(judged: dict[str, float], counted: list[str]) -> list[str]:
    """Rules the readers say are broken; of R1–R4 the likeliest."""
    likeliest = max(sorted(STRICT), key=judged.__getitem__)
    return [likeliest if output == "any" else output for output in counted if judged[output] > 0]


def verdict(offences: Iterable[Offence]) -> Verdict:
    """`block` if any rule but R5 is broken, `warn` for R5 alone, else `pass`."""
    rules = {offence.rule for offence in offences}
    if rules - WARNING_ONLY:
        return "block"
    return "warn" if rules else "pass"


def _find(name: str, text: str, found: dict[str, re.Match[str] | None]) -> re.Match[str] | None:
    if name not in found:
        found[name] = finders()[name].first(text)
    return found[name]


def _place(plain: Plain, match: re.Match[str]) -> tuple[int, int]:
    return plain.span(match.start(), match.end())


def _offence(text: str, rule: str, start: int, end: int) -> Offence:
    why, suggestion = EXPLANATIONS[rule]
    return Offence(rule, text[start:end], start, end, str(why), str(suggestion))


def _too_long(text: str, kind: str, platform: str) -> Offence | None:
    limit = LENGTH_LIMITS.get(kind, {}).get(platform)
    return _offence(text, "R8", limit, len(text)) if limit is not None and len(text) > limit else None
