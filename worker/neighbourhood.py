"""What the version that serves learned from, as prediction workers remember it."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import structlog

from shared.errors import HangtagError
from shared.models import neighbours, registry
from shared.models.evaluated import Neighbour
from shared.tables import ModelVersion
from worker.context import WorkerContext
from worker.nearest import TrainingFeatures
from worker.training.feature_store import FeatureStore, features_folder

logger = structlog.get_logger(__name__)
# 80 MB of features. Of a larger dataset, so many from all over it.
MOST_PHOTOS = 10_000
# Photos that were deleted are forgotten here as soon as their features on the disk are (`worker.maintain`).
REMEMBER_SECONDS = 30.0


class Neighbourhood:
    """Finds the training photos nearest to others. One thread at a time may use it.

    Nothing is read before somebody asks. Features are there where trainings have run, in the version's own
    feature space; elsewhere nothing is near.
    """

    def __init__(self, context: WorkerContext) -> None:
        self._context = context
        self._number: int | None = None
        self._until = 0.0
        self._training: TrainingFeatures | None = None

    def nearest(
        self, version: ModelVersion, features: npt.NDArray[np.float32]
    ) -> Sequence[list[Neighbour] | None]:
        """The nearest training photos of each of m photos, (m, 2048); None where they cannot be known."""
        try:
            training = self._of(version)
        except (HangtagError, OSError) as error:  # the answer itself does not depend on it
            logger.warning("training_features_not_read", detail=str(error))
            training = None
        return [None] * len(features) if training is None else training.nearest(features)

    def _of(self, version: ModelVersion) -> TrainingFeatures | None:
        if self._number != version.number or time.monotonic() >= self._until:
            self._training = None  # two of them at once would take twice the memory
            self._training = self._read(version)
            self._number, self._until = version.number, time.monotonic() + REMEMBER_SECONDS
        return self._training

    def _read(self, version: ModelVersion) -> TrainingFeatures | None:
        with self._context.database.read() as session:
            photos = neighbours.training_photos(session, version)
        digests = photos.digests[:: -(-len(photos.lines) // MOST_PHOTOS) or 1]
        if not digests:
            return None
        store = FeatureStore(features_folder(self._context.settings), registry.space_of(version))
        if store.missing(digests):
            return None
        return TrainingFeatures(digests, store.read(digests))
