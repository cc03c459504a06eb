"""Shadows on a prediction worker: they answer silently, and never at a seller's cost."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from sqlalchemy import select

from shared.blobs import BlobStore, head_key
from shared.database import Database
from shared.errors import ChecksumError, TransientError
from shared.jobs import store
from shared.jobs.queue import CeleryQueue
from shared.jobs.states import JobState
from shared.models import aliases
from shared.models.head import Head
from shared.settings import Settings
from shared.tables import Prediction, WorkerHeartbeat
from tests.factories import add_champion, add_job, add_photo, add_user, add_version
from tests.worker.test_classify import BrightnessEngine
from worker.classify import Classifier
from worker.context import WorkerContext
from worker.heartbeat import Heartbeat
from worker.predictor import Predictor
from worker.stopping import PlannedStop

Drain = Callable[[], list[tuple[int, str]]]


@pytest.fixture
def context(settings: Settings, database: Database, blobs: BlobStore) -> WorkerContext:
    return WorkerContext(settings, database, blobs, CeleryQueue(settings), "predict@here:1")


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each load of an engine; the engine has no network."""
    found: list[str] = []

    def load(_settings: Settings, space: object) -> BrightnessEngine:
        found.append(str(space))
        return BrightnessEngine(lambda: None)

    monkeypatch.setattr("worker.predictor.load_engine", load)
    return found


@pytest.fixture
def predictor(context: WorkerContext, loads: list[str]) -> Predictor:
    return Predictor(context, Heartbeat(context.database, context.name))


@pytest.fixture
def drain(context: WorkerContext, predictor: Predictor) -> Drain:
    """Has one more photo answered; who answered what."""
    seeds = iter(range(10))

    def answers() -> list[tuple[int, str]]:
        user = add_user(context.database, f"Sam {next(seeds)}")
        photo = add_photo(context.database, context.blobs, user, next(seeds))
        job = add_job(context.database, owner_id=user.id, photo_id=photo.id)
        Classifier(context, predictor, PlannedStop()).drain()
        with context.database.read() as session:
            done = store.find(session, job.id)
            assert (done.state, done.result and done.result["model_version"]) == (JobState.SUCCEEDED, 1)
            rows = session.scalars(select(Prediction).where(Prediction.photo_id == photo.id)).all()
        return sorted((row.model_version, row.engine) for row in rows)

    return answers


def point(database: Database, name: str, number: int) -> None:
    with database.write() as session:
        aliases.point(session, name, number, "Ada", "To see what it would say.")


def note(database: Database) -> str:
    with database.read() as session:
        return session.scalars(select(WorkerHeartbeat)).one().note or ""


def test_versions_with_a_shadows_name_answer_beside_the_champion_from_then_on(
    context: WorkerContext, drain: Drain
) -> None:
    add_champion(context.database, context.blobs)
    for seed in (1, 2, 3):
        add_version(context.database, context.blobs, seed=seed)
    assert drain() == [(1, "keras")]
    point(context.database, "shadow", 2)
    point(context.database, "shadow-other", 3)
    point(context.database, "shadowy", 4)
    assert drain() == [(1, "keras"), (2, "keras"), (3, "keras")]
    with context.database.write() as session:
        aliases.remove(session, "shadow", "Ada", "Seen enough.")
    assert drain() == [(1, "keras"), (3, "keras")]


def test_a_shadow_whose_file_is_damaged_costs_no_seller_an_answer_and_is_told_of(
    context: WorkerContext, drain: Drain
) -> None:
    add_champion(context.database, context.blobs)
    version = add_version(context.database, context.blobs, seed=1)
    context.blobs.put(head_key(version.head_digest), b"damaged")
    point(context.database, "shadow", version.number)
    assert drain() == [(1, "keras")]
    assert "Version 2 cannot answer in shadow" in note(context.database)


def test_a_shadow_that_fails_at_its_answer_is_left_out(
    context: WorkerContext, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_champion(context.database, context.blobs)
    version = add_version(context.database, context.blobs, seed=1)
    point(context.database, "shadow", version.number)
    before = Head.probabilities

    def broken(head: Head, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        if head.digest == version.head_digest:
            raise ValueError("no")
        return before(head, features)

    monkeypatch.setattr(Head, "probabilities", broken)
    assert drain() == [(1, "keras")]


def test_a_champion_that_cannot_be_loaded_is_not_tried_again_at_every_question(
    context: WorkerContext, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []

    def load(*_: object) -> BrightnessEngine:
        tries.append(1)
        raise TransientError("No network.")

    monkeypatch.setattr("worker.predictor.load_engine", load)
    add_champion(context.database, context.blobs)
    for _ in range(3):
        with pytest.raises(TransientError, match="No network"):
            predictor.champion()
    assert len(tries) == 1


def test_another_champion_is_tried_at_once_where_the_first_cannot_be_loaded(
    context: WorkerContext, predictor: Predictor
) -> None:
    first = add_champion(context.database, context.blobs)
    context.blobs.put(head_key(first.head_digest), b"damaged")
    with pytest.raises(ChecksumError):
        predictor.champion()
    second = add_champion(context.database, context.blobs, seed=1)
    assert predictor.champion().version.number == second.number
