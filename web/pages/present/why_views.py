"""Why a category: the photo under a veil that is thin where the photo spoke for the category."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from shared.models import activation_map
from shared.models.activation_map import HIGHEST, Rows
from shared.tables import Photo, Prediction
from web.pages.present.words import category_label

# The veil where nothing spoke for the category: it leads the eye, and one still sees what is there.
DARKEST = 0.72
# Shades of the veil, whose steps its blur hides; each is one path, so that a page of photos stays small.
SHADES = 8


@dataclass(frozen=True, slots=True)
class Shade:
    """All places of one opacity, as an SVG path."""

    opacity: float
    path: str


@dataclass(frozen=True, slots=True)
class WhyView:
    """A photo, its veil in units of places of the map, and the same in words."""

    photo: Photo
    side: int
    veil: list[Shade]
    sentence: str


def why_views(photos: Iterable[Photo], answers: Iterable[Prediction]) -> list[WhyView]:
    """Why these photos were answered so, as far as maps were kept: answers of earlier releases have none."""
    maps = {answer.photo_id: answer for answer in answers if answer.activation_map}
    return [why_view(photo, maps[photo.id]) for photo in photos if photo.id in maps]


def why_view(photo: Photo, answer: Prediction) -> WhyView:
    """Why a photo was answered so."""
    grid = activation_map.rows(answer.activation_map or b"")
    category = category_label(answer.category)
    sentence = f"What speaks for {category} is {activation_map.where(grid)}."
    return WhyView(photo, len(grid), veil(grid), sentence)


def veil(grid: Rows) -> list[Shade]:
    """The veil over a photo: the less a place gave, the darker. Its outermost places reach one unit further,
    so that the blur does not thin it out at the edges of the photo."""
    paths: dict[int, str] = {}
    for top, line in enumerate(grid):
        shades = [round((1 - value / HIGHEST) * SHADES) for value in line]
        left = 0
        for shade, run in groupby(shades):
            right = left + len(list(run))
            paths[shade] = paths.get(shade, "") + _rectangle(left, right, top, len(grid))
            left = right
    return [Shade(round(DARKEST * shade / SHADES, 2), path) for shade, path in sorted(paths.items()) if shade]


def _rectangle(left: int, right: int, top: int, side: int) -> str:
    """A piece of one row of the veil."""
    x, y = (left or -1), (top or -1)
    width = (right if right < side else side + 1) - x
    height = (top + 1 if top + 1 < side else side + 1) - y
    return f"M{x} {y}h{width}v{height}h-{width}z"
