"""Reply templates: who may change which, what the law refuses, versions and own copies."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from reviews.models import AuditEntry, PublicReply, ReplyTemplate, Role, Shop, ShopMembership, User
from reviews.models.audit import Action
from tests.factories import make_review

LIST = reverse("reviews:reply_templates")
NEW = reverse("reviews:reply_template_new")
LAWFUL = "抱歉，{item|商品}坏了。请在店铺聊天里发照片，我们承担运费补发。——{shop}"
UNLAWFUL = "亲，改成五星好评我们返您5元现金红包"
QUERIES = 8  # one of them: whether a drift alarm rings


def make_template(shop: Shop | None, **fields: Any) -> ReplyTemplate:
    values = {
        "shop": shop,
        "name": "破损",
        "cause": "product",
        "sub_cause": "damaged_missing",
        "text": LAWFUL,
    }
    return ReplyTemplate.objects.create(**{**values, **fields})


def url(template: ReplyTemplate, verb: str = "") -> str:
    return reverse(f"reviews:reply_template{'_' if verb else ''}{verb}", args=[template.pk])


def filled(shop: Shop | None, **fields: str) -> dict[str, Any]:
    values = {"name": "破损新", "purpose": "reply", "cause": "product", "sub_cause": "", "text": LAWFUL}
    return {"shop": shop.pk if shop else "", **values, **fields}


@pytest.fixture
def own(shop: Shop) -> ReplyTemplate:
    return make_template(shop)


@pytest.fixture
def common(db: None) -> ReplyTemplate:
    return make_template(None, name="共用破损")


@pytest.fixture
def client_of_manager(client: Client, manager: User) -> Client:
    client.force_login(manager)
    return client


def test_it_is_for_managers(client: Client, agent: User, own: ReplyTemplate) -> None:
    client.force_login(agent)
    for address in (LIST, NEW, url(own)):
        assert client.get(address).status_code == 403
    for verb in ("copy", "use"):
        assert client.post(url(own, verb)).status_code == 403


def test_another_shops_template_is_not_there(client_of_manager: Client, other_shop: Shop) -> None:
    theirs = make_template(other_shop)
    assert client_of_manager.get(url(theirs)).status_code == 404
    assert client_of_manager.post(url(theirs, "use"), {"in_use": "0"}).status_code == 404
    assert client_of_manager.post(url(theirs, "copy")).status_code == 404


def test_an_agents_shop_is_there_but_closed(
    client_of_manager: Client, manager: User, other_shop: Shop
) -> None:
    ShopMembership.objects.create(user=manager, shop=other_shop, role=Role.AGENT)
    theirs = make_template(other_shop, name="只属于别家的一条")
    assert client_of_manager.get(url(theirs)).status_code == 403
    assert "只属于别家的一条" not in client_of_manager.get(LIST).content.decode()


def test_it_lists_own_and_common_ones_with_their_use(
    client_of_manager: Client, shop: Shop, own: ReplyTemplate, common: ReplyTemplate
) -> None:
    PublicReply.objects.create(review=make_review(shop), template=own, text="x")
    html = client_of_manager.get(LIST).content.decode()
    assert own.name in html
    assert common.name in html
    assert "用过 1 次" in html


def test_it_counts_no_use_in_other_shops(
    client_of_manager: Client, other_shop: Shop, common: ReplyTemplate
) -> None:
    PublicReply.objects.create(review=make_review(other_shop), template=common, text="x")
    assert "用过 0 次" in client_of_manager.get(LIST).content.decode()


def test_the_list_asks_the_same_whatever_the_rows(
    client_of_manager: Client, shop: Shop, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_template(shop)
    with django_assert_num_queries(QUERIES):
        client_of_manager.get(LIST)
    for n in range(8):
        make_template(shop, name=f"第{n}条")
    with django_assert_num_queries(QUERIES):
        client_of_manager.get(LIST)


def test_an_empty_list_says_what_to_do(client_of_manager: Client) -> None:
    ReplyTemplate.objects.all().delete()
    assert "还没有模板" in client_of_manager.get(LIST).content.decode()


def test_it_keeps_a_new_template(client_of_manager: Client, shop: Shop) -> None:
    response = client_of_manager.post(NEW, filled(shop))
    made = ReplyTemplate.objects.get(name="破损新")
    assert response["Location"] == url(made)
    assert made.text == LAWFUL


def test_it_changes_an_own_one_and_keeps_the_version(
    client_of_manager: Client, shop: Shop, own: ReplyTemplate, manager: User
) -> None:
    client_of_manager.post(url(own), filled(shop, text="抱歉，我们补发。"))
    own.refresh_from_db()
    assert own.text == "抱歉，我们补发。"
    assert own.history.count() == 2
    assert own.history.first().history_user == manager


def test_it_refuses_unlawful_words_beside_the_field(
    client_of_manager: Client, shop: Shop, own: ReplyTemplate
) -> None:
    response = client_of_manager.post(url(own), filled(shop, text=UNLAWFUL))
    html = response.content.decode()
    assert response.status_code == 422
    assert UNLAWFUL in html
    assert 'id="id_text_error"' in html
    assert "五星好评" in html.partition('id="id_text_error"')[2]
    own.refresh_from_db()
    assert own.text == LAWFUL


def test_a_refusal_is_kept_in_the_audit_log(client_of_manager: Client, shop: Shop, manager: User) -> None:
    client_of_manager.post(NEW, filled(shop, text=UNLAWFUL))
    entry = AuditEntry.objects.get(action=Action.COMPLIANCE)
    assert (entry.user, entry.shop, entry.data["kind"]) == (manager, shop, "template")
    assert not ReplyTemplate.objects.filter(name="破损新").exists()


@pytest.mark.parametrize("text", ["您好{buyer_phone}", "您好{item", ""])
def test_it_refuses_an_unknown_variable_and_broken_braces(
    client_of_manager: Client, shop: Shop, text: str
) -> None:
    assert client_of_manager.post(NEW, filled(shop, text=text)).status_code == 422


def test_it_refuses_a_sub_cause_of_another_cause(client_of_manager: Client, shop: Shop) -> None:
    response = client_of_manager.post(NEW, filled(shop, cause="service", sub_cause="odor"))
    assert response.status_code == 422
    assert "这个细分原因属于" in response.content.decode()


def test_a_sub_cause_brings_its_cause(client_of_manager: Client, shop: Shop) -> None:
    client_of_manager.post(NEW, filled(shop, cause="", sub_cause="delivery"))
    assert ReplyTemplate.objects.get(name="破损新").cause == "service"


def test_a_manager_writes_no_common_template_and_none_of_others(
    client_of_manager: Client, other_shop: Shop
) -> None:
    assert client_of_manager.post(NEW, filled(None)).status_code == 422
    assert client_of_manager.post(NEW, filled(other_shop)).status_code == 422


def test_a_common_one_is_read_only_for_managers(
    client_of_manager: Client, shop: Shop, common: ReplyTemplate
) -> None:
    assert "复制给" in client_of_manager.get(url(common)).content.decode()
    assert client_of_manager.post(url(common), filled(shop)).status_code == 403
    assert client_of_manager.post(url(common, "use"), {"in_use": "0"}).status_code == 403


def test_a_manager_makes_an_own_copy(client_of_manager: Client, shop: Shop, common: ReplyTemplate) -> None:
    client_of_manager.post(url(common, "copy"), {"shop": shop.pk})
    made = ReplyTemplate.objects.get(shop=shop, name=common.name)
    assert (made.text, made.sub_cause) == (common.text, common.sub_cause)


def test_a_copy_for_another_shop_is_refused(
    client_of_manager: Client, other_shop: Shop, common: ReplyTemplate
) -> None:
    assert client_of_manager.post(url(common, "copy"), {"shop": other_shop.pk}).status_code == 404
    assert client_of_manager.post(url(common, "copy"), {"shop": "x"}).status_code == 404


def test_an_administrator_changes_common_ones(
    client: Client, administrator: User, common: ReplyTemplate
) -> None:
    client.force_login(administrator)
    client.post(url(common), filled(None, name="共用新"))
    common.refresh_from_db()
    assert common.name == "共用新"


def test_it_is_taken_out_of_use_and_back(client_of_manager: Client, own: ReplyTemplate, shop: Shop) -> None:
    client_of_manager.post(url(own, "use"), {"in_use": "0"})
    assert own not in ReplyTemplate.objects.usable_in(shop)
    client_of_manager.post(url(own, "use"), {"in_use": "1"})
    assert own in ReplyTemplate.objects.usable_in(shop)


def test_it_previews_with_sample_facts_and_writes_nothing(
    client_of_manager: Client, shop: Shop, own: ReplyTemplate
) -> None:
    address = reverse("reviews:reply_template_preview")
    html = client_of_manager.post(address, {"text": "{shop}：{item}", "shop": shop.pk}).content.decode()
    assert "测试旗舰店：雾蓝保温杯 500ml" in html
    response = client_of_manager.post(url(own), {**filled(shop, text="新的{item}"), "preview": "1"})
    assert "新的雾蓝保温杯" in response.content.decode()
    own.refresh_from_db()
    assert own.text == LAWFUL


def test_it_brings_an_older_wording_back(client_of_manager: Client, own: ReplyTemplate) -> None:
    first = own.history.first().history_id
    own.text = "抱歉，我们补发。"
    own.save()
    client_of_manager.post(reverse("reviews:reply_template_restore", args=[own.pk, first]))
    own.refresh_from_db()
    assert (own.text, own.history.count()) == (LAWFUL, 3)


def test_todays_rules_decide_about_an_old_wording(client_of_manager: Client, shop: Shop) -> None:
    own = make_template(shop, text=UNLAWFUL)  # kept before the rule existed
    first = own.history.first().history_id
    own.text = LAWFUL
    own.save()
    client_of_manager.post(reverse("reviews:reply_template_restore", args=[own.pk, first]))
    own.refresh_from_db()
    assert own.text == LAWFUL
    assert AuditEntry.objects.get().action == Action.COMPLIANCE  # the refusal stays on record


def test_nothing_is_written_on_get(client_of_manager: Client, own: ReplyTemplate) -> None:
    for verb in ("copy", "use"):
        assert client_of_manager.get(url(own, verb)).status_code == 405
