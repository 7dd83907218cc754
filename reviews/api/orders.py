"""Orders: in by key, out masked."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView, ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from reviews.api.authentication import viewer_of
from reviews.api.describe import ORDER_SENT, ORDERS_ANSWERED, WRONG_FIELD, problems
from reviews.api.filters import OrderFilters
from reviews.api.intake import take_batch, take_one
from reviews.api.shapes import OrderShape, OrderVerdict, TakenOrder
from reviews.canonical import OrderRow
from reviews.intake import record_orders
from reviews.models import Order


class _Orders(GenericAPIView[Order]):
    serializer_class = OrderShape
    queryset = Order.objects.none()

    def get_queryset(self) -> QuerySet[Order]:
        return Order.objects.visible_to(viewer_of(self.request)).select_related("shop", "buyer", "product")


class OrderList(_Orders, ListAPIView[Order]):
    """Orders, newest first. Name, phone and address are masked."""

    filterset_class = OrderFilters

    @extend_schema(summary="Find orders", responses={200: OrderShape, **problems(400, 401)})
    def get(self, request: Request) -> Response:
        return self.list(request)

    @extend_schema(
        summary="Send one order line",
        description="The same (order_no, sub_order_no) again changes what differs; "
        "an absent field stays as it is.",
        request=OrderRow,
        responses={201: TakenOrder, 200: TakenOrder, **problems(400, 401, 403, 413, 415)},
        examples=[ORDER_SENT, WRONG_FIELD],
    )
    def post(self, request: Request) -> Response:
        return take_one(request, record_orders, OrderShape, own_status="order_status")


class OrderBatch(APIView):
    """Up to 500 order lines at once."""

    @extend_schema(
        summary="Send up to 500 order lines",
        request=OrderRow(many=True),
        responses={200: OrderVerdict(many=True), **problems(400, 401, 403, 413, 415)},
        examples=[ORDERS_ANSWERED],
    )
    def post(self, request: Request) -> Response:
        return take_batch(request, record_orders, "order_no")


class OrderDetail(_Orders, RetrieveAPIView[Order]):
    """One order line by id. Name, phone and address are masked."""

    @extend_schema(summary="One order line", responses={200: OrderShape, **problems(401, 404)})
    def get(self, request: Request, pk: int) -> Response:
        return self.retrieve(request)
