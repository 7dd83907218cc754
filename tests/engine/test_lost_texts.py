"""kill -9 while a provider is being asked: the promise stands, its text arrives, and only once."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from callbacks import promising
from callbacks.models import CallbackPromise, MessageState, OutgoingMessage, ShopGateway
from callbacks.promise_texts import HOUR
from reviews.models import Case, Shop, Status, User
from tests.factories import make_case, make_order, make_review
from tests.infrastructure import Engine
from tests.providers import sms_house

pytestmark = [pytest.mark.engine, pytest.mark.django_db(transaction=True)]


def noon_zone() -> str:
    """A zone in which it is about noon: workers go by the real clock."""
    ahead = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def case_anywhere(shop: Shop, agent: User) -> Case:
    """In hand, of a buyer of whom no region is known: only the shop's hours count."""
    review = make_review(shop, order=make_order(shop, address=""))
    return make_case(shop, review=review, assignee=agent, status=Status.IN_PROGRESS)


def test_a_text_under_way_survives_the_death_of_every_process(
    engine: Engine, shop: Shop, agent: User
) -> None:
    Shop.objects.filter(pk=shop.pk).update(time_zone=noon_zone())
    shop.refresh_from_db()
    case = case_anywhere(shop, agent)
    with sms_house() as house:
        house.stall = threading.Event()
        ShopGateway.objects.create(
            shop=shop, channel="sms", provider="signed_http", endpoint=house.url, secret=house.secret
        )
        promising.promise_callback(case, timezone.now() + timedelta(hours=2), by=agent, text=f"{HOUR}回电")
        engine.start(children=1)
        OutgoingMessage.objects.update(next_attempt_at=timezone.now())
        from callbacks.tasks import send_texts

        send_texts.delay()
        engine.wait_until(lambda: bool(house.sent), 60)
        engine.kill()
        engine.lose_broker()
        house.stall.set()
        message = OutgoingMessage.objects.get()
        assert (message.state, bool(message.handed_at)) == (MessageState.SENDING, True)
        engine.start(children=1)
        OutgoingMessage.objects.update(next_attempt_at=timezone.now())  # as when its lease is over
        # What beat does every three seconds.
        engine.wait_until(lambda: bool(send_texts.delay()) and is_sent(), 60)
        assert len(house.sent) == len(house.keys) == 1
        assert CallbackPromise.objects.pending().count() == 1


def is_sent() -> bool:
    return OutgoingMessage.objects.filter(state=MessageState.SENT).exists()
