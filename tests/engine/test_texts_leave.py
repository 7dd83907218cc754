"""Texts with worker and beat at work: within 30 s, once, following the promise, taken back in time.

Many texts, other work going on: benchmarks/texts.py. Kills of every process: benchmarks/survival.py.
"""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from callbacks import promising, texts
from callbacks.models import CallbackPromise, MessageState, OutgoingMessage, ShopGateway
from callbacks.models.messages import UNDER_WAY
from callbacks.promise_texts import HOUR, hour_words
from reviews.models import Case, Shop, StaleCase, User
from tests.engine.test_lost_texts import case_anywhere, noon_zone
from tests.infrastructure import Engine
from tests.providers import SmsHouse, sms_house

pytestmark = [pytest.mark.engine, pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

LIMIT = 30  # seconds
TEXT = f"您好，约好{HOUR}给您回电。"


@pytest.fixture
def house(shop: Shop) -> Iterator[SmsHouse]:
    Shop.objects.filter(pk=shop.pk).update(time_zone=noon_zone())
    shop.refresh_from_db()
    with sms_house() as running:
        ShopGateway.objects.create(
            shop=shop, channel="sms", provider="signed_http", endpoint=running.url, secret=running.secret
        )
        yield running


@pytest.fixture
def held(shop: Shop, agent: User, house: SmsHouse) -> list[Case]:
    return [case_anywhere(shop, agent) for _number in range(13)]


def at(began: float, seconds: float) -> None:
    time.sleep(max(0.0, began + seconds - time.monotonic()))


def test_texts_leave_within_thirty_seconds_and_once(
    engine: Engine, shop: Shop, agent: User, house: SmsHouse, held: list[Case]
) -> None:
    engine.start("texts")
    engine.start_beat()
    house.script = ["drop", 200, "lose", 200, 503, 200, "drop"]  # drop: taken, but the answer is lost
    hour = timezone.now() + timedelta(hours=2)

    def promised(case: Case) -> CallbackPromise:
        return promising.promise_callback(case, hour, by=agent, text=TEXT)

    began = time.monotonic()
    plain = [texts.send_text(case, "您好，已为您登记。", by=agent) for case in held[:4]]
    promises = [promised(case) for case in held[4:]]
    first = {promise.pk: promise.texts.get() for promise in promises}
    moved, off, *stay = promises
    promising.move_promise(moved, by=agent, at=hour + timedelta(hours=1), at_buyers_wish=True)
    promising.cancel_promise(off, by=agent)
    at(began, 14)
    for text in plain[:2]:
        texts.take_back(text, by=agent)
    at(began, 16)
    told = [taken_back(text, agent) for text in plain[2:]]

    engine.wait_until(all_settled, 60)
    arrived = house.arrived
    assert not {str(text.key) for text in plain[:2]} & set(arrived)
    assert [str(text.key) in arrived for text in plain[2:]] == [not back for back in told]
    assert not {str(first[one.pk].key) for one in (moved, off)} & set(arrived)
    assert sorted(one["text"] for one in house.sent.values() if "约好" in one["text"]) == sorted(
        f"您好，约好{hour_words(at, shop)}给您回电。"
        for at in [hour] * len(stay) + [hour + timedelta(hours=1)]
    )
    assert max(delays(house)) < LIMIT, delays(house)
    assert len(house.keys) - len(set(house.keys)) <= 2  # again only what was lost or put off
    assert house.forged == 0

    moved_again = time.monotonic()
    promising.move_promise(stay[0], by=agent, at=hour + timedelta(hours=3), at_buyers_wish=True)
    promising.cancel_promise(stay[1], by=agent)
    engine.wait_until(lambda: sum(word in all_said(house) for word in ("改到", "取消了")) == 2, LIMIT + 10)
    assert time.monotonic() - moved_again < LIMIT


def taken_back(text: OutgoingMessage, agent: User) -> bool:
    """Whether it could still be; else the agent is told that it has left."""
    try:
        texts.take_back(text, by=agent)
    except StaleCase as stale:
        said = str(stale)
    else:
        return True
    assert "已经发出" in said
    return False


def all_settled() -> bool:
    return not OutgoingMessage.objects.filter(state__in=UNDER_WAY).exists()


def delays(house: SmsHouse) -> list[float]:
    queued: dict[str, datetime] = {
        str(key): at for key, at in OutgoingMessage.objects.values_list("key", "queued_at")
    }
    """How long it took, of those the provider took at the first try."""
    sent = OutgoingMessage.objects.filter(state=MessageState.SENT)
    assert {str(key) for key in sent.values_list("key", flat=True)} == set(house.arrived)
    sound = (key for key in house.arrived if house.keys.count(key) == 1)
    return [house.arrived[key] - queued[key].timestamp() for key in sound]


def all_said(house: SmsHouse) -> str:
    return "\n".join(one["text"] for one in house.sent.values())
