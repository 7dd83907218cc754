"""Weeks of a big promotion: buyers are called, and written to only once somebody has spoken with them."""

from datetime import date, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from callbacks import contacts
from callbacks.holding import NotAllowed
from callbacks.models import BuyerMessage, CallLog, DoNotCall, OutgoingMessage, ShopGateway
from callbacks.phone_only import phone_only
from callbacks.texts import send_text
from reviews import clock
from reviews.models import AuditEntry, Case, PhoneOnlyWeeks, Shop, Status, User
from tests.factories import make_case, make_order, make_review

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("calling_hour")]

TODAY = date(2026, 11, 18)
TEXT = "您好，破损的给您补发，运费我们出。"


@pytest.fixture
def weeks(shop: Shop) -> PhoneOnlyWeeks:
    return PhoneOnlyWeeks.objects.create(
        shop=shop, name="双11", first=date(2026, 10, 20), last=date(2026, 11, 20)
    )


@pytest.fixture
def case(calling_hour: datetime, shop: Shop, agent: User) -> Case:
    ShopGateway.objects.create(shop=shop, channel="sms", provider="console")
    return make_case(shop, assignee=agent, status=Status.IN_PROGRESS)


def test_nothing_is_written_before_the_first_talk(weeks: PhoneOnlyWeeks, case: Case, agent: User) -> None:
    with pytest.raises(NotAllowed, match="双11：11月20日前只打电话"):
        contacts.record_message(case, TEXT, by=agent)
    with pytest.raises(NotAllowed, match="双11"):
        send_text(case, TEXT, by=agent)
    assert not BuyerMessage.objects.exists()
    assert not OutgoingMessage.objects.exists()


def test_after_a_talk_it_is(weeks: PhoneOnlyWeeks, case: Case, agent: User) -> None:
    call = contacts.start_call(case, by=agent)
    contacts.end_call(call, "no_answer", by=agent)
    case.refresh_from_db()
    assert phone_only(case, clock.now()) == weeks
    CallLog.objects.update(outcome="reached")
    case.take(agent)
    contacts.record_message(case, TEXT, by=agent)
    send_text(case, TEXT, by=agent)
    assert OutgoingMessage.objects.get().text == TEXT


def test_a_promised_call_back_is_confirmed_all_the_same(
    weeks: PhoneOnlyWeeks, case: Case, agent: User
) -> None:
    contacts.promise_callback(case, clock.now() + timedelta(hours=2), by=agent, text="我们{hour}给您回电。")
    assert OutgoingMessage.objects.count() == 1


def test_who_cannot_be_called_is_written_to(
    weeks: PhoneOnlyWeeks, case: Case, shop: Shop, agent: User
) -> None:
    now = clock.now()
    assert phone_only(case, now) == weeks
    unknown = make_case(shop, review=make_review(shop, order=make_order(shop, buyer_phone="")))
    assert phone_only(unknown, now) is None
    for number in range(shop.attempts_per_case):
        began = now - timedelta(days=number)
        CallLog.objects.create(case=case, agent=agent, started_at=began, ended_at=began, outcome="no_answer")
    assert phone_only(case, now) is None
    CallLog.objects.all().delete()
    DoNotCall.objects.create(phone_index=case.review.order.phone_index)  # type: ignore[union-attr]
    assert phone_only(case, now) is None


@pytest.mark.parametrize(
    ("first", "last", "zone", "holds"),
    [
        ((2026, 11, 18), (2026, 11, 18), "Asia/Shanghai", True),
        ((2026, 11, 19), (2026, 11, 20), "Asia/Shanghai", False),
        ((2026, 11, 1), (2026, 11, 17), "Asia/Shanghai", False),
        ((2026, 11, 1), (2026, 11, 17), "America/Los_Angeles", True),  # still the 17th there
    ],
)
def test_both_days_are_inside_by_the_clock_of_the_shop(
    case: Case, shop: Shop, first: tuple[int, int, int], last: tuple[int, int, int], zone: str, holds: bool
) -> None:
    PhoneOnlyWeeks.objects.create(shop=shop, name="618", first=date(*first), last=date(*last))
    case.shop.time_zone = zone
    Shop.objects.filter(pk=shop.pk).update(time_zone=zone)
    assert bool(phone_only(Case.objects.get(pk=case.pk), clock.now())) is holds


def test_the_page_says_so_instead_of_offering_to_write(
    weeks: PhoneOnlyWeeks, case: Case, agent: User, client: Client
) -> None:
    client.force_login(agent)
    url = reverse("callbacks:case", args=[case.pk])
    page = client.get(url).content.decode()
    assert "双11：11月20日前只打电话" in page
    assert reverse("callbacks:message", args=[case.pk]) not in page
    assert "11月20日前只打电话" in client.get(reverse("callbacks:desk")).content.decode()
    answer = client.post(reverse("callbacks:message", args=[case.pk]), {"text": TEXT})
    assert answer.status_code == 422
    weeks.delete()
    assert reverse("callbacks:message", args=[case.pk]) in client.get(url).content.decode()


# --- the manager's page ---------------------------------------------------------------------------


@pytest.fixture
def keeper(client: Client, manager: User) -> Client:
    client.force_login(manager)
    return client


def page_of(shop: Shop) -> str:
    return reverse("reviews:team_shop", args=[shop.pk])


def enter(client: Client, shop: Shop, **data: str) -> int:
    return client.post(reverse("reviews:team_phone_only", args=[shop.pk]), data).status_code


def test_a_manager_enters_and_removes_them(keeper: Client, shop: Shop) -> None:
    assert enter(keeper, shop, name="双12", first="2026-12-08", last="2026-12-12") == 302
    weeks = PhoneOnlyWeeks.objects.get()
    assert (weeks.name, weeks.first, weeks.last) == ("双12", date(2026, 12, 8), date(2026, 12, 12))
    assert "双12" in keeper.get(page_of(shop)).content.decode()
    keeper.post(reverse("reviews:team_phone_only_forget", args=[weeks.pk]))
    assert not PhoneOnlyWeeks.objects.exists()
    assert [row.data["phone_only"].keys() for row in AuditEntry.objects.order_by("id")] == [
        {"added"},
        {"removed"},
    ]


@pytest.mark.parametrize(
    ("first", "last"),
    [("2026-10-01", "2026-11-17"), ("2026-12-02", "2026-12-01"), ("2026-12-01", "2027-03-01"), ("", "")],
)
def test_it_refuses_days_that_make_no_sense(keeper: Client, shop: Shop, first: str, last: str) -> None:
    assert enter(keeper, shop, name="双12", first=first, last=last) == 422
    assert not PhoneOnlyWeeks.objects.exists()


@pytest.mark.parametrize(
    ("today", "name", "first"),
    [
        (date(2026, 3, 1), "618", date(2026, 6, 1)),
        (date(2026, 6, 21), "双11", date(2026, 10, 20)),
        (date(2026, 11, 11), "双11", date(2026, 10, 20)),
        (TODAY, "618", date(2027, 6, 1)),
    ],
)
def test_the_form_starts_from_the_next_big_promotion(today: date, name: str, first: date) -> None:
    from reviews.team_forms import next_promotion

    assert (next_promotion(today)["name"], next_promotion(today)["first"]) == (name, first)
