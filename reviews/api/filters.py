"""What a list can be asked for. A word that no list knows is refused, never silently passed over."""

from typing import TYPE_CHECKING, Any

import django_filters as filters
from django.core.exceptions import ValidationError as Refused
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from reviews import clock
from reviews.causes import Cause, SubCause
from reviews.models import Case, Order, Outcome, Rating, Review, ShopApiKey, Status

if TYPE_CHECKING:
    from rest_framework.views import APIView

PAGING = {"cursor", "page_size"}


class MomentField(IsoDateTimeField):  # type: ignore[misc]
    """A time that every database can compare."""

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value and not clock.FIRST_YEAR <= value.year <= clock.LAST_YEAR:
            years = {"first": clock.FIRST_YEAR, "last": clock.LAST_YEAR}
            raise Refused(_("Give a time between the years {first} and {last}, or none.").format(**years))


class MomentFilter(filters.IsoDateTimeFilter):  # type: ignore[misc]
    field_class = MomentField


class OrderFilters(filters.FilterSet):  # type: ignore[misc]
    order_no = filters.CharFilter(help_text="Exact order number; every line of that order.")
    shop = filters.CharFilter("shop__code", help_text="Code of the shop, for people who work in several.")
    created_after = MomentFilter("created_at", "gte", help_text="Placed at this time or later.")
    created_before = MomentFilter("created_at", "lt", help_text="Placed before this time.")

    class Meta:
        model = Order
        fields: list[str] = []


class ReviewFilters(filters.FilterSet):  # type: ignore[misc]
    review_key = filters.CharFilter(help_text="Exact key of the review.")
    order_no = filters.CharFilter(help_text="Exact order number.")
    shop = filters.CharFilter("shop__code", help_text="Code of the shop, for people who work in several.")
    rating = filters.MultipleChoiceFilter(choices=Rating.choices, help_text="May be given several times.")
    created_after = MomentFilter("created_at", "gte", help_text="Written at this time or later.")
    created_before = MomentFilter("created_at", "lt", help_text="Written before this time.")

    class Meta:
        model = Review
        fields: list[str] = []


class CaseFilters(filters.FilterSet):  # type: ignore[misc]
    review_key = filters.CharFilter("review__review_key", help_text="Exact key of the review.")
    shop = filters.CharFilter("shop__code", help_text="Code of the shop, for people who work in several.")
    status = filters.MultipleChoiceFilter(choices=Status.choices, help_text="May be given several times.")
    outcome = filters.MultipleChoiceFilter(choices=Outcome.choices, help_text="May be given several times.")
    cause = filters.MultipleChoiceFilter(choices=Cause.choices, help_text="May be given several times.")
    sub_cause = filters.MultipleChoiceFilter(
        choices=SubCause.choices, help_text="May be given several times."
    )
    assignee = filters.CharFilter("assignee__username", help_text="User name of the agent who has the case.")
    needs_decision = filters.BooleanFilter(help_text="Only cases whose cause a person has to decide.")
    opened_after = MomentFilter("opened_at", "gte", help_text="Opened at this time or later.")
    opened_before = MomentFilter("opened_at", "lt", help_text="Opened before this time.")

    class Meta:
        model = Case
        fields: list[str] = []


class StrictFilters(DjangoFilterBackend):  # type: ignore[misc]
    """The filters of a view's `filterset_class`, and nothing beside them and the paging."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: "APIView") -> QuerySet[Any]:
        filterset = self.get_filterset_class(view, queryset)
        if filterset is not None:
            refuse_unknown(request, set(filterset.base_filters) | PAGING)
        # A time without a zone is the shop's, as in what is sent in.
        zone = request.auth.shop.zone if isinstance(request.auth, ShopApiKey) else None
        with timezone.override(zone or timezone.get_current_timezone()):
            filtered: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return filtered


def refuse_unknown(request: Request, known: set[str]) -> None:
    """ValidationError that names every query parameter outside `known`."""
    message = _("Unknown parameter. Known ones: %(names)s") % {"names": ", ".join(sorted(known))}
    if unknown := sorted(set(request.query_params) - known):
        raise ValidationError({name: [message] for name in unknown})
