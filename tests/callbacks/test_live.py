"""Pages that keep themselves up to date: 204 while nothing changes, who else looks, cases left alone."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from celery import current_app
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from callbacks import contacts, live
from callbacks.leases import free_idle, idle
from callbacks.models import CallbackPromise, CaseViewer
from callbacks.queue import next_case
from reviews import clock
from reviews.models import Case, CaseEvent, Pulse, Shop, ShopMembership, Status, User
from reviews.models.cases import EventKind
from tests.factories import make_case, make_user

pytestmark = pytest.mark.django_db


def version_in(client: Client, url: str) -> str:
    page = client.get(url).content.decode()
    return page.split('data-version="')[1].split('"')[0]


@pytest.mark.parametrize(("url", "poll"), [("/cases/?view=to_take", "/cases/changes/"), ("/", "/changes/")])
def test_a_list_asks_in_vain_until_something_changes(
    client: Client, shop: Shop, agent: User, url: str, poll: str
) -> None:
    client.force_login(agent)
    version = version_in(client, url)
    assert client.get(poll, {"view": "to_take", "version": version}).status_code == 204
    Pulse.objects.compact()
    assert client.get(poll, {"view": "to_take", "version": version}).status_code == 204
    case = make_case(shop)
    answer = client.get(poll, {"view": "to_take", "version": version})
    assert answer.status_code == 200
    assert f"row-{case.pk}" in answer.content.decode() or poll == "/changes/"
    assert "<html" not in answer.content.decode()


def test_a_list_is_drawn_anew_when_a_deadline_passes(client: Client, shop: Shop, agent: User) -> None:
    make_case(shop, assignee=agent, due_at=clock.now() + timedelta(minutes=3))
    client.force_login(agent)
    version = version_in(client, "/cases/?view=mine")
    with time_machine.travel(clock.now() + timedelta(minutes=4)):
        assert client.get("/cases/changes/", {"view": "mine", "version": version}).status_code == 200


def test_a_page_of_nonsense_is_drawn(client: Client, shop: Shop, agent: User) -> None:
    client.force_login(agent)
    for version in ("", "x", "0_", "_9", "0_²"):
        assert client.get("/cases/changes/", {"version": version}).status_code == 200


def test_a_strange_shop_is_silent(client: Client, shop: Shop, outsider: User) -> None:
    client.force_login(outsider)
    version = version_in(client, "/cases/?view=open")
    make_case(shop)
    assert client.get("/cases/changes/", {"view": "open", "version": version}).status_code == 204


def test_who_left_the_shop_gets_no_204(client: Client, shop: Shop, agent: User) -> None:
    case = make_case(shop)
    client.force_login(agent)
    version = version_in(client, "/cases/?view=to_take")
    of_case = version_in(client, f"/cases/{case.pk}/")
    Pulse.objects.all().delete()  # not by its beats alone: the shop itself counts
    left = ShopMembership.objects.filter(user=agent)
    assert client.get("/cases/changes/", {"version": version}).status_code == 200
    version = version_in(client, "/cases/?view=to_take")
    assert client.get("/cases/changes/", {"version": version}).status_code == 204
    left.delete()
    answer = client.get("/cases/changes/", {"view": "to_take", "version": version})
    assert answer.status_code == 200
    assert f"row-{case.pk}" not in answer.content.decode()
    assert look(client, case, of_case)[0] == 404


def test_who_is_signed_out_gets_no_204(client: Client, shop: Shop, agent: User) -> None:
    client.force_login(agent)
    version = version_in(client, "/cases/?view=to_take")
    client.session.flush()
    asked = {"HX-Request": "true"}
    assert client.get("/cases/changes/", {"version": version}, headers=asked).status_code == 401


def test_a_204_asks_the_database_three_times(
    client: Client, shop: Shop, agent: User, django_assert_num_queries: object
) -> None:
    """The session, the person, and what may have changed; for a case the look is written down too."""
    case = make_case(shop, assignee=agent)
    for user in (agent, make_user("boss", is_superuser=True)):
        client.force_login(user)
        version = version_in(client, "/cases/?view=mine")
        with django_assert_num_queries(3):  # type: ignore[operator]
            assert client.get("/cases/changes/", {"version": version}).status_code == 204
    client.force_login(agent)
    version = version_in(client, f"/cases/{case.pk}/")
    with django_assert_num_queries(4):  # type: ignore[operator]
        assert look(client, case, version)[0] == 204
    with django_assert_num_queries(3):  # type: ignore[operator]
        assert look(client, case, version)[0] == 204


@pytest.mark.postgres
def test_a_poll_walks_an_index_however_long_the_pulse(shop: Shop, agent: User) -> None:
    """Between two foldings of a busy hour; other shops' and people's beats are not read."""
    Pulse.objects.bulk_create([Pulse(shop_id=10**6 + n) for n in range(5000)])
    Pulse.objects.bulk_create([Pulse(holder_id=10**6 + n) for n in range(5000)])
    case = make_case(shop, assignee=agent)
    now = clock.now()
    with connection.cursor() as cursor, CaptureQueriesContext(connection) as asked:
        cursor.execute("ANALYZE reviews_pulse")
        live.list_total(agent)
        live.around(case.pk, agent, now)
    for query in asked.captured_queries[1:]:
        if "reviews_pulse" in query["sql"]:
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {query['sql']}")
                plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "Seq Scan on reviews_pulse" not in plan
            assert "pulse_" in plan


# --- who looks -----------------------------------------------------------------------------------


def look(client: Client, case: Case, version: str = "") -> tuple[int, str]:
    answer = client.post(f"/cases/{case.pk}/look/", {"version": version}, headers={"HX-Request": "true"})
    return answer.status_code, answer.content.decode()


def test_it_shows_who_else_looks_and_forgets_them(shop: Shop, agent: User, manager: User) -> None:
    case = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    mine, theirs = Client(), Client()
    mine.force_login(agent)
    theirs.force_login(manager)
    version = version_in(mine, f"/cases/{case.pk}/")
    assert look(mine, case, version)[0] == 204
    look(theirs, case)
    status, page = look(mine, case, version)
    assert status == 200
    assert "王店长 也打开了这单" in page
    with time_machine.travel(clock.now() + timedelta(seconds=20)):
        status, page = look(mine, case, page.split('data-version="')[1].split('"')[0])
        assert status == 200
        assert "也打开了这单" not in page


def test_it_tells_the_open_page_of_a_change(shop: Shop, agent: User, manager: User) -> None:
    case = make_case(shop)
    mine = Client()
    mine.force_login(agent)
    version = version_in(mine, f"/cases/{case.pk}/")
    case.log(EventKind.NOTE, by=manager, note="x")
    assert look(mine, case, version)[0] == 200


# --- cases left alone ----------------------------------------------------------------------------


def left_alone(shop: Shop, agent: User) -> Case:
    case = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    CaseEvent.objects.filter(case=case).update(at=clock.now() - timedelta(minutes=31))
    return case


def test_the_sweep_frees_it_after_thirty_minutes_and_not_before(shop: Shop, agent: User) -> None:
    begun = datetime(2026, 11, 18, 10, 22, tzinfo=UTC)
    with time_machine.travel(begun, tick=False):
        case = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    task = str(settings.CELERY_BEAT_SCHEDULE["sweep-leases"]["task"])
    for minutes, status in ((29.9, Status.IN_PROGRESS), (30, Status.NEW)):
        with time_machine.travel(begun + timedelta(minutes=minutes), tick=False):
            current_app.tasks[task]()
        assert Case.objects.get(pk=case.pk).status == status


def test_it_frees_what_its_holder_left_and_tells_them(client: Client, shop: Shop, agent: User) -> None:
    case = left_alone(shop, agent)
    CallbackPromise.objects.create(case=case, agent=agent, due_at=clock.now() + timedelta(hours=1))
    assert free_idle(clock.now()) == 1
    case.refresh_from_db()
    assert (case.status, case.assignee, case.released_by) == (Status.NEW, None, None)
    assert case.events.last().kind == EventKind.LAPSE  # type: ignore[union-attr]
    assert case.promises.pending().exists()
    client.force_login(agent)
    assert "30 分钟没有操作" in client.get("/").content.decode()
    assert "30 分钟没有操作" in client.get(f"/cases/{case.pk}/").content.decode()
    client.post("/freed/")
    assert "30 分钟没有操作" not in client.get("/").content.decode()
    assert next_case(agent, clock.now()) == case  # and may take it again
    assert free_idle(clock.now()) == 0


@pytest.mark.parametrize("keeps", ["event", "page", "call"])
def test_it_leaves_what_somebody_is_at(shop: Shop, agent: User, keeps: str) -> None:
    case = left_alone(shop, agent)
    assert idle(clock.now()).exists()  # without what keeps it, it would be freed
    if keeps == "event":
        case.log(EventKind.NOTE, by=agent)
    elif keeps == "page":
        CaseViewer.objects.all().note(case.pk, agent.pk, clock.now())
    else:
        case.calls.create(agent=agent, started_at=clock.now() - timedelta(hours=1))
    assert free_idle(clock.now()) == 0


def test_what_others_do_in_it_does_not_keep_it(shop: Shop, agent: User, manager: User) -> None:
    case = left_alone(shop, agent)
    case.log(EventKind.NOTE, by=manager)
    CaseViewer.objects.all().note(case.pk, manager.pk, clock.now())
    assert free_idle(clock.now()) == 1


def test_an_act_keeps_the_case_without_any_script(client: Client, shop: Shop, agent: User) -> None:
    case = left_alone(shop, agent)
    client.force_login(agent)
    client.post(f"/cases/{case.pk}/message/", {"text": ""})
    assert free_idle(clock.now()) == 0


# --- an agent who vanished in a call ---------------------------------------------------------------


def test_a_manager_ends_the_call_of_an_agent_who_is_gone(
    client: Client, shop: Shop, agent: User, manager: User
) -> None:
    case = make_case(shop, assignee=agent, status=Status.IN_PROGRESS)
    call = case.calls.create(agent=agent, started_at=clock.now(), notes="说杯盖漏水")
    client.force_login(manager)
    url = f"/cases/{case.pk}/call/end-for/"
    assert client.post(url, {"outcome": "reached", "reason": ""}).status_code == 422
    assert client.post(url, {"outcome": "reached", "reason": "停电，李娜离线"}).status_code == 302
    call.refresh_from_db()
    assert (call.outcome, call.notes) == ("reached", "说杯盖漏水")
    event = case.events.filter(kind=EventKind.CALL).get()
    assert (event.by, event.data["reason"], event.data["agent"]) == (manager, "停电，李娜离线", agent.pk)
    contacts.hand_over(Case.objects.get(pk=case.pk), make_user("next", shop=shop), by=manager)
    client.force_login(agent)
    assert client.post(url, {"outcome": "reached", "reason": "x"}).status_code == 403
