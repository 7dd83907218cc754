"""The second reader: corrects what nobody has begun, only suggests afterwards, never overrules a person."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from callbacks.case_page import CasePage
from reviews import changes, clock, second_reading, triage
from reviews.causes import CAUSE_OF, SubCause
from reviews.classification import Verdict
from reviews.intake import record_reviews
from reviews.models import (
    Case,
    Classification,
    Outcome,
    ReadingRequest,
    Review,
    Shop,
    ShopMembership,
    Status,
    User,
)
from reviews.models.cases import EventKind
from tests.factories import make_user

pytestmark = pytest.mark.django_db

UNSURE = "东西不太行吧，也说不上来，反正跟想的两回事"


def send(shop: Shop, key: str = "r1", content: str = UNSURE, rating: str = "bad") -> Review:
    row = {"review_key": key, "created_at": "2026-11-18T10:00:00+08:00", "rating": rating, "content": content}
    record_reviews(shop, [row])
    triage.read_waiting(100)
    return Review.objects.get(shop=shop, review_key=key)


def verdict(sub: str, **fields: Any) -> Verdict:
    code = SubCause(sub)
    values = {"confidence": 0.96, "decided": True, "words": (), "model": "second", "also": (), **fields}
    scores = tuple(0.0 if one == code else -9.0 for one in SubCause)
    return Verdict(cause=CAUSE_OF[code], sub_cause=code, scores=scores, **values)


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the second reader say something certain: its own accuracy is measured elsewhere."""

    def say(sub: str) -> None:
        monkeypatch.setattr(second_reading, "read_again", lambda texts, firsts: [verdict(sub) for _ in texts])

    monkeypatch.setattr(second_reading, "wants_second_reading", lambda text, first: True)
    say("delivery")
    return say


def test_the_unsure_ones_wait_for_a_second_reading_and_the_real_reader_reads_them(
    shop: Shop, agent: User
) -> None:
    send(shop)
    assert ReadingRequest.objects.count() == 1
    assert second_reading.read_waiting(10) == 1
    assert not ReadingRequest.objects.exists()
    assert Classification.objects.filter(is_second=True).count() == 1


def test_the_sure_ones_do_not(shop: Shop, agent: User) -> None:
    send(shop, content="客服三天不回消息，态度恶劣，一直没有人理我")
    assert Classification.objects.get().decided
    assert not ReadingRequest.objects.exists()


def test_it_corrects_a_case_that_nobody_has_begun(shop: Shop, agent: User, says: Any) -> None:
    review = send(shop)
    says("packaging")
    second_reading.read_waiting(10)
    case = Case.objects.get()
    assert (case.sub_cause, case.confidence, case.needs_decision) == ("packaging", 0.96, False)
    event = case.events.get(kind="cause")
    assert (event.by, event.data["after"]) == (None, "packaging")
    assert review.public_reply.template.cause in ("service", "")  # type: ignore[union-attr]


def test_it_deals_the_case_out_anew_when_its_agent_lacks_the_skill(shop: Shop, says: Any) -> None:
    first, second = (make_user(name, shop=shop, on_duty=True) for name in ("one", "two"))
    ShopMembership.objects.filter(user=first).update(skills=["product", "subjective"])
    ShopMembership.objects.filter(user=second).update(skills=["service"])
    review = send(shop)
    Case.objects.update(cause="product", sub_cause="quality", assignee=first, status=Status.ASSIGNED)
    second_reading.read_waiting(10)
    case = Case.objects.get(review=review)
    assert (case.cause, case.assignee) == ("service", second)


def test_a_complaint_the_first_reading_took_for_praise_gets_its_case(
    shop: Shop, agent: User, says: Any
) -> None:
    review = send(shop, content="东西还不错，会再来", rating="good")
    assert not Case.objects.exists()
    second_reading.read_waiting(10)
    case = Case.objects.get(review=review)
    assert (case.sub_cause, case.assignee, case.status) == ("delivery", agent, Status.ASSIGNED)
    assert review.public_reply.template.cause in ("service", "")  # type: ignore[union-attr]
    assert second_reading.read_waiting(10) == 0


def test_praise_stays_without_a_case(shop: Shop, agent: User, says: Any) -> None:
    send(shop, content="东西还不错，会再来", rating="good")
    says("none")
    second_reading.read_waiting(10)
    assert not Case.objects.exists()


def test_it_keeps_the_clauses_that_decided(shop: Shop, agent: User) -> None:
    send(shop)
    second_reading.read_waiting(10)
    assert Classification.objects.get(is_second=True).marks


@pytest.mark.parametrize("begin", ["take", "give back", "call"])
def test_it_only_suggests_once_an_agent_has_begun(shop: Shop, agent: User, says: Any, begin: str) -> None:
    send(shop)
    case = Case.objects.get()
    before = case.sub_cause
    if begin == "call":
        case.log("call", by=agent)  # type: ignore[arg-type]
    else:
        case.take(agent)
    if begin == "give back":
        case.release(by=agent)
    second_reading.read_waiting(10)
    case.refresh_from_db()
    assert case.sub_cause == before
    suggestion = CasePage(case, agent, clock.now()).suggestion
    assert suggestion is not None
    assert suggestion.sub_cause == "delivery"
    case.correct_cause("delivery", by=agent)
    assert CasePage(case, agent, clock.now()).suggestion is None


def test_it_is_too_late_when_an_agent_begins_at_that_moment(
    shop: Shop, agent: User, says: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(shop)
    before = Case.objects.get().sub_cause
    found = second_reading._untouched_cases

    def then_somebody_takes_it(ids: Any) -> Any:
        cases = found(ids)
        Case.objects.get().take(agent)
        return cases

    monkeypatch.setattr(second_reading, "_untouched_cases", then_somebody_takes_it)
    second_reading.read_waiting(10)
    case = Case.objects.get()
    assert (case.status, case.sub_cause) == (Status.IN_PROGRESS, before)


def test_it_never_overrules_a_person(shop: Shop, agent: User, says: Any) -> None:
    send(shop)
    Case.objects.get().correct_cause("attitude", by=agent)
    second_reading.read_waiting(10)
    assert Case.objects.get().sub_cause == "attitude"
    assert not Classification.objects.filter(is_second=True).exists()
    assert not ReadingRequest.objects.exists()


def test_it_drops_the_reading_of_a_text_that_changed_meanwhile(shop: Shop, agent: User, says: Any) -> None:
    send(shop)
    claimed = ReadingRequest.objects.claim(10, timezone.now())
    send(shop, content="跟想的不一样，说不上来哪里不对，也就那样")
    second_reading.settle(claimed)
    assert not Classification.objects.filter(is_second=True).exists()
    assert ReadingRequest.objects.get().version == 2  # the new text waits for its own reading


def test_it_settles_a_batch_that_two_workers_read_only_once(shop: Shop, agent: User, says: Any) -> None:
    send(shop)
    claimed = ReadingRequest.objects.claim(10, timezone.now())
    second_reading.settle(claimed)
    second_reading.settle(claimed)
    assert Classification.objects.filter(is_second=True).count() == 1


def test_it_parks_what_it_cannot_read_and_the_first_reading_stands(
    shop: Shop, agent: User, says: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(shop)
    before = Case.objects.get().sub_cause

    def fail(texts: Any, firsts: Any) -> Any:
        raise ValueError("indigestible")

    monkeypatch.setattr(second_reading, "read_again", fail)
    tries = []
    for hours in range(6):
        with clock.at(timezone.now() + timedelta(hours=hours)):
            tries.append(second_reading.read_waiting(10))
    assert tries == [1, 1, 1, 1, 1, 0]
    assert "indigestible" in ReadingRequest.objects.parked().get().error
    assert Case.objects.get().sub_cause == before


def test_a_lost_workers_rows_are_free_after_the_lease(shop: Shop, agent: User, says: Any) -> None:
    send(shop)
    now = timezone.now()
    assert len(ReadingRequest.objects.claim(10, now)) == 1
    assert ReadingRequest.objects.claim(10, now) == []
    assert len(ReadingRequest.objects.claim(10, now + timedelta(minutes=2))) == 1


# --- what changed in a review whose case is closed -------------------------------------------------------

KIND = "新的收到了，没有破损"


@pytest.fixture
def overhears(says: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the second reader hear a complaint in whatever is new."""

    def hear(texts: Any, firsts: Any) -> list[Verdict]:
        return [verdict("quality" if one.text else "none") for one in texts]

    monkeypatch.setattr(changes, "wants_second_reading", lambda text, first: bool(text.text))
    monkeypatch.setattr(changes, "read_again", hear)


def follow_up(shop: Shop, content: str = UNSURE, rating: str = "bad") -> None:
    row = {"review_key": "r1", "created_at": "2026-11-18T10:00:00+08:00", "rating": rating}
    record_reviews(shop, [{**row, "content": content, "followup": KIND}])
    triage.read_waiting(100)


def closed_case(shop: Shop, agent: User) -> Case:
    send(shop)
    case = Case.objects.get()
    case.take(agent)
    case.correct_cause("attitude", by=agent)
    case.close(Outcome.SOLVED, by=agent)
    second_reading.read_waiting(10)
    return case


def heard(case: Case) -> list[str]:
    events = case.events.filter(kind=EventKind.REVIEW_CHANGED).order_by("id")
    return [event.data["change"] for event in events]


@pytest.mark.usefixtures("overhears")
def test_a_complaint_only_it_hears_in_a_follow_up_reopens_the_closed_case(shop: Shop, agent: User) -> None:
    case = closed_case(shop, agent)
    follow_up(shop)
    case.refresh_from_db()
    assert not case.is_open
    assert second_reading.read_waiting(10) == 1
    case.refresh_from_db()
    assert (case.status, case.assignee, case.sub_cause) == (Status.ASSIGNED, agent, "attitude")
    assert heard(case) == ["calm", "further"]
    assert second_reading.read_waiting(10) == 0


@pytest.mark.usefixtures("overhears")
def test_it_leaves_closed_what_an_agent_closed_after_the_change(shop: Shop, agent: User) -> None:
    send(shop)
    case = Case.objects.get()
    case.take(agent)
    follow_up(shop)
    case.close(Outcome.SOLVED, by=agent)
    second_reading.read_waiting(10)
    assert Case.objects.get().status == Status.CLOSED
    assert heard(case) == ["calm"]


@pytest.mark.usefixtures("overhears")
def test_a_complaint_it_hears_after_the_watch_is_a_new_case(shop: Shop, agent: User) -> None:
    case = closed_case(shop, agent)
    Case.objects.update(closed_at=timezone.now() - timedelta(days=181))
    follow_up(shop)
    second_reading.read_waiting(10)
    assert Case.objects.exclude(pk=case.pk).get().is_open
    assert Case.objects.get(pk=case.pk).status == Status.CLOSED


@pytest.mark.usefixtures("overhears")
def test_a_complaint_only_it_hears_in_a_follow_up_to_praise_gets_its_case(
    shop: Shop, agent: User, says: Any
) -> None:
    says("none")
    send(shop, content="东西还不错，会再来", rating="good")
    second_reading.read_waiting(10)
    follow_up(shop, content="东西还不错，会再来", rating="good")
    assert not Case.objects.exists()
    second_reading.read_waiting(10)
    assert Case.objects.get().is_open


@pytest.mark.usefixtures("overhears")
def test_new_words_wait_for_it_where_the_whole_text_is_plain(
    shop: Shop, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_reading, "wants_second_reading", lambda text, first: False)
    closed_case(shop, agent)
    assert not ReadingRequest.objects.exists()
    follow_up(shop)
    assert ReadingRequest.objects.get().version == 2
