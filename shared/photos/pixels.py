"""The one rule that turns a stored photo into network input, shared by training and serving."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

# Our own re-encoded pictures are JPEG (shared.photos.intake).
STORED_FORMATS = ("JPEG",)


def read_pixels(data: bytes, image_size: int) -> npt.NDArray[np.uint8]:
    """Decode a stored photo to `(image_size, image_size, 3)` RGB, stretched to the square.

    A JPEG is decoded at the smallest scale that still has twice the wanted size, then resized with an
    antialiased bilinear filter: quick for large photos, and the same for everybody who calls this.
    """
    with Image.open(io.BytesIO(data), formats=STORED_FORMATS) as image:
        image.draft("RGB", (2 * image_size, 2 * image_size))
        resized = image.convert("RGB").resize((image_size, image_size), Image.Resampling.BILINEAR)
    return np.asarray(resized, dtype=np.uint8)
