"""The door for telephone systems: signed events in, nothing out."""

from typing import Any

from django.core.validators import URLValidator
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from callbacks.models import Direction, LineEventKind, LineKey
from callbacks.signing import is_signed
from callbacks.telephone import Told, take_event
from reviews import clock
from reviews.api.describe import problems

SCHEME = "Line-Signature"
ANSWERS = [("recorded", "recorded"), ("known", "known"), ("kept", "kept")]


class Signed(BaseAuthentication):
    """`X-Huiping-Key`, `X-Huiping-Timestamp` and `X-Huiping-Signature`; `request.auth` is the LineKey."""

    def authenticate(self, request: Request) -> tuple[None, LineKey] | None:
        key_id = request.headers.get("X-Huiping-Key", "")
        if not key_id:
            return None
        found = None if "\x00" in key_id else LineKey.objects.usable().filter(key_id=key_id[:24])
        key = found.select_related("shop").first() if found is not None else None
        stamp, given = (request.headers.get(f"X-Huiping-{name}", "") for name in ("Timestamp", "Signature"))
        body: bytes = request._request.body
        if key is None or not is_signed(key.secret, stamp, given.removeprefix("v1="), body, clock.now()):
            raise AuthenticationFailed(
                _("The key, the signature or the time is wrong: sign “timestamp.body”, within five minutes.")
            )
        return None, key

    def authenticate_header(self, request: Request) -> str:
        return f'{SCHEME} realm="api"'


class SignedOnly(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.auth, LineKey)


class SignedScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI file names the signature."""

    target_class = "callbacks.api.telephone.Signed"
    name = "LineSignature"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "X-Huiping-Signature",
            "description": "`v1=` and the hex HMAC-SHA256 of `timestamp.body` with the secret of the key; "
            "`X-Huiping-Key` names the key, `X-Huiping-Timestamp` is the time of sending in Unix seconds, at "
            "most five minutes old. Made under “Telephone” or by "
            "`manage.py create_telephone_key --shop CODE`.",
        }


class LineEventShape(serializers.Serializer[Any]):
    """One event of one call."""

    call_id = serializers.CharField(max_length=80, help_text="The telephone system's own id of the call.")
    event = serializers.ChoiceField(choices=[kind.value for kind in LineEventKind])
    at = serializers.DateTimeField(help_text="When it happened; without a zone the shop's.")
    direction = serializers.ChoiceField(choices=[one.value for one in Direction], default="out")
    number = serializers.CharField(
        max_length=32, required=False, allow_blank=True, help_text="The other side's number."
    )
    extension = serializers.CharField(max_length=16, required=False, allow_blank=True)
    reference = serializers.CharField(
        max_length=40,
        required=False,
        allow_blank=True,
        help_text="Our id of the call, as the page of the case hands it out: the surest match.",
    )
    recording_url = serializers.URLField(
        max_length=500, required=False, allow_blank=True, validators=[URLValidator(schemes=["https"])]
    )

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := set(data) - set(self.fields)):
            raise serializers.ValidationError({name: [_("There is no such field.")] for name in unknown})
        return super().to_internal_value(data)


class LineAnswer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=ANSWERS)


EVENT_SENT = OpenApiExample(
    "The buyer answers",
    request_only=True,
    value={
        "call_id": "pbx-20261122-000871",
        "event": "answer",
        "at": "2026-11-22T10:31:07+08:00",
        "direction": "out",
        "number": "13800138000",
        "extension": "8001",
        "reference": "call-4711",
    },
)
_HEADERS = [
    OpenApiParameter(name, str, OpenApiParameter.HEADER, required=True, description=words)
    for name, words in (
        ("X-Huiping-Key", "The id of the key."),
        ("X-Huiping-Timestamp", "Unix seconds; refused when more than five minutes away."),
    )
]


class LineEvents(APIView):
    """Events of calls: new_call, answer, hang_up. Order and repetition do not matter: each is kept once.

    `recorded` fills the call log of a case, `known` was told before, `kept` waits for a manager.
    """

    authentication_classes = (Signed,)
    permission_classes = (SignedOnly,)

    @extend_schema(
        summary="Report a call event",
        parameters=_HEADERS,
        request=LineEventShape,
        responses={200: LineAnswer, **problems(400, 401, 415)},
        examples=[EVENT_SENT],
    )
    def post(self, request: Request) -> Response:
        assert isinstance(request.auth, LineKey)
        shape = LineEventShape(data=request.data)
        shape.fields["at"].timezone = request.auth.shop.zone  # type: ignore[attr-defined]
        shape.is_valid(raise_exception=True)
        said = dict(shape.validated_data)
        told = Told(
            line_id=said["call_id"],
            kind=LineEventKind(said["event"]),
            at=said["at"],
            direction=Direction(said["direction"]),
            **{name: said.get(name, "") for name in ("number", "extension", "reference", "recording_url")},
        )
        return Response({"status": take_event(request.auth.shop, told)})
