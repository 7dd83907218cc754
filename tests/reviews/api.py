"""What the tests of the API share: a client with a shop's key, rows that can be posted."""

from typing import Any

from rest_framework.test import APIClient

from reviews.models import Shop, ShopApiKey


def key_client(shop: Shop, **headers: str) -> APIClient:
    """Another system with a key of this shop; errors come in English."""
    _made, key = ShopApiKey.objects.create_key(shop=shop, name="test")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Api-Key {key}", HTTP_ACCEPT_LANGUAGE="en", **headers)
    return client


def review_row(key: str = "r1", **fields: Any) -> dict[str, Any]:
    return {
        "review_key": key,
        "rating": "bad",
        "content": "盖子漏水",
        "created_at": "2026-11-20T21:14:00+08:00",
        **fields,
    }


def order_row(number: str = "1001", **fields: Any) -> dict[str, Any]:
    return {
        "order_no": number,
        "status": "交易成功",
        "buyer_nick": "爱喝茶的猫",
        "buyer_name": "王小明",
        "buyer_phone": "13800138000",
        "address": "浙江省杭州市西湖区文三路1号",
        "item_title": "保温杯",
        "quantity": 2,
        "amount": "89.00",
        **fields,
    }
