"""Photos on a prediction worker that is asked to stop: answered or given back, never lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest
from sqlalchemy import delete, update

from shared.blobs import BlobStore
from shared.database import Database
from shared.jobs import bell, store
from shared.jobs.bell import Bell
from shared.jobs.queue import CeleryQueue
from shared.jobs.states import JobState
from shared.models.feature_space import FEATURE_COUNT, FeatureSpace
from shared.models.head import Head
from shared.settings import Settings
from shared.tables import Job, ModelVersion
from tests.factories import add_champion, add_job, add_photo, add_user, random_head
from worker.classify import Classifier
from worker.context import WorkerContext
from worker.engines.engine import Engine, Weigh
from worker.predictor import Loaded, Predictor
from worker.stopping import PlannedStop

CHUNK = 4
# Far more than anything here takes; who listened as long has heard nothing.
LONG = 60.0


class BrightnessEngine:
    """An engine without a network that tells before each chunk."""

    name, device, reason, preferred_batch = "keras", "CPU", "It is quick.", CHUNK
    feature_space = FeatureSpace("0" * 64, 71)

    def __init__(self, before_chunk: Callable[[], None]) -> None:
        self._before_chunk = before_chunk

    def features(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        means = pixels.reshape(len(pixels), -1).mean(axis=1, dtype=np.float32)
        return np.repeat(means[:, np.newaxis], FEATURE_COUNT, axis=1)

    def explain(self, pixels: npt.NDArray[np.uint8]) -> BrightnessMaps:
        self._before_chunk()
        return BrightnessMaps(self.features(pixels))


class BrightnessMaps:
    """What that engine saw: of each photo the same at nine places."""

    def __init__(self, features: npt.NDArray[np.float32]) -> None:
        self._features = features

    def result(self, weigh: Weigh) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        return self._features, weigh(self._features)[:, :9].reshape(-1, 3, 3)


class FixedPredictor:
    """Serves one version with one engine."""

    def __init__(self, version: ModelVersion, engine: Engine, head: Head | None = None) -> None:
        self._loaded = Loaded(version, engine, head or random_head())

    def champion(self) -> Loaded:
        return self._loaded


def jobs_of_ten_photos(database: Database, blobs: BlobStore) -> list[Job]:
    user = add_user(database)
    return [
        add_job(database, owner_id=user.id, photo_id=add_photo(database, blobs, user, seed).id)
        for seed in range(10)
    ]


@pytest.fixture
def context(settings: Settings, database: Database, blobs: BlobStore) -> WorkerContext:
    return WorkerContext(settings, database, blobs, CeleryQueue(settings), "predict@here:1")


def classifier(context: WorkerContext, stop: PlannedStop, before_chunk: Callable[[], None]) -> Classifier:
    version = add_champion(context.database, context.blobs)
    predictor = FixedPredictor(version, BrightnessEngine(before_chunk))
    return Classifier(context, cast("Predictor", predictor), stop)


def standing(database: Database, jobs: list[Job]) -> list[tuple[JobState, int]]:
    with database.read() as session:
        found = [store.find(session, job.id) for job in jobs]
    return [(job.state, job.attempt) for job in found]


def test_a_stop_in_the_middle_answers_the_chunk_and_gives_the_others_back(context: WorkerContext) -> None:
    stop = PlannedStop()
    jobs = jobs_of_ten_photos(context.database, context.blobs)
    assert classifier(context, stop, before_chunk=stop.request).drain() == 10
    answered, waiting = [(JobState.SUCCEEDED, 1)] * CHUNK, [(JobState.QUEUED, 0)] * 6
    assert standing(context.database, jobs) == answered + waiting


def test_the_next_worker_answers_what_was_given_back_in_whole_batches(context: WorkerContext) -> None:
    stop = PlannedStop()
    jobs = jobs_of_ten_photos(context.database, context.blobs)
    classifier(context, stop, before_chunk=stop.request).drain()
    chunks: list[None] = []
    assert classifier(context, PlannedStop(), lambda: chunks.append(None)).drain() == 6
    assert standing(context.database, jobs) == [(JobState.SUCCEEDED, 1)] * 10
    assert len(chunks) == 2


def test_a_photo_cancelled_before_it_was_given_back_ends_cancelled(context: WorkerContext) -> None:
    stop = PlannedStop()
    jobs = jobs_of_ten_photos(context.database, context.blobs)

    def cancel_and_stop() -> None:
        with context.database.write() as session:
            store.request_cancel(session, jobs[-1].id)
        stop.request()

    classifier(context, stop, cancel_and_stop).drain()
    assert standing(context.database, jobs[-1:]) == [(JobState.CANCELLED, 1)]


def test_who_hears_the_bell_finds_the_answers_written(
    context: WorkerContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bell, "ANSWER_SECONDS", 20.0)  # this Redis does answer, if the machine lets it
    jobs = jobs_of_ten_photos(context.database, context.blobs)[:CHUNK]
    with context.database.write() as session:
        session.execute(delete(Job).where(Job.id.not_in([job.id for job in jobs])))
    with Bell(context.settings).listening() as hears, ThreadPoolExecutor(1) as pool:
        assert hears(LONG)  # Redis says that somebody listens
        pool.submit(classifier(context, PlannedStop(), lambda: None).drain)
        began = time.monotonic()
        assert hears(LONG)
        assert time.monotonic() - began < LONG / 2
        assert standing(context.database, jobs) == [(JobState.SUCCEEDED, 1)] * CHUNK


def test_a_worker_that_was_asked_to_stop_takes_nothing(context: WorkerContext) -> None:
    stop = PlannedStop()
    stop.request()
    jobs = jobs_of_ten_photos(context.database, context.blobs)
    assert classifier(context, stop, lambda: None).drain() == 0
    assert standing(context.database, jobs) == [(JobState.QUEUED, 0)] * 10


def test_what_is_answered_is_written_before_the_next_photo_that_was_tried_before_is_looked_at(
    context: WorkerContext,
) -> None:
    """It may take the worker down, and would take an answer with it that is not written yet."""
    jobs = jobs_of_ten_photos(context.database, context.blobs)[:3]
    with context.database.write() as session:
        session.execute(update(Job).where(Job.id.in_([job.id for job in jobs])).values(attempt=1))
        session.execute(delete(Job).where(Job.attempt == 0))
    written: list[int] = []

    def count() -> None:
        states = [state for state, _ in standing(context.database, jobs)]
        written.append(states.count(JobState.SUCCEEDED))

    assert classifier(context, PlannedStop(), count).drain() == 3
    assert written == [0, 1, 2]
