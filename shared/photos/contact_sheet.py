"""Several pictures as one, to look at side by side."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image

GAP = 6
QUALITY = 85


def contact_sheet(pictures: Sequence[bytes], columns: int) -> bytes:
    """Equally large pictures in rows of `columns`, from left to right, as one WebP picture.

    The gaps are transparent: they take the colour of the page in the light and in the dark.
    """
    images = [Image.open(io.BytesIO(data)).convert("RGB") for data in pictures]
    width, height = images[0].size
    rows = -(-len(images) // columns)
    size = (columns * (width + GAP) - GAP, rows * (height + GAP) - GAP)
    sheet = Image.new("RGBA", size, (0, 0, 0, 0))
    for place, image in enumerate(images):
        row, column = divmod(place, columns)
        sheet.paste(image, (column * (width + GAP), row * (height + GAP)))
    target = io.BytesIO()
    sheet.save(target, "WEBP", quality=QUALITY)
    return target.getvalue()
