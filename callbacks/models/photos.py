"""Pictures that prove a fault: the original as evidence, a copy without its hidden data to look at."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from reviews.models import Case


def original_path(photo: "ProofPhoto", _name: str) -> str:
    """A random place: neither the case nor the buyer's file name can be guessed from it."""
    name = uuid.uuid4().hex
    return f"proof/{name[:2]}/{name}.original"


def shown_path(photo: "ProofPhoto", _name: str) -> str:
    name = uuid.uuid4().hex
    return f"proof/{name[:2]}/{name}.jpg"


class ProofPhoto(models.Model):
    """One picture in a case. `sha256` is of the original bytes, `look` its perceptual hash (hex)."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="photos")
    original = models.FileField(upload_to=original_path)
    shown = models.FileField(upload_to=shown_path)
    content_type = models.CharField(max_length=20)
    size = models.PositiveIntegerField(_("bytes"))
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    look = models.CharField(max_length=64)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField()

    class Meta:
        ordering = ["added_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["case", "sha256"], name="one_photo_a_case"),
        ]

    def __str__(self) -> str:
        return f"{self.case} {self.sha256[:8]}"


class PhotoMatch(models.Model):
    """A fact: this picture is the same as one of another case. `distance` is in bits of the hash."""

    photo = models.ForeignKey(ProofPhoto, on_delete=models.CASCADE, related_name="matches")
    earlier = models.ForeignKey(ProofPhoto, on_delete=models.CASCADE, related_name="+")
    distance = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["distance", "id"]
        constraints = [models.UniqueConstraint(fields=["photo", "earlier"], name="one_match_a_pair")]

    def __str__(self) -> str:
        return f"{self.photo_id} = {self.earlier_id}"
