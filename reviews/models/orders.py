"""Orders as they came in, with their buyer and product."""

from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

from reviews.models.shops import Shop
from reviews.personal_data import PersonalTextField, mask_address, mask_name, mask_phone, phone_index

if TYPE_CHECKING:
    from reviews.models.access import Viewer


class Buyer(models.Model):
    """A buyer as one shop knows them: by nick."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="buyers")
    nick = models.CharField(_("nick"), max_length=80)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "nick"], name="one_buyer_a_nick")]
        indexes = [models.Index(fields=["nick"], name="buyer_by_nick")]

    def __str__(self) -> str:
        return mask_name(self.nick)


class Product(models.Model):
    """An article of one shop. `key` is its item id, or `title:…` where the platform sent none."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="products")
    key = models.CharField(max_length=220)
    item_id = models.CharField(_("item id"), max_length=64, blank=True)
    title = models.CharField(_("title"), max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "key"], name="one_product_a_key")]

    def __str__(self) -> str:
        return self.title or self.item_id


class OrderQuerySet(models.QuerySet["Order"]):
    def visible_to(self, viewer: "Viewer") -> "OrderQuerySet":
        return self.filter(viewer.shop_filter("shop"))


class Order(models.Model):
    """One order line: (order_no, sub_order_no) is unique in a shop; sub_order_no may be empty.

    `amount` is in yuan. Name, phone and address are encrypted; `phone_index` finds equal numbers.
    """

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="orders")
    order_no = models.CharField(_("order number"), max_length=64)
    sub_order_no = models.CharField(_("sub-order number"), max_length=64, blank=True)
    status = models.CharField(_("status"), max_length=40, blank=True)
    created_at = models.DateTimeField(_("created"), null=True, blank=True)
    paid_at = models.DateTimeField(_("paid"), null=True, blank=True)
    shipped_at = models.DateTimeField(_("shipped"), null=True, blank=True)
    completed_at = models.DateTimeField(_("completed"), null=True, blank=True)
    buyer = models.ForeignKey(Buyer, on_delete=models.SET_NULL, null=True, blank=True, related_name="orders")
    buyer_name = PersonalTextField(_("buyer's name"), blank=True)
    buyer_phone = PersonalTextField(_("buyer's phone"), blank=True)
    phone_index = models.CharField(max_length=64, blank=True, db_index=True, editable=False)
    address = PersonalTextField(_("address"), blank=True)
    product = models.ForeignKey(
        Product, on_delete=models.SET_NULL, null=True, blank=True, related_name="orders"
    )
    sku = models.CharField(_("variant"), max_length=200, blank=True)
    quantity = models.PositiveIntegerField(_("quantity"), null=True, blank=True)
    amount = models.DecimalField(_("amount, ¥"), max_digits=12, decimal_places=2, null=True, blank=True)
    courier = models.CharField(_("courier"), max_length=40, blank=True)
    tracking_no = models.CharField(_("tracking number"), max_length=64, blank=True)
    received_at = models.DateTimeField(auto_now_add=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shop", "order_no", "sub_order_no"], name="one_order_a_number")
        ]

    def __str__(self) -> str:
        return self.order_no

    def index_phone(self) -> None:
        """Bring the blind index in line with the phone number."""
        self.phone_index = phone_index(self.buyer_phone)

    @property
    def masked_phone(self) -> str:
        return mask_phone(self.buyer_phone)

    @property
    def masked_name(self) -> str:
        return mask_name(self.buyer_name)

    @property
    def masked_address(self) -> str:
        return mask_address(self.address)
