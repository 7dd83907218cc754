"""A closed case is watched: what its buyer says later reopens it, opens another, or is noted as a fact."""

import threading
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from reviews import clock, statistics, triage
from reviews.changes import complain
from reviews.intake import record_reviews
from reviews.models import Case, CaseEvent, Outcome, Rating, Review, Shop, Status, User
from reviews.models.cases import EventKind
from reviews.watch_rule import ALARMING, Change, Said, alarms, is_watched, judge
from tests.factories import make_user

BROKEN = "杯子收到就是碎的"
MARKS = ("bad", "neutral", "good")
WORST_FIRST = {mark: number for number, mark in enumerate(MARKS)}
# How text and follow-up differ, and whether what is new in them complains.
TEXTS = {
    "same": (BROKEN, "", False, False),
    "signs": (BROKEN + "！！😡", "", False, False),
    "calmer": (BROKEN + "，补发收到了", "", False, False),
    "angrier": (BROKEN + "，客服也不理人", "", True, False),
    "withdrawn": ("", "", False, False),
    "friendly follow-up": (BROKEN, "新的收到了，没有破损", False, False),
    "bad follow-up": (BROKEN, "说好补发，一个星期了还没收到", False, True),
}


@pytest.mark.parametrize(("old", "new", "text"), list(product(MARKS, MARKS, TEXTS)))
def test_it_names_every_change_of_mark_and_text(old: str, new: str, text: str) -> None:
    content, followup, content_complains, followup_complains = TEXTS[text]
    change = judge(
        Said(old, BROKEN),
        Said(new, content, followup),
        content_complains=content_complains,
        followup_complains=followup_complains,
    )
    step = WORST_FIRST[new] - WORST_FIRST[old]
    if step < 0:
        assert change == Change.WORSE
    elif text == "bad follow-up" or (text == "angrier" and step == 0):
        assert change == Change.FURTHER
    elif step == 0 and text in ("same", "signs"):
        assert change == Change.SAME
    else:
        assert change == Change.CALM


@pytest.mark.parametrize("change", Change)
def test_it_never_reopens_for_something_better(change: Change) -> None:
    before, after = Said("bad", BROKEN), Said("bad", BROKEN, "客服骂人")
    assert alarms(change, before, after, malicious=False) == (change in ALARMING)
    assert ALARMING == (Change.WORSE, Change.FURTHER)


def test_it_leaves_a_malicious_text_that_is_turned_about_a_little() -> None:
    old = Said("bad", "都别买这家骗子店，去隔壁店买，便宜又好")
    turned = Said("bad", "都别买这家骗子店呀，去隔壁店买吧，便宜又好")
    other = Said("bad", "都别买这家骗子店", "转我两百块我就改，不然天天来")
    assert not alarms(Change.FURTHER, old, turned, malicious=True)
    assert alarms(Change.FURTHER, old, turned, malicious=False)
    assert alarms(Change.FURTHER, old, other, malicious=True)
    assert alarms(Change.WORSE, old, turned, malicious=True)


def test_a_new_follow_up_to_a_malicious_text_is_heard_however_short() -> None:
    content = "都别买这家骗子店，去隔壁店买，便宜又好，老板人也好，质量也好，发货还快，骗子店早点关门"
    old = Said("bad", content)
    followed = Said("bad", content, "用了三天就漏水，客服也不理人")
    turned = Said("bad", content, "用了三天就漏水了，客服也不理人啊")
    assert alarms(Change.FURTHER, old, followed, malicious=True)
    assert not alarms(Change.FURTHER, followed, turned, malicious=True)


def test_it_watches_as_many_days_as_the_shop_says() -> None:
    closed = timezone.now()
    assert is_watched(closed, closed + timedelta(days=180), 180)
    assert not is_watched(closed, closed + timedelta(days=180, seconds=1), 180)


@pytest.mark.parametrize(
    "text",
    [
        "商家态度好，已经处理了，谢谢",
        "补发收到了，很好",
        "换货后没问题了",
        "退款已到账，谢谢商家",
        "店家很快给换了新的，处理得很及时",
        "问题已解决",
        "",
    ],
)
def test_it_hears_thanks_as_no_complaint(text: str) -> None:
    assert complain([text]) == [False]


@pytest.mark.parametrize(
    "text",
    [
        "补发的还是漏水",
        "说好补发，一个星期了还没收到",
        "又坏了",
        "客服态度更差了",
        "说退款到现在没退",
        "越用越失望",
    ],
)
def test_it_hears_what_is_wrong_still(text: str) -> None:
    assert complain([text]) == [True]


# --- from the door to the case --------------------------------------------------------------------


def send(shop: Shop, **fields: Any) -> None:
    row = {"review_key": "r1", "created_at": "2026-11-18T10:00:00+08:00", "rating": "bad", "content": BROKEN}
    [result] = record_reviews(shop, [{**row, **fields}])
    assert not result.errors


def read() -> int:
    return triage.read_waiting(100)


@pytest.fixture
def closed(shop: Shop, agent: User) -> Case:
    """A case that 李娜 solved and closed."""
    send(shop, stars=2)
    read()
    case = Case.objects.get()
    case.take(agent)
    case.close(Outcome.SOLVED, by=agent)
    return case


def kinds(case: Case) -> list[str]:
    return list(case.events.order_by("id").values_list("kind", flat=True))


pytestmark = pytest.mark.django_db


def test_it_gives_the_case_back_to_the_agent_who_had_it(shop: Shop, agent: User, closed: Case) -> None:
    for n in range(3):  # colleagues with less to do
        make_user(f"idle{n}", shop=shop, on_duty=True)
    send(shop, followup="说好补发，一个星期了还没收到")
    read()
    closed.refresh_from_db()
    assert (closed.status, closed.assignee) == (Status.ASSIGNED, agent)
    assert kinds(closed)[-3:] == ["review_changed", "reopen", "assign"]
    assert closed.events.get(kind=EventKind.REVIEW_CHANGED).data == {
        "version": 2,
        "before": 1,
        "rating": "bad",
        "change": "further",
    }


@pytest.mark.parametrize("absence", [{"on_duty": False}, {"is_active": False}])
def test_it_deals_the_case_out_when_the_agent_is_absent(
    shop: Shop, agent: User, closed: Case, absence: dict[str, bool]
) -> None:
    colleague = make_user("colleague", shop=shop, on_duty=True)
    User.objects.filter(pk=agent.pk).update(**absence)
    send(shop, followup="说好补发，一个星期了还没收到")
    read()
    closed.refresh_from_db()
    assert closed.assignee == colleague


@pytest.mark.parametrize(
    "fields",
    [
        {"stars": 1},
        {"images": ["https://img.example.cn/1.jpg"]},
        {"content": BROKEN + "！！！"},
        {"rating": "good", "stars": 5},
        {"rating": "neutral", "stars": 3, "content": "杯子收到有点碎"},
        {"followup": "新的收到了，没有破损"},
        {"content": "发错了评价，杯子质量很好，非常满意"},
    ],
)
def test_it_notes_what_is_no_worse_and_leaves_the_case_closed(
    shop: Shop, closed: Case, fields: dict[str, Any]
) -> None:
    send(shop, **fields)
    read()
    closed.refresh_from_db()
    assert closed.status == Status.CLOSED
    assert closed.outcome == Outcome.SOLVED
    assert kinds(closed)[-1] == "review_changed"
    assert Case.objects.count() == 1


def test_it_compares_with_the_version_read_last(shop: Shop, closed: Case) -> None:
    """Better, and back to what it was: each step is judged by itself."""
    send(shop, rating="good", stars=5)
    read()
    send(shop)
    read()
    closed.refresh_from_db()
    assert closed.is_open
    changes = closed.events.filter(kind=EventKind.REVIEW_CHANGED).order_by("id")
    assert [event.data["change"] for event in changes] == ["calm", "worse"]


def test_it_judges_what_came_unread_in_between_as_one_change(shop: Shop, closed: Case) -> None:
    send(shop, content=BROKEN + "，气死了")
    send(shop, content=BROKEN + "，客服也不理人")
    read()
    closed.refresh_from_db()
    assert closed.is_open
    assert closed.events.get(kind=EventKind.REVIEW_CHANGED).data["before"] == 1


def test_it_opens_a_new_case_when_the_watch_is_over(shop: Shop, agent: User, closed: Case) -> None:
    """The old one's figures, remedies and personal data are settled; the new cry has a clock of its own."""
    Case.objects.filter(pk=closed.pk).update(closed_at=timezone.now() - timedelta(days=181))
    send(shop, followup="才半年盖子就裂了，太差了")
    read()
    closed.refresh_from_db()
    assert not closed.is_open
    fresh = Case.objects.exclude(pk=closed.pk).get()
    assert fresh.is_open
    assert fresh.opened_at > timezone.now() - timedelta(minutes=1)


def test_it_opens_no_new_case_for_kind_words_after_the_watch(shop: Shop, closed: Case) -> None:
    Case.objects.filter(pk=closed.pk).update(closed_at=timezone.now() - timedelta(days=181))
    send(shop, followup="后来补发了，用到现在很好")
    read()
    assert Case.objects.get() == closed


def test_it_opens_a_case_for_a_bad_follow_up_under_praise(shop: Shop, agent: User) -> None:
    send(shop, rating="good", stars=5, content="质量很好，物流也快，非常满意，下次还来")
    read()
    assert not Case.objects.exists()
    send(
        shop,
        rating="good",
        stars=5,
        content="质量很好，物流也快，非常满意，下次还来",
        followup="用了三天就坏了，客服不理人",
    )
    read()
    assert Case.objects.get().is_open


def test_it_counts_nothing_of_a_better_review(shop: Shop, agent: User, closed: Case) -> None:
    """No number of the manager's page moves, for agent, product or shop, but the marks as they stand."""
    today = timezone.localdate(timezone.now(), shop.zone)
    scope = statistics.Scope((shop,), statistics.Period.of_days(90, today))
    before = statistics.read(scope, clock.now())
    send(shop, rating="good", stars=5, content="补发收到了，很好", followup="售后给力，谢谢")
    read()
    after = statistics.read(scope, clock.now())
    for name in ("ending", "causes", "trend", "products", "agents", "first_contact", "open_now"):
        assert getattr(after, name) == getattr(before, name), name
    assert CaseEvent.objects.filter(kind=EventKind.REVIEW_CHANGED).count() == 1


def test_it_reads_a_version_once_when_its_worker_is_doubled(shop: Shop, closed: Case) -> None:
    from reviews.models import ClassificationRequest

    send(shop, followup="说好补发，一个星期了还没收到")
    claimed = ClassificationRequest.objects.claim(10, clock.now())
    triage.settle_requests(claimed)
    triage.settle_requests(claimed)
    assert kinds(closed).count("reopen") == kinds(closed).count("review_changed") == 1


@pytest.mark.django_db(transaction=True)
def test_it_reopens_once_when_two_versions_arrive_at_once(shop: Shop, closed: Case) -> None:
    """Two doors bring different follow-ups, two workers read whatever waits."""
    start = threading.Barrier(4)
    problems: list[BaseException] = []

    def run(act: Any) -> None:
        try:
            start.wait()
            act()
        except BaseException as error:
            problems.append(error)
        finally:
            connection.close()

    acts = [lambda: send(shop, followup="说好补发，没收到"), lambda: send(shop, followup="没人理，太失望了")]
    threads = [threading.Thread(target=run, args=(act,)) for act in [*acts, read, read]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while read():
        pass
    assert not problems
    closed.refresh_from_db()
    review = Review.objects.get()
    assert closed.is_open
    assert kinds(closed).count("reopen") == 1
    assert review.version == 3
    assert review.rating == Rating.BAD
    assert closed.events.filter(kind=EventKind.REVIEW_CHANGED).last().data["version"] == 3  # type: ignore[union-attr]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_it_waits_for_an_agent_who_is_closing_the_case(shop: Shop, agent: User) -> None:
    """Else the complaint were noted in a case that is open no more, and nobody would look again."""
    send(shop)
    read()
    case = Case.objects.get()
    case.take(agent)
    send(shop, followup="说好补发，一个星期了还没收到")

    def read_beside() -> None:
        read()
        connection.close()

    reader = threading.Thread(target=read_beside)
    with transaction.atomic():
        case.close(Outcome.SOLVED, by=agent)
        reader.start()
        reader.join(timeout=2)
    reader.join()
    case.refresh_from_db()
    assert (case.status, case.assignee) == (Status.ASSIGNED, agent)
    assert kinds(case)[-4:] == ["close", "review_changed", "reopen", "assign"]


# --- what the agent sees --------------------------------------------------------------------------


def test_it_shows_the_difference_on_the_case_page_and_in_the_timeline(
    shop: Shop, agent: User, closed: Case, client: Any
) -> None:
    send(shop, content="杯子收到就是碎的，客服也不理人，<b>气死</b>")
    read()
    client.force_login(agent)
    page = client.get(f"/cases/{closed.pk}/").content.decode()
    assert page.count("<ins>") >= 2  # above the review, and in the timeline
    assert "&lt;b&gt;" in page
    assert "<b>气死" not in page


def test_it_costs_the_case_page_no_query_a_version(
    shop: Shop, agent: User, closed: Case, client: Any, django_assert_max_num_queries: Any
) -> None:
    for n in range(6):
        send(shop, content=f"{BROKEN}，客服骂人，第{n}次找客服不回")
        read()
    client.force_login(agent)
    client.get(f"/cases/{closed.pk}/")
    with django_assert_max_num_queries(27):
        client.get(f"/cases/{closed.pk}/")
