"""Deadlines of open cases follow the shop's hours; what is late stays late."""

from datetime import date, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from reviews import tasks, team
from reviews.models import Case, CaseEvent, Shop, Status, User
from reviews.models.cases import EventKind
from reviews.recounting import recount_wanted
from tests.factories import make_case

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("calling_hour")]

FRIDAY = datetime.fromisoformat("2026-11-20T20:00:00+08:00")
ALL_DAY = [[(540, 1230)]] * 7


@pytest.fixture
def case(calling_hour: datetime, shop: Shop) -> Case:
    """Opened half an hour before the shop closes, due on Saturday at 10:30."""
    due = shop.first_contact_due(FRIDAY)
    assert due == datetime.fromisoformat("2026-11-21T10:30:00+08:00")
    return make_case(shop, opened_at=FRIDAY, due_at=due)


def due_of(case: Case) -> str:
    return timezone.localtime(Case.objects.get(pk=case.pk).due_at).isoformat()[:16]


def test_a_day_off_moves_the_deadline_and_the_timeline_tells(
    case: Case, shop: Shop, manager: User, client: Client
) -> None:
    team.set_days(shop, date(2026, 11, 21), date(2026, 11, 22), is_worked=False, by=manager)
    assert due_of(case) == "2026-11-21T10:30"
    assert recount_wanted() == 1
    assert due_of(case) == "2026-11-23T10:30"
    client.force_login(manager)
    page = client.get(reverse("callbacks:case", args=[case.pk])).content.decode()
    assert "2026年11月21日 10:30 (周六) → 2026年11月23日 10:30 (周一)" in page
    assert recount_wanted() == 0  # once
    team.forget_day(shop.own_days.get(day=date(2026, 11, 21)), by=manager)
    recount_wanted()
    assert due_of(case) == "2026-11-21T10:30"


def test_the_sweep_counts_what_a_lost_message_left(case: Case, shop: Shop, manager: User) -> None:
    team.set_shop_hours(shop, [[(540, 1230)]] * 5 + [[], []], official_days=False, by=manager)
    tasks.sweep()
    assert due_of(case) == "2026-11-23T10:30"


def test_what_is_late_contacted_or_closed_stays(shop: Shop, manager: User, agent: User) -> None:
    now, ago = timezone.now(), timezone.now() - timedelta(days=1)
    kept = [
        make_case(shop, opened_at=ago, due_at=now - timedelta(minutes=1)),
        make_case(shop, opened_at=ago, due_at=now + timedelta(hours=1), first_contact_at=now),
        make_case(shop, opened_at=ago, due_at=now + timedelta(hours=1), status=Status.CLOSED, assignee=agent),
    ]
    before = [due_of(case) for case in kept]
    team.set_days(shop, date(2026, 11, 18), date(2026, 11, 20), is_worked=False, by=manager)
    assert recount_wanted() == 0
    assert [due_of(case) for case in kept] == before


def test_nobody_becomes_late_by_a_change_of_hours(shop: Shop, manager: User) -> None:
    opened = datetime.fromisoformat("2026-11-17T19:30:00+08:00")
    shop.week = [[(540, 1200)]] * 7  # until 20:00: due at 10:30 of the next day
    shop.save()
    case = make_case(shop, opened_at=opened, due_at=shop.first_contact_due(opened))
    assert due_of(case) == "2026-11-18T10:30"
    team.set_shop_hours(shop, ALL_DAY, official_days=False, by=manager)  # until 20:30: 10:00, over already
    assert recount_wanted() == 0
    assert due_of(case) == "2026-11-18T10:30"


def test_another_shop_is_left_alone(case: Case, other_shop: Shop, manager: User) -> None:
    team.set_days(other_shop, date(2026, 11, 21), date(2026, 11, 22), is_worked=False, by=manager)
    assert recount_wanted() == 0
    assert not CaseEvent.objects.filter(kind=EventKind.DEADLINE).exists()


def test_calling_hours_changed_in_the_back_room_count_too(
    case: Case, shop: Shop, administrator: User, client: Client
) -> None:
    client.force_login(administrator)
    url = reverse("admin:reviews_shop_change", args=[shop.pk])
    form = client.get(url).context["adminform"].form
    data = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    data = {name: value for name, value in data.items() if value not in (None, False)}
    hidden = {"own_days-TOTAL_FORMS": "0", "own_days-INITIAL_FORMS": "0"}
    assert client.post(url, {**data, **hidden, "calling_from": "10:00"}).status_code == 302
    recount_wanted()
    assert due_of(case) == "2026-11-21T11:30"
