"""Photo proof: kept as evidence, shown without hidden data, recognised when it was in another case before.

For evidence packs: `photos_of(case)`, `read_original(photo)`. A picture of an earlier case is a fact, no
accusation – two buyers may honestly send the shop's own. It stands beside the picture (`reused_in`) and, by
the case's event, among the signs in behaviour (reviews.signals).
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from django.core.files.base import ContentFile
from django.db import transaction
from django.utils.translation import gettext as _

from callbacks.holding import NotAllowed, check_hold
from callbacks.models import PhotoMatch, ProofPhoto
from callbacks.picture import SAME, Picture, UnfitPicture, looks_when_turned, nearest, read_picture
from reviews import clock
from reviews.models import Case, User
from reviews.models.cases import EventKind
from reviews.signals import refresh

MOST_IN_A_CASE = 20


@dataclass(frozen=True, slots=True)
class Reuse:
    """A picture of this case and the earlier one of another case that is the same."""

    photo: ProofPhoto
    earlier: ProofPhoto
    distance: int

    @property
    def case(self) -> Case:
        return self.earlier.case


def photos_of(case: Case) -> list[ProofPhoto]:
    """The pictures of a case in the order they came, each with `sha256` of its original."""
    return list(ProofPhoto.objects.filter(case=case).select_related("added_by"))


def read_original(photo: ProofPhoto) -> bytes:
    """The bytes as they were handed in, hidden data included: evidence, not for display."""
    with photo.original.open("rb") as file:
        content: bytes = file.read()
    return content


def read_shown(photo: ProofPhoto) -> bytes:
    """The copy for display, a JPEG without hidden data."""
    with photo.shown.open("rb") as file:
        content: bytes = file.read()
    return content


def reused_in(case: Case) -> list[Reuse]:
    """Pictures of this case that stood in an earlier case of the shop; one query."""
    matches = PhotoMatch.objects.filter(photo__case=case).select_related("photo", "earlier__case__shop")
    return [Reuse(match.photo, match.earlier, match.distance) for match in matches]


def add_photos(case: Case, files: Iterable[tuple[str, bytes]], *, by: User) -> list[ProofPhoto]:
    """Keep pictures as proof, all or none; the same one again is not kept twice.

    `files` are (name, content); the name is used in refusals only. Raises NotAllowed naming the file.
    """
    if not by.manages(case.shop_id):
        check_hold(case, by)
    read = [(content, _read(name, content)) for name, content in files]
    if ProofPhoto.objects.filter(case=case).count() + len(read) > MOST_IN_A_CASE:
        raise NotAllowed(_("A case holds at most %(n)d pictures.") % {"n": MOST_IN_A_CASE})
    kept: list[ProofPhoto] = []
    try:
        with transaction.atomic():
            for content, picture in read:
                _keep(case, content, picture, by, kept)
            if kept:
                _tell(case, kept, by)
    except BaseException:
        forget_files(kept)  # rows are rolled back; files are not by themselves
        raise
    return kept


def _tell(case: Case, kept: list[ProofPhoto], by: User) -> None:
    """Log what came, and look anew at the signs when a picture stood in the case of another review."""
    matches = PhotoMatch.objects.filter(photo__in=kept).exclude(earlier__case__review=case.review_id)
    reused = sorted(set(matches.values_list("earlier__case__review", flat=True)))
    facts = {"number": len(kept), "sha256": [one.sha256 for one in kept]}
    case.log(EventKind.PHOTO, by=by, **facts, **({"reused": reused} if reused else {}))
    if reused:
        refresh(case.shop, [case])


def _read(name: str, content: bytes) -> Picture:
    try:
        return read_picture(content)
    except UnfitPicture as unfit:
        raise NotAllowed(f"{name[:60]}: {unfit}") from unfit


def _keep(case: Case, content: bytes, picture: Picture, by: User, kept: list[ProofPhoto]) -> None:
    """Store one, and name it in `kept` before anything can fail."""
    digest = hashlib.sha256(content).hexdigest()
    # Under the case's lock: two tabs send the same picture at once.
    Case.objects.select_for_update().get(pk=case.pk)
    if ProofPhoto.objects.filter(case=case, sha256=digest).exists():
        return
    photo = ProofPhoto(
        case=case,
        content_type=picture.content_type,
        size=len(content),
        width=picture.width,
        height=picture.height,
        sha256=digest,
        look=picture.look,
        added_by=by,
        added_at=clock.now(),
    )
    kept.append(photo)
    photo.original.save("x", ContentFile(content), save=False)
    photo.shown.save("x", ContentFile(picture.shown), save=False)
    photo.save()
    _find_matches(photo, picture)


def _find_matches(photo: ProofPhoto, picture: Picture) -> None:
    """Compare with every picture of the shop's other cases: 50,000 take a tenth of a second."""
    others = ProofPhoto.objects.filter(case__shop=photo.case.shop_id).exclude(case=photo.case_id)
    known = list(others.exclude(look="").values_list("pk", "look"))
    distances = nearest(looks_when_turned(picture.shown), [look for _pk, look in known])
    PhotoMatch.objects.bulk_create(
        PhotoMatch(photo=photo, earlier_id=pk, distance=distance)
        for (pk, _look), distance in zip(known, distances, strict=True)
        if distance <= SAME
    )


def forget_files(photos: Iterable[ProofPhoto]) -> None:
    """Remove the files of pictures whose rows are gone."""
    for photo in photos:
        for file in (photo.original, photo.shown):
            if file.name:
                file.storage.delete(file.name)
