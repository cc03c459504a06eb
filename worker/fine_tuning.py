"""The second phase of a training job: maps of all photos, then the blocks above them with the head."""

from __future__ import annotations

import numpy as np

from shared.blobs import sha256
from shared.datasets.sides import HeldOutPhotos, TrainingPhotos
from shared.models.feature_space import FeatureSpace
from shared.models.hyperparameters import HyperParameters
from shared.settings import Settings
from worker.context import WorkerContext
from worker.lease import Lease
from worker.network.base_weights import ensure_base_weights, load_base_weights
from worker.network.file_lock import file_lock
from worker.network.split import SplitNetwork, split_network
from worker.pixels import stored_pixels
from worker.training.course import Trained
from worker.training.fine_tune import MappedPhotos, fine_tune
from worker.training.register import Examples
from worker.training.run import TrainingRun
from worker.training.trunk import TrunkFile, compiled_trunk, ensure_maps, require_room

Photos = TrainingPhotos | HeldOutPhotos
# Under the data folder, one folder per image size and block. Trainings that follow each other share it; it is
# removed when no training that waits or runs needs it.
MAPS = "maps"


def fine_tune_network(
    context: WorkerContext,
    lease: Lease,
    examples: Examples,
    parameters: HyperParameters,
    run: TrainingRun,
    first: Trained | None,
) -> Trained:
    """Train the last blocks of the network with the head that `first` left, or go on where `run` stopped.

    Raises:
        NoRoomForTrunkError: the disk has no room for the maps.
        ValidationError: a photo cannot be read any more, or the maps cannot be kept.
    """
    settings = context.settings
    arrays = load_base_weights(ensure_base_weights(settings))
    network = split_network(parameters.image_size, arrays, parameters.fine_tuning.from_block)
    maps = _Maps(context, lease, network, parameters)
    sides = examples.sides
    maps.require_room(sides.train, sides.validation)
    train = MappedPhotos(maps.of(sides.train), examples.numbers(sides.train.labels))
    validation = MappedPhotos(maps.of(sides.validation), examples.numbers(sides.validation.labels))
    if first is None:
        run.begin()
    return fine_tune(
        network,
        first,
        train,
        validation,
        len(examples.classes),
        parameters=parameters,
        on_epoch=run.note,
        should_stop=run.should_stop,
        on_state=run.keep,
        resume_from=run.before if first is None else None,
    )


def maps_name(settings: Settings, parameters: HyperParameters) -> str:
    """The folder of the maps that a training with these parameters learns from."""
    space = FeatureSpace(settings.base_weights_digest, parameters.image_size)
    return f"{space.key}-block{parameters.fine_tuning.from_block}"


class _Maps:
    """What the trunk of one network sees in photos, in files that later trainings read as well."""

    def __init__(
        self, context: WorkerContext, lease: Lease, network: SplitNetwork, parameters: HyperParameters
    ) -> None:
        self._lease = lease
        self._shape = network.map_shape
        self._folder = context.settings.data_dir / MAPS / maps_name(context.settings, parameters)
        self._read = stored_pixels(context.blobs, parameters.image_size)
        self._compiled = compiled_trunk(network)

    def require_room(self, *sides: Photos) -> None:
        """See `worker.training.trunk.require_room`; what is there already is not asked for again."""
        missing = sum(len(photos.digests) - self._file(photos).count() for photos in sides)
        require_room(self._folder, missing * self._file(sides[0]).record_bytes)

    def of(self, photos: Photos) -> np.ndarray:
        """The maps of these photos, (n, ...)."""
        lock = self._folder / f"{self._name(photos)}.lock"
        with file_lock(lock, "look at the same photos", self._lease.check):
            file, report = self._file(photos), self._lease.report
            return ensure_maps(self._compiled, file, self._read, photos.digests, report)

    def _file(self, photos: Photos) -> TrunkFile:
        return TrunkFile(self._folder / f"{self._name(photos)}.f16", self._shape)

    def _name(self, photos: Photos) -> str:
        """A file is of one list of photos: some may be deleted, others come."""
        return sha256("".join(photos.digests).encode())[:16]
