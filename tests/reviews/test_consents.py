"""Good reviews are shown elsewhere only with recorded consent, without a name, until it is withdrawn."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from reviews import consents
from reviews.models import (
    AuditEntry,
    InvalidTransition,
    MarketingConsent,
    Review,
    ReviewVersion,
    Role,
    Shop,
    ShopMembership,
    User,
)
from tests.factories import make_buyer, make_order, make_review, make_shop

pytestmark = pytest.mark.django_db
LIST, FILE = reverse("reviews:showcase"), reverse("reviews:showcase_file")


@pytest.fixture
def review(shop: Shop) -> Review:
    order = make_order(shop, buyer=make_buyer(shop, "小鹿乱撞"))
    text = "王小明觉得杯子很好，小鹿乱撞推荐，电话13800138000，订单2026112100001"
    return make_review(shop, order=order, rating="good", stars=5, content=text)


def agree(review: Review, by: User, **fields: object) -> MarketingConsent:
    values = {
        "version": review.version,
        "agreed_at": timezone.now(),
        "how": "chat",
        "words": "可以用，别写名字",
        **fields,
    }
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
    change(review)
    assert not consents.reusable(manager).exists()


def change(review: Review) -> None:
    review.version += 1
    review.content = "其实用了几天，杯子更好了"
    review.save()
    ReviewVersion.objects.create(review=review, number=review.version, rating="good", content=review.content)


def test_a_new_consent_takes_the_place_of_the_one_to_the_old_words(
    client: Client, review: Review, manager: User
) -> None:
    agree(review, manager)
    change(review)
    client.force_login(manager)
    page = client.get(reverse("reviews:review", args=[review.pk])).content.decode()
    assert '<input type="hidden" name="version" value="2"' in page
    filled = {"version": 2, "day": timezone.localdate().isoformat(), "how": "chat", "words": "新的也可以用"}
    client.post(reverse("reviews:review_consent", args=[review.pk]), filled)
    assert [one.words for one in consents.reusable(manager)] == ["新的也可以用"]
    assert MarketingConsent.objects.standing().count() == 1
    assert MarketingConsent.objects.count() == 2
    page = client.get(reverse("reviews:review", args=[review.pk])).content.decode()
    assert 'name="version"' not in page


def test_nobody_agrees_to_words_written_later(review: Review, manager: User) -> None:
    before = timezone.now()
    change(review)
    with pytest.raises(InvalidTransition, match="没有同意"):
        agree(review, manager, agreed_at=before)
    with pytest.raises(InvalidTransition, match="改过"):  # the page showed the words before
        agree(review, manager, version=1)
    assert agree(review, manager).version == 2


def test_the_file_holds_only_shops_one_manages(
    client: Client, review: Review, manager: User, shop: Shop
) -> None:
    other = make_shop()
    ShopMembership.objects.create(user=manager, shop=other, role=Role.AGENT)
    agree(make_review(other, rating="good", stars=5, content="别家的保温壶"), manager)
    agree(review, manager)
    client.force_login(User.objects.get(pk=manager.pk))
    assert "别家的保温壶" in client.get(LIST).content.decode()
    file = client.get(FILE).content.decode()
    assert "杯子很好" in file
    assert "别家的保温壶" not in file


def test_it_is_recorded_once_with_who_when_and_how(client: Client, review: Review, agent: User) -> None:
    client.force_login(agent)
    day = timezone.localdate()
    filled = {"version": 1, "day": day.isoformat(), "how": "phone", "words": "好的没问题"}
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
