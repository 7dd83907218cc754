"""Shifts, a calendar and an absence of the demo shops, so that every state of the team can be seen.

At every hour somebody takes every cause in every shop: one agent has no shifts anywhere and one none in the
first shop, so that a demo that is started at night deals out as well (tests/test_demo.py).
"""

from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from callbacks.absences import enter_absence
from reviews.models import Shop, ShopDay, ShopMembership, User

EARLY: list[list[int]] = [[540, 720], [780, 1080]]  # 09:00-12:00, 13:00-18:00
LATE: list[list[int]] = [[840, 1080], [1110, 1380]]  # 14:00-18:00, 18:30-23:00
OFFICE: list[Any] = [EARLY] * 5 + [[], []]
LATE_BUT_MONDAYS: list[Any] = [[], *[LATE] * 6]


def enter(people: dict[str, User], shops: dict[str, Shop], moment: datetime) -> None:
    """Once the past is played: it knew no shifts."""
    _members(people["lin"]).filter(shop=shops["demo-pdd"]).update(week=OFFICE)
    _members(people["zhao"]).update(week=LATE_BUT_MONDAYS)
    for shop in shops.values():
        ShopDay.objects.create(
            shop=shop, day=_next_sunday(moment.astimezone(shop.zone).date()), is_worked=True
        )
    midnight = moment.astimezone(shops["demo-jd"].zone).replace(hour=0, minute=0, second=0, microsecond=0)
    leave = midnight + timedelta(days=3)
    enter_absence(people["zhao"], leave, leave + timedelta(days=2), "leave", by=people["zhao"])


def _members(person: User) -> QuerySet[ShopMembership]:
    return ShopMembership.objects.filter(user=person)


def _next_sunday(today: date) -> date:
    return today + timedelta(days=7 - today.isoweekday() % 7)
