"""Everything that happened in a case, in words."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from callbacks.models import ActKind, CallOutcome, Channel, RemedyKind, RemedyStatus
from reviews.causes import SubCause
from reviews.changes import Difference, difference
from reviews.models import BehaviourSignal, CaseEvent, Outcome, Rating, ReviewVersion, Shop, User
from reviews.models.cases import EventKind
from reviews.models.chats import ChatSource
from reviews.models.complaints import ComplaintStatus, Reason
from reviews.templatetags.ui import yuan, zdate
from reviews.watch_rule import Change

ICONS: dict[str, tuple[str, str]] = {
    EventKind.OPENED: ("flag", "grey"),
    EventKind.ASSIGN: ("user-check", "blue"),
    EventKind.TAKE: ("user-plus", "blue"),
    EventKind.RELEASE: ("arrow-back-up", "grey"),
    EventKind.WAIT_UNTIL: ("hourglass-high", "amber"),
    EventKind.COVER: ("user-off", "amber"),
    EventKind.CLOSE: ("archive", "green"),
    EventKind.REOPEN: ("repeat", "amber"),
    EventKind.CAUSE: ("tag", "purple"),
    EventKind.REVIEW_CHANGED: ("edit", "amber"),
    EventKind.REVEAL: ("eye", "grey"),
    EventKind.CALL: ("phone", "teal"),
    EventKind.PROMISE: ("calendar-time", "amber"),
    EventKind.PROMISE_CANCELLED: ("x", "grey"),
    EventKind.REMEDY: ("gift", "green"),
    EventKind.PHOTO: ("photo", "grey"),
    EventKind.REPLY: ("message-report", "blue"),
    EventKind.REPLY_MOVED: ("message-2", "grey"),
    EventKind.MESSAGE: ("messages", "blue"),
    EventKind.REVIEW_WORDS: ("message-report", "amber"),
    EventKind.TEXT_DECIDED: ("user-check", "amber"),
    EventKind.NOTE: ("note", "grey"),
    EventKind.CHAT: ("message-2", "grey"),
    EventKind.EVIDENCE: ("lock", "purple"),
    EventKind.COMPLAINT: ("scale", "purple"),
    EventKind.SUSPICION: ("shield-exclamation", "purple"),
    EventKind.UNDO: ("arrow-back-up", "amber"),
    EventKind.LAPSE: ("hourglass-high", "amber"),
    EventKind.DEADLINE: ("clock", "grey"),
}

ASSIGNING = (EventKind.ASSIGN, EventKind.COVER)


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line: what, who (empty: the system), when; `detail` is a text somebody wrote."""

    icon: str
    tone: str
    title: str
    detail: str
    by: User | None
    at: datetime
    difference: Difference | None = None  # of a changed review


def timeline(
    events: Iterable[CaseEvent],
    shop: Shop,
    people: dict[int, str],
    versions: Mapping[int, ReviewVersion] | None = None,
) -> list[TimelineEntry]:
    """The events in the given order. `people` names who a case was assigned to, by id; `versions` are the
    review's, by number."""
    return [
        replace(_entry(event, shop, people), difference=difference_of(event, versions or {}))
        for event in events
    ]


def difference_of(event: CaseEvent, versions: Mapping[int, ReviewVersion]) -> Difference | None:
    """What changed, when the event is a changed review and both versions are known."""
    if event.kind != EventKind.REVIEW_CHANGED:
        return None
    before, after = (versions.get(event.data.get(name, 0)) for name in ("before", "version"))
    return difference(before, after) if before and after else None


def assigned_to(events: Iterable[CaseEvent]) -> set[int]:
    """Ids of the people the events name besides their authors."""
    return {event.data["to"] for event in events if event.kind in ASSIGNING and "to" in event.data}


def _entry(event: CaseEvent, shop: Shop, people: dict[int, str]) -> TimelineEntry:
    icon, tone = ICONS[event.kind]
    data = event.data
    title, detail = _WORDS.get(event.kind, _plain)(event, data, shop)
    if event.kind in ASSIGNING:
        title = _("Assigned to %(name)s") % {"name": people.get(data.get("to", 0), _("somebody"))}
    return TimelineEntry(icon, tone, title, detail, event.by, event.at)


Words = tuple[str, str]


def _plain(event: CaseEvent, data: dict[str, Any], _shop: Shop) -> Words:
    return str(EventKind(event.kind).label), str(data.get("note") or data.get("reason") or "")


def _assigned(event: CaseEvent, data: dict[str, Any], shop: Shop) -> Words:
    """The title names the person (see `_entry`); the detail says why a case changed hands by itself."""
    if data.get("reason") != "absence":
        return _plain(event, data, shop)
    at = zdate(datetime.fromisoformat(data["due_at"]), shop) if data.get("due_at") else ""
    return "", _("The agent is absent; what is due at %(at)s goes along.") % {"at": at}


def _released(event: CaseEvent, data: dict[str, Any], shop: Shop) -> Words:
    if data.get("reason") != "absence":
        return _plain(event, data, shop)
    return _("Put to everybody"), _("The agent is absent and no colleague was free.")


def _waits(_event: CaseEvent, data: dict[str, Any], shop: Shop) -> Words:
    until = zdate(datetime.fromisoformat(data["until"]), shop) if data.get("until") else ""
    reasons = {
        "no_answer": _("nobody answered"),
        "promise": _("call-back promised"),
        "later": _("put off"),
    }
    return _("Waits until %(until)s") % {"until": until}, reasons.get(data.get("reason", ""), "")


def _closed(_event: CaseEvent, data: dict[str, Any], _shop: Shop) -> Words:
    return _("Closed: %(outcome)s") % {"outcome": Outcome(data["outcome"]).label}, data.get("note", "")


def _cause(_event: CaseEvent, data: dict[str, Any], _shop: Shop) -> Words:
    before, after = SubCause(data["before"]).label, SubCause(data["after"]).label
    if data["before"] == data["after"]:
        return _("Cause confirmed: %(cause)s") % {"cause": after}, ""
    return _("Cause corrected: %(before)s → %(after)s") % {"before": before, "after": after}, ""


def _changed(_event: CaseEvent, data: dict[str, Any], _shop: Shop) -> Words:
    title = _("Review changed, version %(number)s") % {"number": data.get("version", "")}
    if data.get("change") in Change.values:
        return f"{title} · {Change(data['change']).label}", ""
    return title, str(Rating(data["rating"]).label) if data.get("rating") else ""


def _call(_event: CaseEvent, data: dict[str, Any], _shop: Shop) -> Words:
    title = _("Call: %(outcome)s") % {"outcome": CallOutcome(data["outcome"]).label}
    if number := data.get("apologies"):
        title += " · " + ngettext("%(n)d apology", "%(n)d apologies", number) % {"n": number}
    if data.get("reason"):
        title = _("%(title)s · ended by a manager: %(reason)s") % {"title": title, "reason": data["reason"]}
    return title, data.get("notes", "")


def _promise(event: CaseEvent, data: dict[str, Any], shop: Shop) -> Words:
    at = zdate(datetime.fromisoformat(data["due_at"]), shop)
    if data.get("moved"):
        before = zdate(datetime.fromisoformat(data["moved"]), shop)
        words = {"before": before, "at": at}
        return _("Call-back moved from %(before)s to %(at)s") % words, data.get("note", "")
    if event.kind == EventKind.PROMISE:
        return _("Call-back promised for %(at)s") % {"at": at}, data.get("note", "")
    return _("Call-back of %(at)s cancelled") % {"at": at}, ""


def _remedy(_event: CaseEvent, data: dict[str, Any], _shop: Shop) -> Words:
    words = {
        "remedy": RemedyKind(data["remedy"]).label,
        "amount": yuan(data["amount"]),
        "status": RemedyStatus(data["status"]).label,
    }
    return _("Remedy: %(remedy)s %(amount)s · %(status)s") % words, data.get("note", "")


def _text(event: CaseEvent, data: dict[str, Any], _shop: Shop) -> Words:
    if data.get("channel") in Channel.values:
        return _("%(channel)s sent") % {"channel": Channel(data["channel"]).label}, data.get("text", "")
    return str(EventKind(event.kind).label), data.get("text", "")


def _suspicion(event: CaseEvent, data: dict[str, Any], _shop: Shop) -> Words:
    kinds = dict(BehaviourSignal.KINDS)
    signs = _("; ").join(str(kinds.get(one, one)) for one in data.get("kinds", []))
    return str(EventKind.SUSPICION.label), signs


def _undo(_event: CaseEvent, data: dict[str, Any], _shop: Shop) -> Words:
    return _("Undone: %(act)s") % {"act": ActKind(data["act"]).label}, ""


def _deadline(event: CaseEvent, data: dict[str, Any], shop: Shop) -> Words:
    before, after = (zdate(datetime.fromisoformat(data[name]), shop) for name in ("before", "due_at"))
    words = _("%(before)s → %(after)s: the shop's hours or calendar changed.")
    return str(EventKind(event.kind).label), words % {"before": before, "after": after}


def _chat(_event: CaseEvent, data: dict[str, Any], _shop: Shop) -> Words:
    taken = data.get("taken_back")
    title = _("Chat record taken back") if taken else _("Chat record kept")
    return title, str(dict(ChatSource.choices).get(data.get("source", ""), ""))


def _evidence(event: CaseEvent, data: dict[str, Any], _shop: Shop) -> Words:
    return str(EventKind(event.kind).label), data.get("sha256", "")[:16]


def _complaint(_event: CaseEvent, data: dict[str, Any], _shop: Shop) -> Words:
    words = {"status": ComplaintStatus(data["status"]).label, "reason": Reason(data["reason"]).label}
    return _("Complaint: %(status)s · %(reason)s") % words, data.get("note", "")


_WORDS: dict[str, Callable[[CaseEvent, dict[str, Any], Shop], Words]] = {
    EventKind.ASSIGN: _assigned,
    EventKind.COVER: _assigned,
    EventKind.RELEASE: _released,
    EventKind.WAIT_UNTIL: _waits,
    EventKind.CLOSE: _closed,
    EventKind.CAUSE: _cause,
    EventKind.REVIEW_CHANGED: _changed,
    EventKind.CALL: _call,
    EventKind.PROMISE: _promise,
    EventKind.PROMISE_CANCELLED: _promise,
    EventKind.REMEDY: _remedy,
    EventKind.REPLY: _text,
    EventKind.MESSAGE: _text,
    EventKind.SUSPICION: _suspicion,
    EventKind.REVIEW_WORDS: _text,
    EventKind.UNDO: _undo,
    EventKind.DEADLINE: _deadline,
    EventKind.CHAT: _chat,
    EventKind.EVIDENCE: _evidence,
    EventKind.COMPLAINT: _complaint,
}
