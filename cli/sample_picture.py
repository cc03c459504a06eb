"""A picture of a garment drawn by our own code: no photo of anybody's needed."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw

SIDE = 320
GROUND = (236, 233, 227)
CLOTH = (47, 93, 138)
FOLD = (38, 76, 114)
# A t-shirt: neck, right shoulder and sleeve, body, left sleeve and shoulder.
OUTLINE = (
    *((128, 52), (192, 52), (232, 70), (290, 128), (256, 164), (230, 142)),
    *((230, 276), (90, 276)),
    *((90, 142), (64, 164), (30, 128), (88, 70)),
)
NECK = (124, 28, 196, 84)
LABEL = (288, 288, 312, 312)


def sample_picture(mark: int = 0) -> bytes:
    """A blue t-shirt on plain ground, as PNG. `mark` colours a label in its corner.

    Another mark is another photo, so its answer is computed and not remembered.
    """
    picture = Image.new("RGB", (SIDE, SIDE), GROUND)
    draw = ImageDraw.Draw(picture)
    draw.polygon(OUTLINE, fill=CLOTH)
    for x in (90, 230):
        draw.line((x, 142, x, 200), fill=FOLD, width=3)
    draw.line((92, 266, 228, 266), fill=FOLD, width=2)
    draw.ellipse(NECK, fill=GROUND)
    draw.arc((NECK[0] - 4, NECK[1], NECK[2] + 4, NECK[3] + 6), 20, 160, fill=FOLD, width=5)
    draw.rectangle(LABEL, fill=(mark >> 16 & 255, mark >> 8 & 255, mark & 255))
    data = io.BytesIO()
    picture.save(data, "PNG")
    return data.getvalue()
