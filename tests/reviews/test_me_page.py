"""One's own settings: the switch of the one-key shortcuts."""

import pytest
from django.test import Client
from django.urls import reverse

from reviews.models import User

pytestmark = pytest.mark.django_db

PAGE, KEYS = reverse("reviews:me"), reverse("reviews:me_keys")


@pytest.fixture
def desk(client: Client, agent: User) -> Client:
    client.force_login(agent)
    return client


def test_it_shows_my_settings(desk: Client) -> None:
    assert "按一个键操作页面" in desk.get(PAGE).content.decode()


def test_it_leads_to_my_shifts_and_absences(desk: Client) -> None:
    assert f'<a class="btn" href="{reverse("callbacks:my_absences")}">' in desk.get(PAGE).content.decode()


def test_it_keeps_the_switch_at_the_person(desk: Client, agent: User, manager: User) -> None:
    assert desk.post(KEYS, {}).status_code == 302
    agent.refresh_from_db()
    manager.refresh_from_db()
    assert (agent.shortcuts_on, manager.shortcuts_on) == (False, True)
    assert 'data-keys="off"' in desk.get(PAGE).content.decode()
    desk.post(KEYS, {"shortcuts_on": "on"})
    assert 'data-keys="off"' not in desk.get(PAGE).content.decode()


def test_a_script_gets_no_page(desk: Client, agent: User) -> None:
    assert desk.post(KEYS, {}, headers={"HX-Request": "true"}).status_code == 204
    agent.refresh_from_db()
    assert not agent.shortcuts_on


def test_it_asks_to_sign_in_and_writes_nothing_on_get(client: Client, desk: Client) -> None:
    assert desk.get(KEYS).status_code == 405
    assert Client().get(PAGE).status_code == 302
