"""A training survives its worker: real SIGTERM and SIGKILL, on a small real network: F15; X15."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from shared.jobs.queue import CeleryQueue
from shared.jobs.states import JobKind
from shared.models import registry
from tests.faults.conftest import MakeSystem
from tests.faults.system import System, add_examples, as_json
from tests.processes import wait_until

# With steps of one photo long enough to be met in the middle; short enough to be run three times.
EPOCHS = 50
TRAINING = {"preset": "quick", "image_size": 71, "epochs": EPOCHS, "batch_size": 1, "patience": 0}
# Of the ten epochs we wait for, the last may have its figures already and its checkpoint not yet.
SAFE_EPOCHS = 9
STARTED_SECONDS = 90
# The lease of a killed training, the reaper, a new child with TensorFlow and the training itself.
ENDED_SECONDS = 300
# A batch of training, the checkpoint's fsync, and the farewell of a child with TensorFlow.
STOP_SECONDS = 30


@pytest.fixture(scope="module")
def system(make_system: MakeSystem, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system that trains, with photos to learn from."""
    made = make_system()
    add_examples(made, tmp_path_factory.mktemp("photos"), 5000)
    made.start("redis", "web", "maintain", "worker-train")
    yield made
    made.close()


@pytest.fixture
def client(system: System) -> Iterator[httpx.Client]:
    with system.api() as opened:
        yield opened


@pytest.fixture(scope="module")
def stopped(system: System) -> tuple[str, str]:
    """Two trainings that have ended: one ran when its worker was asked to stop, the other waited."""
    with system.api() as client:
        running, waiting = start(client), start(client)
        wait_until_well_under_way(client, running)
        worker = system.running["worker-train"]
        worker.terminate()
        worker.wait(STOP_SECONDS)
        system.start("worker-train")
        for job_id in (running, waiting):
            ended(client, job_id)
    return running, waiting


def start(client: httpx.Client) -> str:
    answer = client.post("/api/v1/trainings", json=TRAINING)
    assert answer.status_code == 202
    return str(as_json(answer)["job"]["id"])


def job_of(client: httpx.Client, job_id: str) -> dict[str, Any]:
    return as_json(client.get(f"/api/v1/jobs/{job_id}"))


def ended(client: httpx.Client, job_id: str) -> dict[str, Any]:
    wait_until(lambda: job_of(client, job_id)["finished_at"], ENDED_SECONDS, "the training ends")
    return job_of(client, job_id)


def epochs(client: httpx.Client, job_id: str) -> list[dict[str, Any]]:
    """The epochs so far, without the time they took."""
    rows = as_json(client.get(f"/api/v1/trainings/{job_id}/metrics"))["epochs"]
    return [{name: figure for name, figure in row.items() if name != "seconds"} for row in rows]


def wait_until_well_under_way(client: httpx.Client, job_id: str) -> None:
    wait_until(lambda: len(epochs(client, job_id)) >= 10, STARTED_SECONDS, "ten epochs are done")


def head_digest(system: System, job: dict[str, Any]) -> str:
    with system.database() as database, database.read() as session:
        return registry.find(session, job["result"]["model_version"]).head_digest


def lines_about(system: System, job_id: str, event: str) -> list[str]:
    lines = system.log("worker-train").read_text().splitlines()
    return [line for line in lines if job_id in line and event in line]


def epochs_before_each_resume(system: System, job_id: str) -> list[int]:
    lines = lines_about(system, job_id, "training_resumed")
    return [int(line.partition("after_epoch=")[2].split()[0]) for line in lines]


def assert_same_as_undisturbed(system: System, client: httpx.Client, job_id: str, undisturbed: str) -> None:
    """The job has succeeded with the same epochs and, in every bit, the same head as another."""
    job, other = job_of(client, job_id), job_of(client, undisturbed)
    assert (job["state"], other["state"]) == ("succeeded", "succeeded"), (job["error"], other["error"])
    assert epochs(client, job_id) == epochs(client, undisturbed)
    assert len(epochs(client, job_id)) == EPOCHS
    assert head_digest(system, job) == head_digest(system, other)
    wait_until_checkpoints_are_gone(system, job_id)


def wait_until_checkpoints_are_gone(system: System, job_id: str) -> None:
    folder = system.settings.data_dir / "checkpoints" / job_id
    wait_until(lambda: not folder.exists(), 10, "the checkpoints of the ended job are removed")


def test_a_training_asked_to_stop_resumes_where_it_was_and_uses_no_attempt(
    system: System, client: httpx.Client, stopped: tuple[str, str]
) -> None:
    running, waiting = stopped
    assert lines_about(system, running, "training_given_back")
    assert [done >= SAFE_EPOCHS for done in epochs_before_each_resume(system, running)] == [True]
    assert epochs_before_each_resume(system, waiting) == []
    for job_id in stopped:
        assert job_of(client, job_id)["attempt"] == 1
        assert system.outcomes(job_id) == ["succeeded"]
    assert_same_as_undisturbed(system, client, running, waiting)


def wake_up(system: System, job_id: str, times: int) -> None:
    """Send wake-ups and wait until the worker has dealt with them."""
    before = len(lines_about(system, "hangtag.train", "succeeded in"))
    queue = CeleryQueue(system.settings)
    for _ in range(times):
        assert queue.publish(JobKind.TRAIN, job_id)
    wait_until(
        lambda: len(lines_about(system, "hangtag.train", "succeeded in")) >= before + times,
        STARTED_SECONDS,
        "all wake-ups are dealt with",
    )


def test_late_wake_ups_of_a_training_take_no_process_away(system: System, stopped: tuple[str, str]) -> None:
    wake_up(system, stopped[0], 1)  # from here on the process after the last training is there
    before = system.children("worker-train")
    wake_up(system, stopped[0], 20)
    assert system.children("worker-train") == before


def test_a_training_whose_process_is_killed_resumes_at_its_second_attempt(
    system: System, client: httpx.Client, stopped: tuple[str, str]
) -> None:
    job_id = start(client)
    wait_until_well_under_way(client, job_id)
    (child,) = system.children("worker-train")
    child.kill()
    ended(client, job_id)
    assert [done >= SAFE_EPOCHS for done in epochs_before_each_resume(system, job_id)] == [True]
    assert system.outcomes(job_id) == ["worker_lost", "succeeded"]
    assert_same_as_undisturbed(system, client, job_id, stopped[1])
