"""Corrections teach: versions, their promotion and roll-back, and the worker that reads by them."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from reviews import clock, learning, triage
from reviews.intake import record_reviews
from reviews.models import AuditEntry, Case, Classification, ModelVersion, Shop, StaleVersion, User
from reviews.models.learning import VersionStatus
from reviews.shop_reading import base_version
from tests.factories import make_case, make_classification, make_review, make_shop
from tests.reviews.test_shop_delta import TEXTS

pytestmark = pytest.mark.django_db


def teach(shop: Shop, by: User, texts: list[str] = TEXTS, sub: str = "freshness") -> None:
    for text in texts:
        review = make_review(shop, content=text)
        make_classification(review, sub_cause="quality")
        make_case(shop, review=review, sub_cause="quality").correct_cause(sub, by=by)


def make_version(shop: Shop, number: int = 1, **fields: Any) -> ModelVersion:
    from reviews.shop_delta import ShopDelta

    values = {"base": base_version(), "lessons": 30, "last_decision": 0, **fields}
    if "artifact" not in values:
        import numpy as np

        from reviews.classification.model import SUBS

        values["artifact"] = ShopDelta(
            {}, np.zeros((0, len(SUBS)), np.float32), np.zeros(1, np.float32)
        ).to_bytes()
    return ModelVersion.objects.create(shop=shop, number=number, **values)


def status_of(version: ModelVersion) -> str:
    return ModelVersion.objects.get(pk=version.pk).status


# --- what there is to learn ------------------------------------------------------------------------


def test_every_decision_stands_beside_what_the_machine_said(shop: Shop, agent: User) -> None:
    teach(shop, agent, ["杯子碎了"], "packaging")
    teach(shop, agent, ["盒子破了"], "quality")  # the machine was right: that counts too
    rows = learning.decisions_of(shop.pk).by_proposal()
    assert sorted(rows) == [("product", "product", 1), ("service", "product", 1)]


def test_it_learns_the_last_decision_of_each_text(shop: Shop, agent: User) -> None:
    teach(shop, agent, ["杯子碎了"])
    Case.objects.get().correct_cause("packaging", by=agent)
    [decided] = learning.gather(shop.pk)
    assert (decided.text.text, decided.text.rating, decided.sub) == ("杯子碎了", "bad", "packaging")


def test_it_learns_the_text_that_was_decided_not_a_later_one(shop: Shop, agent: User) -> None:
    row = {"review_key": "r", "created_at": "2026-11-18T10:00:00+08:00", "rating": "bad"}
    record_reviews(shop, [{**row, "content": "杯子碎了"}])
    triage.read_waiting(10)
    Case.objects.get().correct_cause("packaging", by=agent)
    record_reviews(shop, [{**row, "content": "改了，客服不理人"}])
    assert [one.text.text for one in learning.gather(shop.pk)] == ["杯子碎了"]


def test_it_learns_from_nobody_elses_shop(shop: Shop, other_shop: Shop, agent: User) -> None:
    teach(other_shop, agent, ["杯子碎了"])
    assert learning.gather(shop.pk) == []


# --- the night --------------------------------------------------------------------------------------


def test_a_few_decisions_teach_nothing(shop: Shop, agent: User) -> None:
    teach(shop, agent, TEXTS[:5])
    assert learning.due_shops(timezone.now()) == []
    assert learning.learn_shop(shop.pk) is None


def test_a_shop_learns_once_a_night_and_only_when_something_is_new(shop: Shop, agent: User) -> None:
    teach(shop, agent, TEXTS[:21])
    first = datetime(2026, 11, 20, 4, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert learning.due_shops(first) == [shop.pk]
    decided = Classification.objects.by_people().order_by("id")
    make_version(shop, made_at=first, last_decision=decided[19].pk)
    assert learning.due_shops(first + timedelta(hours=20)) == []  # not yet night again
    assert learning.due_shops(first + timedelta(hours=24)) == [shop.pk]
    ModelVersion.objects.update(last_decision=decided[20].pk)
    assert learning.due_shops(first + timedelta(hours=24)) == []


def test_a_shop_learns_anew_on_another_shipped_model(shop: Shop, agent: User) -> None:
    teach(shop, agent, TEXTS[:21])
    newest = Classification.objects.by_people().order_by("-id")[0].pk
    long_ago = timezone.now() - timedelta(days=3)
    make_version(shop, made_at=long_ago, last_decision=newest, base="an older one")
    assert learning.due_shops(timezone.now()) == [shop.pk]


def test_the_night_is_the_shops_own() -> None:
    noon = datetime(2026, 11, 20, 12, 0, tzinfo=ZoneInfo("UTC"))
    urumqi = Shop(time_zone="Asia/Urumqi")
    assert learning.last_night(urumqi, noon) == datetime(2026, 11, 20, 3, 0, tzinfo=urumqi.zone)
    assert learning.last_night(Shop(time_zone="America/New_York"), noon).day == 20
    assert learning.last_night(Shop(time_zone="Pacific/Honolulu"), noon).day == 19


# --- a version --------------------------------------------------------------------------------------


def test_it_puts_a_better_version_in_use_and_the_worker_reads_by_it(shop: Shop, agent: User) -> None:
    teach(shop, agent)
    assert learning.learn_due() == 1
    version = ModelVersion.objects.get()
    assert (version.status, version.number, version.lessons) == ("current", 1, len(TEXTS))
    assert AuditEntry.objects.filter(action="model_version", object_id=str(version.pk), user=None).exists()
    row = {"review_key": "n", "created_at": "2026-11-18T10:00:00+08:00", "rating": "bad"}
    record_reviews(shop, [{**row, "content": "茉莉栽下去一周就死苗了"}])
    record_reviews(make_shop("next-door"), [{**row, "content": "茉莉栽下去一周就死苗了"}])
    triage.read_waiting(10)
    mine, theirs = (
        Classification.objects.get(review__review_key="n", review__shop=one)
        for one in (shop, Shop.objects.get(code="next-door"))
    )
    assert mine.sub_cause == "freshness"
    assert mine.model == f"{theirs.model}+{version.pk}"
    assert all(word in "茉莉栽下去一周就死苗了" for word in mine.words)
    assert theirs.sub_cause != "freshness"


def test_it_asks_once_a_batch_however_many_reviews(
    shop: Shop, agent: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    from reviews.classification import ReviewText, classify
    from reviews.shop_reading import as_taught

    make_version(shop, status=VersionStatus.CURRENT)
    texts = [ReviewText("杯子碎了")] * 50
    as_taught(classify(texts, "fast"), texts, [shop.pk] * 50)
    with django_assert_num_queries(1):
        as_taught(classify(texts, "fast"), texts, [shop.pk] * 50)


def test_a_version_of_another_shipped_model_is_not_applied(shop: Shop) -> None:
    from reviews.classification import ReviewText, classify
    from reviews.shop_reading import as_taught

    make_version(shop, status=VersionStatus.CURRENT, base="an older one")
    [verdict] = as_taught(classify([ReviewText("杯子碎了")], "fast"), [ReviewText("杯子碎了")], [shop.pk])
    assert verdict.model == base_version()


def test_a_version_made_by_another_release_is_not_applied(shop: Shop) -> None:
    import io

    import numpy as np

    from reviews.classification import ReviewText, classify
    from reviews.shop_reading import as_taught, load

    load.cache_clear()
    written = io.BytesIO()
    head = np.frombuffer(b'{"format": 1, "subs": []}', np.uint8)
    np.savez(written, head=head, terms=np.zeros(0, np.uint8), weights=np.zeros((0, 24)))
    make_version(shop, status=VersionStatus.CURRENT, artifact=written.getvalue())
    [verdict] = as_taught(classify([ReviewText("杯子碎了")], "fast"), [ReviewText("杯子碎了")], [shop.pk])
    assert verdict.model == base_version()


def test_a_worse_version_is_kept_with_its_reason(
    shop: Shop, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reviews.shop_teaching.lost_cause", lambda rows: "service")
    teach(shop, agent)
    version = learning.learn_shop(shop.pk)
    assert version is not None
    assert (version.status, version.hindrance["code"]) == ("candidate", "cause_lost")


def test_of_two_workers_only_one_makes_a_version(shop: Shop, agent: User) -> None:
    teach(shop, agent)
    mine = ModelVersion(shop=shop, number=1, base=base_version(), lessons=20, last_decision=1, artifact=b"")
    learning.learn_shop(shop.pk)
    assert learning._keep(mine, before=None, in_use=None) is None
    assert ModelVersion.objects.count() == 1


def test_the_database_lets_one_version_be_in_use(shop: Shop) -> None:
    make_version(shop, 1, status=VersionStatus.CURRENT)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_version(shop, 2, status=VersionStatus.CURRENT)


# --- promote and roll back --------------------------------------------------------------------------


def test_a_person_promotes_a_version(shop: Shop, manager: User) -> None:
    one, two = make_version(shop, 1, status=VersionStatus.CURRENT), make_version(shop, 2)
    two.promote(instead_of=one.pk, by=manager)
    assert (status_of(one), status_of(two)) == ("retired", "current")
    assert AuditEntry.objects.get(user=manager).data["did"] == "promote"


def test_who_saw_another_version_in_use_is_refused(shop: Shop, manager: User) -> None:
    one, two, three = (make_version(shop, number) for number in (1, 2, 3))
    one.promote(instead_of=None, by=manager)
    two.promote(instead_of=one.pk, by=manager)
    for seen in (one.pk, None):
        with pytest.raises(StaleVersion):
            three.promote(instead_of=seen, by=manager)
    assert [status_of(one), status_of(two), status_of(three)] == ["retired", "current", "candidate"]


def test_a_double_click_promotes_once(shop: Shop, manager: User) -> None:
    one = make_version(shop)
    one.promote(instead_of=None, by=manager)
    with pytest.raises(StaleVersion):
        one.promote(instead_of=None, by=manager)
    assert AuditEntry.objects.count() == 1


def test_rolling_back_brings_the_version_before_then_the_shipped_model(shop: Shop, manager: User) -> None:
    one, two = make_version(shop, 1), make_version(shop, 2)
    one.promote(instead_of=None, by=manager)
    two.promote(instead_of=one.pk, by=manager)
    assert two.roll_back(by=manager) == one
    assert status_of(one) == "current"
    with pytest.raises(StaleVersion):
        two.roll_back(by=manager)
    assert one.roll_back(by=manager) is None
    assert not ModelVersion.objects.current().exists()


def test_after_a_roll_back_the_next_versions_wait_for_a_person(
    shop: Shop, agent: User, manager: User
) -> None:
    teach(shop, agent)
    first = learning.learn_shop(shop.pk)
    assert first is not None
    first.roll_back(by=manager)
    teach(shop, agent, ["死苗一棵，根都黑了"])
    with clock.at(timezone.now() + timedelta(days=1)):
        second = learning.learn_shop(shop.pk)
    assert second is not None
    assert (second.status, second.hindrance) == ("candidate", {"code": "rolled_back"})
    second.promote(instead_of=None, by=manager)
    teach(shop, agent, ["叶子全耷拉着，死苗"])
    third = learning.learn_shop(shop.pk)
    assert third is not None
    assert third.hindrance.get("code") != "rolled_back"
