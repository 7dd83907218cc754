"""The compensation policy as rows: one a sub-cause, common to all shops or a shop's own."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from callbacks.policy import USUAL_BANDS, Ladder, parse
from reviews.causes import SubCause
from reviews.models import Shop
from reviews.prepared import Asked, Prepared

if TYPE_CHECKING:
    from reviews.models.access import Viewer


class RemedyPolicyQuerySet(models.QuerySet["RemedyPolicy"]):
    def visible_to(self, viewer: "Viewer") -> "RemedyPolicyQuerySet":
        return self.filter(models.Q(shop=None) | models.Q(shop__in=Shop.objects.visible_to(viewer)))

    def in_force(self, shop: Shop | int | None) -> dict[str, "RemedyPolicy"]:
        """The row in force for each sub-cause: the shop's own before the common one."""
        return _in_force(self.filter(models.Q(shop=shop) | models.Q(shop=None)))

    def for_shops(self, shops: Iterable[int]) -> dict[tuple[int | None, str], "RemedyPolicy"]:
        """(shop or None for the common one, sub-cause) → row, of these shops; one query."""
        rows = self.filter(models.Q(shop__in=list(shops)) | models.Q(shop=None))
        return {(row.shop_id, row.sub_cause): row for row in rows}

    def holding(self, shop: Shop | int | None, sub_cause: str) -> "RemedyPolicy | None":
        """The row in force for one sub-cause, if there is one."""
        shop_id = shop.pk if isinstance(shop, Shop) else shop
        return _in_force(_HOLDING(shop=shop_id or 0, sub_cause=sub_cause)).get(sub_cause)


def _in_force(rows: Iterable["RemedyPolicy"]) -> dict[str, "RemedyPolicy"]:
    return {row.sub_cause: row for row in sorted(rows, key=lambda row: row.shop_id is not None)}


_HOLDING = Prepared(
    lambda: RemedyPolicy.objects.filter(
        models.Q(shop=Asked("shop")) | models.Q(shop=None), sub_cause=Asked("sub_cause")
    )
)


def usual_bands() -> list[int]:
    """Return the bands a policy begins with."""
    return list(USUAL_BANDS)


class RemedyPolicy(models.Model):
    """The ladder of one sub-cause; `steps` and `bands` are read by callbacks.policy.parse."""

    shop = models.ForeignKey(
        Shop, on_delete=models.CASCADE, null=True, blank=True, related_name="remedy_policies"
    )
    sub_cause = models.CharField(_("sub-cause"), max_length=16, choices=SubCause.choices)
    steps = models.JSONField(default=list, blank=True)
    bands = models.JSONField(_("bands of order value, ¥"), default=usual_bands)
    updated_at = models.DateTimeField(auto_now=True)
    history = HistoricalRecords()

    objects = RemedyPolicyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "sub_cause"],
                condition=models.Q(shop__isnull=False),
                name="one_shop_policy_a_sub_cause",
            ),
            models.UniqueConstraint(
                fields=["sub_cause"], condition=models.Q(shop__isnull=True), name="one_common_policy"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sub_cause} {self.shop_id or '*'}"

    @property
    def ladder(self) -> Ladder:
        return parse(self.steps, self.bands)
