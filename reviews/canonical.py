"""The canonical row of an order or a review: one check for the API, files, commands and connectors.

Field names are the public ones. Naive times are in the zone of the current context (a door activates
the shop's, Asia/Shanghai by default).
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from reviews import clock
from reviews.models import Rating

MAX_TEXT = 10_000


class KeyField(serializers.CharField):
    """A number or key as text. A float is refused: long ids lose digits in one."""

    default_error_messages = {"float": _("Send this as text: a decimal number may already have lost digits.")}

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, float):
            self.fail("float")
        return super().to_internal_value(data)


class MomentField(serializers.DateTimeField):
    """A time of the trade. The year 1 or 9999 means "none" somewhere and cannot be stored everywhere."""

    default_error_messages = {"year": _("Give a time between the years {first} and {last}, or none.")}

    def to_internal_value(self, value: Any) -> Any:
        try:
            moment = super().to_internal_value(value)
        except OverflowError:  # REST framework looks for the clock change of the year 0
            moment = None
        if moment is None or not clock.FIRST_YEAR <= moment.year <= clock.LAST_YEAR:
            self.fail("year", first=clock.FIRST_YEAR, last=clock.LAST_YEAR)
        return moment


class CanonicalRow(serializers.Serializer[dict[str, Any]]):
    """Checks types and lengths, names every wrong field, refuses fields it does not know."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        unknown = set(data) - set(self.fields) if isinstance(data, Mapping) else set()
        if unknown:
            message = _("Unknown field. Known ones: %(names)s") % {"names": ", ".join(self.fields)}
            raise serializers.ValidationError({str(name): [message] for name in sorted(map(str, unknown))})
        checked: dict[str, Any] = super().to_internal_value(data)
        return checked


class OrderRow(CanonicalRow):
    """One order line; only `order_no` is required. `amount` in yuan."""

    order_no = KeyField(max_length=64)
    sub_order_no = KeyField(max_length=64, required=False, allow_blank=True)
    status = serializers.CharField(max_length=40, required=False, allow_blank=True)
    created_at = MomentField(required=False, allow_null=True)
    paid_at = MomentField(required=False, allow_null=True)
    shipped_at = MomentField(required=False, allow_null=True)
    completed_at = MomentField(required=False, allow_null=True)
    buyer_nick = serializers.CharField(max_length=80, required=False, allow_blank=True)
    buyer_name = serializers.CharField(max_length=80, required=False, allow_blank=True)
    buyer_phone = KeyField(max_length=40, required=False, allow_blank=True)
    address = serializers.CharField(max_length=300, required=False, allow_blank=True)
    item_id = KeyField(max_length=64, required=False, allow_blank=True)
    item_title = serializers.CharField(max_length=200, required=False, allow_blank=True)
    sku = serializers.CharField(max_length=200, required=False, allow_blank=True)
    quantity = serializers.IntegerField(min_value=0, max_value=1_000_000, required=False, allow_null=True)
    amount = serializers.DecimalField(
        max_digits=12, decimal_places=2, min_value=0, required=False, allow_null=True
    )
    courier = serializers.CharField(max_length=40, required=False, allow_blank=True)
    tracking_no = KeyField(max_length=64, required=False, allow_blank=True)


class ReviewRow(CanonicalRow):
    """One review; `review_key`, `created_at` and one of `rating`/`stars` are required."""

    review_key = KeyField(max_length=120)
    order_no = KeyField(max_length=64, required=False, allow_blank=True)
    sub_order_no = KeyField(max_length=64, required=False, allow_blank=True)
    item_id = KeyField(max_length=64, required=False, allow_blank=True)
    item_title = serializers.CharField(max_length=200, required=False, allow_blank=True)
    sku = serializers.CharField(max_length=200, required=False, allow_blank=True)
    buyer_nick = serializers.CharField(max_length=80, required=False, allow_blank=True)
    rating = serializers.ChoiceField(Rating.choices, required=False)
    stars = serializers.IntegerField(min_value=1, max_value=5, required=False, allow_null=True)
    content = serializers.CharField(
        max_length=MAX_TEXT, required=False, allow_blank=True, trim_whitespace=False
    )
    images = serializers.ListField(
        child=serializers.CharField(max_length=1000), max_length=50, required=False, allow_empty=True
    )
    created_at = MomentField()
    followup = serializers.CharField(
        max_length=MAX_TEXT, required=False, allow_blank=True, trim_whitespace=False
    )
    followup_at = MomentField(required=False, allow_null=True)
    reply = serializers.CharField(
        max_length=MAX_TEXT, required=False, allow_blank=True, trim_whitespace=False
    )

    def validate_created_at(self, value: Any) -> Any:
        if value > timezone.now() + timedelta(days=1):
            raise serializers.ValidationError(_("This time lies in the future. Check the date and its zone."))
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        stars, rating = attrs.get("stars"), attrs.get("rating")
        if not rating and not stars:
            raise serializers.ValidationError(
                {"rating": [_("Give rating (good, neutral, bad) or stars (1–5).")]}
            )
        if stars and not rating:
            attrs["rating"] = Rating.of_stars(stars).value
        return attrs


def check_row(row_type: type[CanonicalRow], data: Any) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """(checked values, errors by field): exactly one of the two is empty."""
    row = row_type(data=data)
    if row.is_valid():
        return dict(row.validated_data), {}
    return {}, {name: [str(error) for error in _flat(errors)] for name, errors in row.errors.items()}


def _flat(errors: Any) -> list[Any]:
    if isinstance(errors, Mapping):
        return [error for inner in errors.values() for error in _flat(inner)]
    if isinstance(errors, list):
        return [error for inner in errors for error in _flat(inner)]
    return [errors]
