"""What falls due while its agent is absent goes to a colleague before its hour."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from callbacks import contacts
from callbacks.absences import end_absence, enter_absence
from callbacks.covering import cover_absences
from callbacks.holding import NotAllowed
from callbacks.models import CallbackPromise
from callbacks.timeline import assigned_to, timeline
from reviews import clock
from reviews.models import Absence, AuditEntry, Case, Shop, Status, User
from tests.factories import make_case, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("calling_hour")]  # Wed 2026-11-18 10:22

NOW = datetime.fromisoformat("2026-11-18T10:22+08:00")
TOMORROW = NOW.replace(hour=0, minute=0) + timedelta(days=1)
PAGE = reverse("callbacks:my_absences")


def on(day: int, hour: int) -> datetime:
    return NOW.replace(day=day, hour=hour, minute=0)


@pytest.fixture
def colleague(shop: Shop) -> User:
    return make_user("colleague", shop=shop, display_name="陈一鸣", on_duty=True)


def promised(shop: Shop, agent: User, at: datetime, **fields: Any) -> CallbackPromise:
    case = make_case(shop, assignee=agent, status=Status.IN_PROGRESS, **fields)
    return contacts.promise_callback(case, at, by=agent)


def away(agent: User, begins: datetime, ends: datetime) -> None:
    enter_absence(agent, begins, ends, "leave", by=agent)


def holder(promise: CallbackPromise) -> tuple[User | None, User, str]:
    promise = CallbackPromise.objects.select_related("case__assignee", "agent").get(pk=promise.pk)
    return promise.case.assignee, promise.agent, promise.case.status


def test_promises_move_at_once_when_the_absence_is_entered(shop: Shop, agent: User, colleague: User) -> None:
    inside, before, after = (promised(shop, agent, on(day, 15)) for day in (19, 18, 21))
    away(agent, TOMORROW, TOMORROW + timedelta(days=1))
    assert holder(inside) == (colleague, colleague, Status.WAITING)
    assert {holder(one) for one in (before, after)} == {(agent, agent, Status.WAITING)}
    event = inside.case.events.latest("id")
    assert (event.kind, event.data["to"], event.data["from"]) == ("cover", colleague.pk, agent.pk)


def test_the_timeline_says_why(shop: Shop, agent: User, colleague: User) -> None:
    promise = promised(shop, agent, on(19, 15))
    away(agent, TOMORROW, TOMORROW + timedelta(days=1))
    events = list(promise.case.events.all())
    assert colleague.pk in assigned_to(events)
    last = timeline(events, shop, {colleague.pk: "陈一鸣"})[-1]
    assert "陈一鸣" in last.title
    assert "11月19日 15:00" in last.detail


def test_the_sweep_moves_what_is_promised_later(shop: Shop, agent: User, colleague: User) -> None:
    away(agent, TOMORROW, TOMORROW + timedelta(days=1))
    promise = promised(shop, agent, on(19, 15))
    assert holder(promise)[0] == agent
    assert cover_absences() == 1
    assert holder(promise)[0] == colleague
    assert cover_absences() == 0


def test_it_goes_to_who_works_at_that_hour_and_has_the_skill_and_room(
    shop: Shop, agent: User, colleague: User
) -> None:
    promise = promised(shop, agent, on(19, 15))
    colleague.memberships.update(week=[[[540, 720]]] * 7)  # mornings only
    make_user("unskilled", shop=shop, on_duty=True, skills=["malicious"])
    make_user("full", shop=shop, on_duty=True, max_open_cases=0)
    make_user("paused", shop=shop, on_duty=False)
    ill = make_user("ill", shop=shop, on_duty=True)
    Absence.objects.create(user=ill, begins=NOW, ends=on(18, 20))
    right = make_user("right", shop=shop, on_duty=True)
    away(agent, TOMORROW, TOMORROW + timedelta(days=1))
    assert holder(promise)[0] == right


def test_without_a_colleague_everybody_gets_it_half_an_hour_before(shop: Shop, agent: User) -> None:
    promise = promised(shop, agent, on(19, 15))
    away(agent, TOMORROW, TOMORROW + timedelta(days=1))
    assert holder(promise)[0] == agent
    with clock.at(on(19, 14) + timedelta(minutes=31)):
        assert cover_absences() == 1
    assert holder(promise) == (None, agent, Status.NEW)
    assert CallbackPromise.objects.pending().filter(pk=promise.pk).exists()


def test_cases_whose_deadline_falls_into_the_absence_move(shop: Shop, agent: User, colleague: User) -> None:
    today = make_case(shop, assignee=agent, due_at=on(18, 12))
    tried = make_case(shop, assignee=agent, status=Status.WAITING, wait_until=on(18, 14), due_at=on(18, 9))
    called = make_case(shop, assignee=agent, due_at=on(18, 12), first_contact_at=NOW)
    late = make_case(shop, assignee=agent, due_at=on(18, 20))
    away(agent, NOW, on(18, 18))
    held = dict(Case.objects.values_list("pk", "assignee"))
    assert {held[today.pk], held[tried.pk]} == {colleague.pk}
    assert {held[called.pk], held[late.pk]} == {agent.pk}


def test_a_running_call_and_work_in_hand_are_not_taken_away(shop: Shop, agent: User, colleague: User) -> None:
    calling = make_case(shop, assignee=agent, status=Status.IN_PROGRESS, due_at=on(18, 12))
    contacts.start_call(calling, by=agent)
    Case.objects.filter(pk=calling.pk).update(first_contact_at=None)
    reading = make_case(shop, assignee=agent, status=Status.IN_PROGRESS, due_at=on(18, 12))
    away(agent, on(18, 11), on(18, 18))
    assert set(Case.objects.values_list("assignee", flat=True)) == {agent.pk}
    with clock.at(on(18, 11)):
        cover_absences()
    assert dict(Case.objects.values_list("pk", "assignee")) == {
        calling.pk: agent.pk,
        reading.pk: colleague.pk,
    }


@pytest.mark.parametrize(
    ("begins", "ends", "words"),
    [
        (on(19, 9), on(19, 9), "结束时间"),
        (on(19, 9), on(18, 12), "结束时间"),
        (on(18, 8), on(18, 9), "已经过去"),
        (on(16, 8), on(19, 9), "一天"),
        (on(19, 9), on(19, 9).replace(year=2028), "一年"),
        (on(20, 9), on(22, 9), "已登记"),
    ],
)
def test_it_refuses_an_absence_that_makes_no_sense(
    agent: User, begins: datetime, ends: datetime, words: str
) -> None:
    Absence.objects.create(user=agent, begins=on(21, 0), ends=on(23, 0))
    with pytest.raises(NotAllowed, match=words):
        away(agent, begins, ends)
    assert Absence.objects.count() == 1


def test_ending_one_brings_the_agent_back(agent: User, shop: Shop) -> None:
    away(agent, NOW, on(19, 9))
    away(agent, on(20, 9), on(21, 9))
    for absence in Absence.objects.all():
        end_absence(absence, by=agent)
    assert not Absence.objects.at(clock.now()).exists()
    assert Absence.objects.count() == 1  # what was planned is gone, what was is kept
    assert AuditEntry.objects.filter(action="absence").count() == 4


# --- the pages ------------------------------------------------------------------------------------


def typed(begins: str, ends: str) -> dict[str, str]:
    return {"begins": begins, "ends": ends, "reason": "sick"}


def test_an_agent_enters_and_ends_their_own(client: Client, shop: Shop, agent: User, colleague: User) -> None:
    promised(shop, agent, on(19, 15))
    client.force_login(agent)
    answer = client.post(PAGE, typed("2026-11-19T09:00", "2026-11-19T18:00"), follow=True)
    page = answer.content.decode()
    assert "已登记" in page
    assert "1" in page
    absence = Absence.objects.get()
    assert (absence.begins, absence.reason, absence.entered_by) == (on(19, 9), "sick", agent)
    client.post(reverse("callbacks:absence_end", args=[absence.pk]))
    assert not Absence.objects.exists()


@pytest.mark.parametrize(
    "wrong", [typed("", ""), typed("x", "2026-11-19T18:00"), {"begins": "2026-11-19T09:00"}]
)
def test_what_is_missing_is_named(client: Client, agent: User, wrong: dict[str, str]) -> None:
    client.force_login(agent)
    answer = client.post(PAGE, wrong)
    assert answer.status_code == 422
    assert answer.context["form"].errors
    assert not Absence.objects.exists()


def test_a_manager_enters_those_of_the_team(client: Client, agent: User, manager: User) -> None:
    client.force_login(manager)
    membership = agent.memberships.get()
    client.post(
        reverse("callbacks:member_absences", args=[membership.pk]),
        typed("2026-11-18T09:00", "2026-11-20T09:00"),
    )
    absence = Absence.objects.get()
    assert (absence.user, absence.entered_by) == (agent, manager)


def test_a_colleagues_absence_is_not_ones_own(client: Client, agent: User, colleague: User) -> None:
    away(agent, NOW, on(19, 9))
    client.force_login(colleague)
    assert client.post(reverse("callbacks:absence_end", args=[Absence.objects.get().pk])).status_code == 404
