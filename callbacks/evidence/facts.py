"""What an evidence pack holds: every record of the case, read once, with the buyer's data masked.

A platform needs order number, nick, texts and times to decide; it does not need name, phone or address.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from callbacks.evidence.sections import Passage, Section
from callbacks.models import CallLog
from callbacks.timeline import assigned_to, timeline
from reviews.behaviour import Signal
from reviews.masking import without_personal
from reviews.models import BehaviourSignal, Case, Order, PublicReply, Review, User
from reviews.models.cases import EventKind
from reviews.models.replies import ReplyStatus
from reviews.personal_data import mask_address, mask_name, mask_phone
from reviews.signal_words import in_words, review_ids
from reviews.templatetags.ui import yuan, zdate

# Looking and packing are no facts about the buyer; with them no two packs would be alike.
NOT_EVIDENCE = (EventKind.REVEAL, EventKind.EVIDENCE, EventKind.COMPLAINT)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The files of the pack, the sections of its report, and the time of the latest fact."""

    files: dict[str, bytes]
    sections: tuple[Section, ...]
    title: str
    subtitle: str
    about: dict[str, str]
    as_of: datetime


def masked(text: str, order: Order | None) -> str:
    """The text without this buyer's name, phone and address, nor anybody's that stands in it."""
    if order:
        for value, mask in (
            (order.buyer_phone, mask_phone),
            (order.address, mask_address),
            (order.buyer_name, mask_name),
        ):
            if len(value) > 1:
                text = text.replace(value, mask(value))
    return without_personal(text)


def as_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, default=str).encode()


@translation.override(settings.LANGUAGE_CODE)
def gather(case: Case) -> Evidence:
    """Everything but the photos. Times are written in the shop's zone."""
    reader = _Reader(case)
    parts = (
        reader.review(),
        reader.order(),
        reader.chats(),
        reader.calls(),
        reader.messages(),
        reader.signals(),
        reader.timeline(),
    )
    return Evidence(
        files=reader.files,
        sections=parts,
        title=_("Evidence of a malicious review"),
        subtitle=f"{case.shop} · {_('case')} {case} · {_('review')} {case.review.review_key}",
        about={"case": str(case.pk), "shop": case.shop.code, "review_key": case.review.review_key},
        as_of=max(reader.times),
    )


class _Reader:
    """Reads the case part by part: each leaves its files and returns its section."""

    def __init__(self, case: Case) -> None:
        self.case, self.shop, self.order_ = case, case.shop, case.review.order
        self.files: dict[str, bytes] = {}
        self.times: list[datetime] = [case.opened_at, case.review.created_at]

    def at(self, moment: datetime | None) -> str:
        if moment:
            self.times.append(moment)
        return zdate(moment, self.shop)

    def keep(self, path: str, value: object) -> None:
        self.files[path] = as_json(value)

    def hide(self, text: str) -> str:
        return masked(text, self.order_)

    def review(self) -> Section:
        review = self.case.review
        versions = list(review.versions.order_by("number"))
        rows, passages = [], []
        for one in versions:
            text = f"{one.content}\n{one.followup}".strip()
            self.files[f"review/version-{one.number}.txt"] = text.encode()
            rows.append(
                {
                    "version": one.number,
                    "rating": one.rating,
                    "stars": one.stars,
                    "recorded_at": one.recorded_at.isoformat(),
                    "followup_at": one.followup_at.isoformat() if one.followup_at else None,
                    "images": one.images,
                }
            )
            head = _("Version %(number)s · %(rating)s · recorded %(at)s") % {
                "number": one.number,
                "rating": one.get_rating_display(),
                "at": self.at(one.recorded_at),
            }
            passages.append(Passage(head, text))
        self.keep("review/versions.json", rows)
        facts = (
            (_("Review key"), review.review_key),
            (_("Written on"), self.at(review.created_at)),
            (_("Nick"), review.buyer.nick if review.buyer else "–"),
            (_("Product"), str(review.product or "–")),
            (_("Judged as"), self._judgement()),
        )
        self._reply()
        return Section(_("The review, every version"), facts, tuple(passages))

    def _judgement(self) -> str:
        latest = self.case.review.classifications.select_related("decided_by").first()
        who = latest.decided_by if latest else None
        words = self.case.get_sub_cause_display()
        return f"{words} · {_('decided by %(name)s') % {'name': who}}" if who else str(words)

    def _reply(self) -> None:
        reply = PublicReply.objects.filter(review=self.case.review, status=ReplyStatus.POSTED).first()
        if reply:
            self.keep("public-reply.json", {"text": reply.text, "posted_at": self.at(reply.posted_at)})

    def order(self) -> Section:
        order, review = self.order_, self.case.review
        if order is None:
            self.keep("order.json", {"order_no": review.order_no, "found": False})
            return Section(_("Order"), empty=_("No order matches this review."))
        facts = (
            (_("Order"), order.order_no),
            (_("Buyer"), order.masked_name or "–"),
            (_("Product"), f"{order.product or '–'} {order.sku}"),
            (_("Amount"), f"{yuan(order.amount)} × {order.quantity or 1}"),
            (_("Ordered on"), self.at(order.created_at)),
            (_("Shipped on"), self.at(order.shipped_at)),
            (_("Completed on"), self.at(order.completed_at)),
            (_("Courier"), f"{order.courier} {order.tracking_no}".strip() or "–"),
        )
        self.keep("order.json", {"found": True, **{str(name): value for name, value in facts}})
        return Section(_("Order"), facts)

    def chats(self) -> Section:
        passages = []
        for number, chat in enumerate(self.case.chats.kept().select_related("pasted_by", "marked_by"), 1):
            text = self.hide(chat.text)
            said = {
                "source": chat.source,
                "said_at": chat.said_at.isoformat(),
                "kept_by": str(chat.pasted_by),
            }
            self.files[f"chats/{number:02}.txt"] = text.encode()
            self.keep(f"chats/{number:02}.json", {**said, "kept_at": chat.pasted_at.isoformat()})
            head = f"{chat.get_source_display()} · {self.at(chat.said_at)} · {chat.pasted_by}"
            passages.append(Passage(head, text))
            self.times.append(chat.pasted_at)
            if chat.demand:
                words = self.hide(chat.demand)
                marked = {"words": words, "by": str(chat.marked_by), "at": self.at(chat.marked_at)}
                self.keep(f"chats/{number:02}-demand.json", marked)
                head = _("Marked as the demand by %(by)s · %(at)s") % marked
                passages.append(Passage(head, words))
        return Section(_("Chat records"), passages=tuple(passages), empty=_("None was pasted."))

    def calls(self) -> Section:
        calls = CallLog.objects.filter(case=self.case).exclude(ended_at=None).order_by("started_at")
        rows, points = [], []
        for call in calls.select_related("agent").prefetch_related("stages"):
            stages = [reached.stage for reached in call.stages.all()]
            notes = self.hide(call.notes)
            row = {"began": call.started_at.isoformat(), "outcome": call.outcome, "agent": str(call.agent)}
            rows.append({**row, "minutes": call.minutes, "stages": stages, "notes": notes})
            head = f"{self.at(call.started_at)} · {call.agent} · {call.get_outcome_display()}"
            points.append((head, notes))
        self.keep("calls.json", rows)
        return Section(_("Calls"), points=tuple(points), empty=_("No call was made."))

    def messages(self) -> Section:
        rows, points = [], []
        for one in self.case.messages.select_related("sent_by"):
            text = self.hide(one.text)
            rows.append({"sent_at": one.sent_at.isoformat(), "by": str(one.sent_by), "text": text})
            points.append((f"{self.at(one.sent_at)} · {one.sent_by}", text))
        self.keep("messages.json", rows)
        return Section(_("Messages of the shop"), points=tuple(points), empty=_("None was sent."))

    def signals(self) -> Section:
        found: list[Signal] = [one.signal for one in self.case.signals.all()]
        shown = in_words(found, {})
        alike = Review.objects.filter(pk__in=review_ids(found), shop=self.shop).select_related("buyer")
        own = {one.pk: one for one in alike.order_by("created_at", "pk")}
        rows = [{"kind": one.kind, "weight": one.weight, **self._told(one.facts, own)} for one in found]
        self.keep("signals.json", rows)
        points = tuple((self.hide(f"{one.title}：{one.seen}{'；'.join(one.passages)}"), "") for one in shown)
        passages = [self._alike(n, one, found) for n, one in enumerate(own.values(), 1)]
        if elsewhere := len(review_ids(found)) - len(own):
            points += ((_("Reviews of other shops among them: %(n)d") % {"n": elsewhere}, ""),)
        title = _("Signs in behaviour")
        return Section(title, passages=tuple(passages), points=points, empty=_("None was found."))

    def _told(self, facts: dict[str, Any], own: Mapping[int, Review]) -> dict[str, Any]:
        """The facts of a sign: the shop's own reviews by key, of others their number, passages masked."""
        told = dict(facts)
        if "passages" in facts:
            told["passages"] = [{**one, "words": self.hide(one["words"])} for one in facts["passages"]]
        if "reviews" in facts:
            told["reviews"] = [own[pk].review_key for pk in facts["reviews"] if pk in own]
            told["reviews_of_other_shops"] = len(facts["reviews"]) - len(told["reviews"])
        return told

    def _alike(self, number: int, review: Review, found: Sequence[Signal]) -> Passage:
        """One review the signs speak of: it is the proof, so its words and pictures stand in the pack."""
        kinds = [one.kind.value for one in found if review.pk in one.facts.get("reviews", [])]
        text = self.hide(review.full_text)
        nick = str(review.buyer or "–")  # masked
        row = {
            "review_key": review.review_key,
            "signs": kinds,
            "nick": nick,
            "rating": review.rating,
            "written_at": review.created_at.isoformat(),
            "text": text,
            "images": review.images,
        }
        self.keep(f"signals/review-{number:02}.json", row)
        titles = "、".join(str(dict(BehaviourSignal.KINDS)[kind]) for kind in kinds)
        head = f"{titles} · {review.review_key} · {nick} · {self.at(review.created_at)}"
        return Passage(head, "\n".join([text, *review.images]).strip())

    def timeline(self) -> Section:
        events = list(
            self.case.events.exclude(kind__in=NOT_EVIDENCE).select_related("by").order_by("at", "id")
        )
        entries = timeline(events, self.shop, _names(assigned_to(events)))
        rows: list[dict[str, Any]] = []
        points: list[tuple[str, str]] = []
        for event, one in zip(events, entries, strict=True):
            detail = self.hide(one.detail)
            by = str(one.by or _("by the system"))
            rows.append({"at": event.at.isoformat(), "what": one.title, "by": by, "detail": detail})
            points.append((f"{self.at(event.at)} · {one.title} · {by}", detail))
        self.keep("timeline.json", rows)
        return Section(_("Timeline"), points=tuple(points))


def _names(ids: Sequence[int] | set[int]) -> dict[int, str]:
    return {user.pk: str(user) for user in User.objects.filter(pk__in=ids)} if ids else {}
