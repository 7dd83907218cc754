"""Good reviews are shown elsewhere only with recorded consent, without a name, until it is withdrawn."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from reviews import consents
from reviews.models import AuditEntry, InvalidTransition, MarketingConsent, Review, Shop, User
from tests.factories import make_buyer, make_order, make_review

pytestmark = pytest.mark.django_db
LIST, FILE = reverse("reviews:showcase"), reverse("reviews:showcase_file")


@pytest.fixture
def review(shop: Shop) -> Review:
    order = make_order(shop, buyer=make_buyer(shop, "小鹿乱撞"))
    text = "王小明觉得杯子很好，小鹿乱撞推荐，电话13800138000，订单2026112100001"
    return make_review(shop, order=order, rating="good", stars=5, content=text)


def agree(review: Review, by: User, **fields: object) -> MarketingConsent:
    values = {"agreed_at": timezone.now(), "how": "chat", "words": "可以用，别写名字", **fields}
    return consents.record_consent(review, by=by, **values)  # type: ignore[arg-type]


def test_without_consent_nothing_is_shown(client: Client, review: Review, manager: User) -> None:
    client.force_login(manager)
    assert "杯子很好" not in client.get(LIST).content.decode()
    assert "杯子很好" not in client.get(FILE).content.decode()


def test_names_and_numbers_are_hidden_on_the_page_and_in_the_file(
    client: Client, review: Review, manager: User
) -> None:
    agree(review, manager)
    client.force_login(manager)
    for address in (LIST, FILE):
        shown = client.get(address).content.decode()
        assert "杯子很好" in shown
        for hidden in ("王小明", "小鹿乱撞", "13800138000", "2026112100001", review.order_no):
            assert hidden not in shown


def test_a_withdrawal_removes_it_at_once(client: Client, review: Review, manager: User) -> None:
    agree(review, manager)
    client.force_login(manager)
    address = reverse("reviews:review_consent_withdraw", args=[review.pk])
    client.post(address)
    client.post(address)  # twice is once
    assert "杯子很好" not in client.get(LIST).content.decode()
    assert "杯子很好" not in client.get(FILE).content.decode()
    assert AuditEntry.objects.filter(action="consent").count() == 2
    assert MarketingConsent.objects.get().withdrawn_by == manager


def test_a_changed_review_needs_a_new_consent(review: Review, manager: User) -> None:
    agree(review, manager)
    Review.objects.update(version=2)
    assert not consents.reusable(manager).exists()


def test_it_is_recorded_once_with_who_when_and_how(client: Client, review: Review, agent: User) -> None:
    client.force_login(agent)
    day = timezone.localdate()
    filled = {"day": day.isoformat(), "how": "phone", "words": "好的没问题"}
    for _click in range(2):
        client.post(reverse("reviews:review_consent", args=[review.pk]), filled)
    kept = MarketingConsent.objects.get()
    assert (kept.recorded_by, kept.how, kept.words) == (agent, "phone", "好的没问题")


def test_what_cannot_be_is_refused(shop: Shop, review: Review, agent: User) -> None:
    now = timezone.now()
    with pytest.raises(InvalidTransition):
        agree(make_review(shop), agent)  # a bad one
    for wrong in (now + timedelta(days=1), review.created_at - timedelta(days=1)):
        with pytest.raises(InvalidTransition):
            agree(review, agent, agreed_at=wrong)


def test_another_shops_consent_is_not_there(
    client: Client, review: Review, manager: User, outsider: User
) -> None:
    agree(review, manager)
    client.force_login(outsider)
    assert "杯子很好" not in client.get(LIST).content.decode()
    assert client.get(FILE).status_code == 403
