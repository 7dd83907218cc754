"""How orders, reviews, cases and problems look in answers. Personal data only ever masked."""

from typing import Any

from rest_framework import serializers

from reviews.intake import CHANGED, CREATED, REFUSED, UNCHANGED
from reviews.models import Case, Order, Review
from reviews.personal_data import mask_name

TAKEN = [(CREATED, "new"), (CHANGED, "known, something differed"), (UNCHANGED, "known, nothing differed")]
ROW_STATUSES = [*TAKEN, (REFUSED, "wrong; see errors")]


class ItemFields(serializers.ModelSerializer[Any]):
    """What orders and reviews say about buyer and article."""

    shop = serializers.CharField(source="shop.code", read_only=True, help_text="Code of the shop.")
    item_id = serializers.CharField(source="product.item_id", default="", read_only=True)
    item_title = serializers.CharField(source="product.title", default="", read_only=True)
    buyer_nick = serializers.SerializerMethodField(help_text="Masked.")

    def get_buyer_nick(self, thing: Order | Review) -> str:
        return mask_name(thing.buyer.nick) if thing.buyer else ""


class OrderShape(ItemFields):
    """An order line as it is known now. Name, phone and address are masked, always."""

    buyer_name = serializers.CharField(source="masked_name", read_only=True, help_text="Masked.")
    buyer_phone = serializers.CharField(source="masked_phone", read_only=True, help_text="Masked.")
    address = serializers.CharField(source="masked_address", read_only=True, help_text="Masked.")

    class Meta:
        model = Order
        fields = (
            "id", "shop", "order_no", "sub_order_no", "status", "created_at", "paid_at", "shipped_at",
            "completed_at", "buyer_nick", "buyer_name", "buyer_phone", "address", "item_id", "item_title",
            "sku", "quantity", "amount", "courier", "tracking_no", "received_at",
        )  # fmt: skip
        read_only_fields = fields


class ReviewShape(ItemFields):
    """A review as it stands now; `version` counts every wording it has had."""

    images = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Review
        fields = (
            "id", "shop", "review_key", "order_no", "sub_order_no", "item_id", "item_title", "sku",
            "buyer_nick", "rating", "stars", "content", "images", "created_at", "followup", "followup_at",
            "reply", "version", "received_at",
        )  # fmt: skip
        read_only_fields = fields


class CaseShape(serializers.ModelSerializer[Case]):
    """A case: whose turn it is (`status`) and, once closed, how it ended (`outcome`)."""

    shop = serializers.CharField(source="shop.code", read_only=True, help_text="Code of the shop.")
    review_key = serializers.CharField(source="review.review_key", read_only=True)
    also = serializers.ListField(child=serializers.CharField(), read_only=True, help_text="Further causes.")
    confidence = serializers.FloatField(read_only=True, help_text="0 to 1; 1 where a person decided.")
    assignee = serializers.SerializerMethodField(help_text="User name of the agent, or null.")
    upset = serializers.FloatField(
        read_only=True, allow_null=True, help_text="How upset the buyer is, 0 to 1; null until measured."
    )

    class Meta:
        model = Case
        fields = (
            "id", "shop", "review_key", "status", "outcome", "cause", "sub_cause", "also", "confidence",
            "needs_decision", "assignee", "opened_at", "due_at", "first_contact_at", "wait_until",
            "closed_at", "upset",
        )  # fmt: skip
        read_only_fields = fields

    def get_assignee(self, case: Case) -> str | None:
        return case.assignee.username if case.assignee else None


class TakenOrder(OrderShape):
    """The order after a POST. `status` says what became of the row; the order's own is `order_status`."""

    status = serializers.ChoiceField(TAKEN, read_only=True)
    order_status = serializers.CharField(source="status", read_only=True)

    class Meta(OrderShape.Meta):
        fields = (*OrderShape.Meta.fields, "order_status")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]


class TakenReview(ReviewShape):
    """The review after a POST. `status` says what became of the row."""

    status = serializers.ChoiceField(TAKEN, read_only=True)

    class Meta(ReviewShape.Meta):
        fields = (*ReviewShape.Meta.fields, "status")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]


class RowVerdict(serializers.Serializer[Any]):
    """What became of one row of a batch."""

    status = serializers.ChoiceField(ROW_STATUSES)
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField())
    )


class OrderVerdict(RowVerdict):
    order_no = serializers.CharField()


class ReviewVerdict(RowVerdict):
    review_key = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    """Problem details (RFC 9457) with a code for programs and, where rows are wrong, errors by field."""

    type = serializers.CharField(help_text="Always about:blank: the status says what kind it is.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="One sentence, in the language of Accept-Language.")
    code = serializers.CharField(help_text="Stable word in every language, e.g. invalid, not_found.")
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="Sentences by field or parameter (status 400).",
    )
