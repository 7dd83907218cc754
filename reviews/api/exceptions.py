"""Refusals of the API that Django and REST framework have no class for."""

from django.utils.translation import gettext_lazy as _
from rest_framework import status
from rest_framework.exceptions import APIException

from reviews.outgoing import OffendingText, explain


class TooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = _("The request carries too much.")
    default_code = "too_large"


class LengthRequired(APIException):
    """Django reads a body only as far as Content-Length says: a chunked one would look empty."""

    status_code = status.HTTP_411_LENGTH_REQUIRED
    default_detail = _("Send the body with Content-Length, not chunked.")
    default_code = "length_required"


class Conflict(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class Unavailable(APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = _("The database does not answer. Nothing was stored; send it again.")
    default_code = "unavailable"
    wait = 5  # seconds; becomes Retry-After


class NotLawful(APIException):
    """A text that the compliance check refuses; `offences` say where and why."""

    status_code = 422
    default_code = "not_lawful"

    def __init__(self, error: OffendingText) -> None:
        super().__init__(str(error))
        self.offences = [
            {"rule": one.rule, "words": one.words, "start": one.start, "end": one.end, "why": explain(one)}
            for one in error.offences
        ]
