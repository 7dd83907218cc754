"""What is wrong with a call script: order of cause and apology, untrue titles, pressure, unlawful words."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from reviews.compliance import Kind, find_offences, mentions_benefit, mentions_review_change, verdict
from reviews.compliance.rules import EXPLANATIONS
from reviews.template_text import TemplateTextError, fill, variables
from reviews.titles import RANK

ScriptError = TemplateTextError

__all__ = ("ScriptError", "ScriptFault", "fill", "lint_stages", "variables")

_APOLOGY = re.compile(
    r"对不起|对不住|抱歉|道歉|道个歉|歉意|致歉|不好意思|过意不去|赔(?:个|声)?不是|陪个不是|认个错|\b(?:sorry|apolog\w+)",
    re.IGNORECASE,
)
_CAUSE_GIVEN = re.compile(
    r"是因为|原因是|由于|怪(?:快递|仓库|厂家|工厂)|是(?:快递|仓库|厂家|工厂|客服)的(?:问题|错)|\bbecause\b"
)
_PERSON = r"(?:先生|女士|小姐|太太|美女|帅哥|大哥|大姐|阿姨|大爷)"
_GUESSED_TITLE = re.compile(
    r"\{surname(?:\|[^{}]*)?\}\s*(?:先生|女士|小姐|太太|哥|姐|总)"
    rf"|\{{(?:surname|title)\|[^{{}}]*{_PERSON}[^{{}}]*\}}"
    rf"|(?:^|(?<=[，,。！!？?\s])){_PERSON}(?=[，,。！!]|您好|你好|请问)"
    r"|\b(?:Mr|Ms|Mrs|Miss)\.?\s*\{surname|\b(?:sir|madam|ma'am)\b",
    re.IGNORECASE | re.MULTILINE,
)
_UNTRUE_TITLE = re.compile(
    rf"(?<!不)(?:我|这里|这边|我们)(?:就|这边|这里|本人)?[是叫]"
    rf"(?P<words>[^，,。！!？?；;、\n“”]{{0,16}}?(?<!售后){RANK})(?!让|说|请|叫|安排|交代)"
    rf"|[，,](?P<also>(?:是|我是)[^，,。！!？?；;、\n“”]{{0,10}}?(?<!售后){RANK})(?=[，,。！!\n]|$)"
    r"|\bI(?:'m| am) (?:the |a |an )?(?P<english>[\w ]{0,20}?(?:general manager|owner|ceo|director|boss"
    r"|lawyer|(?:manufacturer|platform|factory|brand)\b[\w ]{0,14}))",
    re.IGNORECASE,
)
_PRESSURE = re.compile(
    r"必须(?:今天|现在|马上|立刻)?(?:就)?(?:答应|同意|接受|决定|给个?答复)"
    r"|(?:今天|现在|马上)(?:必须|就得|一定得)(?:定|答|决定|给|同意)"
    r"|不(?:答应|同意|接受)[^。！？\n]{0,4}(?:就|否则)"
    r"|(?:再不|要是不)[^。！？\n]{1,8}(?:就没|就不)"
    r"|最后(?:一次|的)?机会|过(?:了今天|期不候|时不候)|仅限今天"
    r"|(?:别|不要)(?:为难|难为)(?:我|我们|人)|可怜可怜|同情一下|帮帮我(?:们)?吧|求您"
    r"|\b(?:last chance|you must (?:agree|accept|decide)|only today)\b",
    re.IGNORECASE,
)
_BEFORE_APOLOGY = ("identify", "introduce", "recall", "ask", "listen")
_APOLOGY_STAGES = ("apologise", "apologise_again")


@dataclass(frozen=True, slots=True)
class ScriptFault:
    """One thing wrong: in which spot (`stage` or `stage/answer`; empty: the call as a whole), what with which
    words, and the way out."""

    spot: str
    why: str
    way: str

    def __str__(self) -> str:
        return f"{self.spot}: {self.why} {self.way}".removeprefix(": ")


def lint_stages(texts: Mapping[str, str]) -> list[ScriptFault]:
    """What is wrong with a whole script (`stage` or `stage/answer` → text, in the order of the call).

    Refuses a cause before the first apology, fewer than two apologies, an untrue title, pressure, and
    whatever the compliance check blocks, also when benefit and review stand in two places of one call.
    """
    said = {spot: _said(text) for spot, text in texts.items()}
    return [
        *_broken(texts),
        *_title_faults(said),
        *_order_faults(said),
        *_apology_faults(said),
        *_pressure_faults(said),
        *_compliance_faults(texts),
    ]


def _said(text: str) -> str:
    """Without the directions: lines in brackets are read by the agent and said to nobody."""
    return "\n".join(line for line in text.splitlines() if not line.strip().startswith(("（", "(")))


def _broken(texts: Mapping[str, str]) -> Iterator[ScriptFault]:
    for spot, text in texts.items():
        try:
            variables(text)
        except ScriptError as error:
            yield ScriptFault(spot, str(error), _("Take a variable from the list below the text."))


def _title_faults(said: Mapping[str, str]) -> Iterator[ScriptFault]:
    for spot, text in said.items():
        for found in _GUESSED_TITLE.finditer(text):
            why = _("“%(words)s” guesses Mr or Ms before the voice is heard.") % {"words": found[0].strip()}
            yield ScriptFault(spot, why, _("Say “您”; who has heard the voice chooses the title."))
        for found in _UNTRUE_TITLE.finditer(text):
            words = found["words"] or found["also"] or found["english"]
            why = _("“%(words)s” is a title the speaker does not have.") % {"words": words.strip()}
            yield ScriptFault(
                spot, why, _("Write “{shop}负责售后的{agent}”: the program fills in the true name.")
            )


def _order_faults(said: Mapping[str, str]) -> Iterator[ScriptFault]:
    order = [spot for spot in said if "/" not in spot]
    way = _("Move it to “explain”, after the first apology.")
    if "explain" in order and ("apologise" not in order or order.index("explain") < order.index("apologise")):
        yield ScriptFault("explain", _("The cause is explained before the first apology."), way)
    for spot, text in said.items():
        given = _CAUSE_GIVEN.search(text) if spot.split("/")[0] in _BEFORE_APOLOGY else None
        if given and not _APOLOGY.search(text[: given.start()]):
            why = _("“%(words)s” explains the cause before the first apology.") % {"words": given[0]}
            yield ScriptFault(spot, why, way)


def _apology_faults(said: Mapping[str, str]) -> Iterator[ScriptFault]:
    for stage in _APOLOGY_STAGES:
        if not _APOLOGY.search(said.get(stage, "")):
            why = _("the apology is missing; a call needs two.")
            yield ScriptFault(stage, why, _("Add for instance “对不起” and for what."))


def _pressure_faults(said: Mapping[str, str]) -> Iterator[ScriptFault]:
    for spot, text in said.items():
        known = [one for one in find_offences(text, kind=Kind.SCRIPT) if one.rule == "R4"]
        for found in _PRESSURE.finditer(text):
            if any(one.start < found.end() and found.start() < one.end for one in known):
                continue  # the compliance check says it already
            why = _("“%(words)s” presses the buyer (R4).") % {"words": found[0]}
            yield ScriptFault(spot, why, _("Leave the buyer the choice: “不急，您慢慢想”."))


def _compliance_faults(texts: Mapping[str, str]) -> Iterator[ScriptFault]:
    for spot, text in texts.items():
        for offence in find_offences(text, kind=Kind.SCRIPT):
            if verdict([offence]) == "block":
                yield ScriptFault(
                    spot, f"{offence.rule} “{offence.words}” – {offence.why}", offence.suggestion
                )
    # A benefit in one place and the review in another are one sequence of acts.
    if any(mentions_benefit(text) for text in texts.values()):
        way = _("Take the words about the review out: a call that offers something says nothing of it.")
        for spot, text in texts.items():
            for offence in mentions_review_change(text):
                yield ScriptFault(spot, f"R1 “{offence.words}” – {EXPLANATIONS['R1'][0]}", way)
