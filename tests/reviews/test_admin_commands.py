"""The commands that set a shop up: create_shop, create_api_key."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from reviews.models import AuditEntry, Shop, ShopApiKey


def create_shop(**changes: Any) -> None:
    call_command("create_shop", **{"code": "tea", "platform": "jd", "name": "茶叶店", **changes})


def test_it_makes_an_empty_shop(db: None) -> None:
    create_shop()
    shop = Shop.objects.get(code="tea")
    assert (shop.platform, shop.name, shop.time_zone) == ("jd", "茶叶店", "Asia/Shanghai")


def test_it_refuses_a_code_that_is_taken(db: None) -> None:
    create_shop()
    with pytest.raises(CommandError, match="tea"):
        create_shop()
    assert Shop.objects.count() == 1


@pytest.mark.parametrize(
    "changes", [{"code": "Tea Shop"}, {"code": ""}, {"code": "a" * 41}, {"name": "  "}, {"name": "店" * 81}]
)
def test_it_refuses_what_is_no_shop(db: None, changes: dict[str, str]) -> None:
    with pytest.raises(CommandError):
        create_shop(**changes)
    assert not Shop.objects.exists()


def test_it_refuses_a_platform_it_does_not_know(db: None) -> None:
    with pytest.raises(CommandError, match="taobao"):
        call_command("create_shop", "--code", "tea", "--platform", "ebay", "--name", "Tea")


def test_it_prints_a_key_alone_and_once(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("create_api_key", shop=shop.code, name="ERP")
    written = capsys.readouterr()
    key = written.out.strip()
    assert written.out == key + "\n"
    assert " " not in key
    assert written.err
    stored = ShopApiKey.objects.get()
    assert (stored.name, stored.shop) == ("ERP", shop)
    assert key not in str(ShopApiKey.objects.values().get())
    answer = APIClient().get("/api/v1/cases/", headers={"authorization": f"Api-Key {key}"})
    assert answer.status_code == 200


def test_it_notes_the_new_key_in_the_audit_log(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("create_api_key", shop=shop.code)
    key = capsys.readouterr().out.strip()
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.shop, entry.object_id) == ("key_created", shop, key.partition(".")[0])
    assert key.partition(".")[2] not in str(AuditEntry.objects.values().get())


def test_it_needs_a_shop_that_exists(db: None) -> None:
    with pytest.raises(CommandError, match="nowhere"):
        call_command("create_api_key", shop="nowhere")
