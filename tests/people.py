"""Fixtures every test may ask for:

shop, other_shop                       two shops in Shanghai time
agent, manager                         of `shop`: 李娜 (on duty, every skill), 王店长
administrator                          sees all shops
outsider                               an agent of `other_shop` only
calling_hour                           freezes the clock at Wed 2026-11-18 10:22 Shanghai, ticking on

Rows beyond these: tests/factories.py (make_order, make_review, make_case, …).
"""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine

from reviews.models import Role, Shop, User
from tests.factories import make_shop, make_user


@pytest.fixture
def shop(db: None) -> Shop:
    return make_shop("test-shop", name="测试旗舰店")


@pytest.fixture
def other_shop(db: None) -> Shop:
    return make_shop("other-shop", name="别家专营店")


@pytest.fixture
def agent(shop: Shop) -> User:
    return make_user("agent", shop=shop, display_name="李娜", on_duty=True)


@pytest.fixture
def manager(shop: Shop) -> User:
    return make_user("manager", shop=shop, role=Role.MANAGER, display_name="王店长")


@pytest.fixture
def administrator(db: None) -> User:
    return make_user("admin", display_name="管理员", is_staff=True, is_superuser=True)


@pytest.fixture
def outsider(other_shop: Shop) -> User:
    return make_user("outsider", shop=other_shop, display_name="外人", on_duty=True)


@pytest.fixture
def calling_hour() -> Iterator[datetime]:
    """A Wednesday morning on which every shop may call."""
    hour = datetime(2026, 11, 18, 10, 22, tzinfo=ZoneInfo("Asia/Shanghai"))
    with time_machine.travel(hour, tick=True):
        yield hour
