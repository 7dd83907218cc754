"""Three demo shops whose past is played through the same doors and verbs the product uses.

Nothing is random: reviews/demo/*.json holds orders, reviews and what was done about them, with times
relative to the moment of loading (see reviews/demo/README.md).
"""

import heapq
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

import reviews.demo
from callbacks import contacts, demo_incidents, demo_replies, demo_shifts, remedies
from callbacks.attempts import zones_of
from callbacks.calling_rules import may_call
from callbacks.chats import keep_chat
from callbacks.demo_remedies import demo_picture, leave_remedies_open
from callbacks.evidence import packs
from callbacks.models import (
    CallOutcome,
    Channel,
    ProofPhoto,
    Provider,
    RemedyBudget,
    RemedyStatus,
    ShopGateway,
)
from callbacks.photos import add_photos, forget_files
from callbacks.remedy_card import USUAL_WAY
from reviews import clock, complaints
from reviews.causes import Cause
from reviews.intake import record_orders, record_reviews
from reviews.models import AuditEntry, Case, ClassificationRequest, Review, Shop, ShopMembership, Status, User
from reviews.models.chats import ChatSource
from reviews.models.complaints import ComplaintStatus
from reviews.models.reviews import Source
from reviews.posting import mark_reply_posted
from reviews.replies import WindowClosed
from reviews.search import index_stale
from reviews.triage import settle_requests

_ZONE = ZoneInfo("Asia/Shanghai")
_DATA = Path(reviews.demo.__file__).parent
_CAPTURE = timedelta(minutes=4)  # how long after it was written a review came in

Step = dict[str, Any]


def is_loaded() -> bool:
    return _shops().exists()


def _shops() -> QuerySet[Shop]:
    """The demo's own shops; one that somebody named demo-something is none of them."""
    return Shop.objects.filter(code__in=[row["code"] for row in _read("shops.json")])


@transaction.atomic
def load() -> int:
    """Make the demo shops with their staff and play their past; how many reviews came in."""
    moment = clock.now()
    shops = {row["code"]: _make_shop(row) for row in _read("shops.json")}
    people = {row["username"]: _make_person(row, shops) for row in _read("staff.json")}
    for code, shop in shops.items():
        _take_in(record_orders, shop, _read("orders.json", code), moment)
        _take_in(record_reviews, shop, _read("reviews.json", code), moment)
    _Past(moment, people).play()
    while index_stale(500):
        pass
    leave_remedies_open(people["manager"], moment)
    demo_replies.play(list(shops.values()), people["manager"])
    demo_shifts.enter(people, shops, moment)
    demo_incidents.play(shops, people["manager"], moment)
    return Review.objects.filter(shop__in=shops.values()).count()


@transaction.atomic
def delete() -> None:
    """Remove demo shops, with everything in them, and demo logins.

    A demo person who has worked in a real shop stays by name there and cannot sign in any more.
    """
    shops = _shops()
    AuditEntry.objects.filter(shop__in=shops).delete()
    pictures = list(ProofPhoto.objects.filter(case__shop__in=shops))
    transaction.on_commit(lambda: forget_files(pictures))
    Case.objects.filter(shop__in=shops).delete()
    shops.delete()
    for person in User.objects.filter(is_demo=True):
        _remove(person)


def _remove(person: User) -> None:
    try:
        with transaction.atomic():
            person.delete()
    except IntegrityError:  # ProtectedError is one: calls, promises, remedies or open cases are theirs
        person.is_active = person.on_duty = False
        person.save(update_fields=["is_active", "on_duty"])


# --- data ----------------------------------------------------------------------------------------


def _read(name: str, shop_code: str = "") -> Any:
    rows = json.loads((_DATA / name).read_text("utf-8"))
    if shop_code and isinstance(rows, dict):
        rows = rows[shop_code]
    return rows


def moment_of(text: str, base: datetime) -> datetime:
    """`-3d 10:22` a day and hour in the shop's zone · `-95m`, `today+95m` minutes from `base`."""
    if match := re.fullmatch(r"(?:today)?([+-]\d+)m", text):
        return base + timedelta(minutes=int(match[1]))
    match = re.fullmatch(r"([+-]\d+)d (\d\d):(\d\d)", text)
    if not match:
        raise ValueError(f"{text!r} is no relative time")
    day = (base.astimezone(_ZONE) + timedelta(days=int(match[1]))).date()
    return datetime.combine(day, time(int(match[2]), int(match[3])), _ZONE).astimezone(UTC)


def _make_shop(row: Step) -> Shop:
    shop = Shop.objects.create(code=row["code"], name=row["name"], platform=row["platform"])
    RemedyBudget.objects.create(shop=shop, fen=300_000)
    ShopGateway.objects.create(
        shop=shop, channel=Channel.SMS, provider=Provider.CONSOLE, signature=row["name"][:12]
    )
    return shop


def _make_person(row: Step, shops: dict[str, Shop]) -> User:
    is_admin = row.get("role") == "administrator"
    user = User.objects.create(
        username=row["username"],
        display_name=row["display_name"],
        password=make_password(settings.DEMO_PASSWORD),
        is_demo=True,
        on_duty=row.get("role") == "agent",
        is_staff=is_admin,
        is_superuser=is_admin,
    )
    for code in [] if is_admin else row["shops"]:
        membership = ShopMembership(user=user, shop=shops[code], role=row["role"])
        if row.get("skills"):
            membership.skills = row["skills"]
        membership.save()
    return user


_TIMES = ("created_at", "paid_at", "shipped_at", "completed_at", "followup_at")


def _take_in(door: Callable[..., Any], shop: Shop, rows: list[Step], moment: datetime) -> None:
    dated = []
    for row in rows:
        times = {name: min(moment_of(row[name], moment), moment) for name in _TIMES if row.get(name)}
        dated.append({**row, **{name: at.isoformat() for name, at in times.items()}})
    for result in door(shop, dated, Source.DEMO):
        if result.status == "refused":
            raise ValueError(f"Demo row {result.key} of {shop.code} was refused: {result.errors}")


# --- the past ------------------------------------------------------------------------------------


@dataclass(order=True)
class _Happening:
    at: datetime
    turn: int
    act: Callable[[datetime], None] = field(compare=False)


class _Past:
    """Everything that happened, in the order of time, over all shops."""

    def __init__(self, moment: datetime, people: dict[str, User]) -> None:
        self.moment, self.people = moment, people
        self.turn = count()
        self.ahead: list[_Happening] = []
        self.truth = _read("labels.json")  # what a careful reader decides
        self.histories = {row["review_key"]: row["steps"] for row in _read("histories.json")}

    def play(self) -> None:
        for request in ClassificationRequest.objects.select_related("review__shop", "review__order__product"):
            came = min(
                max(request.review.created_at, request.review.followup_at or request.review.created_at)
                + _CAPTURE,
                self.moment,
            )
            self._plan(came, self._triage(request))
        while self.ahead:
            happening = heapq.heappop(self.ahead)
            with clock.at(happening.at):
                happening.act(happening.at)

    def _plan(self, at: datetime, act: Callable[[datetime], None]) -> None:
        if at <= self.moment:
            heapq.heappush(self.ahead, _Happening(at, next(self.turn), act))

    def _triage(self, request: ClassificationRequest) -> Callable[[datetime], None]:
        def act(at: datetime) -> None:
            Review.objects.filter(pk=request.review_id).update(received_at=at)
            settle_requests([request])
            case = Case.objects.filter(review=request.review_id).first()
            steps = iter(self.histories.get(request.review.review_key, []))
            if case:
                self._plan_next(case.pk, steps, at, timedelta())

        return act

    def _plan_next(self, case_id: int, steps: Iterator[Step], opened: datetime, late: timedelta) -> None:
        step = next(steps, None)
        if step is None:
            return

        def act(at: datetime) -> None:
            case = Case.objects.select_related("shop", "review__order", "review__buyer", "assignee").get(
                pk=case_id
            )
            delay = self._delay(case, step, at)
            if delay is None:
                return
            if delay:
                self._plan(at + delay, act)
                nonlocal late
                late += delay
                return
            _STEPS[step["do"]](self, case, step, at)
            self._plan_next(case_id, steps, opened, late)

        self._plan(opened + timedelta(minutes=step["after"]) + late, act)

    def _delay(self, case: Case, step: Step, at: datetime) -> timedelta | None:
        """How long a call has to wait for a permitted hour; None when it may never be made."""
        if step["do"] != "call":
            return timedelta()
        permission = contacts.call_permission(case, at)
        if permission.allowed:
            return timedelta()
        return permission.next_at - at if permission.next_at else None

    def person(self, case: Case, step: Step) -> User:
        """Who acts: the one dispatch chose, except for a manager's acts."""
        named = self.people[step["by"]]
        return named if named.username == "manager" or case.assignee is None else case.assignee

    # --- steps ---

    def start(self, case: Case, step: Step, at: datetime) -> None:
        if case.status in (Status.NEW, Status.ASSIGNED, Status.WAITING):
            case.take(self.person(case, step))

    def call(self, case: Case, step: Step, at: datetime) -> None:
        self.start(case, step, at)
        agent = self.person(case, step)
        call = contacts.start_call(case, by=agent)
        for number, stage in enumerate(step.get("stages", [])):
            with clock.at(at + timedelta(seconds=25 * (number + 1))):
                contacts.tick_stage(call, stage, by=agent)
        outcome = CallOutcome(step["outcome"])
        with clock.at(at + timedelta(seconds=40 + 28 * len(step.get("stages", [])))):
            # A promised hour follows as a step of its own.
            if outcome == CallOutcome.LATER:
                contacts.end_call(
                    call,
                    outcome,
                    by=agent,
                    notes=step.get("notes", ""),
                    callback_at=self._permitted(case, at + timedelta(hours=3)),
                )
            else:
                contacts.end_call(call, outcome, by=agent, notes=step.get("notes", ""))

    def promise(self, case: Case, step: Step, at: datetime) -> None:
        base = self.moment if step["at"].startswith("today") else at
        hour = self._permitted(case, max(moment_of(step["at"], base), at + timedelta(minutes=10)))
        self.start(case, step, at)
        contacts.promise_callback(case, hour, by=self.person(case, step), note=step.get("note", ""))

    def _permitted(self, case: Case, hour: datetime) -> datetime:
        """The hour itself inside calling hours, else the next opening."""
        shop = case.shop
        permission = may_call(
            now=hour,
            shop_zone=shop.zone,
            calling_from=shop.calling_from,
            calling_until=shop.calling_until,
            attempts=[],
            buyer_zones=zones_of(case),
        )
        return permission.next_at or hour

    def remedy(self, case: Case, step: Step, at: datetime) -> None:
        self.start(case, step, at)
        agent = self.person(case, step)
        if case.cause == Cause.PRODUCT or "照片" in step.get("note", ""):
            add_photos(case, [("demo.jpg", demo_picture(case.review.review_key))], by=agent)
        made = remedies.offer_remedy(
            case,
            step["kind"],
            amount=Decimal(step["amount"]),
            note=step.get("note", ""),
            reason=step.get("note", "") or "与买家核实过",
            by=agent,
        )
        # What a history's "approve" does not name is outside the policy only: decided on the spot.
        if (
            made.status == RemedyStatus.TO_APPROVE
            and Decimal(step["amount"]) <= case.shop.remedy_limit_per_case
        ):
            remedies.decide_remedy(made, approve=True, by=self.people["manager"], words="情况属实，同意")

    def approve(self, case: Case, step: Step, at: datetime) -> None:
        for remedy in case.remedies.filter(status=RemedyStatus.TO_APPROVE):
            remedies.decide_remedy(remedy, approve=True, by=self.people["manager"], words="凭证清楚，同意")

    def reply(self, case: Case, step: Step, at: datetime) -> None:
        reply = case.review.public_reply
        text = step.get("text") or reply.text
        with suppress(WindowClosed):  # the buyer's follow-up came first
            mark_reply_posted(reply, text, by=self.person(case, step), case=case)

    def correct_cause(self, case: Case, step: Step, at: datetime) -> None:
        case.correct_cause(step["sub_cause"], by=self.person(case, step))

    def close(self, case: Case, step: Step, at: datetime) -> None:
        self.start(case, step, at)
        agent = self.person(case, step)
        if case.needs_decision:
            case.correct_cause(self.truth[case.review.review_key]["sub_cause"], by=agent)
        if not contacts.obstacles_to_close(case, step["outcome"]):
            self._carry_out(case, at)
            contacts.settle(case, step["outcome"], by=agent, note=step.get("note", ""))

    def _carry_out(self, case: Case, at: datetime) -> None:
        """What is older than two days is paid; the rest still waits to be."""
        if at > self.moment - timedelta(days=2):
            return
        for remedy in case.remedies.filter(status=RemedyStatus.APPROVED):
            way = USUAL_WAY[remedy.facts.doer]
            number = f"{at:%Y%m%d}{remedy.pk:06d}" if remedy.facts.money else ""
            remedies.carry_out(remedy, way, by=self.people["manager"], reference=number)

    def reopen(self, case: Case, step: Step, at: datetime) -> None:
        contacts.reopen(case, by=self.people["manager"], reason=step.get("note", ""))

    def chat(self, case: Case, step: Step, at: datetime) -> None:
        said_at = at - timedelta(minutes=step["before"])
        source, by = ChatSource(step["source"]), self.person(case, step)
        keep_chat(case, source=source, said_at=said_at, text=step["text"], by=by)

    def complain(self, case: Case, step: Step, at: datetime) -> None:
        """Begin the complaint; with a statement its evidence is sealed and it is filed."""
        by = self.person(case, step)
        complaint = complaints.draft_complaint(case, by=by)
        if statement := step.get("statement"):
            packs.build(packs.request_pack(case, by=by).pk)
            complaint.statement = statement
            complaint.save(update_fields=["statement"])
            complaints.file_complaint(complaint, by=by, platform_no=step["number"])

    def verdict(self, case: Case, step: Step, at: datetime) -> None:
        complaint = case.complaints.get(status=ComplaintStatus.FILED)
        by = self.person(case, step)
        complaints.decide_complaint(complaint, won=step["won"], by=by, verdict=step["note"])


_STEPS: dict[str, Callable[[_Past, Case, Step, datetime], None]] = {
    "start": _Past.start,
    "call": _Past.call,
    "promise": _Past.promise,
    "remedy": _Past.remedy,
    "approve": _Past.approve,
    "reply": _Past.reply,
    "correct_cause": _Past.correct_cause,
    "close": _Past.close,
    "reopen": _Past.reopen,
    "chat": _Past.chat,
    "complain": _Past.complain,
    "verdict": _Past.verdict,
}
