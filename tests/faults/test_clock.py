"""A clock that is set by hours while work goes on, and a cancel of that work: F12; X12, X13."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest
from sqlalchemy import func, select

from shared.clock import utc_now
from shared.jobs.states import JobState
from shared.tables import TrainingEpoch, WorkerHeartbeat
from tests.faults.conftest import Figure, MakeSystem
from tests.faults.system import System, add_examples, as_json
from tests.processes import wait_until

# Hours of work for seconds of it: it is cancelled in the end.
TRAINING = {"preset": "quick", "image_size": 71, "epochs": 500, "batch_size": 1, "patience": 0}
UNDER_WAY_SECONDS = 120
# The promise, from the request to the end.
CANCEL_SECONDS = 30
# Signs of life come every ten seconds.
SEEN_SECONDS = 40
HOUR = timedelta(hours=1)


class Clock:
    """The clock on the wall of a system's processes."""

    def __init__(self, file: Path) -> None:
        self._file = file
        folders = (Path(__file__).parent / "set_clock", Path.cwd())
        self.env = {"CLOCK_OFFSET_FILE": str(file), "PYTHONPATH": ":".join(map(str, folders))}
        self.set(0)

    def set(self, hours: float) -> None:
        """From now on it is so much later or earlier than it is."""
        new = self._file.with_suffix(".new")
        new.write_text(str(hours * 3600))
        new.replace(self._file)


@pytest.fixture(scope="module")
def clock(short_tmp: Path) -> Clock:
    """A clock that tells the right time at first."""
    return Clock(short_tmp / "clock")


@pytest.fixture(scope="module")
def system(
    make_system: MakeSystem, clock: Clock, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """A system that lives by that clock, with photos to learn from."""
    made = make_system()
    add_examples(made, tmp_path_factory.mktemp("photos"), 9000)
    made.start("redis")
    names = ("web", "worker-predict", "worker-train", "maintain")
    for name in names:
        made.launch(name, made.command(name), **clock.env)
    made.wait_for(*names)
    yield made
    made.close()


def offset_of_maintenance(system: System) -> timedelta:
    """How far the clock of the process that takes jobs back is from ours."""
    query = select(WorkerHeartbeat.seen_at).where(WorkerHeartbeat.kind == "maintain")
    with system.database() as database, database.read() as session:
        return session.scalars(query).one() - utc_now()


def epochs(system: System, job_id: str) -> int:
    """How many epochs are done."""
    query = select(func.count()).select_from(TrainingEpoch).where(TrainingEpoch.job_id == job_id)
    with system.database() as database, database.read() as session:
        return session.scalar(query) or 0


@pytest.fixture(scope="module")
def training(system: System) -> str:
    """The job of a training that goes on and on."""
    with system.api() as client:
        answer = client.post("/api/v1/trainings", json=TRAINING)
    job_id = str(as_json(answer)["job"]["id"])
    wait_until(lambda: epochs(system, job_id) >= 3, UNDER_WAY_SECONDS, "three epochs are done")
    return job_id


def test_a_clock_that_is_set_by_hours_takes_no_training_away_and_keeps_no_photo_waiting(
    system: System, clock: Clock, seeds: Iterator[int], training: str
) -> None:
    clock.set(2)
    wait_until(lambda: offset_of_maintenance(system) > HOUR, SEEN_SECONDS, "maintenance is two hours ahead")
    with system.frozen_child("worker-predict"):
        waiting = system.accept(islice(seeds, 3))
        clock.set(-2)
        wait_until(
            lambda: offset_of_maintenance(system) < -HOUR, SEEN_SECONDS, "maintenance is two hours behind"
        )
    photos = system.ended(waiting + system.accept(islice(seeds, 3)))
    assert {(job.state, job.attempt) for job in photos} == {(JobState.SUCCEEDED, 1)}
    (job,) = system.jobs([training])
    assert (job.state, job.attempt) == (JobState.RUNNING, 1)


def test_a_cancelled_training_ends_within_thirty_seconds_and_leaves_no_checkpoint(
    system: System, training: str, figure: Figure
) -> None:
    checkpoints = system.settings.data_dir / "checkpoints" / training
    assert checkpoints.is_dir()
    asked = time.monotonic()
    with system.api() as client:
        assert client.post(f"/api/v1/jobs/{training}/cancel").status_code == 202
    (job,) = system.ended([training], CANCEL_SECONDS)
    figure("X12, a running training ended after", f"{time.monotonic() - asked:.1f} s")
    assert job.state is JobState.CANCELLED
    assert system.outcomes(training) == ["cancelled"]
    wait_until(lambda: not checkpoints.exists(), 10, "its checkpoints are removed")
