"""A web process that dies in the middle of an upload: F1, F2."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import func, select

from shared.jobs.states import JobState
from shared.tables import Job
from tests.faults.system import System, as_json
from tests.faults.times import IS_FULL, TIMES

# The matrix allows 35 s for 30 s until the next wake-up; the rest is a look, a publish and one photo.
WORK_SECONDS = 5 if IS_FULL else 15


def jobs_in(system: System) -> int:
    """How many jobs there are."""
    with system.database() as database, database.read() as session:
        return session.scalar(select(func.count()).select_from(Job)) or 0


def upload_to_dying_server(system: System, point: str, seed: int, key: str) -> None:
    """Send a photo to a server that dies at this point of the upload."""
    system.kill("web")
    command = system.command("web")
    command[-1] = f"tests.faults.stop_points:{point}()"
    system.launch("web", command)
    system.wait_for("web")
    with pytest.raises(httpx.TransportError):
        system.upload(seed, key)
    system.kill("web")
    system.start("web")


def test_an_upload_that_died_before_its_commit_left_nothing_and_is_one_job_when_it_is_sent_again(
    system: System, seeds: Iterator[int]
) -> None:
    before, seed = jobs_in(system), next(seeds)
    upload_to_dying_server(system, "before_commit", seed, "f1")
    assert jobs_in(system) == before
    first, again = as_json(system.upload(seed, "f1")), as_json(system.upload(seed, "f1"))
    assert first["job"]["id"] == again["job"]["id"]
    assert jobs_in(system) == before + 1
    assert system.ended([first["job"]["id"]])[0].state is JobState.SUCCEEDED


def test_an_upload_that_died_after_its_commit_runs_all_the_same(system: System, seeds: Iterator[int]) -> None:
    before, seed = jobs_in(system), next(seeds)
    upload_to_dying_server(system, "before_publish", seed, "f2")
    assert jobs_in(system) == before + 1
    again = system.upload(seed, "f2")
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (202, "true")
    (job,) = system.ended([as_json(again)["job"]["id"]], TIMES.redispatch + WORK_SECONDS)
    assert job.state is JobState.SUCCEEDED
    assert jobs_in(system) == before + 1
