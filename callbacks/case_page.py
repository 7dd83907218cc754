"""Everything the case page shows, read with a constant number of queries."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import BigIntegerField, Count, Q
from django.forms import Textarea, TextInput
from django.utils.translation import gettext as _

from callbacks import forms, live
from callbacks.attempts import Attempts, attempts_of, zones_of
from callbacks.buyer_facts import facts_about
from callbacks.calling_rules import CallingWindow, CallPermission
from callbacks.case_parts import parts_of
from callbacks.chat_text import chat_text
from callbacks.contact_times import Suggestions, suggest_times
from callbacks.contacts import call_permission, obstacles_to_close, words_of
from callbacks.models import (
    BuyerFact,
    BuyerMessage,
    CallbackPromise,
    CallLog,
    CallOutcome,
    OutgoingMessage,
    Remedy,
    ShopGateway,
)
from callbacks.models.calls import SPOKEN
from callbacks.models.messages import UNDER_WAY
from callbacks.models.scripts import APOLOGIES
from callbacks.phone_only import phone_only
from callbacks.phone_only import words_of as words_of_weeks
from callbacks.promise_texts import confirmation
from callbacks.promising import TO_THE_TEAM
from callbacks.queue import QueueEntry, agent_queue
from callbacks.remedy_card import RemedyCard
from callbacks.remedy_forms import PhotoForm, RemedyForm
from callbacks.script import ScriptLine, manner_for, outcome_of, review_words, script_for
from callbacks.texts import channel_among
from callbacks.timeline import TimelineEntry, assigned_to, difference_of, timeline
from reviews.behaviour import SignalKind
from reviews.causes import COMPLAINTS, SUB_CAUSES, Cause, SubCause
from reviews.changes import Difference
from reviews.colliding import mark_of
from reviews.models import (
    BehaviourSignal,
    Case,
    CaseEvent,
    ChatRecord,
    Classification,
    Order,
    Outcome,
    PublicReply,
    Review,
    ReviewVersion,
    Status,
    TemplatePicture,
    User,
)
from reviews.models.replies import ReplyStatus
from reviews.models.reviews import Rating
from reviews.prepared import Asked, Prepared
from reviews.refusals import Refusal
from reviews.replies import needs_approval
from reviews.signal_words import SignalWords, in_words, review_ids
from reviews.templatetags.ui import percent
from reviews.watch_rule import Change

QUEUE_SHOWN = 20
ORDERS_READ, CHATS_READ = 200, 20
CALL_BACK_LEAD = timedelta(minutes=30)  # nobody promises to call back within minutes
# What callbacks.holding need not ask when the case has no such part.
KNOWN_BY_PARTS = {
    "on_the_phone": CallLog,
    "has_remedy_to_approve": Remedy,
    "has_pending_promise": CallbackPromise,
}
ON_THE_PAGE = ("shop", "assignee", "review__buyer", "review__product", "review__order", "incident_place")
UNSEEN_FIELDS = frozenset(
    {
        "accepted",
        "answer",
        "approve",
        "channel",
        "mark",
        "done",
        "key",
        "later_at",
        "method",
        "notes",
        "outcome",
        "stage",
        "sub_cause",
    }
)


@dataclass(frozen=True, slots=True)
class BuyerHistory:
    """What else this buyer bought and wrote in the shop, this review and order not counted."""

    reviews: int = 0
    bad_reviews: int = 0
    orders: int = 0


@dataclass
class CasePage:
    """The case as one person sees it now. `bound` is the form that was refused, with what was typed."""

    case: Case
    user: User
    now: datetime
    bound: forms.CaseForm | None = None
    phone: str = ""
    heard: tuple[int, str] = (0, "")  # a call, and the link to its recording
    problems: dict[str, list[str]] = field(init=False)
    refusal: dict[str, Refusal | None] = field(init=False)

    def __post_init__(self) -> None:
        self.review: Review = self.case.review
        self.parts = parts_of(self.case)
        absent = [name for name, model in KNOWN_BY_PARTS.items() if model not in self.parts]
        vars(self.case).update(dict.fromkeys(absent, False))
        self.order: Order | None = self.review.order
        self.problems = {self._place_of(self.bound): _errors(self.bound)} if self.bound else {}
        self.refusal = {self._place_of(self.bound): self.bound.refusal} if self.bound else {}

    def _place_of(self, form: forms.CaseForm) -> str:
        """Where the refusal is shown: in its card, or on top when the card is gone with the case."""
        return "case" if self._is_gone(form) else form.place

    def _is_gone(self, form: forms.CaseForm) -> bool:
        if isinstance(form, forms.EndForForm):
            return self.running is None
        if form.place == "call":
            return self.my_call is None
        if self.holds or form.place in ("case", "cause", "contact", "move", "recording"):
            return False
        return form.place not in ("reply", "remedy", "photos", "facts") or not self.manages

    @property
    def left_over(self) -> list[tuple[str, str]]:
        """What was typed into a form that is no longer there, with its label: nothing is lost."""
        if self.bound is None or not self._is_gone(self.bound):
            return []
        texts = [field for field in self.bound if isinstance(field.field.widget, TextInput | Textarea)]
        return [(str(field.label), field.value()) for field in texts if field.value()]

    # --- whose case ---

    @property
    def seen(self) -> str:
        """What the reader saw: an act on something else in the meantime is refused."""
        return seen_of(self.case)

    @cached_property
    def manages(self) -> bool:
        return self.user.manages(self.case.shop_id)

    @property
    def is_mine(self) -> bool:
        return self.case.assignee_id == self.user.pk

    @property
    def holds(self) -> bool:
        """Works on it: only then anything can be done."""
        return self.is_mine and self.case.status == Status.IN_PROGRESS

    @property
    def may_take(self) -> bool:
        free = self.case.status == Status.NEW
        return free or (self.is_mine and self.case.status in (Status.ASSIGNED, Status.WAITING))

    @property
    def may_give_back(self) -> bool:
        held = self.case.status not in (Status.NEW, Status.CLOSED)
        return held and not self.running and (self.is_mine or self.manages)

    @property
    def may_decide_cause(self) -> bool:
        return self.manages or (self.is_mine and self.case.is_open)

    @property
    def may_reopen(self) -> bool:
        return self.case.status == Status.CLOSED and (self.is_mine or self.manages)

    @property
    def is_overdue(self) -> bool:
        return self.case.is_overdue(self.now)

    @cached_property
    def viewers(self) -> list[User]:
        """Who else has the case open right now."""
        others = [pk for pk in self.around.lookers if pk != self.user.pk]
        return list(User.objects.filter(pk__in=others).order_by("pk")) if others else []

    @cached_property
    def around(self) -> live.Around:
        return live.around(self.case.pk, self.user, self.now)

    @cached_property
    def version(self) -> str:
        """Of what the page shows; it asks with it whether anything has changed."""
        return live.version(self.around.total(self.user), live.holds_until(self.queue, self.now))

    @cached_property
    def was_freed(self) -> bool:
        """Taken out of the reader's hands after thirty idle minutes, and still nobody's."""
        if self.case.status != Status.NEW:
            return False
        return self.case.lapses.filter(agent=self.user, read_at=None).exists()

    # --- the review ---

    @cached_property
    def judgements(self) -> list[Classification]:
        return _JUDGEMENTS(review=self.review.pk)

    @property
    def decided_by(self) -> User | None:
        """The person who decided the cause; None while it is the machine's proposal."""
        return self.judgements[0].decided_by if self.judgements else None

    @property
    def suggestion(self) -> Classification | None:
        """What the second reader says otherwise, once an agent has begun: only a suggestion then."""
        latest = self.judgements[0] if self.judgements else None
        if not latest or not latest.is_second or latest.version != self.review.version:
            return None
        differs = latest.sub_cause != self.case.sub_cause and latest.cause != Cause.NONE
        return latest if differs and self.case.is_open else None

    @property
    def deciding_words(self) -> list[str]:
        """The words the machine went by, of its latest reading."""
        return next((one.words for one in self.judgements if one.words), [])

    @cached_property
    def reading(self) -> Classification | None:
        """The machine's latest reading of the text as it stands."""
        version = self.review.version
        made = (one for one in self.judgements if one.decided_by_id is None and one.version == version)
        return next(made, None)

    @property
    def content_marks(self) -> list[tuple[int, int]]:
        """The clauses that decided, in the first text."""
        marks = self.reading.marks if self.reading else []
        return clauses_in(marks, self.review.content, 0, self._lead)

    @property
    def followup_marks(self) -> list[tuple[int, int]]:
        marks = self.reading.marks if self.reading else []
        return clauses_in(marks, self.review.followup, len(self.review.content) + 1, self._lead)

    @property
    def _lead(self) -> int:
        """Blanks before the full text, which the reader does not see."""
        joined = f"{self.review.content}\n{self.review.followup}"
        return len(joined) - len(joined.lstrip())

    @property
    def why(self) -> str:
        """The machine's reason in a sentence; empty once a person has decided, or when no word stood out."""
        if self.decided_by or not self.reading or not self.reading.words:
            return ""
        return _("Because it says %(words)s: judged as %(cause)s, %(share)s sure.") % {
            "words": "".join(f"“{word}”" for word in self.reading.words[:3]),
            "cause": f"{self.reading.get_cause_display()} · {self.reading.get_sub_cause_display()}",
            "share": percent(self.reading.confidence),
        }

    @property
    def causes(self) -> list[tuple[Cause, tuple[SubCause, ...]]]:
        """What a person can decide for, in the order of the keys 1–4."""
        return [(cause, SUB_CAUSES[cause]) for cause in COMPLAINTS]

    @cached_property
    def versions(self) -> dict[int, ReviewVersion]:
        """Every version by its number, the latest first; nothing while there is only one."""
        if self.review.version == 1:
            return {}
        return {version.number: version for version in self.review.versions.order_by("-number")}

    @property
    def earlier_versions(self) -> list[ReviewVersion]:
        return [one for number, one in self.versions.items() if number != self.review.version]

    @cached_property
    def change(self) -> Difference | None:
        """How the review came to read as it does now, while the case is open: what is new to whom has it."""
        if not self.case.is_open:
            return None
        changes = (event for event in self.events if event.data.get("change") not in (None, Change.SAME))
        return next((difference_of(event, self.versions) for event in changes), None)

    @cached_property
    def buyer_history(self) -> BuyerHistory:
        buyer = self.review.buyer
        if buyer is None:
            return BuyerHistory()
        reviews, bad = _OTHER_REVIEWS.first(buyer=buyer.pk, review=self.review.pk) or (0, 0)
        orders = len([pk for pk, _at in self._orders if pk != self.review.order_id])
        return BuyerHistory(reviews, bad, orders)

    @cached_property
    def _orders(self) -> list[tuple[int, datetime | None]]:
        """The buyer's orders in the shop, each with its time."""
        if not self.review.buyer_id:
            return [(self.order.pk, self.order.created_at)] if self.order else []
        return _ORDERS(buyer=self.review.buyer_id)

    @property
    def order_times(self) -> list[datetime]:
        return [at for _pk, at in self._orders if at]

    @cached_property
    def signals(self) -> list[SignalWords]:
        """What behaviour says, the weightiest first; an order that has come since takes its sign away."""
        kept = [one.signal for one in self.case.signals.all()] if BehaviourSignal in self.parts else []
        signals = [one for one in kept if one.kind != SignalKind.NO_ORDER or self.order is None]
        named = review_ids(signals)
        visible = Review.objects.visible_to(self.user).filter(pk__in=named).in_bulk() if named else {}
        return in_words(signals, visible)

    # --- the call ---

    @cached_property
    def calls(self) -> list[CallLog]:
        if CallLog not in self.parts:
            return []
        return list(self.case.calls.select_related("agent").prefetch_related("stages", "answers"))

    @cached_property
    def running(self) -> CallLog | None:
        return next((call for call in self.calls if call.is_running), None)

    @property
    def my_call(self) -> CallLog | None:
        """The running call, when the reader is the one who speaks."""
        return self.running if self.running and self.running.agent_id == self.user.pk else None

    @property
    def is_on_a_line(self) -> bool:
        """A telephone system reports how the running call goes."""
        call = self.my_call
        return call is not None and not call.talk_ended and self.case.shop.line_keys.usable().exists()

    @property
    def ended_calls(self) -> list[CallLog]:
        return [call for call in self.calls if not call.is_running]

    @property
    def is_spoken(self) -> bool:
        """A call has been made and none runs: what comes next is its result, not the script."""
        return bool(self.ended_calls) and self.running is None

    @cached_property
    def permission(self) -> CallPermission:
        return call_permission(self.case, self.now, self.attempts)

    @property
    def permission_words(self) -> str:
        return words_of(self.permission, self.case)

    @property
    def window_closes(self) -> datetime | None:
        """When today's permitted hours end, while they last."""
        return self.calling_window.closes_at(self.now)

    @cached_property
    def calling_window(self) -> CallingWindow:
        shop = self.case.shop
        return CallingWindow.of(shop.zone, shop.calling_from, shop.calling_until, zones_of(self.case))

    @property
    def next_attempt(self) -> int:
        return len(self.calls) + (0 if self.running else 1)

    @cached_property
    def attempts(self) -> Attempts:
        return attempts_of(self.case)

    @cached_property
    def facts(self) -> list[BuyerFact]:
        """What to mind at this call."""
        return facts_about(self.case)

    @cached_property
    def best_hours(self) -> Suggestions:
        """When the buyer is likely to have time; a call-back the buyer asks for needs no gap."""
        if not self.case.is_open or not self.order or not self.order.buyer_phone:
            return Suggestions()
        shop, zones = self.case.shop, zones_of(self.case)
        speaking = self.running is not None or self.is_spoken
        return suggest_times(
            now=self.now,
            earliest=self.now + CALL_BACK_LEAD if speaking else self.permission.next_at,
            shop_zone=shop.zone,
            buyer_zone=zones[0] if zones else shop.zone,
            is_open=lambda at: self.calling_window.closes_at(at) is not None,
            address=self.order.address,
            order_times=self.order_times,
            texts=self._own_words,
            calls=[(at, outcome in SPOKEN) for at, outcome in sorted(self.attempts.outcomes)],
        )

    @property
    def _own_words(self) -> list[str]:
        """Where the buyer may have named an hour: review, calls, promise, chats, facts kept before."""
        said = [self.review.content, self.review.followup, *(call.notes for call in self.ended_calls)]
        kept = [fact.text for fact in self.facts]
        chats = self.case.chats.kept()[:CHATS_READ] if ChatRecord in self.parts else ()
        return [text for text in [*kept, *said, *(chat.text for chat in chats)] if text]

    @property
    def place_ahead(self) -> str:
        """Where the buyer's clock or custom differs from the shop's, in words; else empty."""
        zones, shop = zones_of(self.case), self.case.shop.zone
        other = next((zone for zone in zones if _offset(zone, self.now) != _offset(shop, self.now)), None)
        if other is None:
            return ""
        return _("Where the buyer lives it is %(hour)s now.") % {
            "hour": f"{self.now.astimezone(other):%H:%M}"
        }

    @cached_property
    def promise(self) -> CallbackPromise | None:
        if CallbackPromise not in self.parts:
            return None
        return CallbackPromise.objects.filter(case=self.case).pending().select_related("agent").first()

    @property
    def may_move_promise(self) -> bool:
        return (self.is_mine or self.manages) and self.running is None

    @property
    def may_take_over(self) -> bool:
        """A colleague's promise whose hour is over without a call."""
        late = self.promise is not None and self.promise.due_at <= self.now - TO_THE_TEAM
        return late and not self.is_mine and self.running is None and self.case.status != Status.IN_PROGRESS

    @cached_property
    def script(self) -> list[ScriptLine]:
        speaker = self.running.agent if self.running else self.user
        return script_for(self.case, speaker, self.running)

    @cached_property
    def review_words(self) -> str:
        """What may be told of the review, once the agent decides to; then no compensation may follow."""
        return review_words(self.case, self.user) if self.holds else ""

    @property
    def current_stage(self) -> str:
        """The first stage that is not ticked yet."""
        return next((line.stage for line in self.script if not line.ticked), "")

    @property
    def asked_stage(self) -> str:
        """Where the buyer's answer is noted: the current stage; the last one once all are ticked."""
        return self.current_stage or (self.script[-1].stage if self.script else "")

    @cached_property
    def proposed_outcome(self) -> CallOutcome | None:
        """How my call ends by what the buyer said; a person ends it."""
        return outcome_of(self.my_call) if self.my_call else None

    @property
    def stages_done(self) -> int:
        return sum(line.ticked for line in self.script)

    @property
    def apologies_done(self) -> int:
        return sum(line.ticked for line in self.script if line.stage in APOLOGIES)

    @cached_property
    def manner(self) -> list[str]:
        return manner_for(self.case)

    @property
    def call_outcomes(self) -> list[tuple[str, Any]]:
        """How a call can have gone; "later" has a place of its own, for it needs an hour."""
        return [(one.value, one.label) for one in CallOutcome if one != CallOutcome.LATER]

    # --- remedies, texts, the end ---

    @cached_property
    def remedy_card(self) -> RemedyCard:
        return RemedyCard(self.case, self.user, self.now, holds=self.holds, parts=self.parts)

    @property
    def remedies(self) -> list[Remedy]:
        return self.remedy_card.remedies

    @cached_property
    def reply(self) -> PublicReply | None:
        return _REPLY.first(review=self.review.pk)

    @property
    def reply_mark(self) -> str:
        """Of the words as they stand: who saves with another mark has not seen them."""
        return mark_of(self.reply.text if self.reply else "")

    @property
    def reply_is_posted(self) -> bool:
        return self.reply is not None and self.reply.status == ReplyStatus.POSTED

    @property
    def reply_is_open(self) -> bool:
        """Its words can still be changed here: not handed in, under way or out."""
        return self.reply is None or self.reply.status in (ReplyStatus.DRAFT, ReplyStatus.APPROVED)

    @property
    def reply_needs_approval(self) -> bool:
        return self.reply is not None and needs_approval(self.reply, self.case.shop, self.user)

    @cached_property
    def reply_pictures(self) -> list[TemplatePicture]:
        """What goes with the template it was drafted from."""
        if self.reply is None or self.reply.template_id is None:
            return []
        return list(TemplatePicture.objects.filter(template=self.reply.template_id).defer("content"))

    @cached_property
    def messages(self) -> list[BuyerMessage]:
        return list(self.case.messages.select_related("sent_by")) if BuyerMessage in self.parts else []

    @cached_property
    def texts(self) -> list[OutgoingMessage]:
        """What went, or is to go, by a gateway; the oldest first."""
        return list(self.case.outgoing.select_related("queued_by")) if OutgoingMessage in self.parts else []

    @property
    def texts_move(self) -> bool:
        """Whether a text may soon stand otherwise: the page asks again."""
        recent = self.now - timedelta(minutes=30)
        return any(one.state in UNDER_WAY or (one.ask_at and one.queued_at > recent) for one in self.texts)

    @cached_property
    def ways(self) -> set[str]:
        """The channels this shop has a gateway for."""
        gateways = ShopGateway.objects.of(self.case.shop_id)
        return set(gateways.values_list("channel", flat=True)) if ShopGateway in self.parts else set()

    @cached_property
    def phone_only(self) -> str:
        """Why this buyer is only called for now, in words; empty when they may be written to."""
        weeks = phone_only(self.case, self.now) if self.holds else None
        return words_of_weeks(weeks) if weeks else ""

    @property
    def text_channel(self) -> str | None:
        """By which gateway this buyer can be told something."""
        return channel_among(self.ways, self.case)

    @cached_property
    def obstacles(self) -> list[str]:
        """What has to be done before the case can be closed at all."""
        return [one.words for one in obstacles_to_close(self.case, Outcome.SOLVED)]

    @property
    def close_outcomes(self) -> list[tuple[str, Any]]:
        """How the case can end besides solved; as malicious only what a person has confirmed."""
        confirmed = self.case.cause == Cause.MALICIOUS
        return [
            (one.value, one.label)
            for one in Outcome
            if one != Outcome.SOLVED and (confirmed or one != Outcome.MALICIOUS)
        ]

    # --- around it ---

    @cached_property
    def queue(self) -> list[QueueEntry]:
        return agent_queue(self.user, self.now, QUEUE_SHOWN)

    @cached_property
    def events(self) -> list[CaseEvent]:
        """The latest first."""
        return _EVENTS(case=self.case.pk)

    @cached_property
    def timeline(self) -> list[TimelineEntry]:
        """The latest first; everybody named in it is read at once."""
        named = {event.by_id for event in self.events if event.by_id} | assigned_to(self.events)
        people = {user.pk: user for user in _PEOPLE(people=sorted(named))} if named else {}
        for event in self.events:
            event.by = people.get(event.by_id) if event.by_id else None
        names = {pk: str(user) for pk, user in people.items()}
        return timeline(self.events, self.case.shop, names, self.versions)

    @cached_property
    def form(self) -> "FormsByName":
        """The forms by the card they stand in; the refused one keeps what was typed."""
        return FormsByName(self)

    def form_named(self, name: str) -> forms.CaseForm:
        """A fresh form. Raises KeyError for a name that is none."""
        initial: dict[str, Callable[[], dict[str, str]]] = {
            "endcall": self._end_call_facts,
            "callback": self._confirmation,
            "reply": lambda: {"text": self.reply.text if self.reply else ""},
            "message": self._message_facts,
            "cause": lambda: {"sub_cause": self.case.sub_cause},
        }
        form = FORMS[name](self.case, initial=initial[name]() if name in initial else None)
        if isinstance(form, forms.CallbackForm):
            self._offer_best_hour(form)
        return form

    def _offer_best_hour(self, form: forms.CallbackForm) -> None:
        ahead = [one.at for one in self.best_hours.hours if one.at > self.now + CALL_BACK_LEAD / 2]
        if ahead:
            form.suggest(ahead[0])

    def _end_call_facts(self) -> dict[str, str]:
        notes = self.running.notes if self.running else ""
        return {"notes": notes, **self._confirmation()}

    def _confirmation(self) -> dict[str, str]:
        text = confirmation(self.case, self.user) if self.holds and self.text_channel else ""
        return {"callback_text": text}

    def _message_facts(self) -> dict[str, str]:
        text = chat_text(self.case, self.user, self.remedies, self.promise) if self.holds else ""
        return {"text": text}


def _name_of(form: type[forms.CaseForm]) -> str:
    return form.__name__.removesuffix("Form").lower()


FORMS: dict[str, type[forms.CaseForm]] = {
    _name_of(form): form
    for form in (
        forms.EndCallForm,
        forms.EndForForm,
        forms.CallbackForm,
        forms.MovePromiseForm,
        forms.SendTextForm,
        RemedyForm,
        PhotoForm,
        forms.ReplyForm,
        forms.MessageForm,
        forms.CauseForm,
        forms.CloseForm,
        forms.FactForm,
        forms.ReassignForm,
        forms.ReopenForm,
    )
}


class FormsByName(dict[str, forms.CaseForm]):
    """The forms of a page, each made when it is first asked for: a page shows half of them."""

    def __init__(self, page: CasePage) -> None:
        super().__init__({_name_of(type(page.bound)): page.bound} if page.bound else {})
        self._page = page

    def __missing__(self, name: str) -> forms.CaseForm:
        self[name] = self._page.form_named(name)
        return self[name]


def clauses_in(marks: Sequence[Sequence[float]], text: str, begin: int, lead: int) -> list[tuple[int, int]]:
    """Marks of the whole text as spans of the part that begins at `begin`; what lies outside is left out."""
    spans: list[tuple[int, int]] = []
    for start, stop, *_weight in marks:
        first, last = int(start) + lead - begin, int(stop) + lead - begin
        if 0 <= first < last <= len(text) and (not spans or first >= spans[-1][1]):
            spans.append((first, last))
    return spans


def _offset(zone: ZoneInfo, at: datetime) -> timedelta | None:
    return at.astimezone(zone).utcoffset()


def find_case(user: User, pk: int) -> Case:
    """The case with everything around it. Raises Case.DoesNotExist when it is none of this person's."""
    case = _CASE.first(case=pk) if pk <= BigIntegerField.MAX_BIGINT else None
    if case is None or not user.sees(case.shop_id):
        raise Case.DoesNotExist
    case.review.shop = case.shop  # the same row: not read twice
    return case


_CASE = Prepared(lambda: Case.objects.select_related(*ON_THE_PAGE).filter(pk=Asked("case")))
_EVENTS = Prepared(lambda: CaseEvent.objects.filter(case=Asked("case")).order_by("-at", "-id"))
_JUDGEMENTS = Prepared(lambda: Classification.objects.filter(review=Asked("review")))
_REPLY = Prepared(lambda: PublicReply.objects.filter(review=Asked("review")))
_PEOPLE = Prepared(lambda: User.objects.filter(pk__any=Asked("people")))
_OTHER_REVIEWS = Prepared(
    lambda: (
        Review.objects.filter(buyer=Asked("buyer"))
        .exclude(pk=Asked("review"))
        .order_by()
        .values("buyer")
        .annotate(all=Count("pk"), bad=Count("pk", filter=~Q(rating=Rating.GOOD)))
        .values_list("all", "bad")
    )
)
_ORDERS = Prepared(
    lambda: (
        Order.objects.filter(buyer=Asked("buyer"))
        .order_by("-pk")
        .values_list("pk", "created_at")[:ORDERS_READ]
    )
)


def seen_of(case: Case) -> str:
    """Whose turn it is, as one word: changes with every act that takes a case out of somebody's hands."""
    return f"{case.status}.{case.assignee_id or 0}"


def _errors(form: forms.CaseForm) -> list[str]:
    """What stands above the fields: of the form as a whole, and of fields that are buttons or hidden."""
    errors = [str(error) for error in form.non_field_errors()]
    unseen = [name for name in form.fields if name in UNSEEN_FIELDS]
    return errors + [str(error) for name in unseen for error in form.errors.get(name, [])]
