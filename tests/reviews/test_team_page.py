"""The team page: duty, skills and caps, by the managers of a shop, kept in the audit log."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from reviews.models import Absence, AuditEntry, Role, Shop, ShopMembership, User
from reviews.models.audit import Action
from tests.factories import make_case, make_user

URL = reverse("reviews:team")
QUERIES = 11  # among them: drift alarms, who is absent, days off of the shops


def member_url(membership: ShopMembership) -> str:
    return reverse("reviews:team_member", args=[membership.pk])


def duty_url(membership: ShopMembership) -> str:
    return reverse("reviews:team_duty", args=[membership.pk])


@pytest.fixture
def membership(agent: User) -> ShopMembership:
    return agent.memberships.get()


@pytest.fixture
def client_of_manager(client: Client, manager: User) -> Client:
    client.force_login(manager)
    return client


def test_it_is_for_managers(client: Client, agent: User, membership: ShopMembership) -> None:
    client.force_login(agent)
    assert client.get(URL).status_code == 403
    assert client.post(member_url(membership)).status_code == 403
    assert client.post(duty_url(membership), {"on_duty": "0"}).status_code == 403


def test_others_teams_are_not_there(client_of_manager: Client, outsider: User) -> None:
    theirs = outsider.memberships.get()
    assert client_of_manager.post(member_url(theirs), {"skills": ["product"]}).status_code == 404
    assert client_of_manager.post(duty_url(theirs), {"on_duty": "0"}).status_code == 404
    assert "外人" not in client_of_manager.get(URL).content.decode()


def test_a_shop_one_only_works_for_is_closed(
    client_of_manager: Client, manager: User, outsider: User, other_shop: Shop
) -> None:
    ShopMembership.objects.create(user=manager, shop=other_shop, role=Role.AGENT)
    assert client_of_manager.post(member_url(outsider.memberships.get())).status_code == 403


def test_it_shows_everybody_with_load(client_of_manager: Client, agent: User, shop: Shop) -> None:
    make_case(shop, assignee=agent)
    html = client_of_manager.get(URL).content.decode()
    assert "李娜" in html
    assert "未结 1 件" in html


def test_it_changes_skills_and_cap_and_notes_it(
    client_of_manager: Client, manager: User, membership: ShopMembership
) -> None:
    client_of_manager.post(
        member_url(membership), {"skills": ["service", "malicious"], "max_open_cases": "12"}
    )
    membership.refresh_from_db()
    assert (membership.skills, membership.max_open_cases) == (["service", "malicious"], 12)
    entry = AuditEntry.objects.get(action=Action.TEAM_CHANGED)
    assert (entry.user, entry.data["after"]["cap"]) == (manager, 12)


def test_an_empty_cap_is_none(client_of_manager: Client, membership: ShopMembership) -> None:
    client_of_manager.post(member_url(membership), {"skills": ["service"], "max_open_cases": ""})
    membership.refresh_from_db()
    assert membership.max_open_cases is None


def test_nothing_changed_is_nothing_noted(client_of_manager: Client, membership: ShopMembership) -> None:
    client_of_manager.post(member_url(membership), {"skills": membership.skills, "max_open_cases": ""})
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("wrong", [{"skills": ["none"]}, {"skills": ["x"]}, {"max_open_cases": "-1"}])
def test_it_refuses_what_makes_no_sense(
    client_of_manager: Client, membership: ShopMembership, wrong: dict[str, object]
) -> None:
    before = list(membership.skills)
    assert client_of_manager.post(member_url(membership), wrong).status_code == 422
    membership.refresh_from_db()
    assert membership.skills == before


def test_it_switches_somebody_off_and_on_duty(
    client_of_manager: Client, agent: User, membership: ShopMembership
) -> None:
    for value in ("0", "1"):
        client_of_manager.post(duty_url(membership), {"on_duty": value})
        agent.refresh_from_db()
        assert agent.on_duty is (value == "1")
    assert AuditEntry.objects.filter(action=Action.TEAM_CHANGED).count() == 2


def test_it_shows_who_is_there(client_of_manager: Client, membership: ShopMembership, shop: Shop) -> None:
    now = timezone.now()
    membership.week = [[[0, 1440]]] * 7
    membership.save()
    assert "上班中" in client_of_manager.get(URL).content.decode()
    membership.week = [[] for _day in range(7)]
    membership.save()
    assert "不在班" in client_of_manager.get(URL).content.decode()
    Absence.objects.create(user=membership.user, begins=now, ends=now + timedelta(days=2))
    assert "请假至" in client_of_manager.get(URL).content.decode()


def test_an_administrator_sees_every_team(
    client: Client, administrator: User, agent: User, outsider: User
) -> None:
    client.force_login(administrator)
    html = client.get(URL).content.decode()
    assert "李娜" in html
    assert "外人" in html


def test_nothing_is_written_on_get(client_of_manager: Client, membership: ShopMembership) -> None:
    assert client_of_manager.get(duty_url(membership)).status_code == 405
    assert client_of_manager.get(member_url(membership)).status_code == 405


def test_it_asks_the_same_whatever_the_rows(
    client_of_manager: Client,
    shop: Shop,
    agent: User,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(QUERIES):
        client_of_manager.get(URL)
    for n in range(6):
        make_case(shop, assignee=make_user(f"more-{n}", shop=shop))
    with django_assert_num_queries(QUERIES):
        client_of_manager.get(URL)
