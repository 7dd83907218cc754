"""Cases: read only; agents work them on their desk."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView, ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from reviews.api.authentication import viewer_of
from reviews.api.describe import problems
from reviews.api.filters import CaseFilters
from reviews.api.shapes import CaseShape
from reviews.models import Case


class _Cases(GenericAPIView[Case]):
    serializer_class = CaseShape
    queryset = Case.objects.none()

    def get_queryset(self) -> QuerySet[Case]:
        return Case.objects.visible_to(viewer_of(self.request)).select_related("shop", "review", "assignee")


class CaseList(_Cases, ListAPIView[Case]):
    """Cases, newest first; `?review_key=` finds the cases of one review."""

    filterset_class = CaseFilters

    @extend_schema(summary="Find cases", responses={200: CaseShape, **problems(400, 401)})
    def get(self, request: Request) -> Response:
        return self.list(request)


class CaseDetail(_Cases, RetrieveAPIView[Case]):
    """One case by id."""

    @extend_schema(summary="One case", responses={200: CaseShape, **problems(401, 404)})
    def get(self, request: Request, pk: int) -> Response:
        return self.retrieve(request)
