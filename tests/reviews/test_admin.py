"""The administrator's back room opens, for administrators only, and shows nothing personal."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from reviews.models import Shop, User

pytestmark = pytest.mark.django_db

PAGES = [f"admin:reviews_{name}_changelist" for name in ("user", "shop", "shopapikey", "auditentry")]


@pytest.mark.parametrize("page", PAGES)
def test_it_opens_for_an_administrator_alone(
    client: Client, page: str, administrator: User, manager: User
) -> None:
    client.force_login(administrator)
    assert client.get(reverse(page)).status_code == 200
    client.force_login(manager)
    assert client.get(reverse(page)).status_code == 302


def test_it_adds_a_person_with_a_shop(client: Client, administrator: User, agent: User, shop: Shop) -> None:
    client.force_login(administrator)
    page = client.get(reverse("admin:reviews_user_change", args=[agent.pk]))
    assert "test-shop" in page.text or shop.name in page.text


def test_it_holds_no_personal_data() -> None:
    names = {model._meta.model_name for model in admin.site._registry}
    assert not names & {"order", "buyer", "review", "case", "calllog"}


def test_it_deletes_neither_people_nor_shops(
    client: Client, administrator: User, agent: User, shop: Shop
) -> None:
    """A person with cases, a shop with reviews: they are taken out of use, never away."""
    client.force_login(administrator)
    for name, thing in (("user", agent), ("shop", shop)):
        assert client.post(reverse(f"admin:reviews_{name}_delete", args=[thing.pk])).status_code == 403


def test_it_refuses_calling_hours_that_end_before_they_begin(
    client: Client, administrator: User, shop: Shop
) -> None:
    client.force_login(administrator)
    form = client.get(reverse("admin:reviews_shop_change", args=[shop.pk])).context["adminform"].form
    sent = {**form.initial, "calling_from": "20:00", "calling_until": "02:00"}
    answer = client.post(reverse("admin:reviews_shop_change", args=[shop.pk]), sent)
    assert answer.status_code == 200  # shown again with the reason
    shop.refresh_from_db()
    assert shop.calling_from < shop.calling_until
