"""Where providers tell what became of a text. No person signs in here: the body is signed."""

import json
from http import HTTPStatus
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from callbacks.gateways import Answer
from callbacks.gateways.base import moment
from callbacks.models import ShopGateway
from callbacks.sending import note_receipt
from callbacks.signing import is_genuine
from reviews import clock

LONGEST = 10_000  # bytes
STATES = ("accepted", "delivered", "failed")


@csrf_exempt
@require_POST
def receive(request: HttpRequest, code: UUID) -> HttpResponse:
    """{"key", "status": accepted|delivered|failed, "id", "reason", "at"} → 204; again it changes nothing."""
    row = ShopGateway.objects.filter(code=code, is_active=True).first()
    if row is None:
        return _problem(HTTPStatus.NOT_FOUND, "unknown gateway")
    if len(request.body) > LONGEST:
        return _problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {LONGEST} bytes")
    if not is_genuine(row.secret, request.headers, request.body, clock.now()):
        return _problem(HTTPStatus.UNAUTHORIZED, "wrong signature, or more than five minutes old")
    try:
        said = json.loads(request.body)
        key, status = str(UUID(str(said["key"]))), said["status"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return _problem(HTTPStatus.BAD_REQUEST, "key (a UUID) and status are required, as JSON")
    if status not in STATES:
        return _problem(HTTPStatus.BAD_REQUEST, f"status is one of {', '.join(STATES)}")
    answer = Answer(
        status, str(said.get("id") or "")[:80], str(said.get("reason") or "")[:200], moment(said.get("at"))
    )
    if not note_receipt(row, key, answer):
        return _problem(HTTPStatus.NOT_FOUND, "unknown key")
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


def _problem(status: HTTPStatus, detail: str) -> JsonResponse:
    return JsonResponse({"title": status.phrase, "detail": detail}, status=status)
