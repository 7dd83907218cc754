"""Signs of malice in behaviour, kept per case with their facts, and what finds reviews that are alike."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from reviews import clock
from reviews.behaviour import Signal, SignalKind
from reviews.models.cases import Case
from reviews.models.reviews import Review


class BehaviourSignal(models.Model):
    """One sign in one case: a reason to look, no verdict. The latest look replaces the one before."""

    KINDS = (
        (SignalKind.DEMAND.value, _("Money or goods asked against the review")),
        (SignalKind.SAME_TEXT.value, _("Nearly the same text from other accounts")),
        (SignalKind.SAME_PICTURE.value, _("The same picture from another account")),
        (SignalKind.REUSED_PROOF.value, _("Photo proof from another case")),
        (SignalKind.SAME_BUYER.value, _("One buyer, many bad marks")),
        (SignalKind.NO_ORDER.value, _("No matching order")),
        (SignalKind.BURST.value, _("Many bad marks at once")),
    )

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="signals")
    kind = models.CharField(max_length=16, choices=KINDS)
    weight = models.PositiveSmallIntegerField()
    facts: Any = models.JSONField(default=dict)
    found_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["-weight", "kind"]
        constraints = [models.UniqueConstraint(fields=["case", "kind"], name="one_signal_a_kind")]

    def __str__(self) -> str:
        return f"{self.case} {self.kind}"

    @property
    def signal(self) -> Signal:
        return Signal(SignalKind(self.kind), self.weight, self.facts)


class ReviewFingerprint(models.Model):
    """A hash of a complaint's text or picture: reviews that are alike share one, so an index finds them."""

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="fingerprints")
    value = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["value", "-review"], name="fingerprint_by_value")]

    def __str__(self) -> str:
        return f"{self.review_id} {self.value}"
