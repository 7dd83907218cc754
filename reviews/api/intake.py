"""Posting: one row or a batch, through the single way in. 2xx means committed."""

from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from reviews.api.authentication import shop_of
from reviews.api.errors import printable
from reviews.api.exceptions import LengthRequired, TooLarge
from reviews.intake import CREATED, REFUSED, RowResult
from reviews.models import Shop

Record = Callable[[Shop, Sequence[Any]], list[RowResult]]


def take_one(
    request: Request, record: Record, shape: type[serializers.BaseSerializer[Any]], *, own_status: str = ""
) -> Response:
    """201 for a new row, 200 for a known one, with the object and what became of it as `status`.

    `own_status` is the name under which an object's own status goes out. ValidationError by field.
    """
    (result,) = record(shop_of(request), [_sent(request)])
    if result.status == REFUSED:
        raise ValidationError(result.errors)
    body = dict(shape(result.object).data)
    if own_status:
        body[own_status] = body["status"]
    body["status"] = result.status
    return Response(body, status.HTTP_201_CREATED if result.status == CREATED else status.HTTP_200_OK)


def _sent(request: Request) -> Any:
    if "Transfer-Encoding" in request.headers and "Content-Length" not in request.headers:
        raise LengthRequired
    return request.data


def take_batch(request: Request, record: Record, key: str) -> Response:
    """One verdict a row, in the order of the array; refused rows do not hold up the others."""
    rows = _sent(request)
    if not isinstance(rows, list):
        raise ValidationError({"non_field_errors": [_("Send a JSON array of rows.")]})
    limit = settings.REVIEW_BATCH_LIMIT
    if len(rows) > limit:
        message = _("%(rows)d rows are too many: %(limit)d at most. Nothing was stored.")
        raise TooLarge(message % {"rows": len(rows), "limit": limit})
    results = record(shop_of(request), rows)
    return Response(
        [{key: printable(row.key), "status": row.status, "errors": _errors(row)} for row in results]
    )


def _errors(row: RowResult) -> dict[str, list[str]]:
    return {printable(name): [printable(text) for text in texts] for name, texts in row.errors.items()}
