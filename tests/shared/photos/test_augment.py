"""Training photos are varied, the same way each time; no other photo can be."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from mypy import api as mypy
from PIL import Image

from shared.blobs import sha256
from shared.datasets.sides import HeldOutPhotos, Sides, TrainingPhotos
from shared.datasets.store import Line
from shared.jobs.states import Split
from shared.models.hyperparameters import Augmentation
from shared.photos.augment import AugmentedPhotos, preview
from shared.photos.pixels import read_pixels
from tests.factories import picture

SIDE = 96
STILL: dict[str, Any] = dict.fromkeys(("rotation", "width_shift", "height_shift", "shear", "zoom"), 0) | {
    "mode": "exact",
    "horizontal_flip": False,
}
PHOTO = picture(1)
DIGEST = sha256(PHOTO)
TRAINING = TrainingPhotos((Line(DIGEST, "hat", Split.TRAIN),))
HELD_OUT = Line(DIGEST, "hat", Split.VALIDATION)


def varied(number: int = 1, seed: int = 0, **wanted: Any) -> npt.NDArray[np.uint8]:
    photos = AugmentedPhotos(TRAINING, Augmentation(**(STILL | wanted)), seed)
    return photos.pixels(DIGEST, PHOTO, SIDE, number)


def test_with_all_ranges_at_zero_a_photo_stays_as_it_is() -> None:
    assert np.array_equal(varied(), read_pixels(PHOTO, SIDE))


@pytest.mark.parametrize(
    "wanted",
    [
        {"rotation": 30},
        {"width_shift": 0.3},
        {"height_shift": 0.3},
        {"shear": 30},
        {"zoom": 0.5},
        {"horizontal_flip": True},
        {"vertical_flip": True},
    ],
)
def test_every_choice_changes_photos(wanted: dict[str, Any]) -> None:
    plain = read_pixels(PHOTO, SIDE)
    assert any(not np.array_equal(varied(number, **wanted), plain) for number in range(1, 5))


def test_half_of_the_photos_are_mirrored_exactly() -> None:
    plain = read_pixels(PHOTO, SIDE)
    pictures = [varied(number, horizontal_flip=True) for number in range(1, 41)]
    mirrored = [np.array_equal(picture, plain[:, ::-1]) for picture in pictures]
    assert all(turned or np.array_equal(p, plain) for turned, p in zip(mirrored, pictures, strict=True))
    assert 10 <= sum(mirrored) <= 30


@pytest.mark.parametrize("fill", ["nearest", "reflect", "wrap"])
def test_gaps_at_the_edges_are_filled_with_the_photo_itself(fill: str) -> None:
    white = np.full((SIDE, SIDE, 3), 255, np.uint8)
    out = io.BytesIO()
    Image.fromarray(white).save(out, format="JPEG", quality=95)
    wanted = Augmentation(**(STILL | {"width_shift": 0.5, "rotation": 45, "fill": fill}))
    for jpeg in preview(out.getvalue(), wanted, SIDE, seed=0):
        assert np.asarray(Image.open(io.BytesIO(jpeg))).min() > 250


def test_a_gap_may_be_black() -> None:
    assert any(
        (varied(number, width_shift=0.5, fill="black") == 0).all(axis=(0, 2)).any() for number in (1, 2)
    )


def test_seed_photo_and_number_decide_everything() -> None:
    wanted: dict[str, Any] = {"rotation": 20, "zoom": 0.2}
    assert np.array_equal(varied(3, **wanted), varied(3, **wanted))
    assert not np.array_equal(varied(3, **wanted), varied(4, **wanted))
    assert not np.array_equal(varied(3, **wanted), varied(3, seed=1, **wanted))


def test_the_preview_shows_what_a_training_will_see() -> None:
    wanted = Augmentation(mode="views", rotation=20, zoom=0.2)
    photos = AugmentedPhotos(TRAINING, wanted, 7)
    samples = preview(PHOTO, wanted, SIDE, seed=7)
    assert len(samples) == 12
    for number, jpeg in enumerate(samples, start=1):
        shown = np.asarray(Image.open(io.BytesIO(jpeg))).astype(int)
        seen = photos.pixels(DIGEST, PHOTO, SIDE, number).astype(int)
        assert np.abs(shown - seen).mean() < 8  # what JPEG takes away


def test_a_name_stands_for_the_pictures_and_for_nothing_else() -> None:
    def key(seed: int = 0, number: int = 1, **wanted: Any) -> str:
        return AugmentedPhotos(TRAINING, Augmentation(mode="views", **wanted), seed).key(number)

    assert key() == key(views=7)
    assert len({key(), key(seed=1), key(number=2), key(zoom=0.5), key(fill="wrap")}) == 5


def test_validation_and_test_photos_cannot_be_varied() -> None:
    with pytest.raises(ValueError, match="not there to learn from"):
        TrainingPhotos((HELD_OUT,))
    with pytest.raises(TypeError, match="Only training photos"):
        AugmentedPhotos(HeldOutPhotos((HELD_OUT,)), Augmentation(), 0)  # type: ignore[arg-type]
    others = AugmentedPhotos(TrainingPhotos(()), Augmentation(), 0)
    with pytest.raises(ValueError, match="no training photo"):
        others.pixels(DIGEST, PHOTO, SIDE, 1)


def test_training_photos_cannot_judge() -> None:
    with pytest.raises(ValueError, match="to be judged on"):
        HeldOutPhotos((Line(DIGEST, "hat", Split.TRAIN),))


def test_every_example_lands_on_its_own_side() -> None:
    lines = [Line(f"{number:064d}", "hat", split) for number, split in enumerate(Split)]
    sides = Sides.of(lines)
    assert [part.digests for part in (sides.train, sides.validation, sides.test)] == [
        [line.digest] for line in lines
    ]


def test_the_type_checker_refuses_code_that_varies_photos_of_another_side(tmp_path: Path) -> None:
    code = tmp_path / "varies.py"
    code.write_text(
        """
from shared.datasets.sides import Sides
from shared.models.hyperparameters import Augmentation
from shared.photos.augment import AugmentedPhotos

def vary(sides: Sides) -> None:
    AugmentedPhotos(sides.train, Augmentation(), 0)
    AugmentedPhotos(sides.validation, Augmentation(), 0)
    AugmentedPhotos(sides.test, Augmentation(), 0)
"""
    )
    output, _, _ = mypy.run(["--follow-imports=silent", str(code)])
    errors = [line for line in output.splitlines() if 'expected "TrainingPhotos"' in line]
    assert [line.split(":")[1] for line in errors] == ["8", "9"], output
