"""Every error of the API as problem details (RFC 9457), mapped in one place."""

import logging
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.signals import got_request_exception
from django.db import OperationalError
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from reviews.api.exceptions import Conflict, NotLawful, TooLarge, Unavailable
from reviews.models import InvalidTransition, StaleCase
from reviews.outgoing import OffendingText
from reviews.sequence import SequenceRefusal

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
TITLES = {
    400: gettext_lazy("Bad request"),
    401: gettext_lazy("Not signed in"),
    403: gettext_lazy("Not allowed"),
    404: gettext_lazy("Not found"),
    405: gettext_lazy("Method not allowed"),
    409: gettext_lazy("Conflict"),
    411: gettext_lazy("Length required"),
    413: gettext_lazy("Too large"),
    415: gettext_lazy("Unsupported media type"),
    422: gettext_lazy("Not lawful"),
    500: gettext_lazy("Error of the server"),
    503: gettext_lazy("Not available right now"),
}


def handle(error: Exception, context: dict[str, Any]) -> Response:
    """The answer to any error of an API view."""
    translated = _as_api_error(error)
    response = exception_handler(translated, context)
    if response is None:
        return _server_error(error, context)
    body = problem(response.status_code, _detail(translated, response), _code(translated))
    if isinstance(translated, ValidationError):
        body["errors"] = errors_by_field(translated.detail)
    if isinstance(translated, NotLawful):
        body["offences"] = translated.offences
    headers = {name: value for name, value in response.items() if name in ("WWW-Authenticate", "Retry-After")}
    return Response(body, response.status_code, headers=headers, content_type=CONTENT_TYPE)


def problem(code: int, detail: str, name: str) -> dict[str, Any]:
    """The members of RFC 9457, and `code`: a word that programs can rely on in every language."""
    return {
        "type": "about:blank",
        "title": str(TITLES.get(code, "")) or str(code),
        "status": code,
        "detail": detail,
        "code": name,
    }


def _as_api_error(error: Exception) -> Exception:
    """What the domain raises, in terms of HTTP."""
    if isinstance(error, InvalidTransition | StaleCase | SequenceRefusal):
        return Conflict(str(error))
    if isinstance(error, OffendingText):
        return NotLawful(error)
    if isinstance(error, RequestDataTooBig):
        return TooLarge()
    if isinstance(error, OperationalError):
        log.warning("The database failed a request: %s", error)
        return Unavailable()
    return error


def _server_error(error: Exception, context: dict[str, Any]) -> Response:
    log.error("The API failed", exc_info=error)
    got_request_exception.send(sender=type(context.get("view")), request=context.get("request"))
    body = problem(500, _("Something went wrong on our side. Nothing was stored; send it again."), "error")
    return Response(body, 500, content_type=CONTENT_TYPE)


def _detail(error: Exception, response: Response) -> str:
    if isinstance(error, ValidationError):
        return _("Some of it is wrong: see errors.")
    return str(response.data.get("detail", "")) if isinstance(response.data, Mapping) else ""


def _code(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "invalid"
    if isinstance(error, APIException) and isinstance(codes := error.get_codes(), str):
        return codes
    if isinstance(error, Http404):
        return "not_found"
    return "permission_denied" if isinstance(error, PermissionDenied) else "error"


def errors_by_field(detail: Any) -> dict[str, list[str]]:
    """{field: [sentences]}; what belongs to no field is under non_field_errors."""
    if isinstance(detail, Mapping):
        return {printable(name): _sentences(errors) for name, errors in detail.items()}
    return {"non_field_errors": _sentences(detail)}


def _sentences(errors: Any) -> list[str]:
    if isinstance(errors, Mapping):
        return [sentence for inner in errors.values() for sentence in _sentences(inner)]
    if isinstance(errors, list | tuple):
        return [sentence for inner in errors for sentence in _sentences(inner)]
    return [printable(errors)]


def printable(value: object) -> str:
    """As text that UTF-8 can carry: half a surrogate pair, sent back, would break the answer."""
    return str(value).encode("utf-8", "replace").decode()
