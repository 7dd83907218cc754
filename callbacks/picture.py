"""Pictures people send in: what they are, a copy without hidden data, and a hash of how they look.

Pure: bytes in, bytes out. Nothing is believed but the content: not the name, not the type the browser says.
"""

import io
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from django.utils.translation import gettext as _
from pi_heif import register_heif_opener
from PIL import Image, ImageOps, UnidentifiedImageError

register_heif_opener(thumbnails=False)

FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "HEIF": "image/heic"}
LARGEST_BYTES = 10 * 1024 * 1024
LARGEST_PIXELS = 60_000_000  # phones take up to 50 million; more is a bomb or a mistake
LONGEST_SHOWN = 1600

Grid = npt.NDArray[np.float64]


class UnfitPicture(ValueError):
    """The file cannot be taken; the message says why."""


@dataclass(frozen=True, slots=True)
class Picture:
    """`shown` is a JPEG without EXIF, upright, at most LONGEST_SHOWN pixels a side; `look` its hash (hex)."""

    content_type: str
    width: int
    height: int
    shown: bytes
    look: str


def read_picture(content: bytes) -> Picture:
    """Check and re-encode one picture. Raises UnfitPicture."""
    if len(content) > LARGEST_BYTES:
        raise UnfitPicture(_("The picture is larger than 10 MB."))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=list(FORMATS))
            if image.width * image.height > LARGEST_PIXELS:
                raise UnfitPicture(_("The picture has more than 60 million pixels."))
            return _read(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as bomb:
        raise UnfitPicture(_("The picture has more than 60 million pixels.")) from bomb
    except UnidentifiedImageError as unknown:
        raise UnfitPicture(_("This is no picture that can be read: JPEG, PNG, WebP or HEIC.")) from unknown
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as broken:
        if isinstance(broken, UnfitPicture):
            raise
        raise UnfitPicture(_("The picture is damaged and cannot be opened.")) from broken


def _read(image: Image.Image) -> Picture:
    kind = FORMATS[image.format or ""]
    width, height = image.size
    image.draft("RGB", (LONGEST_SHOWN, LONGEST_SHOWN))  # JPEG: decode no more than is shown
    upright = ImageOps.exif_transpose(image)
    flat = _on_white(upright)
    flat.thumbnail((LONGEST_SHOWN, LONGEST_SHOWN), Image.Resampling.LANCZOS)
    # Into a picture of its own: none of the hidden data (place, camera, comments) comes along.
    bare = Image.new("RGB", flat.size)
    bare.paste(flat)
    out = io.BytesIO()
    bare.save(out, "JPEG", quality=86, optimize=True)
    return Picture(kind, width, height, out.getvalue(), look_of(bare))


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        clear = image.convert("RGBA")
        white = Image.new("RGBA", clear.size, "white")
        return Image.alpha_composite(white, clear).convert("RGB")
    return image.convert("RGB")


# --- how it looks --------------------------------------------------------------------------------

# Of 256 bits. Measured on generated pictures (tests/callbacks/test_picture.py): turned, mirrored, resized and
# recompressed copies differ by 18 at most, different pictures by 56 at least. Crops may go unnoticed.
SAME = 32
_LOW = 16  # frequencies a side
_SIDE = 64
_FLAT = 3.0  # below this spread of grey there is nothing to recognise


def look_of(image: Image.Image) -> str:
    """Perceptual hash: signs of the low frequencies (DCT) of the grey picture, hex; empty if blank."""
    grey = _grey(image)
    return _hex(_bits(grey)) if grey.std() >= _FLAT else ""


def looks_when_turned(image_bytes: bytes) -> list[str]:
    """The hashes of the picture turned by quarters and mirrored: any of them may have been handed in."""
    grey = _grey(Image.open(io.BytesIO(image_bytes)))
    if grey.std() < _FLAT:
        return []
    turned = [np.rot90(grey, quarter) for quarter in range(4)]
    return [_hex(_bits(one)) for one in (*turned, *(np.fliplr(one) for one in turned))]


def nearest(looks: list[str], known: list[str]) -> list[int]:
    """For each known hash the number of bits by which the nearest of `looks` differs from it."""
    if not looks or not known:
        return [256] * len(known)
    mine, theirs = _unpacked(looks), _unpacked(known)
    return [int((mine != one).sum(axis=1).min()) for one in theirs]


def _grey(image: Image.Image) -> Grid:
    small = ImageOps.grayscale(image).resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    return np.asarray(small, dtype=np.float64)


def _dct(size: int) -> Grid:
    rows, columns = np.arange(size)[:, None], np.arange(size)[None, :]
    return np.cos(np.pi * (2 * columns + 1) * rows / (2 * size))


_DCT = _dct(_SIDE)


def _bits(grey: Grid) -> npt.NDArray[np.bool_]:
    low = (_DCT @ grey @ _DCT.T)[:_LOW, :_LOW].ravel()
    return low > np.median(low[1:])


def _hex(bits: npt.NDArray[np.bool_]) -> str:
    return np.packbits(bits).tobytes().hex()


def _unpacked(looks: list[str]) -> npt.NDArray[np.uint8]:
    packed = np.frombuffer(bytes.fromhex("".join(looks)), dtype=np.uint8)
    return np.unpackbits(packed.reshape(len(looks), -1), axis=1)
