"""A version's int8 engine from nothing to serving: quantized, judged, and loaded by who answers sellers."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from shared.blobs import BlobStore, network_key
from shared.database import Database
from shared.datasets import store as datasets
from shared.jobs import store
from shared.jobs.queue import CeleryQueue
from shared.jobs.states import JobKind, JobState, Split
from shared.models import engine_gates
from shared.photos.intake import prepare
from shared.settings import EngineChoice, Settings
from shared.tables import DeletedPhoto, EngineGate, Example, Job, ModelVersion
from tests.factories import CLASSES, add_champion, add_version, picture
from tests.worker.conftest import RandomWeights
from worker.context import WorkerContext
from worker.heartbeat import Heartbeat
from worker.judge import request_judgement
from worker.predictor import Predictor
from worker.quantize import run_quantization
from worker.stopping import PlannedStop

# As many validation photos as a judgement needs; what is left calibrates.
PHOTOS = 128
# Whoever serves or asks for judgements never pays for NNCF, and says afterwards what it has imported.
LOOK = """
import sys
import worker.judge, worker.predictor, worker.engines.openvino_engine
print(sorted({"nncf", "scipy", "sklearn", "tensorflow", "keras"} & set(sys.modules)))
"""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def context(
    settings: Settings, random_weights: RandomWeights, built_engines: Path
) -> Iterator[WorkerContext]:
    """A worker whose engine is made of random weights."""
    shutil.copytree(built_engines, settings.data_dir / "engines")
    own = dataclasses.replace(
        settings,
        engine=EngineChoice.OPENVINO_INT8,
        base_weights_digest=random_weights.digest,
        base_weights=random_weights.path,
        threads=2,
    )
    database = Database(own.database_url)
    yield WorkerContext(own, database, BlobStore(own.blob_url), CeleryQueue(own), "train@here:1")
    database.close()


@pytest.fixture
def champion(context: WorkerContext) -> ModelVersion:
    digest = context.settings.base_weights_digest
    return add_champion(context.database, context.blobs, base_digest=digest)


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


def serving(context: WorkerContext) -> tuple[str, str | None]:
    """The engine that a prediction worker loads now, and what it tells about it."""
    heartbeat = Heartbeat(context.database, "predict@here:2")
    _, engine, _ = Predictor(context, heartbeat).champion()
    with context.database.read() as session:
        gate = session.scalars(select(EngineGate)).first()
    return engine.name, gate.reason if gate else None


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


def test_a_version_is_quantized_and_judged_once_and_the_next_one_on_the_same_network(
    context: WorkerContext, champion: ModelVersion
) -> None:
    add_examples(context)
    job = judge(context)
    assert job.state is JobState.SUCCEEDED, job.error_message
    assert job.result is not None
    assert job.result["photos"] >= 100
    add_version(context.database, context.blobs, seed=1, base_digest=context.settings.base_weights_digest)
    assert judge(context).state is JobState.SUCCEEDED
    with context.database.read() as session:
        judged = engine_gates.every(session)
    assert {gate.passed is not None for gate in judged.values()} == {True}
    digests = {gate.network_digest for gate in judged.values()}
    assert len(digests) == 1
    assert context.blobs.get(network_key(digests.pop() or ""))
    pass_gate(context, champion.number)
    assert serving(context)[0] == "openvino-int8"


def test_before_the_judgement_and_after_a_refusal_full_precision_serves(
    context: WorkerContext, champion: ModelVersion
) -> None:
    assert serving(context)[0] == "openvino"
    add_examples(context)
    request_judgement(context)
    assert serving(context)[0] == "openvino"
    with context.database.write() as session:
        engine_gates.decide(
            session, champion.number, engine_gates.Verdict("d" * 64, False, {}, "It was refused.")
        )
    assert serving(context) == ("openvino", "It was refused.")


def test_an_int8_network_that_is_gone_is_no_reason_not_to_answer(
    context: WorkerContext, champion: ModelVersion
) -> None:
    add_examples(context)
    request_judgement(context)
    with context.database.write() as session:
        engine_gates.decide(session, champion.number, engine_gates.Verdict("d" * 64, True, {}, "It passed."))
    assert serving(context)[0] == "openvino"


def test_who_serves_imports_neither_nncf_nor_tensorflow() -> None:
    seen = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "[]"


def test_a_judgement_uses_no_photo_that_was_deleted(context: WorkerContext, champion: ModelVersion) -> None:
    add_examples(context)
    with context.database.write() as session:
        for line in datasets.lines(session, 1, Split.TRAIN):
            session.delete(session.get_one(Example, line.digest))
            session.add(DeletedPhoto(digest=line.digest))
    job = judge(context)
    assert job.state is JobState.FAILED
    assert "were deleted" in (job.error_message or "")
