"""The two sides of a dataset version as types: photos to learn from, and photos to be judged on.

What varies photos takes `TrainingPhotos` only, so a validation or test photo cannot be varied: the type
checker refuses it, and a `TrainingPhotos` with such a photo in it cannot be made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shared.datasets.store import Line
from shared.jobs.states import Split


@dataclass(frozen=True, slots=True)
class _Photos:
    lines: tuple[Line, ...]

    @property
    def digests(self) -> list[str]:
        """The photos in their order."""
        return [line.digest for line in self.lines]

    @property
    def labels(self) -> list[str]:
        """Their labels, in the same order."""
        return [line.label for line in self.lines]


@dataclass(frozen=True, slots=True)
class TrainingPhotos(_Photos):
    """Photos to learn from.

    Raises:
        ValueError: one of them is on another side.
    """

    def __post_init__(self) -> None:
        """Refuse what must not be learned from."""
        if any(line.split is not Split.TRAIN for line in self.lines):
            raise ValueError("Validation and test photos are not there to learn from.")


@dataclass(frozen=True, slots=True)
class HeldOutPhotos(_Photos):
    """Photos to be judged on, all of them validation or all of them test photos.

    Raises:
        ValueError: some are training photos, or the sides are mixed.
    """

    def __post_init__(self) -> None:
        """Refuse what was learned from."""
        if {line.split for line in self.lines} not in ({Split.VALIDATION}, {Split.TEST}, set()):
            raise ValueError("Photos to be judged on are validation photos, or test photos.")


@dataclass(frozen=True, slots=True)
class Sides:
    """All photos of a dataset version."""

    train: TrainingPhotos
    validation: HeldOutPhotos
    test: HeldOutPhotos

    @classmethod
    def of(cls, lines: Iterable[Line]) -> Sides:
        """These examples by side, in their order."""
        found = tuple(lines)
        side = {split: tuple(line for line in found if line.split is split) for split in Split}
        return cls(
            TrainingPhotos(side[Split.TRAIN]),
            HeldOutPhotos(side[Split.VALIDATION]),
            HeldOutPhotos(side[Split.TEST]),
        )

    @property
    def digests(self) -> list[str]:
        """Every photo: training, validation, test."""
        return [*self.train.digests, *self.validation.digests, *self.test.digests]
