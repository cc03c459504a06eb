"""A small world with an int8 engine: engines of random weights, a dataset, judgements."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select

from shared.blobs import BlobStore
from shared.database import Database
from shared.datasets import store as datasets
from shared.jobs import store
from shared.jobs.queue import CeleryQueue
from shared.jobs.states import JobKind, JobState, Split
from shared.photos.intake import prepare
from shared.settings import EngineChoice, Settings
from shared.tables import EngineGate, Example, Job
from tests.factories import CLASSES, picture
from worker.context import WorkerContext
from worker.judge import request_judgement
from worker.quantize import run_quantization
from worker.stopping import PlannedStop

# As many validation photos as a judgement needs; what is left calibrates.
PHOTOS = 128


@contextmanager
def int8_world(
    settings: Settings, weights: Path, digest: str, engines: Path | None = None
) -> Iterator[WorkerContext]:
    """A worker whose engine is made of random weights: `engines`, unless they lie in its data folder."""
    if engines is not None:
        shutil.copytree(engines, settings.data_dir / "engines")
    own = dataclasses.replace(
        settings,
        engine=EngineChoice.OPENVINO_INT8,
        base_weights_digest=digest,
        base_weights=weights,
        threads=2,
    )
    database = Database(own.database_url)
    yield WorkerContext(own, database, BlobStore(own.blob_url), CeleryQueue(own), "train@here:1")
    database.close()


def add_examples(context: WorkerContext) -> None:
    with context.database.write() as session:
        for seed in range(PHOTOS):
            photo = prepare(picture(seed))
            photo.store(context.blobs)
            split = list(Split)[seed % 16] if seed % 16 < 3 else Split.VALIDATION
            label = CLASSES[seed % 3]
            session.add(Example(digest=photo.digest, label=label, split=split, source="test"))
        for split in (Split.TRAIN, Split.TEST):
            for label in CLASSES:
                extra = prepare(picture(1000 + 10 * CLASSES.index(label) + list(Split).index(split)))
                extra.store(context.blobs)
                session.add(Example(digest=extra.digest, label=label, split=split, source="test"))
        session.flush()
        datasets.freeze(session)


def judge(context: WorkerContext) -> Job:
    request_judgement(context)
    with context.database.read() as session:
        jobs = select(Job).where(Job.kind == JobKind.QUANTIZE, Job.state == JobState.QUEUED)
        job = session.scalars(jobs).one()
    run_quantization(context, job.id, PlannedStop())
    with context.database.read() as session:
        return store.find(session, job.id)


def pass_gate(context: WorkerContext, number: int) -> None:
    """Say that a version passed, whatever random weights make of it."""
    with context.database.write() as session:
        gate = session.get_one(EngineGate, number)
        gate.passed, gate.reason = True, "OpenVINO int8 passed."
