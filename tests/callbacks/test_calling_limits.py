"""Nothing outside the permitted hours and limits, by any door: random cases against a judge of its own.

The judge knows nothing of callbacks.calling_rules: it counts minutes on the clocks on the wall.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from callbacks import calling_rules, contacts
from callbacks.calling_rules import CallPermission, Reason, may_call
from callbacks.holding import NotAllowed
from callbacks.models import CallbackPromise, CallLog, DoNotCall
from callbacks.regions import buyer_zones, place_of
from reviews.models import Case, Shop, Status, User
from tests.factories import make_case, make_order, make_review, make_shop, make_user

ZONES = [
    "Asia/Shanghai",
    "Asia/Urumqi",
    "Asia/Tokyo",
    "Europe/London",
    "America/New_York",
    "Pacific/Auckland",
]
START = datetime(2026, 3, 1, tzinfo=UTC)  # the year's changes of summer time are in reach
CASES = 10_000
THROUGH_THE_DOORS = 120


@dataclass
class Facts:
    now: datetime
    shop_zone: ZoneInfo
    zones: list[ZoneInfo]
    opens: time
    closes: time
    in_case: list[datetime]
    in_shop: list[datetime]
    other_shops: list[datetime]
    per_day: int
    per_case: int
    gap: int
    do_not_call: bool

    def ask(self, at: datetime | None = None) -> CallPermission:
        return may_call(
            now=at or self.now, shop_zone=self.shop_zone, calling_from=self.opens, calling_until=self.closes,
            attempts=self.in_case, elsewhere=self.in_shop, other_shops=self.other_shops,
            attempts_per_day=self.per_day, attempts_per_case=self.per_case, hours_between=self.gap,
            do_not_call=self.do_not_call, buyer_zones=self.zones,
        )  # fmt: skip

    def forbidden(self, at: datetime) -> str:
        """The judge: why no call may be made at this instant; empty when one may."""
        everybody = self.in_case + self.in_shop + self.other_shops
        if self.do_not_call:
            return "do not call"
        if len(self.in_case) >= self.per_case:
            return "case"
        for earlier in everybody:
            if at.timestamp() - earlier.timestamp() < self.gap * 3600:
                return "gap"
        for zone in [self.shop_zone, *self.zones]:
            wall = at.astimezone(zone)
            minute = wall.hour * 60 + wall.minute
            if minute < 8 * 60 or minute >= 22 * 60:
                return "wall"
            opens, closes = (
                self.opens.hour * 60 + self.opens.minute,
                self.closes.hour * 60 + self.closes.minute,
            )
            if not opens <= minute < closes:
                return "hours"
            same = [one for one in everybody if f"{one.astimezone(zone):%F}" == f"{wall:%F}"]
            if len(same) >= self.per_day:
                return "day"
        return ""


def some_facts(dice: random.Random) -> Facts:
    now = START + timedelta(minutes=dice.randrange(300 * 24 * 60))
    hours = sorted(dice.sample(range(6, 24), 2))

    def before() -> list[datetime]:
        return [now - timedelta(minutes=dice.randrange(2000)) for _ in range(dice.choice([0, 0, 0, 1, 2]))]

    return Facts(
        now,
        ZoneInfo(dice.choice(ZONES)),
        [ZoneInfo(one) for one in dice.sample(ZONES, dice.choice([0, 1, 1, 2]))],
        time(hours[0], dice.choice([0, 30])),
        time(hours[1], dice.choice([0, 30])),
        before(),
        before(),
        before(),
        dice.choice([1, 2, 3]),
        dice.choice([2, 3]),
        dice.choice([0, 1, 4, 12]),
        dice.random() < 0.05,
    )


def violations(dice: random.Random, number: int) -> Iterator[str]:
    """Where the rules and the judge disagree."""
    for _case in range(number):
        facts = some_facts(dice)
        answer, why = facts.ask(), facts.forbidden(facts.now)
        if answer.allowed == bool(why):
            yield f"{facts}: {answer} but {why}"
        elif answer.next_at and not answer.allowed:
            if why := facts.forbidden(answer.next_at):
                yield f"{facts}: next at {answer.next_at} but {why}"
            if answer.reason != Reason.TOO_MANY and not facts.other_shops:
                between = (answer.next_at - facts.now) // timedelta(minutes=1)
                for minute in {dice.randrange(between) for _ in range(6)} if between else ():
                    if not facts.forbidden(facts.now + timedelta(minutes=minute)):
                        yield f"{facts}: earlier than {answer.next_at}"


@pytest.mark.once
def test_ten_thousand_random_cases_without_one_call_outside_the_rules() -> None:
    assert list(violations(random.Random(20261122), CASES)) == []


@pytest.mark.once
@pytest.mark.parametrize("broken", ["_closes_at", "_Rules._on_the_day"])
def test_the_judge_finds_rules_that_are_switched_off(monkeypatch: Any, broken: str) -> None:
    """The negative control."""
    off: Any = (lambda at, *_: at) if broken == "_closes_at" else (lambda *_: 0)
    monkeypatch.setattr(f"{calling_rules.__name__}.{broken}", off)
    assert len(list(violations(random.Random(1), 500))) > 5


@pytest.mark.once
def test_it_says_nothing_of_other_shops_but_too_many() -> None:
    """Neither the time nor the number of their calls can be read from reason or hour."""
    now = datetime(2026, 11, 18, 10, 22, tzinfo=ZoneInfo("Asia/Shanghai"))
    hours = {"shop_zone": ZoneInfo("Asia/Shanghai"), "calling_from": time(9), "calling_until": time(20, 30)}
    answers = {
        may_call(now=now, attempts=[], other_shops=[now - timedelta(minutes=ago)] * number, **hours)  # type: ignore[arg-type]
        for ago in (1, 17, 61)
        for number in (1, 2)
    }
    tomorrow = datetime(2026, 11, 19, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert answers == {CallPermission(False, Reason.TOO_MANY, tomorrow)}


@pytest.mark.once
@pytest.mark.parametrize(
    ("address", "phone", "place", "zones"),
    [
        ("浙江省杭州市西湖区", "13800138000", "", ["Asia/Shanghai"]),
        ("新疆维吾尔自治区乌鲁木齐市", "13800138000", "新疆", ["Asia/Urumqi"]),
        ("中国西藏自治区拉萨市", "", "西藏", ["Asia/Urumqi"]),
        ("上海市黄浦区新疆路12号", "", "", ["Asia/Shanghai"]),
        ("香港九龙", "+85251234567", "香港", ["Asia/Hong_Kong"]),
        ("臺灣台北市", "+886912345678", "臺灣", ["Asia/Taipei"]),
        ("5-2-1 Ginza, Tokyo, Japan", "", "日本", ["Asia/Tokyo"]),
        ("美国加州", "+12125551234", "美国", ["America/New_York", "America/Los_Angeles"]),
        ("浙江省杭州市", "+819012345678", "", ["Asia/Shanghai", "Asia/Tokyo"]),
        ("", "", "", []),
        ("", "no number", "", []),
    ],
)
def test_it_knows_the_clocks_of_the_buyer(address: str, phone: str, place: str, zones: list[str]) -> None:
    assert place_of(address) == place
    assert [zone.key for zone in buyer_zones(address, phone)] == zones


# --- through the doors -----------------------------------------------------------------------------------

ADDRESSES = {
    "浙江省杭州市西湖区": "Asia/Shanghai",
    "新疆乌鲁木齐市": "Asia/Urumqi",
    "日本东京都": "Asia/Tokyo",
}
PHONE = "13800138000"


@pytest.fixture
def rival(db: None) -> User:
    return make_user("rival-agent", shop=make_shop("rival"))


def _put(shop: Shop, agent: User, at: list[datetime], order: Any = None) -> Case:
    case = make_case(
        shop, review=make_review(shop, order=order or make_order(shop, buyer_phone=PHONE)),
        assignee=agent, status=Status.IN_PROGRESS,
    )  # fmt: skip
    assert case.review.order
    for one in at:
        CallLog.objects.create(
            case=case, agent=agent, started_at=one, ended_at=one, outcome="no_answer",
            phone_index=case.review.order.phone_index,
        )  # fmt: skip
    return case


def _world(dice: random.Random, shop: Shop, agent: User, rival: User) -> tuple[Facts, Case]:
    for model in (CallbackPromise, CallLog, DoNotCall, Case):
        model.objects.all().delete()
    facts = some_facts(dice)
    address = dice.choice(list(ADDRESSES))
    facts.zones = [ZoneInfo(ADDRESSES[address])]
    Shop.objects.filter(pk=shop.pk).update(
        time_zone=facts.shop_zone.key, calling_from=facts.opens, calling_until=facts.closes,
        attempts_per_day=facts.per_day, attempts_per_case=facts.per_case, hours_between_attempts=facts.gap,
    )  # fmt: skip
    shop.refresh_from_db()
    case = _put(shop, agent, facts.in_case, make_order(shop, buyer_phone=PHONE, address=address))
    _put(shop, agent, facts.in_shop)
    theirs = _put(Shop.objects.get(code="rival"), rival, facts.other_shops)
    if facts.do_not_call:
        contacts.forbid_calls(theirs, by=rival)
    return facts, case


def _through_the_doors(
    client: Client, dice: random.Random, shop: Shop, agent: User, rival: User
) -> list[str]:
    found = []
    for _case in range(THROUGH_THE_DOORS):
        facts, case = _world(dice, shop, agent, rival)
        later = facts.now + timedelta(minutes=dice.randrange(60, 4000))
        with time_machine.travel(facts.now, tick=False):
            client.force_login(agent)
            why = facts.forbidden(facts.now)
            shown = client.post(reverse("callbacks:reveal", args=[case.pk]), HTTP_HX_REQUEST="true")
            if ("tel:" in shown.content.decode()) == bool(why):
                found.append(f"number: {facts} {why}")
            before = CallLog.objects.count()
            client.post(reverse("callbacks:start_call", args=[case.pk]))
            if (CallLog.objects.count() > before) == bool(why):
                found.append(f"call: {facts} {why}")
            CallLog.objects.filter(ended_at=None).delete()
            client.post(
                reverse("callbacks:promise", args=[case.pk]),
                {"callback_at": f"{later.astimezone(shop.zone):%Y-%m-%dT%H:%M}"},
            )
            hours = Facts(**{**vars(facts), "in_case": [], "in_shop": [], "other_shops": [], "per_day": 9})
            why = hours.forbidden(later)
            if CallbackPromise.objects.pending().exists() == bool(why):
                found.append(f"promise for {later}: {facts} {why}")
    return found


@pytest.mark.django_db
def test_no_door_opens_outside_the_rules(client: Client, shop: Shop, agent: User, rival: User) -> None:
    assert _through_the_doors(client, random.Random(7), shop, agent, rival) == []


@pytest.mark.django_db
def test_the_judge_sees_doors_that_stand_open(
    client: Client, shop: Shop, agent: User, rival: User, monkeypatch: Any
) -> None:
    """The negative control: without the rules every door opens."""
    monkeypatch.setattr(contacts, "may_call", lambda **facts: CallPermission(True, None, facts["now"]))
    monkeypatch.setattr("tests.callbacks.test_calling_limits.THROUGH_THE_DOORS", 10)
    assert len(_through_the_doors(client, random.Random(7), shop, agent, rival)) > 5


# --- all shops together -----------------------------------------------------------------------------------


@pytest.fixture
def two(calling_hour: datetime, shop: Shop, agent: User, rival: User) -> tuple[Case, Case]:
    """The same buyer's number in two shops."""
    return _put(shop, agent, []), _put(Shop.objects.get(code="rival"), rival, [])


def test_a_call_of_another_shop_counts_and_tells_nothing(
    two: tuple[Case, Case], agent: User, rival: User
) -> None:
    contacts.end_call(contacts.start_call(two[1], by=rival), "no_answer", by=rival)
    with pytest.raises(NotAllowed, match="太多") as refused:
        contacts.start_call(two[0], by=agent)
    assert "rival" not in str(refused.value)
    with pytest.raises(NotAllowed):
        contacts.reveal_phone(two[0], by=agent)


def test_do_not_call_ends_the_promises_of_every_shop(
    two: tuple[Case, Case], agent: User, rival: User
) -> None:
    contacts.promise_callback(two[0], datetime.now(UTC) + timedelta(hours=3), by=agent)
    contacts.forbid_calls(two[1], by=rival)
    assert not CallbackPromise.objects.pending().exists()
    assert two[0].events.filter(kind="promise_cancelled").exists()
    two[0].refresh_from_db()
    assert not contacts.call_permission(two[0], datetime.now(UTC)).allowed
