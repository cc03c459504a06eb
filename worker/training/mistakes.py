"""What a version answered for its test photos, and what it learned from that looks most like its mistakes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shared.datasets.sides import TrainingPhotos
from shared.datasets.store import Line
from shared.models.evaluated import Answers, Neighbour
from worker.nearest import TrainingFeatures
from worker.training.photo_features import PhotoFeatures


def answers_on(
    dataset_version: int,
    test: Sequence[Line],
    probabilities: npt.NDArray[np.floating],
    classes: Sequence[str],
    training: TrainingPhotos,
    features: PhotoFeatures,
) -> Answers:
    """Answers with `probabilities`, (n, classes), for n test photos of a dataset version.

    Beside each wrong one the photos of `training` most like it, where the features of all of them are kept:
    they are not after a training on varied photos or of fine-tuned layers, and making them is a backbone pass
    for each.
    """
    best = probabilities.argmax(axis=1)
    wrong = [line.digest for line, answer in zip(test, best, strict=True) if classes[answer] != line.label]
    known = features.kept(training.digests) if wrong else None
    neighbours: dict[str, list[Neighbour]] = {}
    if known is not None:
        found = TrainingFeatures(training.digests, known).nearest(features.read(wrong))
        neighbours = dict(zip(wrong, found, strict=True))
    return Answers(dataset_version, test, probabilities, neighbours)
