"""Workers that die, freeze, or meet a photo that kills them: F3, F4, F13, F14, F18; X1, X2, X10, X11."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable, Iterator
from itertools import islice

from shared.blobs import BlobStore
from shared.jobs.states import JobState
from tests.faults.conftest import Figure
from tests.faults.invariants import violations
from tests.faults.poison import poison
from tests.faults.system import System, as_json
from tests.faults.times import TIMES
from tests.processes import wait_until

BATCH = 32
# Issue and design: what a dead worker held is worked on again within its lease and this.
RECOVERY_SECONDS = 10


def send_as_one_batch(system: System, photos: Iterable[int | bytes]) -> list[str]:
    """Send photos while the prediction child is frozen, so that it finds all of them at once."""
    with system.frozen_child("worker-predict"):
        return system.accept(photos)


def meet_mid_batch(system: System, seeds: Iterator[int], number: signal.Signals) -> list[str]:
    """Signal the whole worker while it holds photos. Returns all jobs that were sent."""
    for _ in range(5):
        ids = send_as_one_batch(system, islice(seeds, BATCH))
        wait_until(lambda ids=ids: system.count(ids, JobState.RUNNING), 30, "photos run")  # type: ignore[misc]
        system.signal("worker-predict", number)
        if system.count(ids, JobState.RUNNING) and system.can_write():
            return ids
        system.signal("worker-predict", signal.SIGCONT)
        system.ended(ids)
    raise AssertionError("The worker was never met in the middle of a batch.")


def start_second(system: System) -> None:
    """Start another prediction worker beside the first."""
    command = ["second@%h" if word == "predict@%h" else word for word in system.command("worker-predict")]
    system.launch("second", command)
    system.wait_for("second")


def assert_answered_once(system: System, ids: list[str]) -> None:
    """All photos have their one answer, some at their second attempt, none at a third."""
    jobs = system.ended(ids)
    assert {job.state for job in jobs} == {JobState.SUCCEEDED}
    assert max(job.attempt for job in jobs) == 2
    with system.database() as database:
        assert violations(database, BlobStore(system.settings.blob_url), ids) == []


def test_photos_of_a_killed_prediction_child_are_answered_at_the_second_attempt(
    system: System, seeds: Iterator[int]
) -> None:
    ids = send_as_one_batch(system, islice(seeds, BATCH))
    (child,) = system.children("worker-predict")
    wait_until(lambda: system.count(ids, JobState.RUNNING), 30, "photos run")
    child.kill()
    jobs = system.ended(ids)
    assert {job.state for job in jobs} == {JobState.SUCCEEDED}
    assert max(job.attempt for job in jobs) <= 2
    assert len(system.children("worker-predict")) == 1


def test_photos_of_a_killed_worker_are_worked_on_again_within_its_lease_and_ten_seconds(
    system: System, seeds: Iterator[int], figure: Figure
) -> None:
    start_second(system)
    with system.frozen_child("second"):
        ids = meet_mid_batch(system, seeds, signal.SIGKILL)
        killed = time.monotonic()
        held = [job.id for job in system.jobs(ids) if job.state is JobState.RUNNING]
        system.kill("worker-predict")
    wait_until(
        lambda: all(job.attempt == 2 for job in system.jobs(held)),
        TIMES.photo_lease + RECOVERY_SECONDS,
        "the photos of the killed worker are worked on again",
    )
    took = f"{time.monotonic() - killed:.1f} s"
    figure(f"F4, lease {TIMES.photo_lease} s", f"{len(held)} photos worked on again within {took}")
    assert_answered_once(system, ids)
    system.kill("second")


def test_a_worker_that_was_frozen_past_its_lease_changes_nothing_when_it_goes_on(
    system: System, seeds: Iterator[int]
) -> None:
    ids = meet_mid_batch(system, seeds, signal.SIGSTOP)
    end = time.monotonic() + TIMES.worker_paused
    start_second(system)
    assert_answered_once(system, ids)
    time.sleep(max(0.0, end - time.monotonic()))
    before = {job.id: (job.attempt, job.finished_at, job.result) for job in system.jobs(ids)}
    system.signal("worker-predict", signal.SIGCONT)
    log = system.log("worker-predict")
    wait_until(lambda: "lease_lost" in log.read_text(), 30, "the late worker notices that it lost its lease")
    system.kill("second")
    late = system.accept(islice(seeds, 1))
    assert [job.state for job in system.ended(late)] == [JobState.SUCCEEDED]
    assert {job.id: (job.attempt, job.finished_at, job.result) for job in system.jobs(ids)} == before
    assert_answered_once(system, ids)


def test_a_photo_that_kills_its_worker_is_quarantined_and_its_neighbours_are_answered(
    system: System, seeds: Iterator[int]
) -> None:
    photos: list[int | bytes] = [*islice(seeds, BATCH - 1)]
    photos.insert(BATCH // 2, poison())
    ids = send_as_one_batch(system, photos)
    poisoned = ids.pop(BATCH // 2)
    (job,) = system.ended([poisoned])
    assert_answered_once(system, ids)
    assert (job.state, job.error_code) == (JobState.QUARANTINED, "worker_crashed")
    assert system.outcomes(poisoned) == ["worker_lost"] * 3
    with system.api() as client:
        listed = as_json(client.get("/api/v1/jobs", params={"state": "quarantined"}))
    assert [row["id"] for row in listed["jobs"]] == [poisoned]
    assert system.ended(system.accept(islice(seeds, 1)))[0].state is JobState.SUCCEEDED


def test_a_child_that_is_replaced_after_each_task_works_again_within_a_minute_under_tensorflow(
    system: System, seeds: Iterator[int]
) -> None:
    system.kill("worker-predict")
    log = system.log("worker-predict")
    before = log.read_text().count("engine_loaded")
    command = [*system.command("worker-predict"), "--max-tasks-per-child", "1"]
    system.launch("worker-predict", command, HANGTAG_ENGINE="keras")
    system.wait_for("worker-predict")
    for _ in range(2):
        (job,) = system.ended(system.accept(islice(seeds, 1)), 60)
        assert job.state is JobState.SUCCEEDED
    loaded = log.read_text().count("engine_loaded") - before
    assert loaded == 2  # one child per photo, and none that was replaced before it worked
    system.kill("worker-predict")
