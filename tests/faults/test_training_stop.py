"""A training survives its worker: real SIGTERM and SIGKILL under `hangtag run`, on a small real network."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest

from shared.blobs import BlobStore
from shared.database import Database
from shared.datasets.importing import import_folder
from shared.jobs import store
from shared.jobs.states import Split
from shared.models import registry
from tests.factories import picture
from tests.live_system import LiveSystem
from tests.processes import wait_until

# Long enough, with steps of one photo, to be met in the middle; short enough to be run five times.
EPOCHS = 150
TRAINING = {"preset": "quick", "image_size": 71, "epochs": EPOCHS, "batch_size": 1, "patience": 0}
# Of the ten epochs we wait for, the last may have its figures already and its checkpoint not yet.
SAFE_EPOCHS = 9
STARTED_SECONDS = 90
# The lease of a killed training, the reaper, a new child with TensorFlow and the training itself.
ENDED_SECONDS = 300

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def system(live_system: LiveSystem, tmp_path_factory: pytest.TempPathFactory) -> LiveSystem:
    """A running Hangtag with photos to learn from."""
    folder = tmp_path_factory.mktemp("photos")
    for number, (split, label) in enumerate((s, c) for s in Split for c in ("hat", "shoes")):
        (folder / split / label).mkdir(parents=True)
        for copy in range(8):
            (folder / split / label / f"{copy}.jpg").write_bytes(picture(5000 + 10 * number + copy))
    database = Database(live_system.settings.database_url)
    import_folder(database, BlobStore(live_system.settings.blob_url), folder)
    database.close()
    return live_system


@pytest.fixture
def client(system: LiveSystem) -> Iterator[httpx.Client]:
    with system.api(wait_seconds=90) as opened:
        yield opened


@pytest.fixture(scope="module")
def undisturbed(system: LiveSystem) -> tuple[str, list[dict[str, Any]]]:
    """Head digest and epochs of the same training when nothing happens to it."""
    with system.api(wait_seconds=90) as client:
        job_id = start(client)
        job = ended(client, job_id)
        assert job["state"] == "succeeded", job["error"]
        return head_digest(system, job), epochs(client, job_id)


def start(client: httpx.Client) -> str:
    answer = client.post("/api/v1/trainings", json=TRAINING)
    assert answer.status_code == 202
    return str(answer.json()["job"]["id"])


def job_of(client: httpx.Client, job_id: str) -> dict[str, Any]:
    answer: dict[str, Any] = client.get(f"/api/v1/jobs/{job_id}").json()
    return answer


def ended(client: httpx.Client, job_id: str) -> dict[str, Any]:
    wait_until(lambda: job_of(client, job_id)["finished_at"], ENDED_SECONDS, "the training ends")
    return job_of(client, job_id)


def epochs(client: httpx.Client, job_id: str) -> list[dict[str, Any]]:
    """The epochs so far, without the time they took."""
    rows = client.get(f"/api/v1/trainings/{job_id}/metrics").json()["epochs"]
    return [{name: figure for name, figure in row.items() if name != "seconds"} for row in rows]


def wait_until_well_under_way(client: httpx.Client, job_id: str) -> None:
    wait_until(lambda: len(epochs(client, job_id)) >= 10, STARTED_SECONDS, "ten epochs are done")


def head_digest(system: LiveSystem, job: dict[str, Any]) -> str:
    database = Database(system.settings.database_url)
    with database.read() as session:
        digest = registry.find(session, job["result"]["model_version"]).head_digest
    database.close()
    return digest


def attempt_outcomes(system: LiveSystem, job_id: str) -> list[str | None]:
    database = Database(system.settings.database_url)
    with database.read() as session:
        outcomes = [attempt.outcome for attempt in store.attempts(session, job_id)]
    database.close()
    return outcomes


def training_process(system: LiveSystem, part: str) -> psutil.Process:
    """The Celery worker for trainings (`worker.train_app`) or its child (`spawn_main`)."""
    assert system.process is not None
    for process in psutil.Process(system.process.pid).children(recursive=True):
        if process.status() == psutil.STATUS_ZOMBIE or part not in " ".join(process.cmdline()):
            continue
        if process.environ().get("SUPERVISOR_PROCESS_NAME") == "worker-train":
            return process
    raise AssertionError(f"There is no training process with {part} in its command.")


def log_of(system: LiveSystem) -> str:
    return (system.settings.data_dir / "logs" / "worker-train.log").read_text()


def lines_about(system: LiveSystem, job_id: str, event: str) -> list[str]:
    return [line for line in log_of(system).splitlines() if job_id in line and event in line]


def epochs_before_each_resume(system: LiveSystem, job_id: str) -> list[int]:
    lines = lines_about(system, job_id, "training_resumed")
    return [int(line.partition("after_epoch=")[2].split()[0]) for line in lines]


def assert_same_as_undisturbed(
    system: LiveSystem,
    client: httpx.Client,
    job: dict[str, Any],
    undisturbed: tuple[str, list[dict[str, Any]]],
) -> None:
    assert job["state"] == "succeeded", job["error"]
    assert epochs(client, job["id"]) == undisturbed[1]
    assert head_digest(system, job) == undisturbed[0]
    wait_until_checkpoints_are_gone(system, job["id"])


def wait_until_checkpoints_are_gone(system: LiveSystem, job_id: str) -> None:
    folder = system.settings.data_dir / "checkpoints" / job_id
    wait_until(lambda: not folder.exists(), 10, "the checkpoints of the ended job are removed")


def test_a_training_asked_to_stop_resumes_where_it_was_and_uses_no_attempt(
    system: LiveSystem, client: httpx.Client, undisturbed: tuple[str, list[dict[str, Any]]]
) -> None:
    job_id = start(client)
    wait_until_well_under_way(client, job_id)
    worker = training_process(system, "worker.train_app")
    asked = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    wait_until(lambda: not worker.is_running(), 30, "the worker ends")
    assert time.monotonic() - asked < 15
    assert lines_about(system, job_id, "training_given_back")
    job = ended(client, job_id)
    assert [done >= SAFE_EPOCHS for done in epochs_before_each_resume(system, job_id)] == [True]
    assert job["attempt"] == 1
    assert attempt_outcomes(system, job_id) == ["succeeded"]
    assert_same_as_undisturbed(system, client, job, undisturbed)


def test_a_training_whose_process_is_killed_resumes_at_its_second_attempt(
    system: LiveSystem, client: httpx.Client, undisturbed: tuple[str, list[dict[str, Any]]]
) -> None:
    job_id = start(client)
    wait_until_well_under_way(client, job_id)
    os.kill(training_process(system, "spawn_main").pid, signal.SIGKILL)
    job = ended(client, job_id)
    assert [done >= SAFE_EPOCHS for done in epochs_before_each_resume(system, job_id)] == [True]
    assert attempt_outcomes(system, job_id) == ["worker_lost", "succeeded"]
    assert_same_as_undisturbed(system, client, job, undisturbed)


def test_a_stop_loses_neither_the_running_training_nor_the_one_that_waits(
    system: LiveSystem, client: httpx.Client
) -> None:
    running, waiting = start(client), start(client)
    wait_until_well_under_way(client, running)
    worker = training_process(system, "worker.train_app")
    worker.send_signal(signal.SIGTERM)
    wait_until(lambda: not worker.is_running(), 60, "the worker ends")
    for job_id in (running, waiting):
        job = ended(client, job_id)
        assert (job["state"], job["attempt"]) == ("succeeded", 1)


def test_a_cancelled_training_ends_within_thirty_seconds_and_leaves_no_checkpoint(
    system: LiveSystem, client: httpx.Client
) -> None:
    job_id = start(client)
    wait_until_well_under_way(client, job_id)
    asked = time.monotonic()
    assert client.post(f"/api/v1/jobs/{job_id}/cancel").status_code == 202
    assert ended(client, job_id)["state"] == "cancelled"
    assert time.monotonic() - asked < 30
    wait_until_checkpoints_are_gone(system, job_id)
