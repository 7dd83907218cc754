"""One act on many cases: what the preview says, what the job does, and that nothing happens twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from callbacks import bulk, contacts
from callbacks.holding import NotAllowed
from callbacks.models import Act, ActKind, BulkJob, BulkRow, OutgoingMessage, Remedy, ShopGateway
from callbacks.tasks import sweep_bulk
from reviews.models import Case, CaseEvent, InvalidTransition, Order, Shop, Status, User
from reviews.models.cases import CaseQuerySet
from tests.factories import make_case, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("calling_hour")]

CLOSE = {"outcome": "solved", "note": ""}


@pytest.fixture
def held(calling_hour: datetime, shop: Shop, agent: User) -> list[Case]:
    return [make_case(shop, assignee=agent, status=Status.IN_PROGRESS) for _number in range(4)]


def everything() -> CaseQuerySet:
    return Case.objects.all()


def prepared(by: User, kind: ActKind = ActKind.CLOSE, **params: Any) -> BulkJob:
    return bulk.prepare(everything(), kind, params or dict(CLOSE), by=by)


def run(job: BulkJob) -> BulkJob:
    bulk.start(job)
    bulk.run_job(job.pk)
    return BulkJob.objects.get(pk=job.pk)


def states(job: BulkJob) -> list[str]:
    return list(job.rows.order_by("case_id").values_list("state", flat=True))


def test_the_preview_says_exactly_what_the_job_does(shop: Shop, agent: User, held: list[Case]) -> None:
    """Every refusal of the verb is foreseen with the very words."""
    contacts.start_call(held[0], by=agent)
    Case.objects.filter(pk=held[1].pk).update(needs_decision=True)
    Remedy.objects.create(
        case=held[2], kind="refund", amount=9, status="to_approve", agreed_by=agent, agreed_at=timezone.now()
    )
    make_case(shop)  # nobody's: taken first
    make_case(shop, assignee=make_user("colleague", shop=shop))
    job = prepared(agent)
    foreseen = list(job.rows.order_by("case_id").values_list("state", "reason"))
    assert [state for state, _words in foreseen] == ["refused"] * 3 + ["to_do", "to_do", "refused"]
    BulkRow.objects.update(state="to_do", reason="")  # and now without having looked
    job = run(job)
    done = list(job.rows.order_by("case_id").values_list("state", "reason"))
    assert done == [("done" if state == "to_do" else state, words) for state, words in foreseen]


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        (ActKind.RELEASE, {"x": 1}),
        (ActKind.WAIT, {"until": "2026-11-18T15:00:00+08:00", "note": "买家下午回来"}),
        (ActKind.CLOSE, {"outcome": "no_action", "note": "已说明"}),
        (ActKind.CAUSE, {"sub_cause": "size_fit"}),
        (ActKind.NOTE, {"note": "仓库已核实"}),
    ],
)
def test_every_act_is_done_and_undone(
    agent: User, held: list[Case], kind: ActKind, params: dict[str, Any]
) -> None:
    before = list(everything().order_by("pk").values())
    job = run(prepared(agent, kind, **params))
    assert (job.status, states(job)) == ("finished", ["done"] * 4)
    assert set(CaseEvent.objects.filter(case=held[0]).values_list("kind", flat=True)) - {"opened"}
    bulk.take_back(job)
    bulk.run_job(job.pk)
    assert BulkJob.objects.get().status == "undone"
    assert states(job) == ["undone"] * 4
    assert list(everything().order_by("pk").values()) == before


def test_a_manager_hands_many_over_and_an_agent_does_not(
    shop: Shop, agent: User, manager: User, held: list[Case]
) -> None:
    colleague = make_user("colleague", shop=shop)
    assert states(prepared(agent, ActKind.ASSIGN, agent=colleague.pk)) == ["refused"] * 4
    run(prepared(manager, ActKind.ASSIGN, agent=colleague.pk))
    assert everything().filter(assignee=colleague).count() == 4


def test_nobody_of_another_shop_gets_a_case(manager: User, outsider: User, held: list[Case]) -> None:
    assert states(prepared(manager, ActKind.ASSIGN, agent=outsider.pk)) == ["refused"] * 4


def test_what_changed_since_the_preview_is_refused_and_said(
    agent: User, manager: User, held: list[Case]
) -> None:
    job = prepared(agent)
    contacts.decide_cause(held[1], "size_fit", by=manager)
    job = run(job)
    assert states(job) == ["done", "refused", "done", "done"]
    assert "王店长" in job.rows.get(case=held[1]).reason
    assert Case.objects.get(pk=held[1].pk).is_open


def test_an_unlawful_note_is_refused_case_by_case(agent: User, held: list[Case]) -> None:
    Case.objects.filter(pk=held[0].pk).update(compensated_at=timezone.now())
    note = "已告诉买家评价可以修改"
    job = prepared(agent, ActKind.NOTE, note=note)
    foreseen = states(job)
    assert foreseen[0] == "refused"
    BulkRow.objects.update(state="to_do", reason="")
    job = run(job)
    assert [state.replace("done", "to_do") for state in states(job)] == foreseen


def test_a_message_to_many_goes_through_the_gateway_and_can_be_taken_back(
    shop: Shop, agent: User, held: list[Case]
) -> None:
    ShopGateway.objects.create(shop=shop, channel="sms", provider="console")
    Order.objects.exclude(reviews__cases=held[0]).update(phone_index="")
    contacts.forbid_calls(held[0], by=agent)
    assert states(prepared(agent, ActKind.MESSAGE, text="给您返现5元，麻烦改成好评")) == ["refused"] * 4
    job = run(prepared(agent, ActKind.MESSAGE, text="您的件已补发，单号稍后发您。"))
    assert states(job) == ["refused", "done", "done", "done"]
    assert OutgoingMessage.objects.filter(state="queued").count() == 3
    OutgoingMessage.objects.filter(case=held[1]).update(handed_at=timezone.now(), state="sent")
    bulk.take_back(job)
    bulk.run_job(job.pk)
    assert states(job) == ["refused", "stands", "undone", "undone"]
    assert OutgoingMessage.objects.filter(state="cancelled").count() == 2


def test_nothing_happens_twice_whoever_comes_again(agent: User, held: list[Case]) -> None:
    job = run(prepared(agent, ActKind.NOTE, note="已核实"))
    for row in job.rows.all():
        again = BulkJob(pk=job.pk, act="note", params=job.params, created_by=agent, status="running")
        bulk._work_at(row, again)
    bulk.start(job)
    bulk.run_job(job.pk)
    assert CaseEvent.objects.filter(kind="note").count() == len(held)
    assert Act.objects.count() == len(held)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_workers_share_a_job_and_do_every_case_once(shop: Shop, agent: User, held: list[Case]) -> None:
    for _number in range(20):
        make_case(shop, assignee=agent)
    job = prepared(agent, ActKind.NOTE, note="已核实")
    bulk.start(job)

    def work(_number: int) -> None:
        try:
            bulk.run_job(job.pk)
        finally:
            connection.close()

    with patch.object(bulk, "CLAIM", 3), ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    assert states(job) == ["done"] * 24
    assert CaseEvent.objects.filter(kind="note").count() == Act.objects.count() == 24
    assert BulkJob.objects.get().status == "finished"


def test_a_killed_worker_leaves_its_rows_to_the_next(agent: User, held: list[Case]) -> None:
    """It died between two rows: one is done, one in its hands, the rest unclaimed."""
    job = prepared(agent)
    bulk.start(job)

    class Killed(BaseException):
        pass

    real, turns = bulk._do, iter(range(9))

    def die_at_the_second(row: BulkRow, job: BulkJob) -> None:
        if next(turns) == 1:
            raise Killed
        real(row, job)

    with patch.object(bulk, "_do", die_at_the_second), pytest.raises(Killed):
        bulk.run_job(job.pk)
    assert sorted(states(job)) == ["done", "to_do", "to_do", "to_do"]
    with patch("callbacks.tasks.run_bulk.delay", bulk.run_job):
        sweep_bulk()
        assert sorted(states(job)) == ["done", "to_do", "to_do", "to_do"]  # still on lease
        with time_machine.travel(timezone.now() + bulk.LEASE + timedelta(seconds=1)):
            sweep_bulk()
    assert states(job) == ["done"] * 4
    assert CaseEvent.objects.filter(kind="close").count() == 4


def test_a_row_that_takes_its_workers_down_is_given_up(agent: User, held: list[Case]) -> None:
    job = prepared(agent)
    job.rows.filter(case=held[0]).update(attempts=bulk.TRIES)
    assert sorted(states(run(job))) == ["done", "done", "done", "refused"]


def test_an_error_in_one_row_stops_no_other(agent: User, held: list[Case]) -> None:
    real = bulk._do

    def fail_once(row: BulkRow, job: BulkJob) -> None:
        if row.case_id == held[2].pk:
            raise RuntimeError
        real(row, job)

    with patch.object(bulk, "_do", fail_once):
        assert states(run(prepared(agent))) == ["done", "done", "failed", "done"]


def test_it_stops_in_the_middle_and_what_is_done_can_be_undone(agent: User, held: list[Case]) -> None:
    job = prepared(agent)
    bulk.start(job)
    real = bulk._do

    def stop_after_the_first(row: BulkRow, job: BulkJob) -> None:
        real(row, job)
        bulk.cancel(job)

    with patch.object(bulk, "_do", stop_after_the_first):
        bulk.run_job(job.pk)
    job = BulkJob.objects.get()
    assert (job.status, sorted(states(job))) == ("cancelled", ["done", "left", "left", "left"])
    bulk.take_back(job)
    bulk.run_job(job.pk)
    assert everything().open().count() == 4


def test_undo_leaves_what_somebody_touched_since_and_says_so(
    agent: User, manager: User, held: list[Case]
) -> None:
    job = run(prepared(agent))
    contacts.reopen(Case.objects.get(pk=held[3].pk), by=manager)
    bulk.take_back(job)
    bulk.run_job(job.pk)
    assert states(job) == ["undone"] * 3 + ["stands"]
    assert "王店长" in job.rows.get(case=held[3]).reason


def test_a_job_is_undone_within_ten_minutes_only(agent: User, held: list[Case]) -> None:
    job = run(prepared(agent))
    with time_machine.travel(timezone.now() + timedelta(minutes=11)), pytest.raises(NotAllowed):
        bulk.take_back(job)


def test_it_takes_no_more_than_a_job_can_bear(agent: User, held: list[Case]) -> None:
    with patch.object(bulk, "AT_ONCE", 3), pytest.raises(InvalidTransition):
        prepared(agent)


def test_the_preview_asks_no_more_the_more_cases_there_are(
    agent: User, shop: Shop, held: list[Case], django_assert_num_queries: Any
) -> None:
    agent.shop_filter("shop")
    with django_assert_num_queries(5):  # cases, savepoint twice, job, rows
        prepared(agent)
    for _number in range(6):
        make_case(shop)
    with django_assert_num_queries(5):
        prepared(agent)


# --- the pages --------------------------------------------------------------------------------------


def test_all_that_match_means_the_filter_not_the_page(
    client: Client, shop: Shop, agent: User, held: list[Case]
) -> None:
    for _number in range(35):
        make_case(shop)
    client.force_login(agent)
    page = client.get(reverse("callbacks:queue"), {"view": "to_take"}).content.decode()
    assert "/bulk/new/?all=1&amp;view=to_take" in page
    answer = client.post(
        reverse("callbacks:bulk_new"),
        {"all": "1", "view": "to_take", "act": "close", "do-outcome": "no_action"},
    )
    job = BulkJob.objects.get()
    assert answer["Location"] == reverse("callbacks:bulk", args=[job.pk])
    assert states(job) == ["to_do"] * 35
    assert "将改动 35 件" in client.get(answer["Location"]).content.decode()


def test_ticked_rows_and_no_others(client: Client, agent: User, held: list[Case], other_shop: Shop) -> None:
    foreign = make_case(other_shop)
    client.force_login(agent)
    chosen = [held[0].pk, held[2].pk, foreign.pk]
    client.post(reverse("callbacks:bulk_new"), {"case": chosen, "act": "note", "do-note": "已核实"})
    assert sorted(BulkRow.objects.values_list("case_id", flat=True)) == [held[0].pk, held[2].pk]


def test_a_missing_answer_is_asked_for_beside_its_field(
    client: Client, agent: User, held: list[Case]
) -> None:
    client.force_login(agent)
    answer = client.post(reverse("callbacks:bulk_new"), {"case": held[0].pk, "act": "close"})
    assert answer.status_code == 422
    assert 'id="close_do-outcome_error"' in answer.content.decode()
    assert not BulkJob.objects.exists()


def test_the_job_page_goes_on_by_itself_and_hands_out_the_rows(
    client: Client, agent: User, held: list[Case]
) -> None:
    client.force_login(agent)
    contacts.start_call(held[0], by=agent)
    job = prepared(agent)
    with patch("callbacks.bulk.wake"):
        client.post(reverse("callbacks:bulk_start", args=[job.pk]))
    page = reverse("callbacks:bulk", args=[job.pk])
    assert "every 2s" in client.get(page).content.decode()
    bulk.run_job(job.pk)
    assert "every 2s" not in client.get(page, headers={"HX-Request": "true"}).content.decode()
    rows = client.get(reverse("callbacks:bulk_rows", args=[job.pk])).content.decode("utf-8-sig")
    assert len(rows.strip().splitlines()) == 5
    errors = client.get(reverse("callbacks:bulk_rows", args=[job.pk]), {"only": "errors"})
    assert len(errors.content.decode("utf-8-sig").strip().splitlines()) == 2


def test_who_left_the_shop_changes_nothing_more(agent: User, held: list[Case]) -> None:
    job = prepared(agent)
    agent.memberships.all().delete()
    assert states(run(job)) == ["refused"] * 4
