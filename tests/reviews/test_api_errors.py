"""Keys, and every refusal as a problem in the reader's language."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import RequestFactory
from django.utils import timezone
from rest_framework.test import APIClient

from reviews.api.errors import handle
from reviews.compliance import find_offences
from reviews.models import InvalidTransition, Shop, ShopApiKey, StaleCase
from reviews.outgoing import OffendingText
from tests.reviews.api import key_client

CASES = "/api/v1/cases/"


def with_key(key: str) -> Any:
    return APIClient().get(CASES, headers={"authorization": f"Api-Key {key}"})


def test_it_wants_a_key_or_a_sign_in(db: None) -> None:
    answer = APIClient().get(CASES)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Api-Key")
    assert answer["Content-Type"] == "application/problem+json"
    assert set(answer.json()) == {"type", "title", "status", "detail", "code"}


@pytest.mark.parametrize("key", ["", "nonsense", "abcdefgh.12345", "a\x00b.c", "密钥"])
def test_it_refuses_a_wrong_key(db: None, key: str) -> None:
    answer = with_key(key)
    assert (answer.status_code, answer.json()["code"]) == (401, "authentication_failed")


def test_it_refuses_a_key_with_a_wrong_end(shop: Shop) -> None:
    _made, key = ShopApiKey.objects.create_key(shop=shop, name="x")
    assert with_key(key).status_code == 200
    assert with_key(key[:-1] + ("a" if key[-1] != "a" else "b")).status_code == 401


def test_it_refuses_a_revoked_key(shop: Shop) -> None:
    made, key = ShopApiKey.objects.create_key(shop=shop, name="x")
    made.revoked = True
    made.save()
    assert with_key(key).status_code == 401


def test_it_refuses_an_expired_key(shop: Shop) -> None:
    past = timezone.now() - timedelta(minutes=1)
    _made, key = ShopApiKey.objects.create_key(shop=shop, name="x", expiry_date=past)
    assert with_key(key).status_code == 401


def test_it_speaks_chinese_unless_asked_otherwise(db: None) -> None:
    chinese, english = APIClient().get(CASES), APIClient().get(CASES, headers={"accept-language": "en"})
    assert chinese.json()["title"] == "未登录"
    assert english.json()["title"] == "Not signed in"
    assert chinese.json()["code"] == english.json()["code"]


def test_it_tells_which_method_is_wrong(shop: Shop) -> None:
    for method in ("put", "patch", "delete", "options"):
        answer = getattr(key_client(shop), method)(CASES)
        assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json")
        assert "GET" in answer["Allow"]


@pytest.mark.parametrize("path", ["/api/v1/nothing/", "/api/v1/cases", "/api/v1/cases/x/", "/api/v1/"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_it_answers_unknown_addresses_with_a_problem(db: None, path: str, method: str) -> None:
    answer = getattr(APIClient(), method)(path)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_it_answers_json_to_a_browser_too(shop: Shop) -> None:
    answer = key_client(shop).get(CASES, headers={"accept": "text/html"})
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")


def answered(error: Exception) -> Any:
    return handle(error, {"request": RequestFactory().get("/"), "view": None})


@pytest.mark.parametrize("error", [InvalidTransition("closed"), StaleCase("somebody was quicker")])
def test_it_calls_a_refused_move_a_conflict(error: Exception) -> None:
    answer = answered(error)
    assert (answer.status_code, answer.data["detail"], answer.data["code"]) == (409, str(error), "conflict")


def test_it_names_the_words_the_law_forbids() -> None:
    answer = answered(OffendingText(find_offences("好评返现5元", "public_reply", "taobao")))
    assert (answer.status_code, answer.data["code"]) == (422, "not_lawful")
    first = answer.data["offences"][0]
    assert first["words"] in "好评返现5元"
    assert first["why"]


def test_it_asks_to_come_back_when_the_database_is_away() -> None:
    answer = answered(OperationalError("gone"))
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


def test_it_keeps_its_inner_life_to_itself(caplog: pytest.LogCaptureFixture) -> None:
    answer = answered(RuntimeError("secret of the house"))
    assert answer.status_code == 500
    assert "secret" not in str(answer.data)
    assert "secret of the house" in caplog.text
