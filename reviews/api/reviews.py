"""Reviews: in by key, each at once on its way to the worker that reads it."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView, ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from reviews.api.authentication import viewer_of
from reviews.api.describe import REVIEW_SENT, REVIEWS_ANSWERED, WRONG_FIELD, problems
from reviews.api.filters import ReviewFilters
from reviews.api.intake import take_batch, take_one
from reviews.api.shapes import ReviewShape, ReviewVerdict, TakenReview
from reviews.canonical import ReviewRow
from reviews.intake import record_reviews
from reviews.models import Review


class _Reviews(GenericAPIView[Review]):
    serializer_class = ReviewShape
    queryset = Review.objects.none()

    def get_queryset(self) -> QuerySet[Review]:
        return Review.objects.visible_to(viewer_of(self.request)).select_related("shop", "buyer", "product")


class ReviewList(_Reviews, ListAPIView[Review]):
    """Reviews, newest first."""

    filterset_class = ReviewFilters

    @extend_schema(summary="Find reviews", responses={200: ReviewShape, **problems(400, 401)})
    def get(self, request: Request) -> Response:
        return self.list(request)

    @extend_schema(
        summary="Send one review",
        description="The same review_key again with other words or another rating makes a new version; "
        "what was said before is kept. A bad review becomes a case within seconds.",
        request=ReviewRow,
        responses={201: TakenReview, 200: TakenReview, **problems(400, 401, 403, 413, 415)},
        examples=[REVIEW_SENT, WRONG_FIELD],
    )
    def post(self, request: Request) -> Response:
        return take_one(request, record_reviews, ReviewShape)


class ReviewBatch(APIView):
    """Up to 500 reviews at once."""

    @extend_schema(
        summary="Send up to 500 reviews",
        request=ReviewRow(many=True),
        responses={200: ReviewVerdict(many=True), **problems(400, 401, 403, 413, 415)},
        examples=[REVIEWS_ANSWERED],
    )
    def post(self, request: Request) -> Response:
        return take_batch(request, record_reviews, "review_key")


class ReviewDetail(_Reviews, RetrieveAPIView[Review]):
    """One review by id."""

    @extend_schema(summary="One review", responses={200: ReviewShape, **problems(401, 404)})
    def get(self, request: Request, pk: int) -> Response:
        return self.retrieve(request)
