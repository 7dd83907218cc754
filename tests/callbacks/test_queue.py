"""Whose turn comes next, in which order, and that two agents never get the same case."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time, timedelta
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from callbacks import contacts, remedies
from callbacks.case_list import PAGE, VIEWS, WORK_ORDER, cases_of, count_of, narrow, page_of, views_for
from callbacks.models import CallbackPromise
from callbacks.queue import agent_queue, next_case, next_entry
from callbacks.work_order import in_order as work_of
from reviews import clock
from reviews.models import Case, Shop, ShopMembership, StaleCase, Status, User
from reviews.search import plain
from tests.factories import make_buyer, make_case, make_order, make_review, make_shop, make_user

pytestmark = pytest.mark.django_db


def soon(minutes: float) -> datetime:
    return timezone.now() + timedelta(minutes=minutes)


def in_order(user: User) -> list[Case]:
    return [entry.case for entry in agent_queue(user, clock.now())]


def test_it_puts_a_due_promise_before_everything(calling_hour: datetime, shop: Shop, agent: User) -> None:
    overdue = make_case(shop, assignee=agent, due_at=soon(-20))
    promised = make_case(shop, assignee=agent, status=Status.IN_PROGRESS, due_at=soon(500))
    contacts.promise_callback(promised, soon(4), by=agent)
    assert in_order(agent) == [promised, overdue]
    assert agent_queue(agent, clock.now())[0].reason == "约定的回访到点了"


def test_it_orders_by_deadline_then_upset_then_value(shop: Shop, agent: User) -> None:
    due = soon(60)
    cheap = make_case(shop, assignee=agent, due_at=due, upset=0.2, value=5)
    dear = make_case(shop, assignee=agent, due_at=due, upset=0.2, value=500)
    angry = make_case(shop, assignee=agent, due_at=due, upset=0.95, value=1)
    first = make_case(shop, assignee=agent, due_at=soon(30), upset=None)
    late = make_case(shop, assignee=agent, due_at=soon(-5))
    assert in_order(agent) == [late, first, angry, dear, cheap]


def test_it_gives_the_same_order_for_the_same_input(shop: Shop, agent: User) -> None:
    due = soon(60)
    for _number in range(6):
        make_case(shop, assignee=agent, due_at=due)
    assert in_order(agent) == in_order(agent)


def test_it_puts_a_closing_window_first_and_a_shut_one_last(
    calling_hour: datetime, shop: Shop, agent: User
) -> None:
    """Frozen at 10:22 in Shanghai."""
    closing, shut = (
        make_shop(calling_from=time(9), calling_until=time(11)),
        make_shop(calling_from=time(12), calling_until=time(20)),
    )
    for one in (closing, shut):
        ShopMembership.objects.create(user=agent, shop=one)
    late = make_case(shop, assignee=agent, due_at=soon(-30))
    asleep = make_case(shut, assignee=agent, due_at=soon(-90))
    ending = make_case(closing, assignee=agent, due_at=soon(300))
    promised = make_case(shop, assignee=agent, status=Status.IN_PROGRESS, due_at=soon(500))
    contacts.promise_callback(promised, soon(4), by=agent)
    assert in_order(agent) == [promised, ending, late, asleep]
    assert agent_queue(agent, clock.now())[1].reason.startswith("等待首次联系 · 可拨打时段还剩 3")


def test_it_calls_nobody_a_next_try_outside_calling_hours(
    calling_hour: datetime, shop: Shop, agent: User
) -> None:
    shut = make_shop(calling_from=time(12), calling_until=time(20))
    ShopMembership.objects.create(user=agent, shop=shut)
    waited: dict[str, Any] = {"assignee": agent, "status": Status.WAITING, "wait_until": soon(-60)}
    asleep, awake = make_case(shut, **waited), make_case(shop, **waited)
    overdue = make_case(shop, assignee=agent, due_at=soon(-30))
    assert in_order(agent) == [awake, overdue, asleep]
    first, _overdue, last = (entry.reason for entry in agent_queue(agent, clock.now()))
    assert (first, last) == ("可以再次拨打", "等到可拨打时段再试")


def test_it_walks_what_is_free_in_the_same_order(calling_hour: datetime, shop: Shop, agent: User) -> None:
    closing = make_shop(calling_from=time(9), calling_until=time(11))
    ShopMembership.objects.create(user=agent, shop=closing)
    due = soon(60)
    calm, angry = (make_case(shop, due_at=due, upset=upset) for upset in (0.1, 0.8))
    ending = make_case(closing, due_at=soon(300))
    promised = make_case(shop, assignee=agent, status=Status.IN_PROGRESS, due_at=soon(500))
    contacts.promise_callback(promised, soon(4), by=agent)
    rival = make_user("rival", shop=shop)
    ShopMembership.objects.create(user=rival, shop=closing)
    contacts.give_back(promised, by=agent)
    taken: list[Case] = []
    while entry := next_entry(rival, clock.now(), but=taken[-1].pk if taken else None):
        entry.case.note_contact(clock.now())
        CallbackPromise.objects.filter(case=entry.case).update(kept_at=clock.now())
        taken.append(entry.case)
        if len(taken) == 4:
            break
    assert taken == [promised, ending, angry, calm]


def test_it_says_why(calling_hour: datetime, shop: Shop, agent: User) -> None:
    make_case(shop, assignee=agent, due_at=soon(-5), upset=0.95)
    make_case(shop, assignee=agent, due_at=soon(20.5))
    make_case(shop, assignee=agent, due_at=soon(300))
    reasons = [entry.reason for entry in agent_queue(agent, clock.now())]
    assert reasons == ["首次联系已超时 · 情绪激动", "20 分钟内须首次联系", "等待首次联系"]


def test_it_hides_what_waits_for_a_later_hour(shop: Shop, agent: User) -> None:
    make_case(shop, assignee=agent, status=Status.WAITING, wait_until=soon(60))
    due = make_case(shop, assignee=agent, status=Status.WAITING, wait_until=soon(3))
    assert in_order(agent) == [due]


def test_it_takes_ones_own_before_a_free_one(shop: Shop, agent: User) -> None:
    free = make_case(shop, due_at=soon(-60))
    own = make_case(shop, assignee=agent, due_at=soon(60))
    assert next_case(agent, clock.now()) == own
    assert next_case(agent, clock.now(), but=own.pk) == free
    free.refresh_from_db()
    assert (free.status, free.assignee) == (Status.IN_PROGRESS, agent)


def test_it_takes_a_free_one_before_what_only_waits_for_its_end(shop: Shop, agent: User) -> None:
    contacted = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    contacted.note_contact(timezone.now())
    free = make_case(shop)
    assert next_case(agent, clock.now()) == free
    assert next_case(agent, clock.now(), but=free.pk) == contacted


def test_it_never_offers_back_what_the_agent_gave_back(shop: Shop, agent: User) -> None:
    case = make_case(shop, assignee=agent)
    contacts.give_back(case, by=agent)
    assert next_case(agent, clock.now()) is None


def test_it_never_offers_a_case_of_another_shop(shop: Shop, agent: User, outsider: User) -> None:
    make_case(shop)
    assert next_case(outsider, clock.now()) is None


def test_it_gives_the_next_one_to_who_was_slower(shop: Shop, agent: User) -> None:
    rival = make_user("rival", shop=shop)
    first, second = make_case(shop, due_at=soon(10)), make_case(shop, due_at=soon(20))
    take = Case.take

    def beaten(case: Case, user: User) -> None:
        if case.pk == first.pk:
            with patch.object(Case, "take", take):
                Case.objects.get(pk=first.pk).take(rival)
        take(case, user)

    with patch.object(Case, "take", beaten):
        assert next_case(agent, clock.now()) == second
    assert Case.objects.get(pk=first.pk).assignee == rival


def test_it_refuses_the_second_of_two_who_hold_the_same_row(shop: Shop, agent: User) -> None:
    rival = make_user("rival", shop=shop)
    case = make_case(shop)
    as_rival_sees_it = Case.objects.get(pk=case.pk)
    case.take(agent)
    with pytest.raises(StaleCase):
        as_rival_sees_it.take(rival)


def test_it_asks_the_database_once_however_long_the_queue(
    shop: Shop, agent: User, django_assert_num_queries: object
) -> None:
    for _number in range(5):
        make_case(shop, assignee=agent)
    assert agent.manages(shop) is False  # roles are read once a request
    # The shops and their hours; what one holds, in order; the rows.
    with django_assert_num_queries(3):  # type: ignore[operator]
        [str(entry.case.review.buyer) + entry.reason for entry in agent_queue(agent, clock.now())]


# --- views, filters, pages ----------------------------------------------------------------------


def codes_with(case: Case, user: User) -> set[str]:
    return {
        view.code for view in views_for(user) if cases_of(view, user, clock.now()).filter(pk=case.pk).exists()
    }


def test_it_shows_each_case_in_the_views_it_belongs_to(
    calling_hour: datetime, shop: Shop, agent: User, manager: User
) -> None:
    free = make_case(shop, due_at=soon(-5))
    assert codes_with(free, agent) == {"to_take", "overdue", "open", "all"}
    unsure = make_case(shop, assignee=agent, needs_decision=True, sub_cause="extortion")
    assert codes_with(unsure, agent) == {"mine", "to_decide", "malicious", "open", "all"}
    closed = make_case(shop, assignee=agent, status=Status.CLOSED)
    assert codes_with(closed, agent) == {"solved", "closed", "all"}
    tried = make_case(shop, assignee=agent, due_at=soon(30))
    assert "soon" in codes_with(tried, agent)
    tried.note_contact(clock.now())
    assert codes_with(tried, agent) == {"mine", "unreached", "open", "all"}
    tried.note_reached(clock.now())
    assert "unreached" not in codes_with(tried, agent)
    promised = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    contacts.promise_callback(promised, soon(120), by=agent)
    assert codes_with(promised, agent) == {"mine", "callbacks", "open", "all"}
    asked = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    remedies.offer_remedy(asked, "refund", amount=999, note="", reason="听买家描述", by=agent)  # type: ignore[arg-type]
    assert "to_approve" in codes_with(asked, manager)
    assert "to_approve" not in {view.code for view in views_for(agent)}


def test_it_narrows_by_what_the_url_says(shop: Shop, agent: User) -> None:
    order = make_order(shop, order_no="7788", buyer=make_buyer(shop, "小张"))
    case = make_case(shop, review=make_review(shop, order=order, content="杯盖坏了"), assignee=agent)
    make_case(shop, sub_cause="size_fit")
    everything = Case.objects.visible_to(agent)
    for filters in (
        {"q": "杯盖"},
        {"q": "7788"},
        {"q": "＃" + str(case.pk)},
        {"cause": "product"},
        {"sub_cause": "damaged_missing"},
        {"assignee": "me"},
        {"assignee": str(agent.pk)},
        {"buyer": order.buyer_id},
        {"status": "assigned"},
    ):
        assert list(narrow(everything, filters, agent)) == [case], filters
    assert case not in narrow(everything, {"assignee": "none"}, agent)


def test_it_counts_days_by_the_clock_of_the_shop(shop: Shop, agent: User) -> None:
    at = datetime(2026, 11, 18, 0, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
    case = make_case(shop, opened_at=at, due_at=at)
    seen = Case.objects.visible_to(agent)
    day = date(2026, 11, 18)
    assert list(narrow(seen, {"from": day, "until": day}, agent)) == [case]
    assert not narrow(seen, {"until": date(2026, 11, 17)}, agent).exists()
    assert not narrow(seen, {"from": date(2026, 11, 19)}, agent).exists()


def test_it_forgives_full_width_signs() -> None:
    assert plain("＃１２３　杯盖 ") == "#123 杯盖"


def test_it_counts_no_further_than_a_thousand(
    shop: Shop, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _number in range(4):
        make_case(shop)
    monkeypatch.setattr("callbacks.case_list.COUNTED", 3)
    assert count_of(Case.objects.all()) == "3+"
    monkeypatch.setattr("callbacks.case_list.COUNTED", 4)
    assert count_of(Case.objects.all()) == "4"


@pytest.mark.parametrize("code", ["mine", "open", "all"])
def test_it_pages_forward_and_back_without_a_gap_or_a_double(shop: Shop, agent: User, code: str) -> None:
    same_due = soon(60)
    for number in range(PAGE * 2 + 5):
        make_case(
            shop, assignee=agent, due_at=same_due if number % 2 else soon(number), upset=number % 3 or None
        )
    view, now = VIEWS[code], clock.now()
    cases = cases_of(view, agent, now)
    pages, cursor = [], ""
    while True:
        page = page_of(cases, view.order, now, cursor)
        pages.append(page)
        if not page.next:
            break
        cursor = page.next
    seen = [case.pk for page in pages for case in page.cases]
    assert len(seen) == len(set(seen)) == PAGE * 2 + 5
    by_work = [place.case for place in work_of(cases, now).places]
    by_columns = list(cases.order_by(*view.order).values_list("pk", flat=True)) if code != "mine" else []
    assert seen == (by_work if view.order == WORK_ORDER else by_columns)
    back = page_of(cases, view.order, now, pages[2].previous)
    assert back.cases == pages[1].cases
    assert page_of(cases, view.order, now, back.previous).previous == ""


@pytest.mark.parametrize("cursor", ["x", "W10", "WyI-Iiwib29wcyIsMV0", "WyI-IiwxLDIsM10", "é"])
def test_it_shows_the_first_page_for_a_cursor_it_cannot_read(shop: Shop, agent: User, cursor: str) -> None:
    case = make_case(shop, assignee=agent)
    now = clock.now()
    assert page_of(Case.objects.all(), VIEWS["open"].order, now, cursor).cases == [case]


@pytest.mark.parametrize("free", [2, 40])
def test_the_next_case_costs_eight_queries_however_many_are_free(
    client: Client, shop: Shop, agent: User, free: int
) -> None:
    """Session, person, shops; what one holds, what others left; the best free one; the move and its event."""
    for number in range(free):
        make_case(shop, due_at=soon(number))
    held = make_case(shop, assignee=agent, status=Status.IN_PROGRESS, first_contact_at=timezone.now())
    client.force_login(agent)
    with CaptureQueriesContext(connection) as asked:
        answer = client.post("/cases/next/", {"from": str(held.pk)})
    assert answer["Location"] == f"/cases/{Case.objects.get(assignee=agent, first_contact_at=None).pk}/"
    marks = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
    queries = [one["sql"] for one in asked.captured_queries if not one["sql"].startswith(marks)]
    assert len(queries) == 8, queries


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_it_never_gives_one_case_to_two_agents_at_once(shop: Shop) -> None:
    agents = [make_user(f"racer{number}", shop=shop) for number in range(8)]
    for _number in range(24):
        make_case(shop)

    def claim_three(agent: User) -> list[int]:
        try:
            taken: list[int] = []
            for _time in range(3):
                case = next_case(agent, clock.now(), but=taken[-1] if taken else None)
                if case:
                    Case.objects.filter(pk=case.pk).update(first_contact_at=timezone.now())
                    taken.append(case.pk)
            return taken
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        taken = [pk for pks in pool.map(claim_three, agents) for pk in pks]
    assert len(taken) == len(set(taken)) == 24


def test_it_names_no_person_of_a_strange_shop(client: Client, agent: User, outsider: User) -> None:
    client.force_login(agent)
    page = client.get(f"/cases/?assignee={outsider.pk}").content.decode()
    assert "外人" not in page
