"""Who asks is read anew with every request: what was taken away is gone with the next one."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from reviews.models import Role, Shop, ShopMembership, User
from tests.factories import make_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in(client: Client, agent: User) -> Client:
    client.force_login(agent)
    assert client.get("/me/").status_code == 200
    return client


def test_a_session_that_ran_out_is_none(signed_in: Client) -> None:
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert signed_in.get("/me/").status_code == 302


def test_a_session_that_was_ended_elsewhere_is_none(signed_in: Client) -> None:
    Session.objects.all().delete()
    assert signed_in.get("/me/").status_code == 302


def test_who_was_deactivated_is_out(signed_in: Client, agent: User) -> None:
    User.objects.filter(pk=agent.pk).update(is_active=False)
    assert signed_in.get("/me/").status_code == 302


def test_a_new_password_ends_the_sessions_of_the_old_one(signed_in: Client, agent: User) -> None:
    agent.set_password("another-one-9")
    agent.save()
    assert signed_in.get("/me/").status_code == 302


def test_the_person_comes_with_every_field_and_membership(
    agent: User, shop: Shop, django_assert_num_queries: object
) -> None:
    second = make_shop()
    ShopMembership.objects.create(user=agent, shop=second, role=Role.MANAGER, skills=["malicious"])
    with django_assert_num_queries(1):  # type: ignore[operator]
        found = User.objects.with_memberships(agent.pk)
        assert found
        assert (found.shop_ids, found.manages(second), found.manages(shop)) == (
            [shop.pk, second.pk],
            True,
            False,
        )
        assert found.handles_complaints_of(second)
    stored = User.objects.get(pk=agent.pk)
    for field in User._meta.concrete_fields:
        value, expected = getattr(found, field.attname), getattr(stored, field.attname)
        assert (value, type(value)) == (expected, type(expected)), field.attname
    assert found._memberships == stored._memberships


def test_who_works_nowhere_or_does_not_exist(agent: User) -> None:
    ShopMembership.objects.all().delete()
    found = User.objects.with_memberships(agent.pk)
    assert found
    assert found.shop_ids == []
    assert User.objects.with_memberships(0) is None
