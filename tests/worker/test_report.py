"""Looking at every photo of a dataset version."""

from __future__ import annotations

import numpy as np
import pytest

from shared.blobs import BlobStore, photo_key
from shared.database import Database
from shared.datasets import reports
from shared.datasets import store as datasets
from shared.datasets.findings import Finding
from shared.datasets.store import Line
from shared.jobs import store
from shared.jobs.queue import CeleryQueue
from shared.jobs.states import JobState, Split
from shared.models import registry
from shared.models.feature_space import FEATURE_COUNT
from shared.photos.intake import prepare
from shared.settings import Settings
from shared.tables import Example
from tests.factories import add_user, add_version, picture
from worker import near_duplicates
from worker.context import WorkerContext
from worker.near_duplicates import near_pairs
from worker.report import run_report
from worker.stopping import PlannedStop
from worker.training.feature_store import FeatureStore, features_folder

PHOTOS_EACH = 4


@pytest.fixture
def context(settings: Settings, database: Database, blobs: BlobStore) -> WorkerContext:
    """A training worker."""
    return WorkerContext(settings, database, blobs, CeleryQueue(settings), "train@test:1")


@pytest.fixture
def lines(database: Database, blobs: BlobStore) -> list[Line]:
    """The photos of dataset version 1, training, validation, test; the last one is tiny."""
    sides = [(split, label) for split in Split for label in ("hat", "shirt") for _ in range(PHOTOS_EACH)]
    found = []
    with database.write() as session:
        for number, (split, label) in enumerate(sides):
            size = (64, 80) if number == len(sides) - 1 else (120, 160)
            photo = prepare(picture(number, size))
            photo.store(blobs)
            session.add(Example(digest=photo.digest, label=label, split=split, source="test"))
            found.append(Line(photo.digest, label, split))
        datasets.freeze(session)
    return found


def look(context: WorkerContext) -> dict[str, Finding]:
    """Have the job carried out, and give what it found."""
    owner = add_user(context.database, "Ada", "admin")
    with context.database.write() as session:
        job_id = reports.request(session, 1, owner.id).id
    run_report(context, job_id, PlannedStop())
    with context.database.read() as session:
        assert store.find(session, job_id).state is JobState.SUCCEEDED
        report = reports.of(session, datasets.find(session, 1))
    assert report.looked_at is not None
    return {finding.name: finding for finding in report.findings}


def keep_features(context: WorkerContext, lines: list[Line], same: list[tuple[int, int]]) -> None:
    """Features of all photos, far from each other but for the pairs `same`."""
    version = add_version(context.database, context.blobs)
    features = np.random.default_rng(0).normal(size=(len(lines), FEATURE_COUNT)).astype(np.float32)
    for first, second in same:
        features[second] = features[first] * 1.5
    kept = FeatureStore(features_folder(context.settings), registry.space_of(version))
    kept.append([line.digest for line in lines], features)


def test_photos_that_are_gone_or_damaged_block(context: WorkerContext, lines: list[Line]) -> None:
    context.blobs.delete(photo_key(lines[0].digest))
    context.blobs.put(photo_key(lines[1].digest), b"something else")
    found = look(context)
    assert found["unreadable"].level == "blocks"
    assert set(found["unreadable"].photos) == {lines[0].digest, lines[1].digest}
    assert found["tiny"].photos == [lines[-1].digest]


def test_without_features_photos_are_not_compared(context: WorkerContext, lines: list[Line]) -> None:
    assert {"conflicting", "leaked", "near_duplicates"}.isdisjoint(look(context))
    with context.database.read() as session:
        assert not reports.of(session, datasets.find(session, 1)).compared


def test_near_duplicates_are_found_by_what_they_spoil(context: WorkerContext, lines: list[Line]) -> None:
    # Places: 0-3 hats and 4-7 shirts to train on, 8-15 validation, 16-19 hats and 20-23 shirts of the test.
    keep_features(context, lines, [(0, 1), (2, 4), (3, 16)])
    found = look(context)
    assert set(found["near_duplicates"].photos) == {lines[place].digest for place in (0, 1, 2, 4)}
    assert set(found["conflicting"].photos) == {lines[2].digest, lines[4].digest}
    assert found["leaked"].level == "blocks"  # one of eight test photos
    assert "1 of 8 test photos" in found["leaked"].detail


def test_many_copies_of_one_training_photo_do_not_hide_that_another_one_is_in_the_test(
    context: WorkerContext, lines: list[Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(near_duplicates, "MOST_PAIRS", 2)
    keep_features(context, lines, [(0, 1), (0, 2), (0, 3), (7, 23)])
    found = look(context)
    assert "2 pairs of training photos" in found["near_duplicates"].detail
    assert set(found["leaked"].photos) == {lines[place].digest for place in (7, 23)}


def test_labels_that_the_other_photos_speak_against_are_doubted(
    context: WorkerContext, lines: list[Line]
) -> None:
    version = add_version(context.database, context.blobs)
    drawn = np.random.default_rng(0)
    hat, shirt = drawn.normal(size=(2, FEATURE_COUNT))
    shown = [shirt if line.label == "shirt" else hat for line in lines]
    shown[0] = shirt  # a hat by its label
    features = np.stack(shown) + drawn.normal(size=(len(lines), FEATURE_COUNT)) / 2
    kept = FeatureStore(features_folder(context.settings), registry.space_of(version))
    kept.append([line.digest for line in lines], features.astype(np.float32))
    found = look(context)["doubtful"]
    assert (found.level, found.photos, found.likely) == ("warns", [lines[0].digest], ["shirt"])


def test_the_few_features_that_new_photos_lack_are_computed_and_kept(training_context: WorkerContext) -> None:
    context = training_context
    digest = context.settings.base_weights_digest
    version = add_version(context.database, context.blobs, base_digest=digest)
    with context.database.read() as session:
        lines = [line for split in Split for line in datasets.lines(session, 1, split)]
    old, new = lines[:-2], lines[-2:]
    kept = FeatureStore(features_folder(context.settings), registry.space_of(version))
    features = np.random.default_rng(0).normal(size=(len(old), FEATURE_COUNT)).astype(np.float32)
    kept.append([line.digest for line in old], features)
    look(context)
    assert kept.missing([line.digest for line in new]) == []
    with context.database.read() as session:
        assert reports.of(session, datasets.find(session, 1)).compared


def test_features_of_other_base_weights_are_compared_where_they_are_kept_and_never_computed(
    context: WorkerContext, lines: list[Line]
) -> None:
    keep_features(context, lines[:-1], [])  # of a version with base weights that are not ours
    look(context)
    with context.database.read() as session:
        assert not reports.of(session, datasets.find(session, 1)).compared


def test_a_report_is_made_once_per_request(context: WorkerContext, lines: list[Line]) -> None:
    owner = add_user(context.database, "Ada", "admin")
    with context.database.write() as session:
        first = reports.request(session, 1, owner.id).id
        assert reports.request(session, 1, owner.id).id == first
        assert reports.ensure(session, 1, owner.id) is None
    run_report(context, first, PlannedStop())
    with context.database.write() as session:
        assert reports.ensure(session, 1, owner.id) is None


def test_pairs_are_found_across_chunks() -> None:
    features = np.random.default_rng(1).normal(size=(1300, 32)).astype(np.float32)
    features[1200], features[5] = features[3], features[600]
    found = near_pairs(features, 0.999, ["train"] * len(features))
    assert {(pair.first, pair.second) for pair in found} == {(3, 1200), (5, 600)}
