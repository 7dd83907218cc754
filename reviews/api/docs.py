"""The description of the API for people and programs. Public: it holds nothing of any shop."""

from typing import Any

from csp.decorators import csp_update
from django.http import Http404
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.generic import TemplateView
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


class Schema(SpectacularAPIView):
    """OpenAPI 3, as YAML or with `?format=json` as JSON."""

    permission_classes = (AllowAny,)
    authentication_classes = ()


# Swagger UI draws its icons from data: addresses inside style attributes; only this page allows it.
@method_decorator(csp_update({"style-src": ["'unsafe-inline'"]}), name="dispatch")
class SwaggerPage(TemplateView):
    """Try the API in the browser; everything the page loads is served from here."""

    template_name = "reviews/api_docs.html"


@extend_schema(exclude=True)
class NoSuchAddress(APIView):
    """Everything else below /api/: a problem, not a page."""

    permission_classes = (AllowAny,)
    authentication_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Http404(_("There is no such address. Every address ends with a slash."))

    def get(self, request: Request) -> Response:
        raise Http404
