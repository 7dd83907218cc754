"""A mass incident answered together: own words and an own offer for each case, by all the rules."""

import re
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from callbacks import bulk, incident_plan, remedies
from callbacks.models import ActKind, BulkJob, LedgerEntry, Remedy, RemedyBudget, RemedyStatus
from callbacks.models.acts import JobStatus, RowState
from reviews import incidents
from reviews.compliance import verdict
from reviews.incident_replies import frame
from reviews.models import Case, Incident, InvalidTransition, PublicReply, Shop, Status, User
from reviews.models.incidents import IncidentState
from reviews.models.replies import ReplyStatus
from tests.factories import make_case, make_review

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("calling_hour")]

SAID = "{item}这一批的密封圈有缺陷，我们已停止发货，售后会为您补发新的密封圈。"


@pytest.fixture
def cases(shop: Shop, calling_hour: datetime) -> list[Case]:
    return [make_case(shop, review=make_review(shop, created_at=calling_hour)) for _n in range(4)]


@pytest.fixture
def incident(shop: Shop, manager: User, cases: list[Case], calling_hour: datetime) -> Incident:
    found = Incident.objects.create(
        shop=shop, rang_at=calling_hour, minutes=10, observed=6, expected=0.4, sub_cause="damaged_missing"
    )
    incidents.add_cases(found, cases, by=manager)
    incidents.confirm(found, by=manager)
    incidents.save_plan(
        found, statement=SAID, remedy_kind="resend", remedy_reason="密封圈缺陷，整批补发", by=manager
    )
    return found


def prepared(incident: Incident, by: User) -> BulkJob:
    of_it = Case.objects.filter(incident_place__incident=incident)
    return bulk.prepare(of_it, ActKind.INCIDENT, incident_plan.params_of(incident), by=by)


def run(job: BulkJob) -> BulkJob:
    bulk.start(job)
    bulk.run_job(job.pk)
    return BulkJob.objects.get(pk=job.pk)


def states(job: BulkJob) -> list[str]:
    return list(job.rows.order_by("case_id").values_list("state", flat=True))


def reason_of(job: BulkJob, case: Case) -> str:
    return job.rows.get(case=case).reason


# --- each its own ---------------------------------------------------------------------------------------


def test_no_two_of_five_hundred_cases_get_the_same_frame() -> None:
    frames = [frame(number) for number in range(1, 577)]
    assert len(set(frames)) == 576
    assert all(one[0] != other[0] for one, other in pairwise(frames))


def test_every_frame_is_lawful() -> None:
    from reviews.compliance import find_offences

    for number in range(1, 577):
        opening, middle, closing = frame(number)
        found = find_offences(f"{opening}{middle}{closing}", "public_reply", "taobao")
        assert verdict(found) == "pass", (opening, middle, closing)


def test_each_case_gets_its_own_reply_and_offer(incident: Incident, manager: User, cases: list[Case]) -> None:
    job = run(prepared(incident, manager))
    assert states(job) == [RowState.DONE] * 4
    replies = list(PublicReply.objects.filter(review__cases__in=cases))
    assert len({reply.text for reply in replies}) == 4
    assert all("密封圈有缺陷" in reply.text and "雾蓝保温杯" in reply.text for reply in replies)
    assert {reply.status for reply in replies} == {ReplyStatus.APPROVED}
    offers = Remedy.objects.filter(case__in=cases)
    assert {(one.kind, one.status) for one in offers} == {("resend", RemedyStatus.OFFERED)}
    assert offers.count() == 4


def test_nothing_is_posted(incident: Incident, manager: User) -> None:
    run(prepared(incident, manager))
    assert not PublicReply.objects.filter(posted_at__isnull=False).exists()


def test_the_preview_shows_the_very_text(incident: Incident, manager: User, cases: list[Case]) -> None:
    job = prepared(incident, manager)
    shown = [incident_plan.shown(case, job.params) for case in cases]
    run(job)
    for case, words in zip(cases, shown, strict=True):
        assert words.endswith(PublicReply.objects.get(review=case.review).text)


def test_what_was_planned_when_it_was_shown_counts(
    incident: Incident, manager: User, cases: list[Case]
) -> None:
    job = prepared(incident, manager)
    incidents.save_plan(incident, statement="别的说法", by=manager)
    run(job)
    assert "密封圈" in PublicReply.objects.get(review=cases[0].review).text


# --- refused, row by row --------------------------------------------------------------------------------


def test_where_an_agent_is_at_work_the_agent_decides(
    incident: Incident, manager: User, agent: User, cases: list[Case]
) -> None:
    cases[0].take(agent)
    job = run(prepared(incident, manager))
    assert str(agent) in reason_of(job, cases[0])
    assert not Remedy.objects.filter(case=cases[0]).exists()


def test_an_agents_own_reply_stays_and_the_remedy_is_offered_all_the_same(
    incident: Incident, manager: User, agent: User, cases: list[Case]
) -> None:
    PublicReply.objects.create(review=cases[1].review, text="我来跟进", edited_by=agent)
    job = prepared(incident, manager)
    assert job.rows.get(case=cases[1]).state == RowState.TO_DO
    foreseen = reason_of(job, cases[1])
    job = run(job)
    assert PublicReply.objects.get(review=cases[1].review).text == "我来跟进"
    assert Remedy.objects.filter(case=cases[1]).exists()
    assert reason_of(job, cases[1]) == foreseen != ""


def test_after_talk_of_changing_the_review_nothing_is_offered(
    incident: Incident, manager: User, agent: User, cases: list[Case]
) -> None:
    from reviews import clock
    from reviews.models import SequenceMark

    incident.statement = ""
    incident.save()
    run(prepared(incident, manager))
    Remedy.objects.all().delete()
    SequenceMark.objects.update(mentioned_at=clock.now(), compensated_at=None)
    Case.objects.update(compensated_at=None)
    job = run(prepared(incident, manager))
    assert states(job) == [RowState.REFUSED] * 4
    assert not Remedy.objects.exists()


def test_a_closed_case_gets_no_offer(incident: Incident, manager: User, cases: list[Case]) -> None:
    cases[2].close("no_action", by=manager)
    run(prepared(incident, manager))
    assert not Remedy.objects.filter(case=cases[2]).exists()


@pytest.mark.parametrize(("statement", "answered"), [(SAID, False), ("{item}这一批的密封圈有缺陷。", True)])
def test_where_no_remedy_is_given_no_reply_promises_one(
    incident: Incident, manager: User, cases: list[Case], statement: str, answered: bool
) -> None:
    Incident.objects.update(statement=statement)
    incident.refresh_from_db()
    cases[2].close("no_action", by=manager)
    job = run(prepared(incident, manager))
    approved = PublicReply.objects.filter(review=cases[2].review, status=ReplyStatus.APPROVED)
    assert approved.exists() is answered
    assert reason_of(job, cases[2]) != ""


def test_a_corrected_statement_takes_the_place_of_what_has_not_left(
    incident: Incident, manager: User, agent: User, cases: list[Case]
) -> None:
    run(prepared(incident, manager))
    posted, rewritten = (PublicReply.objects.get(review=case.review) for case in cases[:2])
    posted.mark_posted(by=agent)
    rewritten.edit("我来跟您说清楚", by=agent)
    incidents.save_plan(
        incident, statement="{item}是仓库装错了密封圈，售后会为您补发新的。", remedy_kind="resend", by=manager
    )
    run(prepared(incident, manager))
    said = [PublicReply.objects.get(review=case.review).text for case in cases]
    assert ["仓库装错" in text for text in said] == [False, False, True, True]
    assert Remedy.objects.count() == 4


def test_a_second_run_offers_nothing_twice(incident: Incident, manager: User, cases: list[Case]) -> None:
    run(prepared(incident, manager))
    job = run(prepared(incident, manager))
    assert states(job) == [RowState.REFUSED] * 4
    assert Remedy.objects.count() == 4


def test_the_budget_is_not_overdrawn(incident: Incident, manager: User, shop: Shop) -> None:
    """Three offers of ¥10 fit into ¥35."""
    RemedyBudget.objects.create(shop=shop, fen=3500)
    incidents.save_plan(
        incident,
        statement=SAID,
        remedy_kind="part_refund",
        remedy_amount=Decimal(10),
        remedy_reason="整批缺陷",
        by=manager,
    )
    job = run(prepared(incident, manager))
    assert Remedy.objects.count() == 3
    assert sum(one.open_fen for one in LedgerEntry.objects.all()) == 3000
    assert any("预算" in reason or "budget" in reason for reason in job.rows.values_list("reason", flat=True))


def test_outside_the_policy_it_needs_a_reason(incident: Incident, manager: User) -> None:
    incidents.save_plan(incident, statement="", remedy_kind="cash", remedy_amount=Decimal(50), by=manager)
    job = prepared(incident, manager)
    assert states(job) == [RowState.REFUSED] * 4


def test_a_closed_window_is_told(incident: Incident, manager: User, cases: list[Case]) -> None:
    from reviews.models import Review

    Review.objects.filter(pk=cases[0].review_id).update(reply="已回复", followup="还是漏")
    job = prepared(incident, manager)
    assert reason_of(job, cases[0])


def test_an_agent_cannot_apply_it(incident: Incident, agent: User) -> None:
    job = prepared(incident, agent)
    assert states(job) == [RowState.REFUSED] * 4


def test_a_case_taken_out_after_the_preview_gets_nothing(
    incident: Incident, manager: User, cases: list[Case]
) -> None:
    job = prepared(incident, manager)
    incidents.remove_case(incident, cases[3], by=manager)
    run(job)
    assert not Remedy.objects.filter(case=cases[3]).exists()
    assert Remedy.objects.count() == 3


# --- undone ---------------------------------------------------------------------------------------------


def test_a_reply_somebody_has_changed_since_stays(
    incident: Incident, manager: User, agent: User, cases: list[Case]
) -> None:
    job = run(prepared(incident, manager))
    reply = PublicReply.objects.get(review=cases[0].review)
    reply.edit("我来跟您说清楚", by=agent)
    bulk.take_back(job)
    bulk.run_job(job.pk)
    assert PublicReply.objects.get(review=cases[0].review).text == "我来跟您说清楚"
    assert "密封圈" not in PublicReply.objects.get(review=cases[1].review).text


def test_all_is_undone(incident: Incident, manager: User, cases: list[Case]) -> None:
    PublicReply.objects.create(review=cases[0].review, text="草稿", drafted_text="草稿")
    job = run(prepared(incident, manager))
    bulk.take_back(job)
    bulk.run_job(job.pk)
    assert BulkJob.objects.get().status == JobStatus.UNDONE
    assert states(job) == [RowState.UNDONE] * 4
    before = PublicReply.objects.get(review=cases[0].review)
    assert (before.status, before.edited_by) == (ReplyStatus.DRAFT, None)
    assert "密封圈" not in before.text
    assert set(Remedy.objects.values_list("status", flat=True)) == {RemedyStatus.CANCELLED}
    assert sum(one.open_fen for one in LedgerEntry.objects.all()) == 0


def test_what_the_buyer_has_accepted_stands(
    incident: Incident, manager: User, agent: User, cases: list[Case]
) -> None:
    job = run(prepared(incident, manager))
    case = Case.objects.get(pk=cases[0].pk)
    case.take(agent)
    remedies.accept_remedy(Remedy.objects.get(case=case), by=agent)
    bulk.take_back(job)
    bulk.run_job(job.pk)
    assert Remedy.objects.get(case=case).status == RemedyStatus.APPROVED
    assert job.rows.get(case=case).state == RowState.STANDS


# --- the page -------------------------------------------------------------------------------------------


def test_the_manager_decides_plans_and_applies(client: Client, incident: Incident, manager: User) -> None:
    client.force_login(manager)
    page = client.get(reverse("callbacks:incident", args=[incident.pk])).content.decode()
    assert "0.4" in page
    answer = client.post(reverse("callbacks:incident_apply", args=[incident.pk]))
    job = BulkJob.objects.get()
    assert answer["Location"] == reverse("callbacks:bulk", args=[job.pk])
    assert "密封圈有缺陷" in client.get(answer["Location"]).content.decode()


def test_an_undecided_incident_is_not_applied(client: Client, incident: Incident, manager: User) -> None:
    Incident.objects.update(state="suspected")
    client.force_login(manager)
    client.post(reverse("callbacks:incident_apply", args=[incident.pk]))
    assert not BulkJob.objects.exists()


def test_an_unlawful_statement_is_named_on_the_page(
    client: Client, incident: Incident, manager: User
) -> None:
    client.force_login(manager)
    answer = client.post(
        reverse("callbacks:incident_plan", args=[incident.pk]), {"statement": "改好评返现十元"}
    )
    assert answer.status_code == 422
    assert Incident.objects.get().statement == SAID


def test_dismissing_needs_words(client: Client, incident: Incident, manager: User) -> None:
    Incident.objects.update(state="suspected")
    client.force_login(manager)
    url = reverse("callbacks:incident_decide", args=[incident.pk])
    client.post(url, {"verb": "dismiss", "words": ""})
    assert Incident.objects.get().state == "suspected"
    client.post(url, {"verb": "dismiss", "words": "促销日"})
    assert Incident.objects.get().state == "dismissed"


def test_cases_are_taken_out_and_added(
    client: Client, incident: Incident, manager: User, cases: list[Case]
) -> None:
    client.force_login(manager)
    url = reverse("callbacks:incident_cases", args=[incident.pk])
    client.post(url, {"remove": cases[0].pk})
    assert incident.places.count() == 3
    client.post(url, {"case": [cases[0].pk]})
    assert incident.places.count() == 4
    client.post(url, {"remove": cases[0].pk})
    client.post(url, {"all": "1"})
    assert incident.places.count() == 4


def test_whoever_manages_the_shop_hears_of_it_on_any_page_until_somebody_opens_it(
    client: Client, incident: Incident, manager: User, agent: User, outsider: User
) -> None:
    Incident.objects.filter(pk=incident.pk).update(state=IncidentState.SUSPECTED)
    due = reverse("callbacks:promises_due")
    for user, heard in [(manager, True), (agent, False), (outsider, False)]:
        client.force_login(user)
        assert (f'data-incident="{incident.pk}"' in client.get(due).content.decode()) is heard
    client.force_login(manager)
    told = client.get(due)
    assert client.get(due, {"seen": told["X-Seen"]}).status_code == 204
    client.post(reverse("callbacks:incident_seen", args=[incident.pk]))
    after = client.get(due, {"seen": told["X-Seen"]})
    assert (after.status_code, after["X-Seen"], after.content.strip()) == (200, "", b"")


def plan(client: Client, incident: Incident, statement: str, **more: object) -> Any:
    url = reverse("callbacks:incident_plan", args=[incident.pk])
    return client.post(url, {"statement": statement, **more})


def test_two_managers_do_not_overwrite_each_other(client: Client, incident: Incident, manager: User) -> None:
    client.force_login(manager)
    page = client.get(reverse("callbacks:incident", args=[incident.pk])).content.decode()
    mark = page.split('name="mark" value="')[1].split('"')[0]
    assert plan(client, incident, "这一批有缺陷，已停止发货。", mark=mark).status_code == 302
    late = plan(client, incident, "运输途中压坏了，已换物流。", mark=mark)
    assert late.status_code == 409
    shown = late.content.decode()
    assert "这一批有缺陷" in shown
    assert "运输途中压坏了" in shown
    assert Incident.objects.get().statement == "这一批有缺陷，已停止发货。"
    theirs = shown.split('name="mark" value="')[1].split('"')[0]
    assert plan(client, incident, "运输途中压坏了，已换物流。", mark=theirs).status_code == 302


def test_two_warned_texts_of_one_plan_are_both_kept_knowingly(
    client: Client, incident: Incident, manager: User
) -> None:
    client.force_login(manager)
    warned = {"remedy_kind": "resend", "remedy_reason": "全网第一的密封圈"}
    statement = "我们的密封圈全国销量第一，这一批有缺陷。"
    kept: list[str] = []
    for _time in range(2):
        answer = plan(client, incident, statement, **warned, knowingly=kept)
        assert answer.status_code == 422
        kept = re.findall(r'name="knowingly" value="(\w+)"', answer.content.decode())
    assert len(set(kept)) == 2
    assert plan(client, incident, statement, **warned, knowingly=kept).status_code == 302


def test_opening_it_is_noted_once(client: Client, incident: Incident, manager: User) -> None:
    client.force_login(manager)
    client.post(reverse("callbacks:incident_seen", args=[incident.pk]))
    assert Incident.objects.get().seen_by == manager


def test_the_list_of_cases_is_narrowed_to_it(
    client: Client, incident: Incident, manager: User, shop: Shop
) -> None:
    other = make_case(shop)
    client.force_login(manager)
    page = client.get(f"{reverse('callbacks:queue')}?view=all&incident={incident.pk}").content.decode()
    assert f">#{other.pk}<" not in page
    assert page.count('class="row-link') == 4


def test_the_case_says_where_it_belongs(
    client: Client, incident: Incident, manager: User, agent: User, cases: list[Case]
) -> None:
    for user, link in (
        (manager, reverse("callbacks:incident", args=[incident.pk])),
        (agent, f"?incident={incident.pk}"),
    ):
        client.force_login(user)
        assert link in client.get(reverse("callbacks:case", args=[cases[0].pk])).content.decode()


def test_the_menu_counts_what_is_to_decide(client: Client, incident: Incident, manager: User) -> None:
    client.force_login(manager)
    url = reverse("callbacks:incidents")
    assert client.get(url).context["nav"].incidents == 0
    Incident.objects.update(state="suspected")
    assert client.get(url).context["nav"].incidents == 1


@pytest.mark.parametrize("more", [0, 30])
def test_the_page_asks_the_same_however_many_cases(
    client: Client,
    incident: Incident,
    manager: User,
    shop: Shop,
    calling_hour: datetime,
    more: int,
    django_assert_max_num_queries: object,
) -> None:
    added = [make_case(shop, review=make_review(shop, created_at=calling_hour)) for _n in range(more)]
    incidents.add_cases(incident, added, by=manager)
    client.force_login(manager)
    with django_assert_max_num_queries(28):  # type: ignore[operator]
        client.get(reverse("callbacks:incident", args=[incident.pk]))


def test_an_ended_incident_is_not_changed(incident: Incident, manager: User, cases: list[Case]) -> None:
    incidents.close(incident, by=manager)
    with pytest.raises(InvalidTransition):
        incidents.add_cases(incident, cases, by=manager)
    with pytest.raises(InvalidTransition):
        incidents.save_plan(incident, statement="晚了", by=manager)
    assert Case.objects.filter(status=Status.NEW).count() == 4
