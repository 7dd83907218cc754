"""From a waiting review to verdict, case and agent."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from reviews import clock, second_reading, triage
from reviews.classification import Verdict
from reviews.intake import record_reviews
from reviews.models import (
    Case,
    Classification,
    ClassificationRequest,
    Outcome,
    PublicReply,
    Review,
    Shop,
    Status,
    User,
)
from reviews.models.cases import EventKind

pytestmark = pytest.mark.django_db


def send(shop: Shop, key: str = "r1", **fields: Any) -> Review:
    record_reviews(
        shop, [{"review_key": key, "created_at": "2026-11-18T10:00:00+08:00", "rating": "bad", **fields}]
    )
    return Review.objects.get(shop=shop, review_key=key)


def read_all() -> int:
    return triage.read_waiting(100)


def test_it_opens_a_case_for_a_bad_review_and_assigns_it_at_once(shop: Shop, agent: User) -> None:
    review = send(shop, content="杯子收到就是碎的，盖子也裂了")
    assert read_all() == 1
    case = Case.objects.get()
    assert (case.cause, case.sub_cause) == ("product", "damaged_missing")
    assert (case.status, case.assignee) == (Status.ASSIGNED, agent)
    assert case.due_at > case.opened_at
    judged = Classification.objects.get()
    assert all(word in review.content for word in judged.words)
    assert not ClassificationRequest.objects.exists()
    assert PublicReply.objects.get().text


def test_it_drafts_thanks_and_opens_no_case_for_praise(shop: Shop, agent: User) -> None:
    send(shop, rating="good", content="质量很好，物流也快，非常满意，下次还来")
    read_all()
    assert not Case.objects.exists()
    reply = PublicReply.objects.get()
    assert reply.template is not None
    assert reply.template.purpose == "thanks"


def test_it_opens_a_case_for_a_good_mark_whose_text_complains(shop: Shop, agent: User) -> None:
    send(shop, rating="good", content="用了三天就坏了，充不进电，客服也不理人，质量太差了")
    read_all()
    assert Case.objects.count() == 1


PRAISE, COMPLAINT = "外观不错，速度也快，发货很及时", "现在充到一半自己断，得拔了重插，越来越不好使"


def test_it_opens_a_case_for_praise_that_arrives_with_a_bad_follow_up(shop: Shop, agent: User) -> None:
    review = send(shop, rating="good", content=PRAISE, followup=COMPLAINT)
    read_all()
    case = Case.objects.get()
    assert (case.cause, case.sub_cause) == ("product", "quality")
    judged = Classification.objects.get()
    assert judged.marks
    for start, end, _weight in judged.marks:
        assert review.full_text[start:end] in COMPLAINT


def test_a_second_reading_of_praise_keeps_what_the_follow_up_says(
    shop: Shop, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_reading, "wants_second_reading", lambda text, first: True)
    monkeypatch.setattr(second_reading, "read_again", lambda texts, firsts: firsts)
    send(shop, rating="good", content=PRAISE, followup=COMPLAINT)
    read_all()
    second_reading.read_waiting(10)
    assert set(Classification.objects.values_list("is_second", "cause")) == {(0, "product"), (1, "product")}
    assert Case.objects.get().cause == "product"


@pytest.mark.parametrize("followup", ["用了一个月，依然很好，没有任何问题", "问题已经解决，态度很好", ""])
def test_it_opens_no_case_for_praise_with_a_good_follow_up(shop: Shop, agent: User, followup: str) -> None:
    send(shop, rating="good", content=PRAISE, followup=followup)
    read_all()
    assert not Case.objects.exists()


def test_it_opens_a_case_for_a_bad_mark_without_a_word(shop: Shop, agent: User) -> None:
    send(shop, content="")
    read_all()
    assert Case.objects.get().sub_cause == "unspecified"


def test_it_leaves_a_case_to_take_when_nobody_is_on_duty(shop: Shop) -> None:
    send(shop, content="杯子碎了")
    read_all()
    assert Case.objects.get().status == Status.NEW


def test_it_reads_each_version_once_however_often_it_is_asked(shop: Shop, agent: User) -> None:
    send(shop, content="杯子碎了")
    read_all()
    send(shop, content="杯子碎了")
    assert read_all() == 0
    assert Case.objects.count() == Classification.objects.count() == 1


def test_it_reopens_a_closed_case_for_a_bad_follow_up(shop: Shop, agent: User) -> None:
    send(shop, content="杯子碎了")
    read_all()
    Case.objects.get().close(Outcome.SOLVED, by=agent)
    send(
        shop,
        content="杯子碎了",
        followup="说好补发，一个星期了还没收到",
        followup_at="2026-11-20T10:00:00+08:00",
    )
    read_all()
    case = Case.objects.get()
    assert case.is_open
    assert list(case.events.values_list("kind", flat=True))[-3:] == ["review_changed", "reopen", "assign"]
    assert case.cause == "service"  # the follow-up is about what was promised
    assert case.reopened_at is not None
    assert case.due_at > case.reopened_at


def test_it_closes_an_untouched_case_when_the_changed_review_no_longer_complains(
    shop: Shop, agent: User
) -> None:
    send(shop, content="杯子碎了")
    read_all()
    send(shop, content="发错了评价，杯子质量很好，非常满意", rating="good")
    read_all()
    assert Case.objects.get().outcome == Outcome.NO_ACTION


def test_it_never_overrules_a_person(shop: Shop, agent: User) -> None:
    send(shop, content="杯子碎了")
    read_all()
    Case.objects.get().correct_cause("packaging", by=agent)
    send(shop, content="杯子碎了，客服态度恶劣骂人")
    read_all()
    assert Case.objects.get().sub_cause == "packaging"


def test_it_asks_a_person_to_confirm_malice(shop: Shop, agent: User, monkeypatch: pytest.MonkeyPatch) -> None:
    sure = [_verdict(cause="malicious", sub_cause="extortion", confidence=0.99, decided=True)]
    monkeypatch.setattr(triage, "classify", lambda texts, engine: sure)
    send(shop, content="转我五十块钱")
    read_all()
    assert Case.objects.get().needs_decision


def test_it_hears_a_suspected_buyer_in_public_like_any_other(
    shop: Shop, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    suspicion = [_verdict(cause="malicious", sub_cause="extortion", confidence=0.99, decided=True)]
    monkeypatch.setattr(triage, "classify", lambda texts, engine: suspicion)
    send(shop, content="转我五十块钱")
    read_all()
    template = PublicReply.objects.get().template
    assert template is not None
    assert template.cause != "malicious"


def _verdict(**fields: Any) -> Verdict:
    from reviews.causes import Cause, SubCause

    return Verdict(
        cause=Cause(fields["cause"]),
        sub_cause=SubCause(fields["sub_cause"]),
        also=(),
        confidence=fields["confidence"],
        decided=fields["decided"],
        words=(),
        model="test",
    )


# --- failures -------------------------------------------------------------------------------------


def break_on(monkeypatch: pytest.MonkeyPatch, poison: str) -> None:
    """Let the real classifier fail on one text, as a text it cannot digest would."""
    from reviews.classification import classify as real

    def classify(texts: Any, engine: Any) -> Any:
        if any(poison in one.text for one in texts):
            raise ValueError("indigestible")
        return real(texts, engine)

    monkeypatch.setattr(triage, "classify", classify)


def test_it_reads_the_rest_when_one_review_cannot_be_read(
    shop: Shop, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_on(monkeypatch, "毒")
    for key, text in [("a", "杯子碎了"), ("b", "毒"), ("c", "客服不回消息")]:
        send(shop, key, content=text)
    read_all()
    assert Case.objects.count() == 2
    request = ClassificationRequest.objects.get()
    assert "indigestible" in request.error


def test_it_parks_a_review_after_five_failures_where_a_manager_sees_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_on(monkeypatch, "毒")
    send(shop, content="毒")
    tries = []
    for hours in range(6):
        with clock.at(timezone.now() + timedelta(hours=hours)):
            tries.append(read_all())
    assert tries == [1, 1, 1, 1, 1, 0]
    assert ClassificationRequest.objects.parked().count() == 1


def test_it_waits_before_it_tries_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    break_on(monkeypatch, "毒")
    send(shop, content="毒")
    assert [read_all(), read_all()] == [1, 0]


def test_it_gives_a_lost_workers_reviews_free_after_the_lease(shop: Shop) -> None:
    send(shop, content="杯子碎了")
    now = timezone.now()
    assert len(ClassificationRequest.objects.claim(10, now)) == 1
    assert ClassificationRequest.objects.claim(10, now) == []
    assert len(ClassificationRequest.objects.claim(10, now + timedelta(minutes=2))) == 1


def test_it_isolates_and_parks_what_takes_its_worker_down(shop: Shop) -> None:
    """Claims whose worker never came back: first all at once, from the third try on one by one."""
    for key in ("a", "b", "c"):
        send(shop, key, content="杯子碎了")
    now = timezone.now()
    sizes = []
    for hours in range(12):
        sizes.append(len(ClassificationRequest.objects.claim(10, now + timedelta(hours=hours))))
    assert sizes == [3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]
    assert ClassificationRequest.objects.parked().count() == 3


def test_it_drops_the_reading_of_a_text_that_changed_meanwhile(shop: Shop, agent: User) -> None:
    send(shop, content="杯子碎了")
    claimed = ClassificationRequest.objects.claim(10, timezone.now())
    send(shop, content="客服不回消息，等了三天")
    triage.settle_requests(claimed)
    assert not Case.objects.exists()
    read_all()
    assert Case.objects.get().cause == "service"


def test_it_settles_a_batch_that_two_workers_read_only_once(shop: Shop, agent: User) -> None:
    send(shop, content="杯子碎了")
    claimed = ClassificationRequest.objects.claim(10, timezone.now())
    triage.settle_requests(claimed)
    triage.settle_requests(claimed)
    assert Case.objects.count() == Classification.objects.count() == 1


def test_it_leaves_the_end_to_a_person_once_something_was_promised(shop: Shop, agent: User) -> None:
    """The case was given back with a remedy in it; a better mark must not make the shop forget it."""
    review = send(shop, content="杯子碎了")
    read_all()
    case = Case.objects.get()
    case.log(EventKind.REMEDY, by=agent, remedy="resend", amount="0", status="approved", note="")
    send(shop, content="已补发，很好，谢谢", rating="good", stars=5)
    read_all()
    case.refresh_from_db()
    assert case.is_open
    assert case.review == review
