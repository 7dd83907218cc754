"""What is wrong with a call script: order of cause and apology, guessed titles, unlawful words."""

import re
from collections.abc import Mapping

from django.utils.translation import gettext as _

from reviews.compliance import Kind, find_offences, mentions_benefit, mentions_review_change, verdict
from reviews.compliance.rules import EXPLANATIONS
from reviews.template_text import TemplateTextError, fill, variables

ScriptError = TemplateTextError

__all__ = ("ScriptError", "fill", "lint_stages", "variables")

_APOLOGY = re.compile(
    r"对不起|对不住|抱歉|道歉|道个歉|歉意|致歉|不好意思|过意不去|赔(?:个|声)?不是|陪个不是|认个错|\b(?:sorry|apolog\w+)",
    re.IGNORECASE,
)
_CAUSE_GIVEN = re.compile(
    r"是因为|原因是|由于|怪(?:快递|仓库|厂家|工厂)|是(?:快递|仓库|厂家|工厂|客服)的(?:问题|错)|\bbecause\b"
)
_GUESSED_TITLE = re.compile(
    r"\{surname(?:\|[^{}]*)?\}\s*(?:先生|女士|小姐|太太|哥|姐)|\b(?:Mr|Ms|Mrs)\.?\s*\{surname"
)
_BEFORE_APOLOGY = ("identify", "introduce", "recall", "ask", "listen")
_APOLOGY_STAGES = ("apologise", "apologise_again")


def lint_stages(stages: Mapping[str, str]) -> list[str]:
    """What is wrong with a whole script (stage code → text, in the order of the call); [] when nothing is.

    Refuses a cause before the first apology, fewer than two apologies, a guessed title, and whatever the
    compliance check blocks, also when benefit and review stand in two stages of one call.
    """
    return [*_broken(stages), *_order_faults(stages), *_apology_faults(stages), *_compliance_faults(stages)]


def _broken(stages: Mapping[str, str]) -> list[str]:
    faults = []
    for stage, text in stages.items():
        try:
            variables(text)
        except ScriptError as error:
            faults.append(f"{stage}: {error}")
        if _GUESSED_TITLE.search(text):
            faults.append(_("%(stage)s: Mr or Ms is guessed before the voice is heard.") % {"stage": stage})
    return faults


def _order_faults(stages: Mapping[str, str]) -> list[str]:
    order = list(stages)
    faults = []
    if "explain" in order and ("apologise" not in order or order.index("explain") < order.index("apologise")):
        faults.append(_("The cause is explained before the first apology."))
    for stage in _BEFORE_APOLOGY:
        given = _CAUSE_GIVEN.search(stages.get(stage, ""))
        if given and not _APOLOGY.search(stages[stage][: given.start()]):
            message = _("%(stage)s: “%(words)s” explains the cause before the first apology.")
            faults.append(message % {"stage": stage, "words": given[0]})
    return faults


def _apology_faults(stages: Mapping[str, str]) -> list[str]:
    without = [stage for stage in _APOLOGY_STAGES if not _APOLOGY.search(stages.get(stage, ""))]
    message = _("%(stage)s: the apology is missing; a call needs two.")
    return [message % {"stage": stage} for stage in without]


def _compliance_faults(stages: Mapping[str, str]) -> list[str]:
    faults = []
    for stage, text in stages.items():
        for offence in find_offences(text, kind=Kind.SCRIPT):
            if verdict([offence]) == "block":
                faults.append(f"{stage}: {offence.rule} “{offence.words}” – {offence.why}")
    # A benefit in one stage and the review in another are one sequence of acts.
    of_review = [offence for text in stages.values() for offence in mentions_review_change(text)]
    if of_review and any(mentions_benefit(text) for text in stages.values()):
        faults += [f"R1 “{offence.words}” – {EXPLANATIONS['R1'][0]}" for offence in of_review]
    return faults
