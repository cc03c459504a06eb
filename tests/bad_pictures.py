"""Pictures that are not what they say, or more than they seem."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

SIGNATURES = {
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n",
    "WMF": b"\xd7\xcd\xc6\x9a" + bytes(60),
    "PSD": b"8BPS\x00\x01" + bytes(60),
    "FITS": b"SIMPLE  =                    T".ljust(2880),
    "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(60),
    "HEIC": b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00heicmif1" + bytes(60),
    "AVIF": b"\x00\x00\x00\x18ftypavif\x00\x00\x00\x00avifmif1" + bytes(60),
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
}
MODES = ("CMYK", "I;16", "P", "RGBA", "LA", "1")


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """An image as a file."""
    out = io.BytesIO()
    image.save(out, format=kind, **options)
    return out.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that promises a size and holds next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"x") + chunk(b"IEND", b"")


def animation(kind: str, frames: int) -> bytes:
    """A picture that moves."""
    pictures = [Image.new("RGB", (64, 64), (number % 256, number // 256, 0)) for number in range(frames)]
    return saved(pictures[0], kind, save_all=True, append_images=pictures[1:])


def phone_photo() -> bytes:
    """Lying on its side, with the place where it was taken."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    exif.get_ifd(0x8825)[1] = "N"
    return saved(Image.linear_gradient("L").resize((128, 64)).convert("RGB"), "JPEG", exif=exif.tobytes())


def in_mode(mode: str) -> bytes:
    """A grey ramp as a file in one of Pillow's modes; `RGB` is what the others stand for."""
    grey = Image.linear_gradient("L").resize((96, 96))
    if mode == "1":
        return saved(grey.point(lambda value: 255 if value > 127 else 0).convert("1"))
    if mode == "I;16":
        return saved(Image.fromarray(np.asarray(grey, dtype=np.uint16) * 257))
    if mode == "CMYK":
        return saved(grey.convert("CMYK"), "JPEG", quality=95)
    return saved(grey.convert(mode))


def twin_of(mode: str) -> bytes:
    """The RGB picture that a file of `in_mode` stands for."""
    grey = Image.linear_gradient("L").resize((96, 96))
    if mode == "1":
        grey = grey.point(lambda value: 255 if value > 127 else 0)
    return saved(grey.convert("RGB"))
