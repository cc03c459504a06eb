"""What becomes of uploaded pictures."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from shared.errors import (
    PhotoAnimatedError,
    PhotoCorruptError,
    PhotoEmptyError,
    PhotoError,
    PhotoShapeError,
    PhotoTooLargeError,
    PhotoTooManyBytesError,
    PhotoTooSmallError,
    PhotoTypeError,
)
from shared.photos.intake import display_name, display_path, prepare
from shared.photos.pixels import read_pixels
from tests.bad_pictures import png_header, saved
from tests.factories import picture


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(prepare(data).data))


def centre(data: bytes) -> tuple[int, ...]:
    image = opened(data)
    pixel = image.getpixel((image.width // 2, image.height // 2))
    assert isinstance(pixel, tuple)
    return pixel


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_accepted_types_become_jpeg_of_the_same_size(kind: str) -> None:
    image = opened(picture(1, (120, 90), kind))
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (120, 90))


def test_the_same_picture_gets_the_same_digest_and_another_one_another() -> None:
    assert prepare(picture(1)).digest == prepare(picture(1)).digest
    assert prepare(picture(1)).digest != prepare(picture(2)).digest


def test_a_phone_photo_is_turned_upright_and_loses_its_metadata() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    exif[0x010F] = "A phone"
    exif.get_ifd(0x8825)[1] = "N"  # a place
    image = opened(picture(1, (128, 64), exif=exif.tobytes()))
    assert image.size == (64, 128)
    assert not image.getexif()
    assert not {"exif", "icc_profile", "comment", "xmp"} & set(image.info)


@pytest.mark.parametrize("tail", [b"PK\x03\x04 a zip", b"<html><script>alert(1)</script>"])
def test_bytes_behind_the_picture_are_left_behind(tail: bytes) -> None:
    assert tail not in prepare(picture(1) + tail).data


def test_sixteen_bit_grey_is_scaled_and_not_clipped() -> None:
    grey = Image.fromarray(np.full((64, 64), 32768, dtype=np.uint16))
    assert all(abs(value - 128) <= 2 for value in centre(saved(grey)))


def test_transparency_lies_on_white() -> None:
    clear = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    assert all(value >= 253 for value in centre(saved(clear)))


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA"])
def test_every_mode_of_a_picture_looks_like_its_rgb_twin(mode: str) -> None:
    grey = Image.linear_gradient("L").resize((64, 64))
    if mode == "1":
        grey = grey.point(lambda value: 255 if value > 127 else 0)
    twin = np.asarray(opened(saved(grey.convert("RGB"))), dtype=int)
    other = np.asarray(opened(saved(grey.convert(mode))), dtype=int)
    assert np.abs(twin - other).max() <= 3


def test_cmyk_becomes_the_colour_it_stands_for() -> None:
    red = Image.new("CMYK", (64, 64), (0, 255, 255, 0))
    red_value, green, blue = centre(saved(red, "JPEG", quality=95))
    assert red_value > 200
    assert max(green, blue) < 60


def test_a_jpeg_with_a_second_picture_counts_as_its_first() -> None:
    first, second = Image.new("RGB", (64, 64), "blue"), Image.new("RGB", (64, 64), "red")
    both = saved(first, "MPO", save_all=True, append_images=[second])
    assert centre(both)[2] > 200


def animation(kind: str) -> bytes:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:])


BAD = {
    "nothing": (b"", PhotoEmptyError),
    "eleven megabytes": (picture(1) + b"x" * 11 * 1024 * 1024, PhotoTooManyBytesError),
    "text": (b"not a picture at all", PhotoTypeError),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", PhotoTypeError),
    "gif": (saved(Image.new("RGB", (64, 64)), "GIF"), PhotoTypeError),
    "tiff": (saved(Image.new("RGB", (64, 64)), "TIFF"), PhotoTypeError),
    "postscript": (saved(Image.new("RGB", (64, 64)), "EPS"), PhotoTypeError),
    "half a jpeg": (picture(1)[: len(picture(1)) // 2], PhotoCorruptError),
    "broken png data": (png_header(64, 64), PhotoCorruptError),
    "gigantic png": (png_header(60_000, 60_000), PhotoTooLargeError),
    "too many pixels": (png_header(12_000, 9_000), PhotoTooLargeError),
    "too long a side": (png_header(12_001, 200), PhotoTooLargeError),
    "one pixel": (saved(Image.new("RGB", (1, 1))), PhotoTooSmallError),
    "a line": (saved(Image.new("RGB", (1, 5000))), PhotoShapeError),
    "moving webp": (animation("WEBP"), PhotoAnimatedError),
    "moving png": (animation("PNG"), PhotoAnimatedError),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_pictures_are_refused_with_their_reason(name: str) -> None:
    data, error = BAD[name]
    with pytest.raises(PhotoError) as caught:
        prepare(data)
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\me.jpg", "me.jpg"),
        ("a\x00b\u202egpj.exe", "abgpj.exe"),
        ("x" * 10_000, "x" * 255),
        ("", "photo"),
        (None, "photo"),
    ],
)
def test_file_names_are_only_ever_shown_and_safe_to_show(sent: str | None, shown: str) -> None:
    assert display_name(sent) == shown


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("shoes/summer/IMG_1.jpg", "shoes/summer/IMG_1.jpg"),
        ("../../etc/passwd", "etc/passwd"),
        ("/a/./b//.\x00./c.jpg", "a/b/c.jpg"),
        ("C:\\photos\\me.jpg", "photos/me.jpg"),
        ("a\nb/c\u202egpj.exe", "ab/cgpj.exe"),
        ("f" * 300 + "/IMG_1.jpg", "…" + "f" * 244 + "/IMG_1.jpg"),
        ("..", "photo"),
        (None, "photo"),
    ],
)
def test_a_path_keeps_its_folders_and_leads_nowhere(sent: str | None, shown: str) -> None:
    assert display_path(sent) == shown


def test_network_input_is_square_whatever_the_photo() -> None:
    stored = prepare(picture(1, (1600, 900))).data
    assert read_pixels(stored, 71).shape == (71, 71, 3)


def test_reading_a_large_photo_at_reduced_scale_changes_little() -> None:
    large = prepare(picture(3, (1600, 1200))).data
    with Image.open(io.BytesIO(large)) as image:
        exact = np.asarray(image.resize((150, 150), Image.Resampling.BILINEAR), dtype=int)
    assert np.abs(read_pixels(large, 150).astype(int) - exact).mean() < 2
