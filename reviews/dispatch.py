"""Who gets the next case: on duty, on shift, not absent, skilled, below the cap, least loaded."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import Count, Exists, IntegerField, OuterRef, Subquery
from django.db.models.functions import Coalesce

from reviews import clock
from reviews.causes import Cause
from reviews.models import Absence, Case, Role, Shop, ShopMembership, Status, User

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Candidate:
    """An agent as dispatch sees them. `load` counts open cases in all shops; `cap` None means none."""

    user_id: int
    skills: frozenset[str]
    load: int = 0
    cap: int | None = None
    last_assigned_at: datetime = _NEVER

    @property
    def is_full(self) -> bool:
        return self.cap is not None and self.load >= self.cap

    def can_take(self, cause: str) -> bool:
        # A text without a complaint in a badly rated review is anybody's to look at.
        return (cause in self.skills or cause == Cause.NONE) and not self.is_full


def rank_agents(candidates: Iterable[Candidate], cause: str, *, but: int | None = None) -> list[Candidate]:
    """Those who can take a case of this cause, best first; equal load goes to who waited longest.

    `but` is the id of a person who gave the case back.
    """
    return sorted(_able(candidates, cause, but), key=_turn)


def _able(candidates: Iterable[Candidate], cause: str, but: int | None) -> list[Candidate]:
    return [one for one in candidates if one.can_take(cause) and one.user_id != but]


def _turn(one: Candidate) -> tuple[int, datetime, int]:
    return one.load, one.last_assigned_at, one.user_id


class Roster:
    """The agents at work in one shop, with their loads; read once, kept up to date while it deals out.

    `at` asks who works at another hour: that of a promise.
    """

    def __init__(self, shop: Shop, at: datetime | None = None) -> None:
        self.shop = shop
        rows = at_work(shop, at or clock.now())
        self.users = {row.user_id: row.user for row in rows}
        self.candidates = [_candidate(row) for row in rows]
        self.chosen: set[int] = set()

    def choose(self, case: Case, now: datetime, *, had_it: int | None = None) -> User | None:
        """The best agent for the case, counted as theirs from here on; None when nobody can take it.

        A case that comes back goes to the agent who had it, while at work and not full: the buyer knows them.
        """
        had = [one for one in self.candidates if one.user_id == had_it and not one.is_full] if had_it else []
        able = had or _able(self.candidates, case.cause, case.released_by_id)
        if not able:
            return None
        chosen = min(able, key=_turn)
        chosen.load += 1
        chosen.last_assigned_at = now
        self.chosen.add(chosen.user_id)
        return self.users[chosen.user_id]

    def suits(self, user_id: int, cause: str) -> bool:
        """Whether somebody at work handles this cause; who is not keeps what they have."""
        mine = next((one for one in self.candidates if one.user_id == user_id), None)
        return mine is None or cause in mine.skills or cause == Cause.NONE

    def deal(self, case: Case, now: datetime, *, had_it: int | None = None) -> User | None:
        """Assign the case to the best agent; None when nobody can take it now (it stays to take)."""
        agent = self.choose(case, now, had_it=had_it)
        if agent:
            case.assign(agent)
        return agent

    def remember(self, now: datetime) -> None:
        """Keep who got something, for the turn among equals next time."""
        ShopMembership.objects.filter(shop=self.shop, user__in=self.chosen).update(last_assigned_at=now)


def at_work(shop: Shop, at: datetime) -> list[ShopMembership]:
    """Agents of the shop who take cases at this moment, each with `load` (open cases in all shops).

    Both must be so: the switch is on duty, and the person is on shift and not absent. Without shifts of
    their own and a week of the shop only the switch and the shop's days off count.
    """
    away = Absence.objects.at(at).filter(user=OuterRef("user"))
    rows = (
        ShopMembership.objects.filter(shop=shop, role=Role.AGENT, user__on_duty=True, user__is_active=True)
        .exclude(Exists(away))
        .select_related("user")
        .annotate(load=open_load())
    )
    return [row for row in _of_shop(rows, shop) if row.hours.is_open(at)]


def _of_shop(rows: Iterable[ShopMembership], shop: Shop) -> Iterable[ShopMembership]:
    for row in rows:
        row.shop = shop  # with its calendar, read once
        yield row


def open_load() -> Coalesce:
    """How many open cases a member holds, in all shops: for annotating memberships."""
    held = Case.objects.open().filter(assignee=OuterRef("user")).order_by().values("assignee")
    number = held.annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(number, output_field=IntegerField()), 0)


def _candidate(row: ShopMembership) -> Candidate:
    return Candidate(
        user_id=row.user_id,
        skills=frozenset(row.skills),
        load=row.load,  # type: ignore[attr-defined]
        cap=row.max_open_cases,
        last_assigned_at=row.last_assigned_at or _NEVER,
    )


def lock_shop(shop_id: int) -> Shop:
    """Hold the shop's row for this transaction: loads cannot change under two dealers at once."""
    return Shop.objects.select_for_update(no_key=True).get(pk=shop_id)


def dispatch_waiting(limit: int = 500) -> int:
    """Deal out cases nobody could take when they came; how many found an agent."""
    dealt = 0
    shops = Case.objects.to_take().order_by().values_list("shop_id", flat=True).distinct()
    for shop_id in list(shops):
        dealt += _dispatch_shop(shop_id, limit)
    return dealt


@transaction.atomic
def _dispatch_shop(shop_id: int, limit: int) -> int:
    roster = Roster(lock_shop(shop_id))
    if not roster.candidates:
        return 0
    now = clock.now()
    # Locked: an agent who takes one meanwhile is too late, instead of undoing the whole round.
    waiting = Case.objects.select_for_update().filter(shop_id=shop_id, status=Status.NEW)
    waiting = waiting.order_by("due_at", "id")
    dealt = sum(roster.deal(case, now) is not None for case in waiting[:limit])
    roster.remember(now)
    return dealt
