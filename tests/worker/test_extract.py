"""Features are computed chunk by chunk, kept as they come, and stop when the worker shall."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from shared.blobs import BlobStore
from shared.database import Database
from shared.errors import TransientError
from shared.jobs import store
from shared.jobs.states import JobKind
from shared.models.feature_space import FEATURE_COUNT, FeatureSpace
from shared.photos.intake import prepare
from tests.factories import add_job, picture
from worker.engines.engine import Explained
from worker.extract import CHUNK, ensure_features
from worker.lease import Lease
from worker.pixels import Pixels, stored_pixels
from worker.stopping import PlannedStop, WorkerStoppingError
from worker.training.feature_store import FeatureStore

SPACE = FeatureSpace("0" * 64, 71)


class CountingEngine:
    """An engine without a network that remembers how many photos it saw and asks for a stop meanwhile."""

    name, device, reason, preferred_batch, feature_space = "keras", "CPU", "It is quick.", CHUNK, SPACE

    def __init__(self, stop: PlannedStop | None = None) -> None:
        self.seen = 0
        self._stop = stop

    def features(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        self.seen += len(pixels)
        if self._stop is not None:
            self._stop.request()
        return np.zeros((len(pixels), FEATURE_COUNT), np.float32)

    def explain(self, pixels: npt.NDArray[np.uint8]) -> Explained:
        raise AssertionError("Features are computed to learn from; nobody asks why.")


@pytest.fixture
def digests(blobs: BlobStore) -> list[str]:
    """Stored photos, three chunks of them."""
    prepared = [prepare(picture(seed)) for seed in range(2 * CHUNK + 5)]
    for photo in prepared:
        photo.store(blobs)
    return [photo.digest for photo in prepared]


def claimed(database: Database, stop: PlannedStop) -> Lease:
    with database.write() as session:
        job = store.claim(session, JobKind.TRAIN, "w1", 1)[0]
    return Lease(database, job.id, job.attempt, stop)


def test_a_stop_ends_the_work_after_the_chunk_and_the_next_worker_does_the_rest(
    database: Database, blobs: BlobStore, digests: list[str], tmp_path: Path
) -> None:
    features, stop = FeatureStore(tmp_path / "features", SPACE), PlannedStop()
    add_job(database, JobKind.TRAIN)
    lease = claimed(database, stop)
    first = CountingEngine(stop)
    with pytest.raises(WorkerStoppingError):
        ensure_features(first, features, stored_pixels(blobs, 71), digests, lease.report)
    with database.write() as session:
        store.release(session, lease.job_id, lease.attempt)
    assert (first.seen, len(features.missing(digests))) == (CHUNK, CHUNK + 5)
    second = CountingEngine()
    ensure_features(
        second, features, stored_pixels(blobs, 71), digests, claimed(database, PlannedStop()).report
    )
    assert (second.seen, features.missing(digests)) == (CHUNK + 5, [])


def test_a_storage_that_does_not_answer_is_waited_for(digests: list[str], tmp_path: Path) -> None:
    def read(_digest: str) -> Pixels:
        raise TransientError("The photo storage does not answer.")

    features = FeatureStore(tmp_path / "features", SPACE)
    with pytest.raises(TransientError, match="does not answer"):
        ensure_features(CountingEngine(), features, read, digests, lambda _progress: None)
