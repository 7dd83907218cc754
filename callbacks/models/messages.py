"""Texts to the buyer besides the call: carried into the shop's chat by a person, or sent by a gateway.

A row is its own queue: the sweep (callbacks.sending) finds what is due, a Celery message only wakes.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from callbacks.models.calls import CallbackPromise
from reviews import clock
from reviews.models import Case, Shop
from reviews.personal_data import PersonalTextField

if TYPE_CHECKING:
    from reviews.models.access import Viewer

CLAIMED_FOR = timedelta(seconds=10)  # then what a worker has not begun with may be begun by another
LEASE = timedelta(seconds=60)  # what a lost worker had handed over is looked after again
ATTEMPTS = 5  # then a message is parked where a manager sees it
FIRST_PAUSE = timedelta(seconds=5)  # then 20 s, 80 s, over 5 min


class BuyerMessage(models.Model):
    """One text a person has sent by shop chat."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="messages")
    text = models.TextField(_("text"), max_length=500)
    sent_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    sent_at = models.DateTimeField()

    class Meta:
        ordering = ["sent_at", "id"]

    def __str__(self) -> str:
        return self.text[:40]


class Channel(models.TextChoices):
    SMS = "sms", _("Text message")
    EMAIL = "email", _("E-mail")
    CHAT = "chat", _("Shop chat")


class Provider(models.TextChoices):
    """Who carries the texts; one module of callbacks.gateways each."""

    CONSOLE = "console", _("Log only, nothing is sent")
    MAIL = "mail", _("Mail server")
    SIGNED_HTTP = "signed_http", _("Signed HTTP")


class ShopGatewayQuerySet(models.QuerySet["ShopGateway"]):
    def of(self, shop: Shop | int) -> "ShopGatewayQuerySet":
        return self.filter(shop=shop, is_active=True)


class ShopGateway(models.Model):
    """By whom one shop sends the texts of one channel. `code` is its place in the address of receipts."""

    code = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="gateways")
    channel = models.CharField(_("channel"), max_length=8, choices=Channel.choices)
    provider = models.CharField(_("provider"), max_length=16, choices=Provider.choices)
    endpoint = models.URLField(_("address of the provider"), blank=True)
    signature = models.CharField(_("signature before the text"), max_length=20, blank=True)
    secret = PersonalTextField(_("shared secret"), blank=True, editable=False)
    is_active = models.BooleanField(_("in use"), default=True)
    made_at = models.DateTimeField(default=clock.now)

    objects = ShopGatewayQuerySet.as_manager()

    class Meta:
        ordering = ["shop", "channel"]
        constraints = [models.UniqueConstraint(fields=["shop", "channel"], name="one_gateway_a_channel")]

    def __str__(self) -> str:
        return f"{self.shop_id} {self.channel} {self.provider}"


class MessageKind(models.TextChoices):
    """What a text is for; hours and do-not-call depend on it (callbacks.texting_rules)."""

    CONFIRMED = "confirmed", _("Call-back confirmed")
    MOVED = "moved", _("Call-back moved")
    CANCELLED = "cancelled", _("Call-back cancelled")
    AGREED = "agreed", _("What was agreed")
    OTHER = "other", _("Message")


OF_A_PROMISE = (MessageKind.CONFIRMED, MessageKind.MOVED, MessageKind.CANCELLED)


class MessageState(models.TextChoices):
    QUEUED = "queued", _("Queued")
    SENDING = "sending", _("Being sent")
    SENT = "sent", _("Sent")
    DELIVERED = "delivered", _("Delivered")
    FAILED = "failed", _("Not delivered")
    CANCELLED = "cancelled", _("Not sent")


UNDER_WAY = (MessageState.QUEUED, MessageState.SENDING)


class OutgoingMessageQuerySet(models.QuerySet["OutgoingMessage"]):
    def visible_to(self, viewer: "Viewer") -> "OutgoingMessageQuerySet":
        return self.filter(viewer.shop_filter("case__shop"))

    def parked(self) -> "OutgoingMessageQuerySet":
        """Given up after five failures, until a manager decides."""
        return self.filter(state__in=UNDER_WAY).exclude(parked_at=None)

    def waiting(self, now: datetime) -> "OutgoingMessageQuerySet":
        """Due now, or in the hands of a worker that was lost."""
        return self.filter(state__in=UNDER_WAY, parked_at=None, next_attempt_at__lte=now)

    def not_handed_over(self) -> "OutgoingMessageQuerySet":
        """The provider has certainly not got them: they can still be changed or taken back."""
        return self.filter(state__in=UNDER_WAY, handed_at=None)

    def claim(self, limit: int, now: datetime) -> "list[OutgoingMessage]":
        """Take up to `limit` due messages for a moment, oldest first; no two workers get the same.

        Of one promise only the oldest that is not settled: a correction never overtakes what it corrects.
        """
        with transaction.atomic():
            earlier = self.filter(
                promise=models.OuterRef("promise"),
                pk__lt=models.OuterRef("pk"),
                state__in=UNDER_WAY,
                parked_at=None,
            )
            rows = self.waiting(now).exclude(models.Exists(earlier)).order_by("next_attempt_at", "id")
            rows = rows.select_for_update(skip_locked=True, of=("self",))
            token = uuid.uuid4()
            keys = [row.pk for row in rows[:limit]]
            self.filter(pk__in=keys).update(
                state=MessageState.SENDING, token=token, next_attempt_at=now + CLAIMED_FOR
            )
        held = self.filter(pk__in=keys, token=token).select_related("case__shop", "case__review__shop")
        return list(held.select_related("case__review__order", "queued_by", "promise").order_by("id"))

    def unconfirmed(self, now: datetime) -> "OutgoingMessageQuerySet":
        """Sent without a receipt, and due to be asked about."""
        return self.filter(state=MessageState.SENT, ask_at__lte=now)


class OutgoingMessage(models.Model):
    """One text a gateway sends: queued → sending → sent → delivered, or failed or cancelled.

    `key` names it towards the provider: however often it is given over, it is sent once. `token` is the
    worker's that holds it, `handed_at` when the provider may first have got it (empty: certainly not yet).
    An empty `recipient` means the number of the order, read when it leaves. `hour` is the call-back's the
    text names: once it has come the text is of no use. `parked_at`: five failures; a manager sees it.
    """

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="outgoing")
    promise = models.ForeignKey(
        CallbackPromise, on_delete=models.CASCADE, null=True, blank=True, related_name="texts"
    )
    kind = models.CharField(max_length=12, choices=MessageKind.choices)
    channel = models.CharField(max_length=8, choices=Channel.choices)
    text = models.TextField(_("text"), max_length=500)
    recipient = PersonalTextField(_("recipient"), blank=True)
    key = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    state = models.CharField(max_length=12, choices=MessageState.choices, default=MessageState.QUEUED)
    queued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    queued_at = models.DateTimeField(default=clock.now)
    next_attempt_at = models.DateTimeField()
    hour = models.DateTimeField(null=True, blank=True)
    token = models.UUIDField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    handed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(_("delivered, failed or cancelled"), null=True, blank=True)
    ask_at = models.DateTimeField(null=True, blank=True)
    provider = models.CharField(max_length=16, choices=Provider.choices, blank=True)
    provider_id = models.CharField(max_length=80, blank=True)
    reason = models.CharField(_("why not"), max_length=300, blank=True)
    parked_at = models.DateTimeField(null=True, blank=True)

    objects = OutgoingMessageQuerySet.as_manager()

    class Meta:
        ordering = ["queued_at", "id"]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                name="message_waiting",
                condition=Q(state__in=["queued", "sending"], parked_at=None),
            ),
            models.Index(fields=["ask_at"], name="message_to_ask", condition=Q(state="sent")),
            models.Index(fields=["parked_at"], name="message_parked", condition=Q(parked_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.case} {self.kind} {self.state}"

    @property
    def may_be_taken_back(self) -> bool:
        return self.state in UNDER_WAY and self.handed_at is None

    @property
    def is_parked(self) -> bool:
        return self.parked_at is not None and self.state in UNDER_WAY

    def hand_over(self, now: datetime) -> bool:
        """Note, before the provider is asked, that it may have the text from now on. False: ours no more."""
        held = OutgoingMessage.objects.filter(
            pk=self.pk, token=self.token, state=MessageState.SENDING, handed_at=self.handed_at
        )
        first = self.handed_at or now
        if not held.update(handed_at=first, attempts=F("attempts") + 1, next_attempt_at=now + LEASE):
            return False
        self.handed_at, self.attempts = first, self.attempts + 1
        return True

    def count_try(self) -> None:
        """Count a try that only asked."""
        self.attempts += 1
        OutgoingMessage.objects.filter(pk=self.pk, token=self.token).update(attempts=self.attempts)

    def settle(
        self, state: MessageState, *, was: Sequence[MessageState], held: bool = False, **changes: Any
    ) -> bool:
        """Move on from one of `was` (with `held`: only while the worker's token stands); an end wipes the
        recipient. False: somebody else was quicker."""
        if state not in (*UNDER_WAY, MessageState.SENT):
            changes = {"recipient": "", "ask_at": None, "settled_at": clock.now(), **changes}
        rows = OutgoingMessage.objects.filter(pk=self.pk, state__in=was)
        if held:
            rows = rows.filter(token=self.token)
        if not rows.update(state=state, **changes):
            return False
        for name, value in {"state": state, **changes}.items():
            setattr(self, name, value)
        return True

    def put_back(self, at: datetime, reason: str = "") -> None:
        """Leave it for a later hour; no try is counted."""
        self.settle(
            MessageState.SENDING if self.handed_at else MessageState.QUEUED,
            was=[MessageState.SENDING],
            held=True,
            next_attempt_at=at,
            reason=reason[:300],
        )

    def try_again(self, reason: str, now: datetime, *, handed_at: datetime | None) -> None:
        """Note a failed try: again after a growing pause, parked after five. `handed_at`: since when the
        provider may have it."""
        self.settle(
            MessageState.SENDING if handed_at else MessageState.QUEUED,
            was=[MessageState.SENDING],
            held=True,
            handed_at=handed_at,
            next_attempt_at=now + FIRST_PAUSE * 4 ** max(self.attempts - 1, 0),
            reason=reason[:300],
            parked_at=now if self.attempts >= ATTEMPTS else None,
        )
