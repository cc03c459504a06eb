"""A photo that kills whoever looks at it, as one does that meets a bug in a decoder."""

from __future__ import annotations

import io
import os
import signal

from PIL import Image

from shared.photos.pixels import read_pixels
from worker.pixels import Pixels

# One colour all over, which no other photo of the tests is.
COLOUR = (255, 0, 255)
# What a JPEG may make of a colour.
TOLERANCE = 3


def poison() -> bytes:
    """The photo."""
    out = io.BytesIO()
    Image.new("RGB", (96, 128), COLOUR).save(out, "JPEG")
    return out.getvalue()


def read_or_die(data: bytes, image_size: int) -> Pixels:
    """`read_pixels`, deadly for that photo."""
    pixels = read_pixels(data, image_size)
    if (abs(pixels.astype(int) - COLOUR) <= TOLERANCE).all():
        os.kill(os.getpid(), signal.SIGKILL)
    return pixels
