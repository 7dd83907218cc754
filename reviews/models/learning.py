"""What each shop's corrections taught the classifier: one row a version, at most one in use."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from reviews import clock
from reviews.models.audit import Action, AuditEntry
from reviews.models.shops import Shop

if TYPE_CHECKING:
    from reviews.models.access import Viewer
    from reviews.models.staff import User


class VersionStatus(models.TextChoices):
    CANDIDATE = "candidate", _("Not in use")
    CURRENT = "current", _("In use")
    RETIRED = "retired", _("Used before")


class StaleVersion(Exception):
    """Another version is in use by now than the caller saw."""


class ModelVersionQuerySet(models.QuerySet["ModelVersion"]):
    def visible_to(self, viewer: "Viewer") -> "ModelVersionQuerySet":
        return self.filter(viewer.shop_filter("shop"))

    def current(self) -> "ModelVersionQuerySet":
        return self.filter(status=VersionStatus.CURRENT)

    def without_artifact(self) -> "ModelVersionQuerySet":
        return self.defer("artifact")


class ModelVersion(models.Model):
    """One learnt version of a shop. Without one in use the shipped model stands alone.

    `base` names the shipped model it was learnt on: on another one it is not applied. `artifact` is a
    reviews.shop_delta.ShopDelta. `last_decision` is the newest decision it knows. `hindrance` says why it was
    not promoted by itself; `figures` are those of reviews.learning.
    """

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="model_versions")
    number = models.PositiveIntegerField(_("number"))
    base = models.CharField(max_length=60)
    status = models.CharField(max_length=10, choices=VersionStatus.choices, default=VersionStatus.CANDIDATE)
    made_at = models.DateTimeField(default=clock.now)
    lessons = models.PositiveIntegerField(_("decisions learnt from"))
    last_decision = models.BigIntegerField()
    figures: Any = models.JSONField(default=dict)
    hindrance: Any = models.JSONField(default=dict, blank=True)
    artifact = models.BinaryField()
    promoted_at = models.DateTimeField(null=True, blank=True)
    promoted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # Taken out of use by a person: from then on the shop's next versions wait for one.
    rolled_back_at = models.DateTimeField(null=True, blank=True)

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["shop", "number"], name="one_model_version_a_number"),
            models.UniqueConstraint(
                fields=["shop"], condition=Q(status="current"), name="one_current_model_a_shop"
            ),
        ]
        verbose_name = _("model version")
        verbose_name_plural = _("model versions")

    def __str__(self) -> str:
        return f"v{self.number}"

    @property
    def is_current(self) -> bool:
        return self.status == VersionStatus.CURRENT

    @transaction.atomic
    def promote(self, *, instead_of: int | None, by: "User | None") -> None:
        """Put this version in use; `instead_of` is the one in use as the caller saw it (None: no other).

        Raises:
            StaleVersion: by now another one is in use.
        """
        now = clock.now()
        _retire(self.shop_id, instead_of)
        changes = {"status": VersionStatus.CURRENT, "promoted_at": now, "promoted_by": by}
        changed = ModelVersion.objects.filter(pk=self.pk).exclude(status=VersionStatus.CURRENT)
        if not changed.update(**changes):
            raise StaleVersion
        # Whoever puts a version in use trusts the nightly learning again.
        if by:
            ModelVersion.objects.filter(shop=self.shop_id).update(rolled_back_at=None)
            self.rolled_back_at = None
        for name, value in changes.items():
            setattr(self, name, value)
        AuditEntry.note(
            Action.MODEL_VERSION, self, user=by, shop=self.shop, did="promote", instead_of=instead_of
        )

    @transaction.atomic
    def roll_back(self, *, by: "User") -> "ModelVersion | None":
        """Take this version out of use; give the one used before it, which is now in use again, if any.

        Raises:
            StaleVersion: it is not in use any more.
        """
        _retire(self.shop_id, self.pk)
        earlier = ModelVersion.objects.filter(
            shop=self.shop_id, base=self.base, status=VersionStatus.RETIRED, rolled_back_at=None
        ).filter(number__lt=self.number)
        self.status, self.rolled_back_at = VersionStatus.RETIRED, clock.now()
        self.save(update_fields=["rolled_back_at"])
        back = earlier.order_by("-promoted_at", "-number").first()
        if back:
            ModelVersion.objects.filter(pk=back.pk).update(status=VersionStatus.CURRENT)
            back.status = VersionStatus.CURRENT
        AuditEntry.note(
            Action.MODEL_VERSION, self, user=by, shop=self.shop, did="roll_back", to=back and back.pk
        )
        return back


def _retire(shop_id: int, seen: int | None) -> None:
    """Compare-and-set: the version the caller saw in use leaves it."""
    in_use = ModelVersion.objects.current().filter(shop=shop_id)
    if seen is None:
        if in_use.exists():
            raise StaleVersion
    elif not in_use.filter(pk=seen).update(status=VersionStatus.RETIRED):
        raise StaleVersion
