"""Addresses nobody types on purpose: a broken link, a scanner, a date that is no date. Never a 500."""

import base64

import pytest
from django.test import Client

from reviews.models import Shop, User
from tests.factories import make_case
from tests.reviews.api import key_client, order_row, review_row

HUGE = "9" * 24


def cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


PAGES = [
    "/stats/?until=0001-01-05",
    "/stats/?from=9999-12-31&until=9999-12-31",
    "/stats/?from=0001-01-01&until=0001-01-01",
    "/stats/?shop=%00",
    "/cases/?until=9999-12-31",
    "/cases/?from=0001-01-01",
    f"/cases/?product={HUGE}",
    f"/cases/?buyer={HUGE}",
    f"/cases/?shop={HUGE}",
    "/cases/?view=%00&q=%00",
    "/cases/?view=open&page=" + cursor('[">", "0001-01-01T00:00:00+14:00", 1]'),
    "/cases/?view=open&page=" + cursor('[">", "2026-01-01T00:00:00", 1]'),
    "/cases/?view=open&page=" + cursor('[">", "2026-01-01T00:00:00+00:00", 1e999]'),
    "/cases/?view=mine&page=" + cursor('[">", NaN, "2026-01-01T00:00:00+00:00", 1, 1, 1]'),
    "/reviews/?until=9999-12-31",
    "/reviews/?from=0001-01-01",
    "/reviews/?q=%00&shop=%00",
    "/reviews/?before=0001-01-01T00:00:00%2B14:00_1",
    f"/reviews/?before=2026-01-01T00:00:00Z_{HUGE}",
    "/templates/?shop=%00",
    "/scripts/?shop=%00",
    f"/imports/?page={HUGE}",
]


@pytest.mark.parametrize("address", PAGES)
def test_a_page_shrugs_at_nonsense(address: str, client: Client, shop: Shop, manager: User) -> None:
    make_case(shop)
    client.force_login(manager)
    assert client.get(address).status_code == 200


@pytest.mark.parametrize("address", ["/scripts/ask/?shop=%00", f"/cases/{HUGE}/", f"/templates/{HUGE}/"])
def test_what_cannot_be_there_is_not_there(address: str, client: Client, manager: User) -> None:
    client.force_login(manager)
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("cases/?opened_after=0001-01-01T00:00", 400),
        ("cases/?opened_after=9999-12-31T23:59-14:00", 400),
        ("cases/?opened_after=0001-01-01T00:00%2B14:00", 400),
        ("reviews/?created_before=9999-12-31T23:59:59Z", 400),
        ("orders/?order_no=%00", 400),
        ("statistics/?shop=%00", 404),
        (f"cases/{HUGE}/", 404),
    ],
)
def test_the_api_says_what_is_wrong(query: str, status: int, shop: Shop) -> None:
    assert key_client(shop).get(f"/api/v1/{query}").status_code == status


@pytest.mark.parametrize("none", ["0001-01-01T00:00:00", "9999-12-31T23:59:59", "1900-01-01"])
def test_a_date_that_means_none_refuses_its_row_alone(none: str, shop: Shop) -> None:
    client = key_client(shop)
    reviews = [review_row("r1", created_at=none), review_row("r2"), review_row("r3", followup_at=none)]
    answer = client.post("/api/v1/reviews/batch/", reviews)
    assert [row["status"] for row in answer.json()] == ["refused", "created", "refused"]
    answer = client.post("/api/v1/orders/batch/", [order_row("1", paid_at=none), order_row("2")])
    assert [row["status"] for row in answer.json()] == ["refused", "created"]


def test_a_filter_without_a_zone_is_in_the_shops(shop: Shop) -> None:
    shop.time_zone = "America/New_York"
    shop.save()
    client = key_client(shop)
    client.post("/api/v1/reviews/", review_row(created_at="2026-11-10T12:00:00"))  # noon in New York
    found = client.get("/api/v1/reviews/?created_after=2026-11-10T11:00:00&created_before=2026-11-10T13:00")
    assert len(found.json()["results"]) == 1
