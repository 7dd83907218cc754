"""What the headers of merchants' sheets mean: synonyms to the canonical field names of the API."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from django.utils.translation import gettext as _

Kind = Literal["orders", "reviews"]

# No platform publishes its sheets, so these are the headers seen in the wild; the first of a tuple wins
# when a sheet has several of them. `address_*` are parts that are joined in front of `address`.
SHARED: dict[str, tuple[str, ...]] = {
    "order_no": (
        "订单编号",
        "订单号",
        "主订单编号",
        "主订单号",
        "父订单号",
        "交易编号",
        "交易单号",
        "订单ID",
        "平台订单号",
        "线上订单号",
        "原始单号",
        "tid",
        "order_no",
        "orderId",
        "order number",
        "order no",
    ),
    "sub_order_no": ("子订单编号", "子订单号", "子单号", "商品单号", "oid", "sub_order_no", "suborder no"),
    "item_id": (
        "商品ID",
        "宝贝ID",
        "商品编号",
        "商品编码",
        "num_iid",
        "itemId",
        "item_id",
        "商品SKU编号",
        "skuid",
    ),
    "item_title": (
        "商品名称",
        "宝贝标题",
        "商品标题",
        "宝贝名称",
        "商品",
        "标题",
        "item_title",
        "title",
        "skuName",
        "product",
        "product name",
    ),
    "sku": (
        "规格",
        "SKU",
        "商品规格",
        "商品属性",
        "宝贝规格",
        "宝贝属性",
        "颜色分类",
        "规格名称",
        "sku名称",
        "sku_properties_name",
        "variant",
    ),
    "buyer_nick": (
        "买家昵称",
        "买家会员名",
        "用户昵称",
        "买家账号",
        "买家",
        "评价人",
        "评论人",
        "用户名",
        "会员名",
        "昵称",
        "buyer_nick",
        "nick",
        "nickName",
        "buyer",
    ),
}
ORDERS: dict[str, tuple[str, ...]] = SHARED | {
    "status": ("订单状态", "交易状态", "状态", "status", "order status"),
    "created_at": (
        "订单创建时间",
        "创建时间",
        "下单时间",
        "订单提交时间",
        "订单成交时间",
        "拍下时间",
        "订单日期",
        "日期",
        "created_at",
        "created",
    ),
    "paid_at": (
        "订单付款时间",
        "付款时间",
        "支付时间",
        "付款确认时间",
        "支付完成时间",
        "paid_at",
        "pay_time",
    ),
    "shipped_at": ("发货时间", "订单发货时间", "出库时间", "shipped_at", "consign_time"),
    "completed_at": (
        "确认收货时间",
        "交易成功时间",
        "订单完成时间",
        "完成时间",
        "交易结束时间",
        "completed_at",
        "end_time",
    ),
    "buyer_name": ("收货人姓名", "收货人", "收件人", "收件人姓名", "客户姓名", "buyer_name", "receiver_name"),
    "buyer_phone": (
        "联系手机",
        "收货人手机",
        "手机号",
        "手机",
        "收件人电话",
        "收货人电话",
        "联系电话",
        "电话",
        "手机号码",
        "收件人手机",
        "buyer_phone",
        "receiver_mobile",
        "receiver_phone",
    ),
    "address_province": ("省", "省份", "receiver_state"),
    "address_city": ("市", "城市", "receiver_city"),
    "address_district": ("区", "区县", "receiver_district"),
    "address": (
        "收货地址",
        "详细地址",
        "收件人地址",
        "收件地址",
        "地址",
        "街道地址",
        "address",
        "receiver_address",
    ),
    "quantity": (
        "宝贝总数量",
        "商品数量",
        "购买数量",
        "宝贝数量",
        "数量",
        "商品数量件",
        "件数",
        "quantity",
        "num",
    ),
    "amount": (
        "买家实际支付金额",
        "买家实付金额",
        "实付金额",
        "实际支付金额",
        "商家实收金额",
        "用户实付金额",
        "实收金额",
        "应付金额",
        "订单金额",
        "商品总价",
        "总金额",
        "金额",
        "amount",
        "payment",
    ),
    "courier": ("物流公司", "快递公司", "承运商", "配送方式", "courier", "logistics_company"),
    "tracking_no": ("运单号", "物流单号", "快递单号", "运单编号", "物流编号", "tracking_no"),
}
REVIEWS: dict[str, tuple[str, ...]] = SHARED | {
    "review_key": (
        "评价ID",
        "评论ID",
        "评价编号",
        "评论编号",
        "评价单号",
        "commentId",
        "review_key",
        "review id",
    ),
    "rating": ("评价等级", "评价结果", "评价类型", "好中差评", "评论等级", "rating", "result"),
    "stars": (
        "星级",
        "评分",
        "商品评分",
        "用户评分",
        "评价星级",
        "评价分数",
        "综合评分",
        "评价得分",
        "描述相符",
        "stars",
        "score",
    ),
    "content": (
        "评价内容",
        "评论内容",
        "初评内容",
        "首评",
        "初评",
        "首次评价",
        "首评内容",
        "初次评价内容",
        "用户评价",
        "评价",
        "评论",
        "内容",
        "content",
        "review",
    ),
    "created_at": (
        "评价时间",
        "评论时间",
        "初评时间",
        "首评时间",
        "评价创建时间",
        "评价日期",
        "创建时间",
        "日期",
        "时间",
        "created_at",
        "created",
        "creationTime",
        "createTime",
    ),
    "followup": (
        "追评内容",
        "追加评论",
        "追评",
        "追加评价",
        "追加内容",
        "追加评价内容",
        "追加评论内容",
        "评价内容追评",
        "评论内容追评",
        "followup",
        "append_content",
    ),
    "followup_at": (
        "追评时间",
        "追加时间",
        "追加评价时间",
        "追加评论时间",
        "评价时间追评",
        "followup_at",
        "append_time",
    ),
    "reply": (
        "商家回复",
        "回复内容",
        "解释",
        "卖家回复",
        "商家回复内容",
        "卖家解释",
        "解释内容",
        "回复",
        "reply",
    ),
    "images": ("图片", "晒图", "评价图片", "评论图片", "晒单图片", "图片链接", "images", "imageUrl", "pics"),
}
COLUMNS: dict[Kind, dict[str, tuple[str, ...]]] = {"orders": ORDERS, "reviews": REVIEWS}

# Each inner tuple: one of these columns must be there. A review without an id is known by its order.
REQUIRED: dict[Kind, tuple[tuple[str, ...], ...]] = {
    "orders": (("order_no",),),
    "reviews": (("review_key", "order_no", "sub_order_no"), ("created_at",), ("rating", "stars")),
}
# Headers only one kind of sheet has; they decide when nobody said which it is.
REVIEW_SIGNS = frozenset({"review_key", "rating", "stars", "content", "followup"})
ORDER_SIGNS = frozenset(ORDERS) - frozenset(REVIEWS)

_BRACKETS = re.compile(r"[(\[{【〔《<][^)\]}】〕》>]*[)\]}】〕》>]")
_NOISE = re.compile(r"[\s\ufeff\u200b-\u200f\u2060*:'\"_\-/、()\[\]{}【】〔〕《》<>]+")


class ColumnError(ValueError):
    """The sheet cannot be understood; the message says what was seen and what would do."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """Which header feeds which canonical field (`fields`: field → header) and what was left over."""

    kind: Kind
    fields: dict[str, str]
    unknown: list[str] = field(default_factory=list)


def header_key(header: str) -> str:
    """Fold a header so that spelling variants meet: width, case, spaces, BOM, punctuation."""
    return _NOISE.sub("", unicodedata.normalize("NFKC", header).casefold())


def _index(columns: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, int]]:
    found: dict[str, tuple[str, int]] = {}
    for name, synonyms in columns.items():
        for rank, synonym in enumerate(synonyms):
            found.setdefault(header_key(synonym), (name, rank))
    return found


_INDEX: dict[Kind, dict[str, tuple[str, int]]] = {kind: _index(columns) for kind, columns in COLUMNS.items()}


def canonical(header: str, kind: Kind) -> tuple[str, int] | None:
    """Field and rank (0 = favourite synonym) of a header, or None. `评价内容(初评)` reads as `评价内容`."""
    index = _INDEX[kind]
    whole = index.get(header_key(header))
    return whole or index.get(header_key(_BRACKETS.sub("", unicodedata.normalize("NFKC", header))))


def understood(cells: Iterable[object]) -> int:
    """How many cells of a row are headers of either kind: the header row has most."""
    return sum(
        1
        for cell in cells
        if isinstance(cell, str)
        and 0 < len(cell) <= 40
        and (canonical(cell, "orders") or canonical(cell, "reviews"))
    )


def guess_kind(headers: Sequence[str]) -> Kind:
    """Reviews when the sheet has a rating or a review's text, else orders."""
    as_reviews = {hit[0] for header in headers if (hit := canonical(header, "reviews"))}
    as_orders = {hit[0] for header in headers if (hit := canonical(header, "orders"))}
    signs_of_review = len(as_reviews & REVIEW_SIGNS)
    return "reviews" if signs_of_review and signs_of_review * 2 >= len(as_orders & ORDER_SIGNS) else "orders"


def map_columns(headers: Sequence[str], kind: Kind | None = None) -> Mapping:
    """Map headers to fields. Raises ColumnError when a required column is missing."""
    kind = kind or guess_kind(headers)
    best: dict[str, tuple[int, str]] = {}
    for header in headers:
        if hit := canonical(header, kind):
            name, rank = hit
            best[name] = min(best.get(name, (rank, header)), (rank, header), key=lambda pair: pair[0])
    fields = {name: header for name, (_rank, header) in best.items()}
    _refuse_missing(headers, kind, fields)
    used = set(fields.values())
    return Mapping(kind, fields, [header for header in headers if header and header not in used])


def _refuse_missing(headers: Sequence[str], kind: Kind, fields: dict[str, str]) -> None:
    missing = [group for group in REQUIRED[kind] if not fields.keys() & set(group)]
    if not missing:
        return
    wanted = "; ".join(
        " / ".join(synonym for name in group for synonym in COLUMNS[kind][name][:4]) for group in missing
    )
    seen = "、".join(header for header in headers if header)[:500] or "–"
    message = _("A required column is missing. Headers found: %(seen)s. Accepted names: %(wanted)s.")
    raise ColumnError(message % {"seen": seen, "wanted": wanted})
