"""Rows for tests, made by plain functions; every argument has a default that works.

make_shop()  make_user("li", shop=shop, role=Role.AGENT)  make_buyer(shop)  make_product(shop)
make_order(shop)  make_review(shop)  make_classification(review)  make_case(shop, assignee=…, status=…)
"""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from django.utils import timezone

from reviews.causes import CAUSE_OF, SubCause
from reviews.models import (
    Buyer,
    Case,
    Classification,
    Order,
    Outcome,
    Platform,
    Product,
    Rating,
    Review,
    ReviewVersion,
    Role,
    Shop,
    ShopMembership,
    Status,
    User,
)
from reviews.models.cases import EventKind
from reviews.search import index_reviews

_numbers = count(1)


def make_shop(code: str = "", **fields: Any) -> Shop:
    """A Taobao shop in Shanghai time with the defaults of the trade."""
    code = code or f"shop-{next(_numbers)}"
    return Shop.objects.create(
        **{"code": code, "name": f"{code} 旗舰店", "platform": Platform.TAOBAO, **fields}
    )


def make_user(username: str, *, shop: Shop | None = None, role: Role = Role.AGENT, **fields: Any) -> User:
    """A person with the password "secret-pass-1", member of the shop when one is given."""
    membership = {name: fields.pop(name) for name in ("skills", "max_open_cases") if name in fields}
    user = User.objects.create_user(username, password="secret-pass-1", **fields)
    if shop:
        ShopMembership.objects.create(user=user, shop=shop, role=role, **membership)
    return user


def make_buyer(shop: Shop, nick: str = "") -> Buyer:
    """The shop's buyer of this nick, made when there is none."""
    buyer, _created = Buyer.objects.get_or_create(shop=shop, nick=nick or f"买家{next(_numbers)}")
    return buyer


def make_product(shop: Shop, title: str = "雾蓝保温杯 500ml") -> Product:
    """The shop's product of this title, made when there is none."""
    product, _created = Product.objects.get_or_create(
        shop=shop, key=f"title:{title}", defaults={"title": title}
    )
    return product


def make_order(shop: Shop, **fields: Any) -> Order:
    """A completed order of 王小明 in Hangzhou, phone 13800138000."""
    now = timezone.now()
    order = Order(
        **{
            "shop": shop,
            "order_no": f"2026112{next(_numbers):08d}",
            "status": "completed",
            "created_at": now - timedelta(days=5),
            "paid_at": now - timedelta(days=5),
            "shipped_at": now - timedelta(days=4),
            "completed_at": now - timedelta(days=1),
            "buyer": fields.get("buyer") or make_buyer(shop),
            "buyer_name": "王小明",
            "buyer_phone": "13800138000",
            "address": "浙江省杭州市西湖区文三路1号3幢201",
            "product": fields.get("product") or make_product(shop),
            "sku": "颜色：雾蓝",
            "quantity": 1,
            "amount": Decimal("129.00"),
            "courier": "中通快递",
            "tracking_no": "75312345678901",
            **fields,
        }
    )
    order.index_phone()
    order.save()
    return order


def make_review(shop: Shop, **fields: Any) -> Review:
    """A bad review with an order of its own (`order=None`: with no matching order) and version 1."""
    order = fields["order"] if "order" in fields else make_order(shop)
    values = {
        "shop": shop,
        "review_key": f"rv-{next(_numbers)}",
        "order": order,
        "order_no": order.order_no if order else "",
        "product": order.product if order else None,
        "buyer": order.buyer if order else None,
        "sku": order.sku if order else "",
        "rating": Rating.BAD,
        "stars": 1,
        "content": "收到货有破损，还有线头，失望",
        "created_at": timezone.now() - timedelta(hours=1),
        **fields,
    }
    review = Review.objects.create(**values)
    said = ("rating", "stars", "content", "images", "followup", "followup_at", "source")
    ReviewVersion.objects.create(review=review, number=1, **{name: getattr(review, name) for name in said})
    index_reviews([review])
    return review


def make_classification(review: Review, **fields: Any) -> Classification:
    """The model's judgement of the review."""
    sub_cause = SubCause(fields.pop("sub_cause", SubCause.DAMAGED_MISSING))
    return Classification.objects.create(
        **{
            "review": review,
            "version": review.version,
            "cause": CAUSE_OF[sub_cause],
            "sub_cause": sub_cause,
            "confidence": 0.91,
            "words": ["破损"],
            "model": "test",
            "made_at": timezone.now(),
            **fields,
        }
    )


def make_case(
    shop: Shop,
    *,
    review: Review | None = None,
    status: Status = Status.NEW,
    assignee: User | None = None,
    outcome: Outcome = Outcome.SOLVED,
    wait_until: datetime | None = None,
    **fields: Any,
) -> Case:
    """A case brought to `status` by its own verbs; an assignee alone makes it assigned."""
    review = review or make_review(shop)
    sub_cause = SubCause(fields.pop("sub_cause", SubCause.DAMAGED_MISSING))
    now = timezone.now()
    values = {
        "cause": CAUSE_OF[sub_cause],
        "sub_cause": sub_cause,
        "confidence": 0.91,
        "value": review.order.amount if review.order else None,
        "opened_at": now - timedelta(minutes=30),
        "due_at": now + timedelta(minutes=90),
        "upset": 0.5,
        **fields,
    }
    case = Case.objects.create(review=review, shop=shop, **values)
    case.log(EventKind.OPENED)
    _bring_to(case, status, assignee, outcome, wait_until or now + timedelta(hours=2))
    return case


def _bring_to(
    case: Case, status: Status, assignee: User | None, outcome: Outcome, wait_until: datetime
) -> None:
    if assignee:
        case.assign(assignee)
    if status in (Status.IN_PROGRESS, Status.WAITING):
        if assignee is None:
            raise ValueError(f"A case that is {status} needs an assignee.")
        case.take(assignee)
    if status == Status.WAITING and assignee:
        case.set_waiting(wait_until, by=assignee, reason="no_answer")
    if status == Status.CLOSED:
        case.close(outcome, by=assignee)
