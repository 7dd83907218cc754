"""The model page: what a manager sees, and the choice of another version."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from reviews.classification.network import shipped_card
from reviews.models import DriftAlarm, ModelVersion, Shop, User
from reviews.models.learning import VersionStatus
from tests.factories import make_case, make_classification, make_review, make_user
from tests.reviews.test_learning import make_version

pytestmark = pytest.mark.django_db

URL = reverse("reviews:model")
QUERIES = 12
FIGURES = {
    "held_out": {
        "decisions": 40,
        "base": {"cause": 20, "sub_cause": 10},
        "new": {"cause": 36, "sub_cause": 30},
    },
    "regression": {},
    "changed": [{"from": "service", "to": "product", "count": 7}],
    "words": [{"sub_cause": "freshness", "gained": ["死苗"], "lost": ["客服"]}],
}


def page(client: Client, user: User, **query: str) -> str:
    client.force_login(user)
    answer = client.get(URL, query)
    assert answer.status_code == 200
    return answer.content.decode()


def decide(shop: Shop, by: User, proposed: str, decided: str) -> None:
    review = make_review(shop)
    make_classification(review, sub_cause=proposed)
    make_case(shop, review=review, sub_cause=proposed).correct_cause(decided, by=by)


def post(client: Client, user: User, name: str, pk: int, **data: Any) -> list[str]:
    """Press a button; the words of the notice."""
    client.force_login(user)
    answer = client.post(reverse(f"reviews:model_{name}", args=[pk]), data, follow=True)
    return [str(message) for message in answer.context["messages"]]


def test_it_says_what_to_do_when_nothing_was_decided(client: Client, manager: User) -> None:
    html = page(client, manager)
    assert "还没有人工判定" in html
    assert "每晚 03:00 学习一次" in html


def test_it_sets_the_machine_beside_people(client: Client, manager: User, agent: User, shop: Shop) -> None:
    decide(shop, agent, "quality", "quality")
    decide(shop, agent, "quality", "delivery")
    client.force_login(manager)
    shown = client.get(URL).context["page"]
    assert [(row.cause, row.found) for row in shown.confusion] == [("product", 1.0), ("service", 0.0)]
    assert (shown.compared, shown.agreed) == (2, 0.5)


def test_it_counts_who_decided_the_cases(client: Client, manager: User, agent: User, shop: Shop) -> None:
    decide(shop, agent, "quality", "quality")
    make_case(shop)
    make_case(shop, needs_decision=True)
    client.force_login(manager)
    shares = client.get(URL).context["page"].shares
    assert (shares.cases, shares.by_machine, shares.by_people, shares.to_decide) == (3, 1, 1, 1)


def test_it_counts_the_decisions_that_wait(client: Client, manager: User, agent: User, shop: Shop) -> None:
    decide(shop, agent, "quality", "quality")
    known = shop.reviews.get().classifications.by_people().get().pk
    make_version(shop, last_decision=known)
    decide(shop, agent, "quality", "delivery")
    client.force_login(manager)
    assert client.get(URL).context["page"].decisions == {"all": 2, "waiting": 1}


def test_it_shows_what_the_version_in_use_learnt(client: Client, manager: User, shop: Shop) -> None:
    make_version(shop, status=VersionStatus.CURRENT, figures=FIGURES, promoted_at=timezone.now())
    html = page(client, manager)
    for words in ("死苗", "客服", "90%", "50%", "版本 1"):
        assert words in html


def test_it_says_why_a_version_was_not_put_in_use(client: Client, manager: User, shop: Shop) -> None:
    lost = {"code": "cause_lost", "cause": "service", "reviews": 180, "base": 160, "new": 150}
    worse = {
        "code": "held_out_worse",
        "than": "in_use",
        "what": "cause",
        "decisions": 20,
        "before": 15,
        "after": 9,
    }
    for number, hindrance in enumerate((lost, worse, {"code": "rolled_back"}), 1):
        make_version(shop, number, hindrance=hindrance)
    html = page(client, manager)
    assert "180 条测试评价中只判对 150 条，原为 160 条" in html
    assert "最新 20 条判定中判对 9 条，在用版本判对 15 条" in html
    assert "有人撤回过版本" in html


def test_a_version_of_an_earlier_shipped_model_rests(client: Client, manager: User, shop: Shop) -> None:
    make_version(shop, status=VersionStatus.CURRENT, base="an older one")
    assert "暂停使用" in page(client, manager)


def test_one_click_puts_a_version_in_use_and_one_takes_it_back(
    client: Client, manager: User, shop: Shop
) -> None:
    one, two = make_version(shop, 1, status=VersionStatus.CURRENT), make_version(shop, 2)
    assert post(client, manager, "promote", two.pk, instead_of=one.pk) == ["已启用版本 2。"]
    assert post(client, manager, "roll_back", two.pk) == ["已回到版本 1。"]
    assert post(client, manager, "roll_back", one.pk) == ["已回到出厂模型。"]
    assert not ModelVersion.objects.current().exists()


def test_who_saw_an_old_page_is_told_and_changes_nothing(client: Client, manager: User, shop: Shop) -> None:
    one, two = make_version(shop, 1, status=VersionStatus.CURRENT), make_version(shop, 2)
    assert "别的版本" in post(client, manager, "promote", two.pk, instead_of="")[0]
    assert "不在使用中" in post(client, manager, "roll_back", two.pk)[0]
    assert ModelVersion.objects.current().get() == one


def test_an_alarm_is_shown_with_what_moved_until_somebody_notes_it(
    client: Client, manager: User, shop: Shop
) -> None:
    figures = {"kinds": ["product", "service"], "before": [0.6, 0.2], "now": [0.3, 0.5], "reviews": 120}
    alarm = DriftAlarm.objects.create(shop=shop, measure="causes", since=timezone.now(), figures=figures)
    html = page(client, manager)
    assert "差评原因的构成" in html
    assert "60%" in html
    assert 'class="nav-count num"' in html
    post(client, manager, "alarm", alarm.pk)
    alarm.refresh_from_db()
    assert alarm.acknowledged_by == manager
    assert "差评原因的构成" not in page(client, manager)


def test_another_shops_versions_are_not_shown(client: Client, manager: User, other_shop: Shop) -> None:
    make_version(other_shop, 77)
    assert "77" not in page(client, manager, shop=other_shop.code)


def test_it_asks_the_same_whatever_the_rows(
    client: Client, manager: User, agent: User, shop: Shop, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_version(shop, 1, status=VersionStatus.CURRENT, promoted_by=manager)
    client.force_login(manager)
    with django_assert_num_queries(QUERIES):
        client.get(URL)
    for number in range(2, 12):
        decide(shop, agent, "quality", "delivery")
        make_version(shop, number, promoted_by=make_user(f"m{number}"))
    with django_assert_num_queries(QUERIES):
        client.get(URL)


def test_it_shows_how_right_the_shipped_readers_are(client: Client, manager: User) -> None:
    html = page(client, manager)
    card = shipped_card()
    plain = next(
        part for name, part in card["figures"]["both, rating untold"].items() if "thresholds come" in name
    )
    assert card["version"] in html
    assert f"{plain['accuracy']:.0%}" in html
    assert f"{plain['honest_called_malicious']:.1%}" in html
    assert "真实评价随机抽样 600 条" in html
