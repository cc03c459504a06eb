"""Trainings from the queued job to the version: augmented, fine-tuned, interrupted, without room."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from shared.blobs import layers_key, photo_key
from shared.clock import utc_now
from shared.datasets import store as datasets
from shared.errors import ChecksumError
from shared.jobs import store
from shared.jobs.states import JobState, Split
from shared.models import evaluated, registry
from shared.models.layers import load_layers
from shared.photos.augment import AugmentedPhotos
from shared.tables import DeletedPhoto, Example, Job
from tests.worker.training_system import (
    add_training,
    epochs_of,
    job_now,
    version_of,
)
from worker.context import WorkerContext
from worker.engines.choose import load_engine
from worker.heartbeat import Heartbeat
from worker.network.base_weights import cache_path, load_base_weights
from worker.pixels import stored_pixels
from worker.predictor import Predictor
from worker.stopping import PlannedStop
from worker.train import run_training
from worker.training import trunk
from worker.training.feature_store import FeatureStore, features_folder
from worker.training.photo_features import PhotoFeatures, features_in
from worker.training.run import TrainingRun

# The last block alone: the quickest to train.
TUNED: dict[str, Any] = {"fine_tuning.from_block": 14, "fine_tuning.epochs": 2}
TUNED_ARRAYS = 12


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def train(context: WorkerContext, **changes: Any) -> Job:
    job = add_training(context, **changes)
    run_training(context, job.id, PlannedStop())
    return job_now(context, job)


def nearest_of_mistakes(context: WorkerContext) -> set[str | None]:
    """The training photos kept beside mistakes on test photos; None for a mistake without any."""
    with context.database.read() as session:
        photos = evaluated.of(session, 1, 1)
    mistakes = [photo for photo in photos if photo.truth != photo.answer]
    assert mistakes
    assert all(photo.nearest is None for photo in photos if photo not in mistakes)
    return {digest for photo in mistakes for digest, _ in photo.nearest or [(None, 0)]}


@pytest.fixture
def varied(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each photo was varied."""
    seen: Counter[str] = Counter()
    plain = AugmentedPhotos.pixels

    def counted(photos: AugmentedPhotos, digest: str, *rest: Any) -> Any:
        seen[digest] += 1
        return plain(photos, digest, *rest)

    monkeypatch.setattr(AugmentedPhotos, "pixels", counted)
    return seen


@pytest.mark.parametrize(
    ("augmentation", "times"),
    [
        ({"augmentation.mode": "none"}, 0),
        ({"augmentation.mode": "views", "augmentation.views": 3}, 3),
        ({"augmentation.mode": "exact"}, 2),  # once per epoch
    ],
)
def test_training_photos_are_varied_as_asked_and_no_others_ever(
    training_context: WorkerContext, varied: Counter[str], augmentation: dict[str, Any], times: int
) -> None:
    job = train(training_context, **augmentation)
    assert job.state is JobState.SUCCEEDED, job.error_message
    with training_context.database.read() as session:
        digests = [line.digest for line in datasets.lines(session, 1, Split.TRAIN)]
    assert varied == (Counter(dict.fromkeys(digests, times)) if times else Counter())
    parameters = version_of(training_context, job).lineage["parameters"]
    assert parameters["augmentation.mode"] == augmentation["augmentation.mode"]
    kept = parameters["augmentation.mode"] != "exact"  # the photos as they are never met the network
    assert nearest_of_mistakes(training_context) <= ({*digests} if kept else {None})


def test_views_that_were_made_before_are_not_made_again(
    training_context: WorkerContext, varied: Counter[str]
) -> None:
    views = {"augmentation.mode": "views", "augmentation.views": 1}
    train(training_context, **views)
    once = varied.total()
    again = train(training_context, **views, learning_rate=0.01, seed=7)
    assert (again.state, varied.total()) == (JobState.SUCCEEDED, once)


def test_fine_tuning_changes_the_last_blocks_and_the_version_serves_with_them(
    training_context: WorkerContext,
) -> None:
    context = training_context
    job = train(context, **TUNED)
    assert job.state is JobState.SUCCEEDED, job.error_message
    assert [epoch for epoch, _ in epochs_of(context, job)] == [1, 2, 3, 4]
    version = version_of(context, job)
    assert version.lineage["best_epoch"] in (3, 4)
    assert_layers_learned(context, version.layers_digest or "")
    assert served_accuracy(context, job) == version.metrics["test"]["accuracy"]
    assert maps_of(context) == []


def maps_of(context: WorkerContext) -> list[str]:
    """The files in which maps of photos are kept."""
    return sorted(path.name for path in (context.settings.data_dir / "maps").rglob("*.f16"))


def test_fine_tunings_that_wait_for_each_other_share_what_the_frozen_blocks_see(
    training_context: WorkerContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = training_context
    first, second = add_training(context, **TUNED), add_training(context, **TUNED, seed=7)
    run_training(context, first.id, PlannedStop())
    kept = maps_of(context)
    monkeypatch.setattr("worker.fine_tuning.compiled_trunk", lambda _network: None)  # would fail if used
    run_training(context, second.id, PlannedStop())
    assert (len(kept), job_now(context, second).state) == (2, JobState.SUCCEEDED)
    assert maps_of(context) == []


def assert_layers_learned(context: WorkerContext, digest: str) -> None:
    """Kernels moved; BatchNormalization is that of the base weights, its statistics too."""
    base = load_base_weights(cache_path(context.settings))[-TUNED_ARRAYS:]
    tuned = load_layers(context.blobs, digest)
    changed = [not np.array_equal(before, after) for before, after in zip(base, tuned, strict=True)]
    assert changed == [True, True, False, False, False, False] * 2


def served_accuracy(context: WorkerContext, job: Job) -> float:
    """What the engine of the version's own feature space makes of the test photos."""
    version = version_of(context, job)
    with context.database.read() as session:
        lines = datasets.lines(session, 1, Split.TEST)
    engine = load_engine(context.settings, registry.space_of(version))
    read = stored_pixels(context.blobs, version.image_size)
    features = engine.features(np.stack([read(line.digest) for line in lines]))
    answers = registry.load_head(context.blobs, version).logits(features).argmax(axis=1)
    right = [version.classes[answer] == line.label for answer, line in zip(answers, lines, strict=True)]
    return float(np.mean(right))


def test_a_prediction_worker_follows_to_a_fine_tuned_version_and_back(
    training_context: WorkerContext,
) -> None:
    context = training_context
    plain, tuned = version_of(context, train(context)), version_of(context, train(context, **TUNED))
    predictor = Predictor(context, Heartbeat(context.database, context.name))
    for wanted in (plain, tuned, plain):
        with context.database.write() as session:
            registry.promote(session, wanted.number, "Ada", "To see whether it is followed.")
        loaded = predictor.champion()
        assert (loaded.version.number, loaded.engine.feature_space) == (
            wanted.number,
            registry.space_of(wanted),
        )


def test_a_fine_tuning_that_was_given_back_goes_on_where_it_was_and_ends_the_same(
    training_context: WorkerContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = training_context
    undisturbed = version_of(context, train(context, **TUNED))
    job, stop = add_training(context, **TUNED), PlannedStop()
    keep = TrainingRun.keep

    def stop_after_first_tuned_epoch(run: TrainingRun, state: Any) -> None:
        if len(state.history) == 3:
            stop.request()
        keep(run, state)

    monkeypatch.setattr(TrainingRun, "keep", stop_after_first_tuned_epoch)
    run_training(context, job.id, stop)
    assert (job_now(context, job).state, len(epochs_of(context, job))) == (JobState.QUEUED, 3)
    monkeypatch.undo()
    run_training(context, job.id, PlannedStop())
    version = version_of(context, job)
    assert (version.layers_digest, version.head_digest) == (
        undisturbed.layers_digest,
        undisturbed.head_digest,
    )
    assert [figures["loss"] for figures in version.lineage["history"]] == [
        figures["loss"] for figures in undisturbed.lineage["history"]
    ]


def delete_first(context: WorkerContext, split: Split) -> str:
    """What the deletion of a photo leaves; returns its digest."""
    with context.database.write() as session:
        digest = datasets.lines(session, 1, split)[0].digest
        session.delete(session.get_one(Example, digest))
        session.add(DeletedPhoto(digest=digest))
    context.blobs.delete(photo_key(digest))
    for kept in FeatureStore.all_in(features_folder(context.settings)):
        kept.remove([digest])
    return digest


def test_a_photo_that_is_deleted_during_a_training_is_not_asked_at_its_end(
    training_context: WorkerContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, keep = training_context, TrainingRun.keep
    gone: list[str] = []

    def delete_in_last_epoch(run: TrainingRun, state: Any) -> None:
        if len(state.history) == 2:
            gone.extend(delete_first(context, split) for split in Split)
        keep(run, state)

    monkeypatch.setattr(TrainingRun, "keep", delete_in_last_epoch)
    done = train(context)
    assert (done.state, done.attempt) == (JobState.SUCCEEDED, 1), done.error_message
    assert version_of(context, done).lineage["withdrawn_examples"] == len(gone) == 3
    with context.database.read() as session:
        answered = {photo.digest for photo in evaluated.of(session, 1, 1)}
    assert len(answered) == 7
    assert answered.isdisjoint(gone)


def test_a_photo_that_is_deleted_before_it_was_learned_from_costs_an_attempt_and_not_the_training(
    training_context: WorkerContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = training_context

    def delete_first_then_load(*arguments: Any) -> PhotoFeatures:
        delete_first(context, Split.TRAIN)
        return features_in(*arguments)

    monkeypatch.setattr("worker.train.features_in", delete_first_then_load)
    job = train(context)
    assert (job.state, job.error_code) == (JobState.QUEUED, "photo_gone")
    monkeypatch.undo()
    with context.database.write() as session:
        session.get_one(Job, job.id).run_after = utc_now()
    run_training(context, job.id, PlannedStop())
    assert version_of(context, job).lineage["withdrawn_examples"] == 1


def test_a_cancelled_fine_tuning_says_so_and_leaves_nothing_on_the_disk(
    training_context: WorkerContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = training_context
    job = add_training(context, **TUNED)
    keep = TrainingRun.keep

    def cancel_after_first_tuned_epoch(run: TrainingRun, state: Any) -> None:
        if len(state.history) == 3:
            with context.database.write() as session:
                store.request_cancel(session, job.id)
        keep(run, state)

    monkeypatch.setattr(TrainingRun, "keep", cancel_after_first_tuned_epoch)
    run_training(context, job.id, PlannedStop())
    ended = job_now(context, job)
    assert (ended.state, ended.result) == (JobState.CANCELLED, {"stop_reason": "cancelled"})
    assert maps_of(context) == []


def test_fine_tuning_without_room_on_the_disk_is_refused_with_figures(
    training_context: WorkerContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trunk, "RESERVE_BYTES", 10**15)
    job = train(training_context, **TUNED)
    assert (job.state, job.error_code) == (JobState.FAILED, "storage_too_small")
    assert "GB are free" in (job.error_message or "")


def test_a_fine_tuned_version_whose_layers_are_damaged_is_not_intact(
    training_context: WorkerContext,
) -> None:
    context = training_context
    version = version_of(context, train(context, **TUNED))
    registry.require_intact(context.blobs, version)
    context.blobs.put(layers_key(version.layers_digest or ""), b"something else")
    with pytest.raises(ChecksumError, match="Restore it"):
        registry.require_intact(context.blobs, version)
