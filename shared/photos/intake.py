"""What becomes of uploaded bytes: decoded once, upright, RGB, without metadata, re-encoded.

The written rules for colour modes stand in `_to_rgb`; training photos pass through the same code.
"""

from __future__ import annotations

import io
import struct
import unicodedata
import warnings
import zlib
from dataclasses import dataclass

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from shared.blobs import BlobStore, photo_key, sha256, thumbnail_key
from shared.errors import (
    PhotoAnimatedError,
    PhotoCorruptError,
    PhotoEmptyError,
    PhotoShapeError,
    PhotoTooLargeError,
    PhotoTooManyBytesError,
    PhotoTooSmallError,
    PhotoTypeError,
)

# Pillow would otherwise offer the bytes to more than forty decoders.
ACCEPTED_FORMATS = ("JPEG", "PNG", "WEBP")
MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 40_000_000  # today's phones make 12 to 50 megapixels and send 12 by default
MAX_SIDE = 12_000
MAX_ASPECT = 100
MIN_SIDE = 32  # below this not even a person tells a shirt from a dress
# High enough that a second look by the network gives the same answer; no chroma subsampling keeps edges.
JPEG_QUALITY = 92
THUMBNAIL_SIDE = 320
THUMBNAIL_QUALITY = 80
MAX_NAME_CHARACTERS = 255
# Everything Pillow's decoders raise on damaged files.
DECODE_ERRORS = (OSError, ValueError, SyntaxError, struct.error, zlib.error, EOFError, IndexError, TypeError)


@dataclass(frozen=True, slots=True)
class PreparedPhoto:
    """A photo as Hangtag keeps it: JPEG bytes, their SHA-256, a thumbnail, the size in pixels."""

    data: bytes
    digest: str
    thumbnail: bytes
    width: int
    height: int

    def store(self, blobs: BlobStore) -> None:
        """Write pixels and thumbnail to the blob store."""
        blobs.put(photo_key(self.digest), self.data)
        blobs.put(thumbnail_key(self.digest), self.thumbnail)


def prepare(data: bytes) -> PreparedPhoto:
    """Validate and re-encode an uploaded picture.

    Raises:
        PhotoError: one of its kinds says what is wrong with the picture.
    """
    if not data:
        raise PhotoEmptyError
    if len(data) > MAX_BYTES:
        raise PhotoTooManyBytesError
    image = _decode(data)
    encoded = _encode(image, JPEG_QUALITY, subsampling=0)
    thumbnail = _encode(_small(image), THUMBNAIL_QUALITY, subsampling=2)
    return PreparedPhoto(encoded, sha256(encoded), thumbnail, image.width, image.height)


def display_name(raw: str | None) -> str:
    """A sent file name made safe to show; it is never used for a path."""
    base = _parts(raw)[-1]
    return base[:MAX_NAME_CHARACTERS] or "photo"


def display_path(raw: str | None) -> str:
    """A sent file name with its folders made safe to show: nothing in it leads up, to a root or to a drive.

    Of one that is too long the end is kept, which tells files apart.
    """
    path = "/".join(part for part in _parts(raw) if part.strip(".") and not part.endswith(":"))
    if len(path) > MAX_NAME_CHARACTERS:
        path = "…" + path[1 - MAX_NAME_CHARACTERS :]
    return path or "photo"


def _parts(raw: str | None) -> list[str]:
    """The folders and the name of a sent path, without what cannot be printed."""
    printable = "".join(c for c in raw or "" if unicodedata.category(c)[0] != "C")
    return [part.strip() for part in printable.replace("\\", "/").split("/")]


def _decode(data: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=ACCEPTED_FORMATS) as image:
                _check_size(image)
                _check_still(image)
                image.load()
                return _without_info(_to_rgb(_upright(image)))
    except UnidentifiedImageError as error:
        raise PhotoTypeError from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError) as error:
        raise PhotoTooLargeError from error
    except DECODE_ERRORS as error:
        raise PhotoCorruptError from error


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise PhotoTooLargeError
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise PhotoShapeError
    if min(width, height) < MIN_SIDE:
        raise PhotoTooSmallError


def _check_still(image: Image.Image) -> None:
    """Refuse animations. A JPEG with a second picture (phones make them) counts as its first one."""
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise PhotoAnimatedError


def _upright(image: Image.Image) -> Image.Image:
    """Apply the EXIF orientation; a broken EXIF block counts as none."""
    try:
        return ImageOps.exif_transpose(image)
    except DECODE_ERRORS:
        return image


def _to_rgb(image: Image.Image) -> Image.Image:
    """Convert any mode: 16 bits are scaled, transparency lies on white, profiles become sRGB."""
    if image.mode.startswith("I"):
        # Pillow clips 16-bit grey when converting; dividing by 257 maps 65535 to 255.
        image = image.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        white = Image.new("RGBA", coloured.size, "white")
        return Image.alpha_composite(white, coloured).convert("RGB")
    coloured = _from_profile(image)
    return coloured if coloured.mode == "RGB" else coloured.convert("RGB")


def _without_info(image: Image.Image) -> Image.Image:
    """Leave EXIF, comments, profile and all else behind that Pillow would write into the next file."""
    image.info.clear()
    return image


def _from_profile(image: Image.Image) -> Image.Image:
    """Apply an embedded colour profile; a broken or unfitting one is ignored, as browsers do."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "CMYK", "L"):
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, *DECODE_ERRORS):
        return image
    return converted if converted is not None else image


def _small(image: Image.Image) -> Image.Image:
    """The photo within the thumbnail's square; a smaller one stays as it is."""
    scale = min(1.0, THUMBNAIL_SIDE / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    # Sharp for reduced pictures at half the cost of bicubic; large ones are halved in whole steps first.
    return image.resize(size, Image.Resampling.HAMMING, reducing_gap=2.0)


def _encode(image: Image.Image, quality: int, subsampling: int) -> bytes:
    """JPEG bytes of a picture without `info`."""
    out = io.BytesIO()
    # Not optimize=True: it needs the whole output in one buffer, which noisy photos overflow.
    image.save(out, format="JPEG", quality=quality, subsampling=subsampling)
    return out.getvalue()
