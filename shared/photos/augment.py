"""Varying training photos: one draw and one transform for kept views, fresh draws and the preview alike.

What is drawn and how it is put together follows Keras' ImageDataGenerator: rotation, shift, shear, zoom and
flips of the picture in the size the network sees, around its middle. Needs NumPy and Pillow only.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from shared.blobs import sha256
from shared.datasets.sides import TrainingPhotos
from shared.models.hyperparameters import Augmentation
from shared.photos.pixels import read_pixels

Pixels = npt.NDArray[np.uint8]
Matrix = npt.NDArray[np.float64]

# Raise when a draw or the transform changes: features of views that were kept become another thing.
AUGMENTATION_VERSION = 1
PREVIEW_COUNT = 12
PREVIEW_QUALITY = 85
PAD_MODES = {"nearest": "edge", "reflect": "symmetric", "wrap": "wrap", "black": "constant"}


class AugmentedPhotos:
    """The training photos of one training, varied; its validation and test photos have no way in.

    Number 1, 2, 3, ... of a photo is the same picture whenever and wherever it is made: seed, digest and
    number decide it alone.

    Raises:
        TypeError: these are not training photos.
    """

    def __init__(self, photos: TrainingPhotos, augmentation: Augmentation, seed: int) -> None:
        if not isinstance(photos, TrainingPhotos):
            raise TypeError(f"Only training photos are varied, not {type(photos).__name__}.")
        self._digests = frozenset(photos.digests)
        self._augmentation = augmentation
        self._seed = seed

    def pixels(self, digest: str, data: bytes, image_size: int, number: int) -> Pixels:
        """Variation `number` of the stored photo `data`, `(image_size, image_size, 3)`.

        Raises:
            ValueError: this is no photo of the training side.
        """
        if digest not in self._digests:
            raise ValueError(f"{digest} is no training photo; only those are varied.")
        return _varied(read_pixels(data, image_size), self._augmentation, self._seed, digest, number)

    def key(self, number: int) -> str:
        """A short name for variation `number` of all photos: equal names, equal pictures."""
        told = self._augmentation.model_dump(mode="json", exclude={"mode", "views"})
        text = json.dumps([AUGMENTATION_VERSION, self._seed, told], sort_keys=True)
        return f"a{hashlib.sha256(text.encode()).hexdigest()[:16]}-{number}"


def preview(
    data: bytes,
    augmentation: Augmentation,
    image_size: int,
    seed: int,
    count: int = PREVIEW_COUNT,
) -> list[bytes]:
    """The first `count` variations of the stored photo `data`, as a training with this seed would see them.

    Returns JPEG files, to look at. Without augmentation all are the same.
    """
    digest = sha256(data)
    plain = read_pixels(data, image_size)
    numbers = range(1, count + 1)
    if augmentation.mode == "none":
        return [_jpeg(plain)] * count
    return [_jpeg(_varied(plain, augmentation, seed, digest, number)) for number in numbers]


@dataclass(frozen=True, slots=True)
class _Draw:
    """What happens to one picture. Angles are in radians, shifts in pixels."""

    rotation: float
    shift: tuple[float, float]
    shear: float
    zoom: tuple[float, float]
    mirrored: bool
    upside_down: bool

    @classmethod
    def of(cls, random: np.random.Generator, wanted: Augmentation, side: int) -> _Draw:
        """Draw everything, whether it is wanted or not, so that one choice does not change the others."""
        unit = random.uniform(-1, 1, 6)
        flips = random.random(2) < 0.5
        return cls(
            rotation=math.radians(wanted.rotation) * unit[0],
            shift=(wanted.width_shift * side * unit[1], wanted.height_shift * side * unit[2]),
            shear=math.radians(wanted.shear) * unit[3],
            zoom=(1 + wanted.zoom * unit[4], 1 + wanted.zoom * unit[5]),
            mirrored=bool(wanted.horizontal_flip and flips[0]),
            upside_down=bool(wanted.vertical_flip and flips[1]),
        )

    def matrix(self) -> Matrix:
        """(2, 2), from places of the result to places of the photo, both counted from the middle."""
        turn, slant = self.rotation, self.shear
        rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
        shear = np.array([[1.0, -math.sin(slant)], [0.0, math.cos(slant)]])
        flip = np.diag([-1.0 if self.mirrored else 1.0, -1.0 if self.upside_down else 1.0])
        matrix: Matrix = rotation @ shear @ np.diag(self.zoom) @ flip
        return matrix


def _varied(pixels: Pixels, wanted: Augmentation, seed: int, digest: str, number: int) -> Pixels:
    random = np.random.default_rng([seed, number, int(digest[:16], 16)])
    return _transformed(pixels, _Draw.of(random, wanted, len(pixels)), wanted.fill)


def _transformed(pixels: Pixels, draw: _Draw, fill: str) -> Pixels:
    """The picture after the draw, of the same size. Places outside the photo are filled."""
    side = len(pixels)
    middle, matrix = np.full(2, side / 2), draw.matrix()
    offset = middle + np.array(draw.shift) - matrix @ middle
    corners = np.array([[0, 0], [side, 0], [0, side], [side, side]]) @ matrix.T + offset
    margin = max(0, math.ceil(-corners.min()), math.ceil(corners.max() - side)) + 1
    padded = np.pad(pixels, ((margin, margin), (margin, margin), (0, 0)), PAD_MODES[fill])  # type: ignore[call-overload]
    (a, b), (d, e) = matrix.tolist()
    c, f = (offset + margin).tolist()
    moved = Image.fromarray(padded).transform(
        (side, side), Image.Transform.AFFINE, (a, b, c, d, e, f), Image.Resampling.BILINEAR
    )
    return np.asarray(moved, dtype=np.uint8)


def _jpeg(pixels: Pixels) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="JPEG", quality=PREVIEW_QUALITY)
    return out.getvalue()
