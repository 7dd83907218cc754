"""Pictures people send in: what is taken, what is shown, what is recognised. Generated pictures only."""

import io
import random

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from callbacks.picture import (
    LARGEST_BYTES,
    SAME,
    UnfitPicture,
    look_of,
    looks_when_turned,
    nearest,
    read_picture,
)

pytestmark = pytest.mark.once


def draw(seed: int) -> Image.Image:
    """A product on white, or a busy photograph of coloured shapes."""
    dice = random.Random(seed)
    width, height = dice.choice([(640, 480), (480, 640), (800, 800), (900, 600)])
    if seed % 3 == 0:
        image, shapes = Image.new("RGB", (width, height), "white"), dice.randint(1, 3)
    else:
        grid = np.random.default_rng(seed).integers(0, 255, (dice.randint(3, 9), dice.randint(3, 9), 3))
        image = Image.fromarray(grid.astype(np.uint8)).resize((width, height), Image.Resampling.BICUBIC)
        shapes = dice.randint(4, 12)
    pen = ImageDraw.Draw(image)
    for _ in range(shapes):
        x, y = dice.randint(0, width), dice.randint(0, height)
        a, b = dice.randint(30, width // 2), dice.randint(30, height // 2)
        colour = (dice.randint(0, 255), dice.randint(0, 255), dice.randint(0, 255))
        shape = pen.ellipse if dice.random() < 0.5 else pen.rectangle
        shape((x - a // 2, y - b // 2, x + a // 2, y + b // 2), fill=colour)
    return image.filter(ImageFilter.GaussianBlur(1))


def saved(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def copies(image: Image.Image) -> dict[str, bytes]:
    """What becomes of a picture on its way through phones and chats."""
    small = image.resize((image.width // 3, image.height // 3))
    turned = {
        f"turned {angle}": saved(image.rotate(angle, expand=True), quality=70) for angle in (90, 180, 270)
    }
    return {
        "recompressed": saved(image, quality=30),
        "resized": saved(small, quality=70),
        "mirrored": saved(ImageOps.mirror(image), quality=75),
        "as PNG": saved(small, "PNG"),
        "as WebP": saved(image, "WEBP", quality=60),
        **turned,
    }


def far(first: bytes, second: bytes) -> int:
    return nearest(looks_when_turned(read_picture(first).shown), [read_picture(second).look])[0]


def test_it_recognises_every_copy_and_no_other_picture() -> None:
    images = [draw(seed) for seed in range(40)]
    originals = [saved(image, quality=92) for image in images]
    known = [read_picture(one).look for one in originals]
    worst_copy = max(
        (far(copy, originals[place]), name, place)
        for place, image in enumerate(images[:12])
        for name, copy in copies(image).items()
    )
    closest_other = min(
        distance
        for place, one in enumerate(originals)
        for other, distance in enumerate(nearest(looks_when_turned(read_picture(one).shown), known))
        if other != place
    )
    assert worst_copy[0] <= SAME * 2 / 3, worst_copy
    assert closest_other >= SAME * 3 / 2, closest_other


def test_a_blank_picture_is_like_no_other() -> None:
    blank = saved(Image.new("RGB", (300, 300), "white"))
    assert read_picture(blank).look == ""
    assert looks_when_turned(blank) == []
    assert nearest([], ["00" * 32]) == [256]
    assert look_of(Image.new("RGB", (99, 99), "#ddd")) == ""


def test_the_copy_that_is_shown_has_no_hidden_data_and_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    exif[0x010F] = "Huawei"
    exif.get_ifd(0x8825)[1] = "N"
    content = saved(draw(1).resize((400, 200)), exif=exif.tobytes(), comment=b"secret")
    assert b"Huawei" in content
    picture = read_picture(content)
    shown = Image.open(io.BytesIO(picture.shown))
    assert shown.size == (200, 400)
    assert not shown.getexif()
    assert not {"exif", "comment", "icc_profile", "xmp"} & set(shown.info)
    assert b"Huawei" not in picture.shown
    assert b"secret" not in picture.shown
    assert (picture.content_type, picture.width, picture.height) == ("image/jpeg", 400, 200)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "CMYK", "1", "I;16"])
def test_it_takes_every_colour_model(mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    image = Image.new("I;16", (80, 60)) if mode == "I;16" else draw(2).resize((80, 60)).convert(mode)
    assert Image.open(io.BytesIO(read_picture(saved(image, kind)).shown)).mode == "RGB"


def test_it_takes_what_an_iphone_makes() -> None:
    import pi_heif

    # pi_heif reads only; this is the smallest promise that can be checked without an encoder.
    assert pi_heif.libheif_info()["libheif"]
    with pytest.raises(UnfitPicture):
        read_picture(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\x00" * 64)


def test_it_shows_no_more_than_is_needed() -> None:
    picture = read_picture(saved(draw(4).resize((4000, 3000)), quality=60))
    assert Image.open(io.BytesIO(picture.shown)).size == (1600, 1200)
    assert (picture.width, picture.height) == (4000, 3000)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<html><script>alert(1)</script>",
        b"GIF89a" + b"\x00" * 40,
        b"%PDF-1.7",
        saved(draw(3))[:600],
        b"\x89PNG\r\n\x1a\n" + b"\x00" * 100,
    ],
)
def test_it_goes_by_content_and_refuses_the_rest(content: bytes) -> None:
    with pytest.raises(UnfitPicture):
        read_picture(content)


def test_it_refuses_a_bomb_before_it_bursts() -> None:
    bomb = saved(Image.new("1", (30_000, 30_000)), "PNG")
    assert len(bomb) < 300_000
    with pytest.raises(UnfitPicture, match="60"):
        read_picture(bomb)


def test_it_refuses_what_is_too_heavy() -> None:
    with pytest.raises(UnfitPicture, match="10 MB"):
        read_picture(b"\xff\xd8\xff" + b"\x00" * LARGEST_BYTES)
