"""What maintenance and training do about deleted photos."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete

from shared.blobs import BlobStore, photo_key
from shared.database import Database
from shared.datasets import store as datasets
from shared.datasets.withdrawn import usable_lines
from shared.errors import BlobMissingError, ValidationError
from shared.jobs.states import Split
from shared.models.feature_space import FEATURE_COUNT, FeatureSpace
from shared.photos import deletion
from shared.settings import Settings
from shared.tables import Example, Photo
from tests.factories import add_photo, add_user
from worker.context import WorkerContext, build_context
from worker.leftovers import forget_deleted_features, remove_deleted, sweep_blobs
from worker.training.feature_store import FeatureStore, features_folder

SPACES = (FeatureSpace("0" * 64, 71), FeatureSpace("0" * 64, 150))


@pytest.fixture
def context(settings: Settings) -> Iterator[WorkerContext]:
    built = build_context(settings, "maintain")
    yield built
    built.database.close()


def add_features(settings: Settings, photos: list[Photo]) -> list[FeatureStore]:
    stores = [FeatureStore(features_folder(settings), space) for space in SPACES]
    for store in stores:
        store.append([photo.digest for photo in photos], np.ones((len(photos), FEATURE_COUNT), np.float32))
    return stores


def delete_row(database: Database, photo: Photo) -> None:
    """What is left by a process that dies right after its transaction."""
    with database.write() as session:
        deletion.delete_photo(session, photo.id)


def add_examples(database: Database, photos: list[Photo], source: str = "listing:1") -> None:
    splits = (Split.TRAIN, Split.VALIDATION, Split.TEST)
    with database.write() as session:
        for number, photo in enumerate(photos):
            label = ("hat", "shoes")[number % 2]
            split = splits[(number // 2) % 3]
            session.add(Example(digest=photo.digest, label=label, split=split, source=source))


def test_maintenance_finishes_a_deletion_that_was_interrupted(
    context: WorkerContext, settings: Settings, database: Database, blobs: BlobStore
) -> None:
    gone, kept = (
        add_photo(database, blobs, add_user(database, name), seed) for seed, name in ((1, "A"), (2, "B"))
    )
    stores = add_features(settings, [gone, kept])
    delete_row(database, gone)
    assert remove_deleted(context) == 1
    with pytest.raises(BlobMissingError):
        blobs.get(photo_key(gone.digest))
    assert blobs.get(photo_key(kept.digest))
    assert all(store.digests() == {kept.digest} for store in stores)
    assert remove_deleted(context) == 0


def test_a_training_worker_forgets_features_that_maintenance_cannot_reach(
    settings: Settings, database: Database, blobs: BlobStore
) -> None:
    user = add_user(database)
    gone, kept = add_photo(database, blobs, user, 1), add_photo(database, blobs, user, 2)
    stores = add_features(settings, [gone, kept])
    delete_row(database, gone)
    forget_deleted_features(settings, database)
    assert all(store.digests() == {kept.digest} for store in stores)


def test_a_photo_that_was_sent_again_keeps_what_it_has(
    context: WorkerContext, settings: Settings, database: Database, blobs: BlobStore
) -> None:
    user = add_user(database)
    photo = add_photo(database, blobs, user, 1)
    delete_row(database, photo)
    again = add_photo(database, blobs, user, 1)
    stores = add_features(settings, [again])
    remove_deleted(context)
    forget_deleted_features(settings, database)
    assert blobs.get(photo_key(again.digest))
    assert all(store.digests() == {again.digest} for store in stores)


def test_an_old_dataset_version_does_not_keep_deleted_pixels(
    context: WorkerContext, database: Database, blobs: BlobStore, settings: Settings
) -> None:
    user = add_user(database)
    photos = [add_photo(database, blobs, user, seed) for seed in range(6)]
    add_examples(database, photos)
    with database.write() as session:
        datasets.freeze(session)
    delete_row(database, photos[0])
    remove_deleted(context)
    sweep_blobs(database, blobs)
    with pytest.raises(BlobMissingError):
        blobs.get(photo_key(photos[0].digest))


def test_a_training_on_an_old_version_goes_on_without_deleted_photos(
    database: Database, blobs: BlobStore
) -> None:
    user = add_user(database)
    photos = [add_photo(database, blobs, user, seed) for seed in range(12)]
    add_examples(database, photos)
    with database.write() as session:
        number = datasets.freeze(session).number
    delete_row(database, photos[0])
    with database.read() as session:
        lines, withdrawn = usable_lines(session, number)
    assert withdrawn == 1
    digests = {line.digest for side in lines.values() for line in side}
    assert digests == {photo.digest for photo in photos[1:]}


def test_what_is_left_of_a_version_has_to_be_a_dataset(database: Database, blobs: BlobStore) -> None:
    user = add_user(database)
    photos = [add_photo(database, blobs, user, seed) for seed in range(6)]
    add_examples(database, photos)
    with database.write() as session:
        number = datasets.freeze(session).number
    delete_row(database, photos[0])
    with database.read() as session, pytest.raises(ValidationError, match="1 photos of dataset version 1"):
        usable_lines(session, number)


def test_a_new_dataset_version_has_no_deleted_photos(database: Database, blobs: BlobStore) -> None:
    user = add_user(database)
    photos = [add_photo(database, blobs, user, seed) for seed in range(12)]
    add_examples(database, photos)
    delete_row(database, photos[5])
    with database.write() as session:
        version = datasets.freeze(session)
    assert sum(sum(side.values()) for side in version.counts.values()) == 11


def test_an_example_that_is_removed_for_another_reason_stays_in_its_old_versions(
    database: Database, blobs: BlobStore
) -> None:
    user = add_user(database)
    photos = [add_photo(database, blobs, user, seed) for seed in range(6)]
    add_examples(database, photos)
    with database.write() as session:
        number = datasets.freeze(session).number
        session.execute(delete(Example).where(Example.digest == photos[0].digest))
    with database.read() as session:
        assert usable_lines(session, number)[1] == 0


def test_a_folder_without_features_is_no_trouble(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    forget_deleted_features(settings, database)
    assert FeatureStore.all_in(tmp_path / "nowhere") == []
