"""The single way in for orders and reviews, whichever door they come through.

Idempotent on (shop, review key) and (shop, order number, sub-order number): the same again changes
nothing. A field that is absent leaves what is known untouched. Everything of one call is committed
together with the row that makes the worker read it; refused rows leave no trace.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from reviews.canonical import OrderRow, ReviewRow, check_row
from reviews.models import (
    Buyer,
    Case,
    ClassificationRequest,
    Order,
    Product,
    Review,
    ReviewVersion,
    Shop,
)
from reviews.models.reviews import Source
from reviews.search import mark_stale
from reviews.sequence import APART, carry_marks, note_answer
from reviews.tasks import wake_after_commit

# How old a review may be whose answer still bars something.
HEARD_FOR = 2 * APART

CREATED, CHANGED, UNCHANGED, REFUSED = "created", "changed", "unchanged", "refused"

# What a buyer says: a difference here makes a new version. The rest is facts around it.
SAID = ("rating", "stars", "content", "images", "followup", "followup_at")
AROUND = ("order_no", "sub_order_no", "sku", "reply")
ORDER_FACTS = [
    "status",
    "created_at",
    "paid_at",
    "shipped_at",
    "completed_at",
    "buyer_name",
    "buyer_phone",
    "address",
    "sku",
    "quantity",
    "amount",
    "courier",
    "tracking_no",
]


@dataclass(slots=True)
class RowResult:
    """What became of one row: `status` created|changed|unchanged|refused, `errors` by field."""

    key: str
    status: str
    errors: dict[str, list[str]] = field(default_factory=dict)
    object: Any = None


def record_reviews(shop: Shop, rows: Sequence[Any], source: Source = Source.API) -> list[RowResult]:
    """Take in reviews in order; one result a row, in the same order."""
    return _record(_ReviewBatch, shop, rows, source)


def record_orders(shop: Shop, rows: Sequence[Any], source: Source = Source.API) -> list[RowResult]:
    """Take in orders in order; one result a row, in the same order."""
    return _record(_OrderBatch, shop, rows, source)


def _record(
    batch_type: type["_OrderBatch"] | type["_ReviewBatch"], shop: Shop, rows: Sequence[Any], source: Source
) -> list[RowResult]:
    with timezone.override(shop.zone):
        checked = [check_row(batch_type.row_type, row) for row in rows]
    good = [values for values, errors in checked if not errors]
    with transaction.atomic():
        # One intake a shop at a time: two doors that bring the same key cannot both create it.
        Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
        batch = batch_type(shop, good, source)
        results = [
            RowResult(_key_of(batch_type.key, row), REFUSED, errors) if errors else batch.record(values)
            for row, (values, errors) in zip(rows, checked, strict=True)
        ]
        batch.save()
    return results


def _key_of(name: str, row: Any) -> str:
    return str(row.get(name, ""))[:120] if isinstance(row, dict) else ""


class _Lookup:
    """Buyers and products of one batch: read at once, made at once."""

    def __init__(self, shop: Shop, rows: Sequence[dict[str, Any]]) -> None:
        self.shop = shop
        nicks = {row["buyer_nick"] for row in rows if row.get("buyer_nick")}
        keys = {key for row in rows if (key := _product_key(row))}
        self.buyers = {buyer.nick: buyer for buyer in Buyer.objects.filter(shop=shop, nick__in=nicks)}
        self.products = {product.key: product for product in Product.objects.filter(shop=shop, key__in=keys)}
        self._make(rows, nicks - set(self.buyers), keys - set(self.products))

    def _make(self, rows: Sequence[dict[str, Any]], nicks: set[str], keys: set[str]) -> None:
        for buyer in Buyer.objects.bulk_create(Buyer(shop=self.shop, nick=nick) for nick in sorted(nicks)):
            self.buyers[buyer.nick] = buyer
        new = {key: self._product(key, row) for row in reversed(rows) if (key := _product_key(row)) in keys}
        for product in Product.objects.bulk_create(new.values()):
            self.products[product.key] = product

    def _product(self, key: str, row: dict[str, Any]) -> Product:
        return Product(
            shop=self.shop, key=key, item_id=row.get("item_id", ""), title=row.get("item_title", "")
        )

    def of(self, row: dict[str, Any]) -> dict[str, Any]:
        """The buyer and product a row names; a title that was missing is filled in."""
        found: dict[str, Any] = {}
        if row.get("buyer_nick"):
            found["buyer"] = self.buyers[row["buyer_nick"]]
        if key := _product_key(row):
            product = found["product"] = self.products[key]
            if row.get("item_title") and not product.title:
                product.title = row["item_title"]
                product.save(update_fields=["title"])
                mark_stale(product.reviews.values_list("pk", flat=True))
        return found


def _product_key(row: dict[str, Any]) -> str:
    if row.get("item_id"):
        return str(row["item_id"])
    return f"title:{row['item_title']}" if row.get("item_title") else ""


def _apply(thing: Any, values: dict[str, Any]) -> set[str]:
    """Set what differs; the names of what did."""
    different = {name for name, value in values.items() if getattr(thing, name) != value}
    for name in different:
        setattr(thing, name, values[name])
    return different


class _OrderBatch:
    row_type = OrderRow
    key = "order_no"

    def __init__(self, shop: Shop, rows: Sequence[dict[str, Any]], source: Source) -> None:
        self.shop = shop
        self.lookup = _Lookup(shop, rows)
        numbers = {row["order_no"] for row in rows}
        self.known = {
            (order.order_no, order.sub_order_no): order
            for order in Order.objects.filter(shop=shop, order_no__in=numbers)
        }
        self.new: dict[int, Order] = {}
        self.changed: dict[int, Order] = {}

    def record(self, row: dict[str, Any]) -> RowResult:
        number = (row["order_no"], row.get("sub_order_no", ""))
        values = {name: row[name] for name in ORDER_FACTS if name in row} | self.lookup.of(row)
        order = self.known.get(number)
        if order is None:
            order = self.known[number] = Order(
                shop=self.shop, order_no=number[0], sub_order_no=number[1], **values
            )
            self.new[id(order)] = order
            return RowResult(number[0], CREATED, object=order)
        if not _apply(order, values):
            return RowResult(number[0], UNCHANGED, object=order)
        if order.pk:
            self.changed[id(order)] = order
        return RowResult(number[0], CHANGED, object=order)

    def save(self) -> None:
        touched = [*self.new.values(), *self.changed.values()]
        for order in touched:
            order.index_phone()
        Order.objects.bulk_create(self.new.values())
        if self.changed:
            Order.objects.bulk_update(
                self.changed.values(), [*ORDER_FACTS, "buyer", "product", "phone_index"], batch_size=200
            )
        if touched:
            self._match_reviews({order.order_no for order in touched})

    def _match_reviews(self, numbers: set[str]) -> None:
        """Reviews that came before their order line find it now, and their cases learn its value."""
        reviews = Review.objects.filter(shop=self.shop, order_no__in=numbers).select_related("order")
        orders = _OrdersByNumber(self.shop, numbers)
        moved = [
            review
            for review in reviews
            if _apply(review, {"order": orders.of(review.order_no, review.sub_order_no, review.product_id)})
        ]
        Review.objects.bulk_update(moved, ["order"], batch_size=200)
        carry_marks(reviews)
        for case in (
            Case.objects.open()
            .filter(shop=self.shop, review__order__order_no__in=numbers)
            .select_related("review__order")
        ):
            amount = case.review.order.amount if case.review.order else None
            if amount != case.value:
                Case.objects.filter(pk=case.pk).update(value=amount)


class _OrdersByNumber:
    """Finds the order line a review speaks of."""

    def __init__(self, shop: Shop, numbers: set[str]) -> None:
        self.lines: dict[str, list[Order]] = {}
        for order in Order.objects.filter(shop=shop, order_no__in=numbers).order_by("id"):
            self.lines.setdefault(order.order_no, []).append(order)

    def of(self, order_no: str, sub_order_no: str, product_id: int | None) -> Order | None:
        """By sub-order, else by product, else the only (or first) line of the order."""
        lines = self.lines.get(order_no, [])
        for order in lines:
            if sub_order_no and order.sub_order_no == sub_order_no:
                return order
        for order in lines:
            if product_id and order.product_id == product_id:
                return order
        return lines[0] if lines else None


class _ReviewBatch:
    row_type = ReviewRow
    key = "review_key"

    def __init__(self, shop: Shop, rows: Sequence[dict[str, Any]], source: Source) -> None:
        self.shop, self.source = shop, source
        self.lookup = _Lookup(shop, rows)
        self.known = {
            review.review_key: review
            for review in Review.objects.filter(shop=shop, review_key__in={row["review_key"] for row in rows})
        }
        numbers = {row["order_no"] for row in rows if row.get("order_no")}
        self.orders = _OrdersByNumber(shop, numbers | {review.order_no for review in self.known.values()})
        self.new: dict[str, Review] = {}
        self.changed: dict[str, Review] = {}
        self.versions: list[ReviewVersion] = []
        self.to_read: dict[str, Review] = {}
        self.answered: dict[str, Review] = {}

    def record(self, row: dict[str, Any]) -> RowResult:
        key = row["review_key"]
        review = self.known.get(key)
        if review is None:
            review = self.known[key] = self.new[key] = Review(
                shop=self.shop, review_key=key, source=self.source, created_at=row["created_at"]
            )
            _said, around = self._update(review, row)
            self._keep_version(review)
            self._hear_reply(review, around)
            return RowResult(key, CREATED, object=review)
        said, around = self._update(review, row)
        self._hear_reply(review, around)
        if not said and not around:
            return RowResult(key, UNCHANGED, object=review)
        if review.pk:
            self.changed[key] = review
        if said:
            review.version += 1
            self._keep_version(review)
        return RowResult(key, CHANGED, object=review)

    def _update(self, review: Review, row: dict[str, Any]) -> tuple[set[str], set[str]]:
        """Take over what the row says; what differed in the buyer's words, and around them."""
        if "rating" in row and "stars" not in row and row["rating"] != review.rating:
            row = {**row, "stars": None}  # stars of the former rating would contradict the new one
        said = _apply(review, {name: row[name] for name in SAID if name in row})
        around = _apply(review, {name: row[name] for name in AROUND if name in row} | self.lookup.of(row))
        if review.order_id is None or around & {"order_no", "sub_order_no"}:
            # Also when the number was corrected: the order of somebody else must not stay.
            order = self.orders.of(review.order_no, review.sub_order_no, review.product_id)
            around |= _apply(review, {"order": order})
        return said, around

    def _hear_reply(self, review: Review, around: set[str]) -> None:
        """What the shop answered in public elsewhere, lately: it counts as said."""
        if "reply" in around and review.reply and review.created_at > timezone.now() - HEARD_FOR:
            self.answered[review.review_key] = review

    def _keep_version(self, review: Review) -> None:
        said = {name: getattr(review, name) for name in SAID}
        self.versions.append(ReviewVersion(review=review, number=review.version, source=self.source, **said))
        self.to_read[review.review_key] = review

    def save(self) -> None:
        Review.objects.bulk_create(self.new.values())
        if self.changed:
            Review.objects.bulk_update(
                self.changed.values(),
                [*SAID, *AROUND, "order", "buyer", "product", "version"],
                batch_size=200,
            )
            mark_stale(review.pk for review in self.changed.values())
            carry_marks(self.changed.values())
        for review in self.answered.values():
            note_answer(review, timezone.now())
        ReviewVersion.objects.bulk_create(self.versions)
        if self.to_read:
            ClassificationRequest.objects.bulk_create(
                [
                    ClassificationRequest(review=review, version=review.version)
                    for review in self.to_read.values()
                ],
                update_conflicts=True,
                unique_fields=["review"],
                update_fields=["version", "claimed_until", "attempts", "error", "parked_at"],
            )
            wake_after_commit()
