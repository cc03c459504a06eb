"""kill -9 in the middle of a fine-tuning: the next attempt goes on after its last checkpoint."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from shared.jobs import store
from shared.jobs.states import JobState
from tests.processes import wait_until
from tests.worker.training_system import add_training, epochs_of, job_now, version_of
from worker.context import WorkerContext
from worker.stopping import PlannedStop
from worker.train import run_training

# Far more epochs than the child does before it is killed, few enough to do the rest of.
TUNED = {"fine_tuning.from_block": 14, "fine_tuning.epochs": 12, "epochs": 1}
# One of the head and three of fine-tuning; there the child waits to be killed.
LAST_TOLD = 4


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def start_child(context: WorkerContext, job_id: str) -> subprocess.Popen[bytes]:
    settings = context.settings
    environment = {
        **os.environ,
        "HANGTAG_DATA_DIR": str(settings.data_dir),
        "HANGTAG_DATABASE_URL": settings.database_url,
        "HANGTAG_REDIS_URL": str(settings.redis_url),
        "HANGTAG_BLOB_URL": settings.blob_url,
        "HANGTAG_BASE_WEIGHTS": str(settings.base_weights),
        "HANGTAG_BASE_WEIGHTS_DIGEST": settings.base_weights_digest,
        "HANGTAG_ENGINE": "keras",
        "HANGTAG_THREADS": str(settings.threads),
    }
    command = [sys.executable, "-m", "tests.worker.train_child", job_id, str(LAST_TOLD)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.mark.timeout(600)
def test_a_fine_tuning_whose_process_was_killed_goes_on_after_its_last_checkpoint(
    training_context: WorkerContext,
) -> None:
    context = training_context
    job = add_training(context, **TUNED)
    child = start_child(context, job.id)
    try:
        wait_until(
            lambda: len(epochs_of(context, job)) >= LAST_TOLD, 240, "three epochs of fine-tuning are done"
        )
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    told = epochs_of(context, job)
    assert len(told) < 13
    with context.database.write() as session:
        assert store.lose(session, store.find(session, job.id)) is JobState.QUEUED  # what the reaper does
    run_training(context, job.id, PlannedStop())
    done = job_now(context, job)
    assert (done.state, done.attempt) == (JobState.SUCCEEDED, 2)
    told_again = epochs_of(context, job)
    assert [number for number, _ in told_again] == list(range(1, 14))
    # All epochs with a checkpoint stay as they were told; the one before the kill may have had none yet.
    assert told_again[: len(told) - 1] == told[:-1]
    assert version_of(context, job).layers_digest
