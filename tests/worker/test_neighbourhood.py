"""Beside answers that ask, prediction workers keep what the version learned from that is most alike."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable

import numpy as np
import pytest
from sqlalchemy import select

from shared.blobs import BlobStore
from shared.database import Database
from shared.datasets import store as datasets
from shared.jobs.queue import CeleryQueue
from shared.jobs.states import Split
from shared.models import registry
from shared.models.activation_map import rows
from shared.models.feature_space import FEATURE_COUNT
from shared.models.head import Head
from shared.settings import Settings
from shared.tables import DeletedPhoto, Example, ModelVersion, Prediction
from tests.factories import add_champion, add_job, add_photo, add_user, random_head
from tests.worker.test_classify import BrightnessEngine, FixedPredictor
from worker import neighbourhood
from worker.classify import Classifier
from worker.context import WorkerContext
from worker.stopping import PlannedStop
from worker.training.feature_store import FeatureStore, features_folder

NEAR, FAR, GONE, TESTED, CHECKED = (letter * 64 for letter in "abcde")
SIDES = {
    NEAR: Split.TRAIN,
    FAR: Split.TRAIN,
    GONE: Split.TRAIN,
    TESTED: Split.TEST,
    CHECKED: Split.VALIDATION,
}


@pytest.fixture
def context(settings: Settings, database: Database, blobs: BlobStore) -> WorkerContext:
    return WorkerContext(settings, database, blobs, CeleryQueue(settings), "predict@here:1")


@pytest.fixture
def version(context: WorkerContext) -> ModelVersion:
    """The champion, with three training photos whose features are kept."""
    number = add_champion(context.database, context.blobs).number
    with context.database.write() as session:
        for place, (digest, side) in enumerate(SIDES.items()):
            label = ("hat", "shirt")[place % 2]
            session.add(Example(digest=digest, label=label, split=side, source="test"))
        session.flush()
        found = registry.find(session, number)
        found.lineage = {**found.lineage, "dataset_digest": datasets.freeze(session).digest}
    features = np.ones((3, FEATURE_COUNT), dtype=np.float32)  # photos of one brightness point like the first
    features[1, ::2], features[2, ::3] = 0, 0
    store = FeatureStore(features_folder(context.settings), registry.space_of(found))
    store.append([NEAR, FAR, GONE], features)
    return found


@pytest.fixture
def answered(context: WorkerContext, version: ModelVersion) -> Callable[[Head], Prediction]:
    """Has one more photo answered by a head."""
    seeds = iter(range(10))

    def answer(head: Head) -> Prediction:
        user = add_user(context.database, f"Sam {next(seeds)}")
        photo = add_photo(context.database, context.blobs, user, next(seeds))
        add_job(context.database, owner_id=user.id, photo_id=photo.id)
        predictor = FixedPredictor(version, BrightnessEngine(lambda: None), head)
        Classifier(context, predictor, PlannedStop()).drain()  # type: ignore[arg-type]
        with context.database.read() as session:
            return session.scalars(select(Prediction).where(Prediction.photo_id == photo.id)).one()

    return answer


SURE = random_head()
UNSURE = dataclasses.replace(SURE, temperature=1e9)


def test_only_answers_that_ask_have_neighbours_and_all_have_a_map(
    answered: Callable[[Head], Prediction],
) -> None:
    sure, unsure = answered(SURE), answered(UNSURE)
    assert (sure.decision, sure.nearest) == ("suggest", None)
    assert unsure.decision == "ask"
    assert unsure.nearest == [[NEAR, 1.0], [GONE, 0.8164], [FAR, 0.7071]]
    assert len(rows(sure.activation_map or b"")) == len(rows(unsure.activation_map or b"")) == 3


def test_a_deleted_photo_is_near_nobody_any_more(
    answered: Callable[[Head], Prediction], context: WorkerContext
) -> None:
    with context.database.write() as session:
        session.delete(session.get_one(Example, GONE))
        session.add(DeletedPhoto(digest=GONE))
    assert [digest for digest, _ in answered(UNSURE).nearest or []] == [NEAR, FAR]


def test_where_features_are_not_kept_photos_are_answered_without(
    answered: Callable[[Head], Prediction], context: WorkerContext, version: ModelVersion
) -> None:
    FeatureStore(features_folder(context.settings), registry.space_of(version)).remove([FAR])
    prediction = answered(UNSURE)
    assert (prediction.decision, prediction.nearest) == ("ask", None)


def test_a_disk_on_which_features_cannot_be_kept_is_no_reason_not_to_answer(
    answered: Callable[[Head], Prediction], context: WorkerContext, version: ModelVersion
) -> None:
    folder = features_folder(context.settings)
    shutil.rmtree(folder)
    folder.write_bytes(b"")  # like a full or read-only disk: there can be no such folder
    prediction = answered(UNSURE)
    assert (prediction.decision, prediction.nearest) == ("ask", None)


def test_of_many_training_photos_some_from_all_over_are_compared(
    answered: Callable[[Head], Prediction], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbourhood, "MOST_PHOTOS", 2)
    assert [digest for digest, _ in answered(UNSURE).nearest or []] == [NEAR, GONE]
