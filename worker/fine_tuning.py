"""The second phase of a training job: maps of all photos, then the blocks above them with the head."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import structlog

from shared.blobs import sha256
from shared.datasets.sides import HeldOutPhotos, TrainingPhotos
from shared.models.hyperparameters import HyperParameters
from shared.tables import Job
from worker.context import WorkerContext
from worker.lease import Lease
from worker.network.base_weights import ensure_base_weights, load_base_weights
from worker.network.split import SplitNetwork, split_network
from worker.pixels import stored_pixels
from worker.training.course import Trained
from worker.training.fine_tune import MappedPhotos, fine_tune
from worker.training.register import Examples
from worker.training.run import TrainingRun
from worker.training.trunk import TrunkFile, compiled_trunk, ensure_maps, require_room

logger = structlog.get_logger(__name__)
# Under the data folder, one folder per job, removed when the job has ended.
MAPS = "maps"


def fine_tune_network(
    context: WorkerContext,
    job: Job,
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
    maps = _Maps(context, lease, network, settings.data_dir / MAPS / job.id, parameters.image_size)
    sides = examples.sides
    maps.require_room(len(sides.train.lines) + len(sides.validation.lines))
    train = MappedPhotos(maps.of("train", sides.train), examples.numbers(sides.train.labels))
    validation = MappedPhotos(
        maps.of("validation", sides.validation), examples.numbers(sides.validation.labels)
    )
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


class _Maps:
    """What the trunk of one network sees in photos, in files that an attempt after this one goes on with."""

    def __init__(
        self, context: WorkerContext, lease: Lease, network: SplitNetwork, folder: Path, image_size: int
    ) -> None:
        self._lease = lease
        self._shape = network.map_shape
        self._folder = folder
        self._read = stored_pixels(context.blobs, image_size)
        self._compiled = compiled_trunk(network)

    def require_room(self, photos: int) -> None:
        """See `worker.training.trunk.require_room`; what is there already is not asked for again."""
        there = sum(path.stat().st_size for path in self._folder.glob("*")) if self._folder.is_dir() else 0
        wanted = photos * math.prod(self._shape) * np.dtype(np.float16).itemsize
        require_room(self._folder, wanted - there)

    def of(self, name: str, photos: TrainingPhotos | HeldOutPhotos) -> np.ndarray:
        """The maps of these photos, (n, ...). Their file is of this very list: photos may be deleted."""
        listed = sha256("".join(photos.digests).encode())
        file = TrunkFile(self._folder / f"{name}-{listed[:16]}.f16", self._shape)
        return ensure_maps(self._compiled, file, self._read, photos.digests, self._lease.report)
