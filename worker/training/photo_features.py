"""The features of a dataset's photos in one feature space: computed once, read as a training needs them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shared.blobs import photo_key
from shared.datasets.sides import TrainingPhotos
from shared.errors import BlobMissingError, ChecksumError
from shared.jobs.store import Progress
from shared.models import engine_gates
from shared.models.feature_space import FeatureSpace
from shared.models.hyperparameters import HyperParameters
from shared.models.parameter_fields import ParametersError
from shared.photos.augment import AugmentedPhotos
from worker.context import WorkerContext
from worker.engines.choose import load_engine
from worker.engines.engine import Engine
from worker.engines.precision import may_use_int8, openvino_release
from worker.extract import REPORT_SECONDS, ensure_features
from worker.lease import Lease
from worker.pixels import Pixels, Read, stored_pixels
from worker.training.feature_store import FeatureStore, features_folder, int8_variation
from worker.training.fit import EpochInputs, Floats, every_epoch


@dataclass(frozen=True, slots=True)
class Int8Network:
    """An int8 engine to learn from, and the digest of its network."""

    engine: Engine
    digest: str


class PhotoFeatures:
    """Reads and computes features with one engine, or what is learned from with the one of `int8`.

    All but training photos, and training photos that are looked at for anything else than learning, are seen
    by `engine`. `report` is told how far it is, and may raise.
    """

    def __init__(
        self,
        context: WorkerContext,
        engine: Engine,
        report: Callable[[Progress], None],
        int8: Int8Network | None = None,
    ) -> None:
        self.engine, self.int8 = engine, int8
        self._context = context
        self._report = report
        self._store = FeatureStore(features_folder(context.settings), engine.feature_space)
        self._learning = int8.engine if int8 else engine

    def read(self, digests: Sequence[str]) -> Floats:
        """The features of these photos as they are, (n, 2048).

        Raises:
            ValidationError: a photo cannot be read any more.
            PhotoGoneError: one was deleted meanwhile, or lost.
        """
        return self._ensured(self.engine, self._store, self._plain(), digests)

    def kept(self, digests: Sequence[str]) -> Floats | None:
        """The features of these photos as they are, (n, 2048), if none of them has to be computed."""
        return None if self._store.missing(digests) else self._store.read(digests)

    def training(self, photos: TrainingPhotos, parameters: HyperParameters) -> EpochInputs:
        """What a head learns from in each epoch: these photos, varied as `parameters.augmentation` says.

        Raises:
            ValidationError: a photo cannot be read any more.
            PhotoGoneError: one was deleted meanwhile, or lost.
        """
        augmentation = parameters.augmentation
        varied = AugmentedPhotos(photos, augmentation, parameters.picture_seed)
        if augmentation.mode == "exact":
            return self._fresh(varied, photos)
        plain = self._ensured(self._learning, self._learned_from(""), self._plain(), photos.digests)
        if augmentation.mode == "none":
            return every_epoch(plain)
        views = [self._view(varied, photos, number + 1) for number in range(augmentation.views)]
        return one_view_each(np.stack([plain, *views]), parameters.seed)

    def _view(self, varied: AugmentedPhotos, photos: TrainingPhotos, number: int) -> Floats:
        size, blobs = self.engine.feature_space.image_size, self._context.blobs

        def read(digest: str) -> Pixels:
            return varied.pixels(digest, blobs.get(photo_key(digest)), size, number)

        store = self._learned_from(varied.key(number))
        return self._ensured(self._learning, store, read, photos.digests)

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
        return FreshFeatures(self._learning, varied, photos.digests, blobs, threads, on_batch)

    def _ensured(self, engine: Engine, store: FeatureStore, read: Read, digests: Sequence[str]) -> Floats:
        ensure_features(engine, store, read, digests, self._report)
        return store.read(digests)

    def _plain(self) -> Read:
        return stored_pixels(self._context.blobs, self.engine.feature_space.image_size)

    def _learned_from(self, variation: str) -> FeatureStore:
        """Features of the two precisions never share a file."""
        parts = [int8_variation(self.int8.digest)] if self.int8 else []
        name = "-".join([*parts, *filter(None, [variation])])
        return FeatureStore(features_folder(self._context.settings), self.engine.feature_space, name)


def features_in(
    context: WorkerContext, space: FeatureSpace, lease: Lease, precision: str = "full"
) -> PhotoFeatures:
    """The features of a space, with its engine loaded or built; learning in `precision`, "full" or "int8".

    Raises:
        ParametersError: 8 bits may not be used here, or no int8 engine of this space has passed its check.
        LeaseLostError, CancelledError, WorkerStoppingError: raised by the lease while an engine is built.
    """
    lease.report(Progress("engine", 0, 1))
    int8 = _int8_network(context, space) if precision == "int8" else None
    engine = load_engine(context.settings, space, lambda *_: lease.check(), check=lease.check)
    return PhotoFeatures(context, engine, lease.report, int8)


def _int8_network(context: WorkerContext, space: FeatureSpace) -> Int8Network:
    if not may_use_int8(context.settings):
        raise _unusable("The engine of this training worker is not an int8 engine")
    with context.database.read() as session:
        digest = engine_gates.require_passed_network(session, space, openvino_release())
    # Only here: it brings OpenVINO into the process.
    from worker.engines.openvino_engine import load_int8_engine  # noqa: PLC0415

    try:
        return Int8Network(load_int8_engine(context.settings, context.blobs, space, digest), digest)
    except (BlobMissingError, ChecksumError) as error:
        raise _unusable("The file of the int8 network is missing or damaged") from error


def _unusable(why: str) -> ParametersError:
    sentence = f"{why}. Train with the precision of features set to 'full'."
    return ParametersError([{"field": "precision", "message": sentence}])


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
