"""A version's int8 engine from nothing to serving: quantized, judged, and loaded by who answers sellers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from shared.blobs import network_key
from shared.datasets import store as datasets
from shared.jobs.states import JobState, Split
from shared.models import engine_gates
from shared.settings import Settings
from shared.tables import DeletedPhoto, EngineGate, Example, ModelVersion
from tests.factories import add_champion, add_version
from tests.worker.conftest import RandomWeights
from tests.worker.int8_system import add_examples, int8_world, judge, pass_gate
from worker.context import WorkerContext
from worker.heartbeat import Heartbeat
from worker.judge import request_judgement
from worker.predictor import Predictor

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
    """A worker that may use 8 bits."""
    with int8_world(settings, *random_weights, built_engines) as own:
        yield own


@pytest.fixture
def champion(context: WorkerContext) -> ModelVersion:
    digest = context.settings.base_weights_digest
    return add_champion(context.database, context.blobs, base_digest=digest)


def serving(context: WorkerContext) -> tuple[str, str | None]:
    """The engine that a prediction worker loads now, and what it tells about it."""
    heartbeat = Heartbeat(context.database, "predict@here:2")
    engine = Predictor(context, heartbeat).champion().engine
    with context.database.read() as session:
        gate = session.scalars(select(EngineGate)).first()
    return engine.name, gate.reason if gate else None


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


def test_an_int8_network_that_is_damaged_is_made_again_for_the_next_judgement(
    context: WorkerContext, champion: ModelVersion
) -> None:
    add_examples(context)
    assert judge(context).state is JobState.SUCCEEDED
    with context.database.read() as session:
        gate = engine_gates.of(session, champion.number)
    assert gate is not None
    context.blobs.put(network_key(gate.network_digest or ""), b"something else")
    add_version(context.database, context.blobs, seed=1, base_digest=context.settings.base_weights_digest)
    job = judge(context)
    assert job.state is JobState.SUCCEEDED, job.error_message


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
