"""A mass incident answered together: to each of its cases a public reply and an offer of its own.

One more act on many cases (callbacks.bulk), with its preview, progress and undo. Every rule of the single
acts holds: the reply by window, compliance and the agent's own words; the remedy by policy, budget, sequence.
What cannot be done in a case is said in its row; the rest of it is done.
"""

from contextlib import AbstractContextManager
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from callbacks import remedies
from callbacks.holding import NotAllowed
from callbacks.models import Act, ActKind, Remedy, RemedyKind
from callbacks.policy import plain
from callbacks.undoing import remembered
from reviews import clock
from reviews.compliance import mentions_benefit, verdict
from reviews.incident_replies import reply_for
from reviews.models import Case, Incident, IncidentCase, PublicReply, StaleCase, User
from reviews.models.incidents import IncidentState
from reviews.models.replies import ReplyStatus
from reviews.outgoing import check_outgoing, compensating, facts_for, judge, sentences_of
from reviews.replies import closed_words, note_in_case, window_of
from reviews.reply_facts import events_of
from reviews.sequence import facts_of

Params = dict[str, Any]


def params_of(incident: Incident) -> Params:
    """The plan as it stands now: a job keeps to it, whatever is changed afterwards."""
    amount = incident.remedy_amount
    return {
        "incident": incident.pk,
        "statement": incident.statement,
        "kind": incident.remedy_kind,
        "amount": None if amount is None else str(amount),
        "reason": incident.remedy_reason,
    }


def check_ready(incident: Incident) -> None:
    """Raise NotAllowed while nobody has confirmed the incident, or nothing is planned."""
    if incident.state != IncidentState.CONFIRMED:
        raise NotAllowed(_("Confirm first that this is an incident."))
    if not (incident.statement or incident.remedy_kind):
        raise NotAllowed(_("There is neither a statement nor a remedy yet."))


def _amount(params: Params) -> Decimal | None:
    return Decimal(params["amount"]) if params["amount"] else None


def _number(case: Case, params: Params) -> int:
    place = IncidentCase.objects.filter(case=case, incident=params["incident"]).first()
    if place is None:
        raise NotAllowed(_("The case does not belong to the incident any more."))
    return place.number


# --- foreseen ------------------------------------------------------------------------------------------


def check(case: Case, params: Params, by: User) -> None:
    """Raise NotAllowed when neither reply nor remedy can be given."""
    if not by.manages(case.shop_id):
        raise NotAllowed(_("Only a manager of the shop answers an incident."))
    _number(case, params)
    wanted = _refusals(case, params, by)
    if all(words for words in wanted.values()):
        raise NotAllowed(" ".join(wanted.values()))


def left_words(case: Case, params: Params, by: User) -> str:
    """What of the plan cannot be done in this case, and why; empty: all of it can."""
    return " ".join(words for words in _refusals(case, params, by).values() if words)


def shown(case: Case, params: Params) -> str:
    """What the case gets: the remedy in words, and the reply."""
    words = [remedy_words(params)] if params["kind"] else []
    place = IncidentCase.objects.filter(case=case, incident=params["incident"]).first()
    if params["statement"] and place:
        words.append(_text(case, place.number, params))
    return " · ".join(words)


def remedy_words(params: Params) -> str:
    """Part refund ¥15; the kind alone where the policy or the order sets the amount."""
    label = str(RemedyKind(params["kind"]).label)
    return f"{label} ¥{plain(Decimal(params['amount']))}" if params["amount"] else label


def _refusals(case: Case, params: Params, by: User) -> dict[str, str]:
    """Of reply and remedy, as far as they are planned, why they cannot be given; empty words: they can."""
    found = {}
    if params["kind"]:
        found["remedy"] = _remedy_refusal(case, params, by)
    if params["statement"]:
        found["reply"] = _reply_refusal(case, params)
        if found.get("remedy") and not found["reply"] and _promises_in_vain(case, params):
            found["reply"] = _("No reply: it promises what is not given in this case.")
    return found


def _promises_in_vain(case: Case, params: Params) -> bool:
    """Whether the statement names a benefit, and the remedy planned was not given before either."""
    given = Remedy.objects.filter(case=case, kind=params["kind"]).standing()
    return not given.exists() and bool(mentions_benefit(_spoken(case, params)))


def _remedy_refusal(case: Case, params: Params, by: User) -> str:
    try:
        remedies.check_planned(case, params["kind"], amount=_amount(params), reason=params["reason"], by=by)
    except NotAllowed as refusal:
        return _("No remedy: %(why)s") % {"why": refusal}
    if barrier := facts_of(case.review, case, clock.now()).bars_compensation(clock.now()):
        return _("No remedy: %(why)s") % {"why": f"{barrier.why} {barrier.instead}"}
    return ""


def _reply_refusal(case: Case, params: Params) -> str:
    now = clock.now()
    reply = PublicReply.objects.filter(review=case.review_id).first()
    if reply and not _may_replace(reply, case):
        return _("No reply: somebody has written one already, and it stays.")
    if (window := window_of(case.review, now)).is_closed:
        return _("No reply: %(why)s") % {"why": closed_words(window)}
    text = _spoken(case, params)
    if not text:
        return _("No reply: nothing of the statement may be said in this case.")
    if reply and reply.status == ReplyStatus.APPROVED and reply.text == text:
        return _("No reply: this very one stands already.")
    facts = facts_for(case.shop, case.review, case, now)
    facts = replace(facts, in_case=facts.in_case or bool(params["kind"]))
    found = judge(text, "public_reply", case.shop, facts, now)
    return (
        _("No reply: %(why)s") % {"why": " ".join(sentences_of(found))} if verdict(found) == "block" else ""
    )


def _may_replace(reply: PublicReply, case: Case) -> bool:
    """Whether nobody has begun the reply, or it stands as an incident's answer and has not left."""
    if reply.status == ReplyStatus.DRAFT:
        return not reply.edited_by_id
    answered = Act.objects.filter(case=case, kind=ActKind.INCIDENT).order_by("-id").first()
    return (
        reply.status == ReplyStatus.APPROVED
        and answered is not None
        and answered.also.get("reply") == reply.pk
        and answered.also.get("reply_now") == reply.text
    )


def _spoken(case: Case, params: Params) -> str:
    return _text(case, _number(case, params), params)


def _text(case: Case, number: int, params: Params) -> str:
    return reply_for(case, number, params["statement"], events_of([case]).get(case.pk, []))


# --- done ----------------------------------------------------------------------------------------------


def apply(case: Case, params: Params, *, by: User) -> Act:
    """Give one case what is planned for it. Raises NotAllowed, OffendingText, SequenceRefusal, StaleCase."""
    check(case, params, by)
    refused = _refusals(case, params, by)
    text = ""
    if params["statement"] and not refused["reply"]:
        text = _spoken(case, params)
        check_outgoing(
            text, kind="public_reply", shop=case.shop, by=by, thing=case, case=case, review=case.review
        )
    left = " ".join(words for words in refused.values() if words)
    if params["kind"] and not refused["remedy"]:
        with compensating(case, note=params["reason"], by=by), _kept(case, left, by) as act:
            amount = _amount(params)
            remedy = remedies.offer_planned(
                case, params["kind"], amount=amount, reason=params["reason"], by=by
            )
            act.also["remedy"] = remedy.pk
            _answer(case, text, act, by)
    else:
        with _kept(case, left, by) as act:
            _answer(case, text, act, by)
    return act


def _kept(case: Case, left: str, by: User) -> AbstractContextManager[Act]:
    """An act that remembers what of the plan was left undone."""
    return remembered(case, ActKind.INCIDENT, by=by, also={"left": left} if left else {})


def _answer(case: Case, text: str, act: Act, by: User) -> None:
    """Keep the case's own reply, approved by who decided it; what stood there before is remembered."""
    if not text:
        return
    reply, new = PublicReply.objects.get_or_create(review=case.review, defaults={"text": text})
    if not new and not _may_replace(reply, case):
        raise StaleCase(_("Somebody has written a reply meanwhile."))
    act.also["reply"], act.also["reply_now"] = reply.pk, text
    act.also["reply_was"] = None if new else [reply.text, reply.drafted_text, reply.template_id]
    reply.edit(text, by=by)
    reply.approve(by=by)
    note_in_case(case, reply, by=by)
