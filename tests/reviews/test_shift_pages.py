"""Shifts of one member, hours and calendar of a shop: typed by managers, kept in the audit log."""

from datetime import UTC, date, datetime

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from reviews.models import AuditEntry, Shop, ShopDay, ShopMembership, User
from reviews.models.audit import Action
from reviews.workdays import announced_until

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("calling_hour")]  # Wednesday 2026-11-18


@pytest.fixture
def keeper(client: Client, manager: User) -> Client:
    client.force_login(manager)
    return client


@pytest.fixture
def membership(agent: User) -> ShopMembership:
    return agent.memberships.get()


def shifts_of(membership: ShopMembership) -> str:
    return reverse("reviews:team_shifts", args=[membership.pk])


def hours_of(shop: Shop) -> str:
    return reverse("reviews:team_shop", args=[shop.pk])


def typed(**days: str) -> dict[str, str]:
    return {f"day_{n}": days.get(f"d{n}", "") for n in range(7)}


def test_it_keeps_a_week_as_typed(keeper: Client, manager: User, membership: ShopMembership) -> None:
    keeper.post(shifts_of(membership), typed(d0="9：00-12:00，13:00-18:00", d1="同上", d5="18-24"))
    membership.refresh_from_db()
    lunch = [[540, 720], [780, 1080]]
    assert membership.week == [lunch, lunch, [], [], [], [[1080, 1440]], []]
    assert AuditEntry.objects.get(action=Action.TEAM_CHANGED).user == manager
    assert "09:00–12:00, 13:00–18:00" in keeper.get(shifts_of(membership)).content.decode()


def test_all_empty_is_no_week(keeper: Client, membership: ShopMembership) -> None:
    membership.week = [[[540, 720]]] * 7
    membership.save()
    keeper.post(shifts_of(membership), typed())
    membership.refresh_from_db()
    assert membership.week == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("09:00-12:00 11:00-13:00", "重叠"),
        ("18:00-09:00", "24:00"),
        ("上午", "09:00-12:00"),
        ("9-25", "24:00"),
    ],
)
def test_it_names_what_is_wrong_and_keeps_what_was_typed(
    keeper: Client, membership: ShopMembership, text: str, words: str
) -> None:
    answer = keeper.post(shifts_of(membership), typed(d0="09:00-12:00", d3=text))
    assert answer.status_code == 422
    assert words in " ".join(answer.context["form"].errors["day_3"])
    assert f'value="{text}"' in answer.content.decode()
    membership.refresh_from_db()
    assert membership.week == []


def test_a_shop_has_hours_and_a_calendar(keeper: Client, shop: Shop) -> None:
    keeper.post(hours_of(shop), {**typed(d0="09:00-18:00"), "official_days": "on"})
    shop.refresh_from_db()
    assert (shop.week[0], shop.official_days) == ([[540, 1080]], True)
    assert AuditEntry.objects.filter(action=Action.SHOP_RULE).count() == 1


def test_hours_outside_the_calling_hours_alone_are_refused(keeper: Client, shop: Shop) -> None:
    answer = keeper.post(hours_of(shop), typed(d0="00:00-06:00"))
    assert answer.status_code == 422
    assert "09:00–20:30" in answer.content.decode()


def test_days_of_its_own_are_entered_changed_and_removed(keeper: Client, shop: Shop) -> None:
    days = reverse("reviews:team_days", args=[shop.pk])
    keeper.post(days, {"first": "2026-12-31", "last": "2027-01-02", "kind": "off"})
    keeper.post(days, {"first": "2027-01-02", "last": "", "kind": "worked"})
    kept = {row.day: row.is_worked for row in ShopDay.objects.all()}
    assert kept == {date(2026, 12, 31): False, date(2027, 1, 1): False, date(2027, 1, 2): True}
    keeper.post(reverse("reviews:team_day_forget", args=[ShopDay.objects.get(day=date(2027, 1, 2)).pk]))
    assert ShopDay.objects.count() == 2


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        ("2026-11-17", "", "first"),
        ("2026-12-02", "2026-12-01", "last"),
        ("2026-12-01", "2027-03-01", "last"),
        ("", "", "first"),
        ("9999-12-31", "", "first"),
    ],
)
def test_it_refuses_days_that_make_no_sense(
    keeper: Client, shop: Shop, first: str, last: str, field: str
) -> None:
    answer = keeper.post(
        reverse("reviews:team_days", args=[shop.pk]), {"first": first, "last": last, "kind": "off"}
    )
    assert answer.status_code == 422
    assert answer.context["days"].errors[field]
    assert not ShopDay.objects.exists()


def test_it_says_up_to_when_the_official_calendar_is_known(
    keeper: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_up = frozenset({date(2026, 10, 10)})
    monkeypatch.setattr("reviews.workdays._official", lambda _year: (frozenset(), made_up))
    team_page = reverse("reviews:team")
    assert "2026年12月31日" not in keeper.get(hours_of(shop)).content.decode()
    Shop.objects.filter(pk=shop.pk).update(official_days=True)
    assert "目前到 2026年12月31日 为止" in keeper.get(hours_of(shop)).content.decode()
    assert "官方日历目前只到" not in keeper.get(team_page).content.decode()
    with time_machine.travel(datetime(2026, 12, 1, 9, tzinfo=UTC), tick=False):
        keeper.force_login(User.objects.get(username="manager"))
        for page in (hours_of(shop), team_page):
            assert "官方日历目前只到 2026年12月31日" in keeper.get(page).content.decode()
    assert announced_until(date(2025, 6, 1)) == date(2026, 12, 31)
