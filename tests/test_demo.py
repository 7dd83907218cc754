"""The demo: something to look at on every page, the same at every load, gone when asked."""

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from callbacks.models import CallbackPromise, CallLog, Remedy
from reviews.causes import SubCause
from reviews.dispatch import Roster
from reviews.models import Case, Outcome, PublicReply, Review, Shop, ShopMembership, Status, User
from reviews.models.staff import every_skill
from tests.factories import make_case, make_shop

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture(scope="module")
def loaded(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Loaded once for the file: it plays a month of work. Every test is rolled back to here."""
    with django_db_blocker.unblock(), transaction.atomic():
        call_command("load_demo", verbosity=0)
        yield
        transaction.set_rollback(True)


@pytest.fixture
def demo(loaded: None, db: None) -> None:
    """The demo shops, as `make run` shows them."""


def test_it_has_cases_in_every_state_and_with_every_outcome(demo: None) -> None:
    statuses = set(Case.objects.values_list("status", flat=True))
    assert statuses >= {Status.ASSIGNED, Status.IN_PROGRESS, Status.WAITING, Status.CLOSED}
    assert set(Case.objects.closed().values_list("outcome", flat=True)) == set(Outcome.values)
    assert set(Review.objects.values_list("rating", flat=True)) == {"good", "neutral", "bad"}


def test_it_has_every_sub_cause(demo: None) -> None:
    found = set(Case.objects.values_list("sub_cause", flat=True))
    assert set(SubCause.values) - found <= {SubCause.NONE}


def test_it_has_calls_promises_remedies_and_replies(demo: None) -> None:
    assert CallbackPromise.objects.pending().count() >= 5
    assert CallLog.objects.count() > 100
    assert Remedy.objects.filter(status="to_approve").exists()
    assert PublicReply.objects.filter(status="posted").exists()
    assert not PublicReply.objects.filter(text="").exists()


def test_at_every_hour_somebody_takes_every_cause_in_every_shop(demo: None) -> None:
    """`make run` at midnight shows a desk to which cases come."""
    now = timezone.now()
    for shop in Shop.objects.all():
        for hours in range(0, 10 * 24, 3):
            at_work = Roster(shop, now + timedelta(hours=hours)).candidates
            assert set().union(*(one.skills for one in at_work)) == set(every_skill()), (shop, hours)


def test_nothing_lies_in_the_future_but_promises(demo: None) -> None:
    now = timezone.now()
    assert not Case.objects.filter(opened_at__gt=now).exists()
    assert not CallLog.objects.filter(started_at__gt=now).exists()


def test_loading_twice_changes_nothing(demo: None) -> None:
    before = Case.objects.count(), Review.objects.count(), User.objects.count()
    call_command("load_demo", verbosity=0)
    assert (Case.objects.count(), Review.objects.count(), User.objects.count()) == before


def test_it_goes_without_a_trace(demo: None) -> None:
    call_command("delete_demo", verbosity=0, stdout=StringIO())
    assert not Shop.objects.filter(code__startswith="demo-").exists()
    assert not User.objects.filter(is_demo=True).exists()


def test_it_leaves_real_shops_alone(demo: None) -> None:
    """Somebody tried the program with a shop of their own and demo logins."""
    lin, mine = User.objects.get(username="lin"), make_shop("demo-of-mine")
    ShopMembership.objects.create(user=lin, shop=mine)
    case = make_case(mine, assignee=lin)
    CallLog.objects.create(case=case, agent=lin, started_at=case.opened_at)
    call_command("delete_demo", verbosity=0, stdout=StringIO())
    assert list(Shop.objects.all()) == [mine]
    assert not User.objects.filter(is_demo=True, is_active=True).exists()
    case.refresh_from_db()
    assert case.assignee == lin
