"""The features of a dataset's photos in one feature space: computed once, read as a training needs them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from shared.blobs import photo_key
from shared.datasets.sides import TrainingPhotos
from shared.jobs.store import Progress
from shared.models.feature_space import FeatureSpace
from shared.models.hyperparameters import HyperParameters
from shared.photos.augment import AugmentedPhotos
from worker.context import WorkerContext
from worker.engines.choose import load_engine
from worker.engines.engine import Engine
from worker.extract import REPORT_SECONDS, ensure_features
from worker.lease import Lease
from worker.pixels import Pixels, stored_pixels
from worker.training.feature_store import FeatureStore, features_folder
from worker.training.fit import EpochInputs, Floats, every_epoch


class PhotoFeatures:
    """Reads and computes features with one engine. `report` is told how far it is, and may raise."""

    def __init__(self, context: WorkerContext, engine: Engine, report: Callable[[Progress], None]) -> None:
        self.engine = engine
        self._context = context
        self._report = report
        self._store = self._open("")

    def read(self, digests: Sequence[str]) -> Floats:
        """The features of these photos as they are, (n, 2048).

        Raises:
            ValidationError: a photo cannot be read any more.
        """
        read = stored_pixels(self._context.blobs, self.engine.feature_space.image_size)
        ensure_features(self.engine, self._store, read, digests, self._report)
        return self._store.read(digests)

    def kept(self, digests: Sequence[str]) -> Floats | None:
        """The features of these photos as they are, (n, 2048), if none of them has to be computed."""
        return None if self._store.missing(digests) else self._store.read(digests)

    def training(self, photos: TrainingPhotos, parameters: HyperParameters) -> EpochInputs:
        """What a head learns from in each epoch: these photos, varied as `parameters.augmentation` says.

        Raises:
            ValidationError: a photo cannot be read any more.
        """
        augmentation = parameters.augmentation
        if augmentation.mode == "none":
            return every_epoch(self.read(photos.digests))
        varied = AugmentedPhotos(photos, augmentation, parameters.picture_seed)
        if augmentation.mode == "views":
            views = [self._view(varied, photos, number + 1) for number in range(augmentation.views)]
            return one_view_each(np.stack([self.read(photos.digests), *views]), parameters.seed)
        return self._fresh(varied, photos)

    def _view(self, varied: AugmentedPhotos, photos: TrainingPhotos, number: int) -> Floats:
        size, blobs = self.engine.feature_space.image_size, self._context.blobs

        def read(digest: str) -> Pixels:
            return varied.pixels(digest, blobs.get(photo_key(digest)), size, number)

        kept = self._open(varied.key(number))
        ensure_features(self.engine, kept, read, photos.digests, self._report)
        return kept.read(photos.digests)

    def _fresh(self, varied: AugmentedPhotos, photos: TrainingPhotos) -> EpochInputs:
        # Only here: it brings TensorFlow into the process.
        from worker.training.fresh import FreshFeatures  # noqa: PLC0415

        reported = -REPORT_SECONDS

        def on_batch(done: int, total: int) -> None:
            nonlocal reported
            if time.monotonic() - reported >= REPORT_SECONDS:
                reported = time.monotonic()
                self._report(Progress("augmentation", done, total))

        threads, blobs = self._context.settings.threads, self._context.blobs
        return FreshFeatures(self.engine, varied, photos.digests, blobs, threads, on_batch)

    def _open(self, variation: str) -> FeatureStore:
        folder = features_folder(self._context.settings)
        return FeatureStore(folder, self.engine.feature_space, variation)


def features_in(context: WorkerContext, space: FeatureSpace, lease: Lease) -> PhotoFeatures:
    """The features of a space, with its engine loaded or built.

    Raises:
        LeaseLostError, CancelledError, WorkerStoppingError: raised by the lease while an engine is built.
    """
    lease.report(Progress("engine", 0, 1))
    engine = load_engine(context.settings, space, lambda *_: lease.check(), check=lease.check)
    return PhotoFeatures(context, engine, lease.report)


def one_view_each(views: npt.NDArray[np.float32], seed: int) -> EpochInputs:
    """Of `views`, (views, n, 2048), one for each photo, drawn anew in each epoch by seed and epoch alone.

    An epoch stays as long as without augmentation, so a learning rate means the same.
    """

    def drawn(epoch: int) -> npt.NDArray[np.float32]:
        count, photos = views.shape[:2]
        # The third number keeps this draw apart from the one that shuffles the photos.
        chosen = np.random.default_rng([seed, epoch, 1]).integers(count, size=photos)
        result: npt.NDArray[np.float32] = views[chosen, np.arange(photos)]
        return result

    return drawn
