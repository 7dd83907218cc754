"""Pictures of reply templates: only pictures are taken, re-encoded: nothing else of a file stays."""

import hashlib
import io
from pathlib import PurePath

from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from reviews.models import InvalidTransition, ReplyTemplate, TemplatePicture, User

LARGEST = 5 * 2**20  # bytes of a file
MOST = 3  # pictures a template
SIDE = 1600  # pixels the longer side is kept at
LARGEST_PIXELS = 40_000_000  # a small file may unpack to gigabytes
FORMATS = ("JPEG", "PNG", "WEBP")


class PictureError(InvalidTransition):
    """The file is no picture that can be kept; the message says why."""


def add_picture(template: ReplyTemplate, name: str, content: bytes, *, by: User) -> TemplatePicture:
    """Keep a picture with a template. The same picture again is the same row."""
    if len(content) > LARGEST:
        raise PictureError(_("The picture is larger than %(mb)d MB.") % {"mb": LARGEST // 2**20})
    picture = _decoded(content)
    clean = _encoded(picture)
    digest = hashlib.sha256(clean).hexdigest()
    known = template.pictures.filter(sha256=digest).first()
    if known:
        return known
    if template.pictures.count() >= MOST:
        raise PictureError(_("A template has at most %(n)d pictures. Remove one first.") % {"n": MOST})
    return template.pictures.create(
        name=f"{PurePath(name).stem[:100]}.jpg",
        content=clean,
        width=picture.width,
        height=picture.height,
        sha256=digest,
        added_by=by,
    )


def _decoded(content: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as raw:
            if raw.width * raw.height > LARGEST_PIXELS:
                raise PictureError(_("The picture has too many pixels."))
            picture = ImageOps.exif_transpose(raw).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise PictureError(_("This is no JPEG, PNG or WebP picture that can be read.")) from error
    picture.thumbnail((SIDE, SIDE))
    return picture


def _encoded(picture: Image.Image) -> bytes:
    """JPEG without EXIF, place or author."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=88)
    return out.getvalue()
