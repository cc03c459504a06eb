"""The picture of the self-check."""

from __future__ import annotations

from cli.sample_picture import sample_picture
from shared.models.feature_space import MIN_IMAGE_SIZE
from shared.photos.intake import prepare


def test_the_picture_is_the_same_every_time() -> None:
    assert sample_picture() == sample_picture()


def test_the_picture_is_accepted_and_large_enough_for_any_network() -> None:
    prepared = prepare(sample_picture())
    assert min(prepared.width, prepared.height) > MIN_IMAGE_SIZE
