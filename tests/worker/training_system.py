"""A small world to train in: a fresh database, random base weights, photos of two kinds, Keras."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.blobs import BlobStore
from shared.database import Database
from shared.datasets.importing import import_folder
from shared.jobs import store
from shared.jobs.queue import CeleryQueue
from shared.jobs.states import JobKind, Split
from shared.models import registry
from shared.models.hyperparameters import HyperParameters
from shared.settings import EngineChoice, Settings
from shared.tables import Job, ModelVersion, TrainingEpoch
from tests.factories import add_job, picture
from worker.context import WorkerContext

SIDE = 71
KINDS = ("hat", "shoes")
QUICK: dict[str, Any] = {"image_size": SIDE, "hidden_units": 8, "epochs": 2, "batch_size": 4, "patience": 0}


@contextmanager
def training_world(
    settings: Settings, weights: Path, digest: str, photos: Path, copies: int = 4
) -> Iterator[WorkerContext]:
    """A worker's context with a dataset of `copies` photos per kind and split."""
    settings = dataclasses.replace(
        settings,
        base_weights=weights,
        base_weights_digest=digest,
        engine=EngineChoice.KERAS,
        threads=2,
    )
    database, blobs = Database(settings.database_url), BlobStore(settings.blob_url)
    for number, (split, label) in enumerate((s, c) for s in Split for c in KINDS):
        (photos / split / label).mkdir(parents=True)
        for copy in range(copies):
            (photos / split / label / f"{copy}.jpg").write_bytes(picture(7000 + 10 * number + copy))
    import_folder(database, blobs, photos)
    yield WorkerContext(settings, database, blobs, CeleryQueue(settings), "train@test:1")
    database.close()


def add_training(context: WorkerContext, **changes: Any) -> Job:
    """A queued training with quick parameters."""
    parameters = HyperParameters.from_values(QUICK | changes).model_dump(mode="json")
    payload = {"parameters": parameters, "dataset_version": 1}
    return add_job(context.database, JobKind.TRAIN, payload=payload)


def job_now(context: WorkerContext, job: Job) -> Job:
    with context.database.read() as session:
        return store.find(session, job.id)


def version_of(context: WorkerContext, job: Job) -> ModelVersion:
    """The version a training made."""
    done = job_now(context, job)
    assert done.result is not None, done.error_message
    with context.database.read() as session:
        return registry.find(session, done.result["model_version"])


def epochs_of(context: WorkerContext, job: Job) -> list[tuple[int, float]]:
    """Number and loss of every epoch that was told."""
    with context.database.read() as session:
        rows = session.query(TrainingEpoch).filter_by(job_id=job.id).order_by(TrainingEpoch.epoch)
        return [(row.epoch, row.loss) for row in rows]
