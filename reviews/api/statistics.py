"""The manager's numbers for other systems: those of reviews.statistics, as they stand there."""

from datetime import date, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from reviews import clock
from reviews.api.authentication import viewer_of
from reviews.api.describe import problems
from reviews.api.filters import refuse_unknown
from reviews.causes import COMPLAINTS, Cause, SubCause
from reviews.models import Shop, User
from reviews.statistics import DayRow, Period, Scope, Spread, Statistics, read

DAYS = 30  # counted when no period is named
MAX_DAYS = 366
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)


class EndingShape(serializers.Serializer[Any]):
    cases = serializers.IntegerField(source="cases.count")
    open = serializers.IntegerField(source="open.count")
    closed = serializers.IntegerField(source="closed.count")
    solved = serializers.IntegerField(source="solved.count")
    malicious = serializers.IntegerField(source="malicious.count", help_text="Closed as malicious.")
    solved_share = serializers.FloatField(
        allow_null=True, help_text="Solved among the closed that were not malicious, 0 to 1."
    )


class SubCauseShape(serializers.Serializer[Any]):
    sub_cause = serializers.ChoiceField(SubCause.choices)
    ending = EndingShape()


class CauseShape(serializers.Serializer[Any]):
    cause = serializers.ChoiceField(Cause.choices)
    percent = serializers.IntegerField(help_text="Share among complaints; the causes add up to 100.")
    typical = serializers.IntegerField(help_text="What shops commonly report, in percent.")
    ending = EndingShape()
    sub_causes = SubCauseShape(many=True)


class SpreadShape(serializers.Serializer[Any]):
    """Minutes from opening to the first attempt to reach the buyer."""

    size = serializers.IntegerField(help_text="Cases measured.")
    median = serializers.SerializerMethodField()
    p90 = serializers.SerializerMethodField()

    def get_median(self, spread: Spread) -> float | None:
        return minutes(spread.median)

    def get_p90(self, spread: Spread) -> float | None:
        return minutes(spread.p90)


class DayShape(serializers.Serializer[Any]):
    day = serializers.DateField()
    cases = serializers.IntegerField(source="cases.count")
    by_cause = serializers.SerializerMethodField()

    def get_by_cause(self, row: DayRow) -> dict[str, int]:
        return {cause.value: number.count for cause, number in zip(COMPLAINTS, row.by_cause, strict=True)}


class ProductShape(serializers.Serializer[Any]):
    title = serializers.CharField()
    ending = EndingShape()
    main_sub_cause = serializers.CharField()


class AgentShape(serializers.Serializer[Any]):
    agent = serializers.CharField(source="name")
    ending = EndingShape()
    first_contact_minutes = SpreadShape(source="first_contact")
    calls = serializers.IntegerField(source="calls.count")


class StatisticsShape(serializers.Serializer[Any]):
    """The cases opened in a period, as they stand now."""

    until = serializers.DateField(source="scope.period.last")
    reviews = serializers.SerializerMethodField(help_text="Reviews written in the period, by rating.")
    ending = EndingShape()
    open_now = serializers.IntegerField(source="open_now.count", help_text="Whenever they were opened.")
    overdue_now = serializers.IntegerField(source="overdue_now.count")
    causes = CauseShape(many=True)
    no_complaint = serializers.IntegerField(source="no_complaint.count")
    first_contact_minutes = SpreadShape(source="first_contact.spread")
    trend = DayShape(many=True)
    products = ProductShape(many=True)
    agents = AgentShape(many=True)

    def get_fields(self) -> dict[str, Any]:
        # `from` is a word of Python's own.
        return {"from": serializers.DateField(source="scope.period.first"), **super().get_fields()}

    def get_reviews(self, numbers: Statistics) -> dict[str, int]:
        return {rating.value: count for rating, count in numbers.ratings.items()}


def minutes(took: timedelta | None) -> float | None:
    return None if took is None else round(took.total_seconds() / 60, 1)


class AskedPeriod(serializers.Serializer[Any]):
    """`from` and `until` of the query, both days counted; the last 30 days when absent."""

    until = serializers.DateField(required=False)

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "from": serializers.DateField(required=False)}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        last = attrs.get("until") or clock.now().astimezone(self.context["zone"]).date()
        first = attrs.get("from") or last - min(timedelta(days=DAYS - 1), last - date.min)
        if not FIRST_DAY <= first <= last <= LAST_DAY or (last - first).days >= MAX_DAYS:
            message = _("Give a period of 1 to %(days)d days, the first day before the last.")
            raise serializers.ValidationError({"from": [message % {"days": MAX_DAYS}]})
        return {"period": Period(first, last)}


class StatisticsView(APIView):
    """Numbers of a period."""

    @extend_schema(
        summary="Numbers of a period",
        parameters=[
            OpenApiParameter("from", str, description="First day, YYYY-MM-DD. Default: 30 days in all."),
            OpenApiParameter("until", str, description="Last day, counted. Default: today."),
            OpenApiParameter("shop", str, description="Code of the shop, for people who work in several."),
        ],
        responses={200: StatisticsShape, **problems(400, 401, 403, 404)},
    )
    def get(self, request: Request) -> Response:
        refuse_unknown(request, {"from", "until", "shop"})
        shops = _shops(request)
        asked = AskedPeriod(data=request.query_params.dict(), context={"zone": shops[0].zone})
        asked.is_valid(raise_exception=True)
        numbers = read(Scope(shops, asked.validated_data["period"]), clock.now())
        return Response(StatisticsShape(numbers).data)


def _shops(request: Request) -> tuple[Shop, ...]:
    """The shop of the key or those a person manages, or the one asked for.

    Http404 when there is none, PermissionDenied for who manages none: as the page of the same numbers.
    """
    viewer, code = viewer_of(request), request.query_params.get("shop")
    visible = [shop for shop in Shop.objects.visible_to(viewer) if code in (None, "", shop.code)]
    shops = [shop for shop in visible if not isinstance(viewer, User) or viewer.manages(shop)]
    if visible and not shops:
        raise PermissionDenied
    if not shops:
        raise Http404
    return tuple(shops)
