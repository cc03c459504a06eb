"""Pictures of garments, drawn by code: something to compare engines on where there are no photos yet."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

# Outlines in hundredths of the picture's side, clockwise from the left shoulder or waist.
OUTLINES: Mapping[str, Sequence[tuple[int, int]]] = {
    "t-shirt": (
        *((32, 20), (42, 25), (58, 25), (68, 20), (88, 36), (79, 48)),
        *((70, 42), (71, 82), (29, 82), (30, 42), (21, 48), (12, 36)),
    ),
    "trousers": ((33, 12), (67, 12), (73, 90), (57, 90), (50, 38), (43, 90), (27, 90)),
    "dress": (
        *((38, 10), (44, 18), (56, 18), (62, 10), (66, 14)),
        *((60, 42), (80, 90), (20, 90), (40, 42), (34, 14)),
    ),
    "boot": ((34, 12), (56, 12), (57, 55), (86, 68), (88, 82), (34, 82)),
    "hat": (
        *((8, 66), (30, 60), (34, 30), (50, 24), (66, 30)),
        *((70, 60), (92, 66), (70, 74), (30, 74)),
    ),
    "skirt": ((36, 16), (64, 16), (66, 22), (84, 80), (16, 80), (34, 22)),
}
# Drawn at twice the size and reduced, so that edges are smooth as in a photo.
OVERSAMPLING = 2
NOISE_LEVELS = 6.0  # standard deviation of the grain, in steps of 0..255
SEED = 20_170_409


def draw_photos(image_size: int, count: int = 12) -> npt.NDArray[np.uint8]:
    """Draw `count` different garment-like pictures, the same ones on every call.

    Returns:
        (count, image_size, image_size, 3) RGB.
    """
    random = np.random.default_rng(SEED)
    garments = itertools.islice(itertools.cycle(OUTLINES.values()), count)
    return np.stack([_picture(outline, image_size, random) for outline in garments])


def _picture(
    outline: Sequence[tuple[int, int]], image_size: int, random: np.random.Generator
) -> npt.NDArray[np.uint8]:
    side = image_size * OVERSAMPLING
    image = Image.fromarray(_background(side, random))
    image.paste(Image.fromarray(_cloth(side, random)), mask=_mask(outline, side, random))
    small = np.asarray(image.resize((image_size, image_size), Image.Resampling.BILINEAR), dtype=np.float64)
    grain = random.normal(0.0, NOISE_LEVELS, small.shape)
    return np.asarray(np.clip(small + grain, 0, 255), dtype=np.uint8)


def _background(side: int, random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """A wall lit from one corner."""
    colour, light = random.uniform(90, 230, 3), random.uniform(-60, 60, 2)
    down, right = np.mgrid[0:side, 0:side] / side - 0.5
    lit = colour + (light[0] * down + light[1] * right)[..., None]
    return np.asarray(np.clip(lit, 0, 255), dtype=np.uint8)


def _cloth(side: int, random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Striped or nearly plain cloth in two colours."""
    first, second = random.uniform(0, 255, (2, 3))
    angle, stripes = random.uniform(0, np.pi), random.uniform(4, 24)
    down, right = np.mgrid[0:side, 0:side] / side
    wave = np.sin(2 * np.pi * stripes * (np.cos(angle) * right + np.sin(angle) * down))
    share = 0.5 + 0.5 * random.uniform(0.1, 1.0) * wave
    return np.asarray(share[..., None] * first + (1 - share[..., None]) * second, dtype=np.uint8)


def _mask(outline: Sequence[tuple[int, int]], side: int, random: np.random.Generator) -> Image.Image:
    """The garment's place in the picture: a little larger or smaller, and off the middle."""
    scale, shift = random.uniform(0.8, 1.05), random.uniform(-6, 6, 2)
    corners = (np.asarray(outline, dtype=np.float64) - 50) * scale + 50 + shift
    mask = Image.new("L", (side, side))
    ImageDraw.Draw(mask).polygon([(x * side / 100, y * side / 100) for x, y in corners], fill=255)
    return mask
