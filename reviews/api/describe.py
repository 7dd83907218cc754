"""What the OpenAPI file says beside the code: which errors a door answers, and examples."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiExample, OpenApiResponse

from reviews.api.errors import CONTENT_TYPE, TITLES
from reviews.api.shapes import Problem

_WORDS = {
    400: "A field, a parameter or the JSON is wrong: see errors.",
    401: "No key, or one that is wrong, revoked or expired.",
    403: "Signed-in people only read; writing needs a key.",
    404: "Not there, or of another shop.",
    409: "The case's status does not allow this, or somebody else was quicker.",
    413: "Too many rows or bytes; nothing was stored.",
    415: "Send application/json.",
}

ORDER_SENT = OpenApiExample(
    "An order",
    request_only=True,
    value={
        "order_no": "2610012345678901234",
        "status": "交易成功",
        "created_at": "2026-11-11T00:03:12+08:00",
        "paid_at": "2026-11-11T00:03:40+08:00",
        "buyer_nick": "爱喝茶的猫",
        "buyer_name": "王小明",
        "buyer_phone": "13800138000",
        "address": "浙江省杭州市西湖区文三路1号",
        "item_id": "7001",
        "item_title": "雾蓝保温杯 500ml",
        "sku": "雾蓝",
        "quantity": 1,
        "amount": "89.00",
        "courier": "中通快递",
        "tracking_no": "75312345678901",
    },
)
REVIEW_SENT = OpenApiExample(
    "A bad review",
    request_only=True,
    value={
        "review_key": "oid-2610012345678901234",
        "order_no": "2610012345678901234",
        "item_title": "雾蓝保温杯 500ml",
        "buyer_nick": "爱喝茶的猫",
        "rating": "bad",
        "content": "用了两天盖子就漏水，包里的书全湿了。",
        "created_at": "2026-11-20T21:14:00+08:00",
    },
)
REVIEWS_ANSWERED = OpenApiExample(
    "One taken, one refused",
    response_only=True,
    status_codes=["200"],
    value=[
        {"review_key": "oid-2610012345678901234", "status": "created", "errors": {}},
        {"review_key": "oid-2", "status": "refused", "errors": {"created_at": ["该字段是必填项。"]}},
    ],
)
ORDERS_ANSWERED = OpenApiExample(
    "One changed, one known",
    response_only=True,
    status_codes=["200"],
    value=[
        {"order_no": "2610012345678901234", "status": "changed", "errors": {}},
        {"order_no": "2610012345678901235", "status": "unchanged", "errors": {}},
    ],
)
WRONG_FIELD = OpenApiExample(
    "A wrong field",
    response_only=True,
    status_codes=["400"],
    media_type=CONTENT_TYPE,
    value={
        "type": "about:blank",
        "title": "Bad request",
        "status": 400,
        "detail": "Some of it is wrong: see errors.",
        "code": "invalid",
        "errors": {"rating": ["“terrible” is not a valid choice."]},
    },
)


def problems(*codes: int) -> dict[Any, OpenApiResponse]:
    """Responses of these statuses as problem details, for extend_schema."""
    assert set(codes) <= set(TITLES)
    return {(code, CONTENT_TYPE): OpenApiResponse(Problem, _WORDS[code]) for code in codes}


class ShopKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI file names the key."""

    target_class = "reviews.api.authentication.ShopKeyAuthentication"
    name = "ShopKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Api-Key <key>`, made by `manage.py create_api_key --shop CODE`. "
            "A key reads and writes one shop.",
        }
