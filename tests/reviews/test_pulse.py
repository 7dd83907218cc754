"""The pulse beats with every change, whoever makes it, and folding it changes no sum."""

import pytest
from django.db import connection
from django.db.models import Sum

from reviews import clock
from reviews.models import Case, Pulse, Shop, User
from reviews.pulse_triggers import SQLITE
from tests.factories import make_case, make_shop


def beats(shop: Shop, agent: User) -> tuple[int, int]:
    held = Pulse.objects.filter(holder_id=agent.pk).aggregate(beats=Sum("beats", default=0))["beats"]
    return Pulse.objects.total_of_shops([shop.pk]), held


def test_it_beats_for_the_shop_and_for_who_holds_the_case(shop: Shop, agent: User) -> None:
    case = make_case(shop)
    opened, held = beats(shop, agent)
    assert opened > held == 0
    case.assign(agent)
    assigned, held = beats(shop, agent)
    assert assigned > opened
    assert held > 0
    case.release(by=agent)
    assert beats(shop, agent)[1] > held  # who lost it is told too


def test_it_beats_for_a_change_that_goes_by_no_verb(shop: Shop, agent: User) -> None:
    case = make_case(shop, assignee=agent)
    before = beats(shop, agent)
    Case.objects.filter(pk=case.pk).update(upset=0.9)
    assert all(new > old for new, old in zip(beats(shop, agent), before, strict=True))


def test_it_beats_for_no_other_shop(shop: Shop, agent: User) -> None:
    other = make_shop()
    make_case(shop)
    assert Pulse.objects.total_of_shops([other.pk]) == 0
    assert Pulse.objects.total_of_shops(None) == beats(shop, agent)[0]


def test_it_is_folded_without_a_change_of_any_sum(shop: Shop, agent: User) -> None:
    for _number in range(3):
        make_case(shop, assignee=agent)
    before = beats(shop, agent)
    assert Pulse.objects.compact() > 0
    assert beats(shop, agent) == before
    assert Pulse.objects.count() == 2
    assert Pulse.objects.compact() == 0


@pytest.mark.django_db
def test_without_its_triggers_it_would_miss_the_change(shop: Shop, agent: User) -> None:
    """The negative control: what the test above sees is the triggers' work."""
    case = make_case(shop, assignee=agent)
    before = beats(shop, agent)
    table = " ON reviews_case" if connection.vendor == "postgresql" else ""
    assert "pulse_case_moved" in SQLITE
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER pulse_case_moved{table}")
    Case.objects.filter(pk=case.pk).update(upset=0.9, opened_at=clock.now())
    assert beats(shop, agent) == before
