"""Undo: for ten minutes an act can be taken back, as long as nothing else has happened to the case."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from callbacks import contacts, undoing
from callbacks.holding import NotAllowed
from callbacks.models import Act, CallbackPromise
from reviews.dispatch import dispatch_waiting
from reviews.models import Case, Classification, Complaint, Shop, StaleCase, Status, User
from tests.factories import make_case, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("calling_hour")]


@pytest.fixture
def case(calling_hour: datetime, shop: Shop, agent: User) -> Case:
    return make_case(shop, assignee=agent, status=Status.IN_PROGRESS)


def as_stored(case: Case) -> dict[str, Any]:
    return dict(Case.objects.filter(pk=case.pk).values().get())


def later(**span: int) -> datetime:
    return timezone.now() + timedelta(**span)


DEEDS: dict[str, Callable[[Case, User, User], Act]] = {
    "release": lambda case, agent, _manager: contacts.give_back(case, by=agent),
    "assign": lambda case, _agent, manager: contacts.hand_over(case, manager, by=manager),
    "wait": lambda case, agent, _manager: contacts.wait(case, later(hours=2), by=agent, note="买家在外地"),
    "close": lambda case, agent, _manager: contacts.settle(case, "solved", by=agent, note="已补发"),
    "cause": lambda case, agent, _manager: contacts.decide_cause(case, "size_fit", by=agent),
    "malicious": lambda case, agent, _manager: contacts.decide_cause(case, "extortion", by=agent),
    "note": lambda case, agent, _manager: contacts.add_note(case, "买家周末方便", by=agent),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_it_puts_the_case_back_as_it_stood(deed: str, case: Case, agent: User, manager: User) -> None:
    before = as_stored(case)
    act = DEEDS[deed](case, agent, manager)
    by = manager if deed == "assign" else agent
    undoing.undo(act, by=by)
    assert as_stored(case) == before
    last = case.events.latest("pk")
    undone = [event for event in case.events.all() if event.kind == "undo"]
    assert [(one.by, one.data["act"]) for one in undone] == [(by, act.kind)]
    assert not Classification.objects.filter(decided_by=agent).exists()
    assert not Complaint.objects.filter(status="draft").exists()
    assert last.kind in ("undo", "complaint")


def test_closing_undone_leaves_the_promise_it_cancelled_standing(case: Case, agent: User) -> None:
    promise = contacts.promise_callback(case, later(hours=2), by=agent)
    case.take(agent)
    act = contacts.settle(case, "solved", by=agent)
    assert not CallbackPromise.objects.pending().exists()
    undoing.undo(act, by=agent)
    assert list(CallbackPromise.objects.pending()) == [promise]
    assert not Case.objects.solved().exists()


def test_a_complaint_withdrawn_with_its_cause_is_a_draft_again(case: Case, agent: User) -> None:
    contacts.decide_cause(case, "extortion", by=agent)
    draft = Complaint.objects.get()
    act = contacts.decide_cause(case, "quality", by=agent)
    undoing.undo(act, by=agent)
    assert list(Complaint.objects.filter(status="draft")) == [draft]


def test_it_tells_what_happened_meanwhile_and_by_whom(case: Case, shop: Shop, agent: User) -> None:
    act = contacts.give_back(case, by=agent)
    colleague = make_user("colleague", shop=shop, display_name="赵小北")
    Case.objects.get(pk=case.pk).take(colleague)
    with pytest.raises(StaleCase, match="赵小北"):
        undoing.undo(act, by=agent)
    assert Case.objects.get(pk=case.pk).assignee == colleague


def test_what_dispatch_dealt_and_nobody_began_can_still_come_back(
    case: Case, shop: Shop, agent: User
) -> None:
    colleague = make_user("colleague", shop=shop, on_duty=True)
    act = contacts.give_back(case, by=agent)
    assert dispatch_waiting() == 1
    assert Case.objects.get(pk=case.pk).assignee == colleague
    undoing.undo(act, by=agent)
    assert Case.objects.get(pk=case.pk).assignee == agent


def test_a_call_begun_since_stands_in_the_way(case: Case, agent: User) -> None:
    act = contacts.decide_cause(case, "size_fit", by=agent)
    contacts.start_call(case, by=agent)
    with pytest.raises(StaleCase):
        undoing.undo(act, by=agent)


def test_it_ends_after_ten_minutes(case: Case, agent: User) -> None:
    act = contacts.settle(case, "solved", by=agent)
    with time_machine.travel(later(minutes=9, seconds=50)):
        undoing.check_undo(act, by=agent, asked_at=timezone.now())
    with time_machine.travel(later(minutes=11)), pytest.raises(NotAllowed):
        undoing.undo(act, by=agent)
    assert Case.objects.get(pk=case.pk).status == Status.CLOSED


def test_it_happens_once(case: Case, agent: User) -> None:
    act = contacts.settle(case, "solved", by=agent)
    undoing.undo(act, by=agent)
    with pytest.raises(StaleCase):
        undoing.undo(act, by=agent)


def test_a_manager_may_and_a_colleague_may_not(case: Case, shop: Shop, agent: User, manager: User) -> None:
    act = contacts.settle(case, "solved", by=agent)
    with pytest.raises(NotAllowed):
        undoing.undo(act, by=make_user("colleague", shop=shop))
    undoing.undo(act, by=manager)
    assert Case.objects.get(pk=case.pk).assignee == agent


# --- the doors ------------------------------------------------------------------------------------


def test_the_page_offers_it_after_the_act_and_does_it(client: Client, case: Case, agent: User) -> None:
    client.force_login(agent)
    answer = client.post(
        reverse("callbacks:close", args=[case.pk]), {"outcome": "solved"}, headers={"HX-Request": "true"}
    )
    way_back = reverse("callbacks:undo", args=[Act.objects.get().pk])
    assert f'action="{way_back}"' in answer.content.decode()
    answer = client.post(way_back, follow=True)
    assert "已撤销：结案" in answer.content.decode()
    assert Case.objects.get(pk=case.pk).status == Status.IN_PROGRESS


def test_a_refusal_is_said_on_the_case(client: Client, case: Case, agent: User, manager: User) -> None:
    act = contacts.decide_cause(case, "size_fit", by=agent)
    contacts.hand_over(case, manager, by=manager)
    client.force_login(agent)
    page = client.post(reverse("callbacks:undo", args=[act.pk]), follow=True).content.decode()
    assert "王店长" in page
    assert Case.objects.get(pk=case.pk).sub_cause == "size_fit"


def test_the_page_of_recent_acts_shows_ones_own(
    client: Client, case: Case, agent: User, manager: User
) -> None:
    act = contacts.settle(case, "solved", by=agent)
    way_back = reverse("callbacks:undo", args=[act.pk])
    for person, shown in ((agent, True), (manager, False)):
        client.force_login(person)
        assert (way_back in client.get(reverse("callbacks:acts")).content.decode()) is shown


def test_acts_are_forgotten_when_their_time_is_over(case: Case, agent: User) -> None:
    contacts.settle(case, "solved", by=agent)
    assert undoing.forget_old(later(days=2)) == 1
