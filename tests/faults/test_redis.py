"""Redis that forgets, dies, freezes, or says everything five times: F5, F6, F7, F16, F17; X3, X4, X5."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import httpx
import numpy as np

from shared.blobs import BlobStore
from shared.jobs.queue import CeleryQueue
from shared.jobs.states import JobKind, JobState
from shared.redis_server import server_command
from tests.faults.conftest import Figure
from tests.faults.invariants import violations
from tests.faults.system import System, as_json
from tests.faults.times import TIMES
from tests.processes import wait_until
from worker.watchdog import EXIT_DEAF, STUCK_LOOKS

# The matrix: upload p99 while Redis is away.
UPLOAD_SECONDS = 3.0
# The matrix: from the end of a freeze until photos are answered again.
RESUME_SECONDS = 60
SELLERS = 4
# Between two photos of one seller.
PAUSE_SECONDS = 0.4


def assert_all_answered(system: System, ids: list[str], attempts: int = 1) -> None:
    """Each photo has its one answer, at the first attempt."""
    jobs = system.ended(ids)
    assert {(job.state, job.attempt) for job in jobs} == {(JobState.SUCCEEDED, attempts)}
    with system.database() as database:
        assert violations(database, BlobStore(system.settings.blob_url), ids) == []


def send_steadily(system: System, seeds: Iterator[int], seconds: float) -> list[httpx.Response]:
    """What sellers are answered who send photos for so long."""
    end = time.monotonic() + seconds

    def send(_: int) -> list[httpx.Response]:
        answers: list[httpx.Response] = []
        with system.api() as client:
            while time.monotonic() < end or not answers:
                answers.append(system.upload(next(seeds), client=client))
                time.sleep(PAUSE_SECONDS)
        return answers

    with ThreadPoolExecutor(SELLERS) as pool:
        return [answer for answers in pool.map(send, range(SELLERS)) for answer in answers]


def assert_all_taken_in_time(answers: list[httpx.Response]) -> str:
    """Each is a 202, and 99 % came quickly. Returns the figures in words."""
    assert {answer.status_code for answer in answers} == {202}
    p99 = float(np.percentile([answer.elapsed.total_seconds() for answer in answers], 99))
    assert p99 < UPLOAD_SECONDS
    return f"{len(answers)} uploads, p99 {p99:.2f} s"


def ids_of(answers: list[httpx.Response]) -> list[str]:
    """The jobs that were accepted."""
    return [str(as_json(answer)["job"]["id"]) for answer in answers]


def ready(system: System) -> tuple[int, dict[str, bool], bool]:
    """What /readyz says: its status, which checks are well, whether that is a degradation."""
    with system.api() as client:
        answer = client.get("/readyz")
    body = as_json(answer)
    return answer.status_code, {name: check["ok"] for name, check in body["checks"].items()}, body["degraded"]


def test_photos_whose_wake_ups_redis_forgot_are_all_answered(system: System, seeds: Iterator[int]) -> None:
    with system.frozen_child("worker-predict"):
        ids = system.accept(islice(seeds, 200))
        with system.redis() as broker:
            broker.flushall()
    assert_all_answered(system, ids)


def test_photos_are_taken_without_redis_and_answered_when_it_is_back(
    system: System, seeds: Iterator[int], figure: Figure
) -> None:
    system.kill("redis")
    answers = send_steadily(system, seeds, TIMES.redis_down)
    figure(f"F6, Redis down for {TIMES.redis_down} s", assert_all_taken_in_time(answers))
    ids = ids_of(answers)
    status, checks, degraded = ready(system)
    assert (status, checks["broker"], degraded) == (200, False, True)
    with system.api() as client:
        assert as_json(client.get(f"/api/v1/jobs/{ids[0]}"))["state"] == "queued"
    # Nothing that Redis was told before comes back.
    command = server_command(system.settings.data_dir)
    command[command.index("--appendonly") + 1] = "no"
    system.launch("redis", command)
    system.wait_for("redis")
    with system.supervised("worker-predict"):
        assert_all_answered(system, ids)


def test_photos_are_taken_quickly_while_redis_is_frozen_and_answered_when_it_goes_on(
    system: System, seeds: Iterator[int], figure: Figure
) -> None:
    web = system.children("web")
    system.signal("redis", signal.SIGSTOP)
    try:
        before = [child.num_threads() + child.num_fds() for child in web]
        answers = send_steadily(system, seeds, TIMES.redis_frozen)
        after = [child.num_threads() + child.num_fds() for child in web]
        status, checks, degraded = ready(system)
    finally:
        system.signal("redis", signal.SIGCONT)
    figure(f"F7, Redis frozen for {TIMES.redis_frozen} s", assert_all_taken_in_time(answers))
    assert (status, checks["broker"], degraded) == (200, False, True)
    # A thread or connection left behind by each upload would be dozens.
    assert max(after) < max(before) + 40
    ids, thawed = ids_of(answers), time.monotonic()
    with system.supervised("worker-predict"):
        wait_until(lambda: system.count(ids, JobState.SUCCEEDED), RESUME_SECONDS, "photos are answered again")
        figure("F7, answered again after", f"{time.monotonic() - thawed:.1f} s")
        assert_all_answered(system, ids)


def test_a_worker_that_hears_nothing_any_more_ends_and_the_next_one_answers(
    system: System, seeds: Iterator[int]
) -> None:
    system.kill("worker-predict")
    command = [word.replace("predict_app", "deaf_app") for word in system.command("worker-predict")]
    system.launch("worker-predict", command)
    system.wait_for("worker-predict")
    deaf = system.running["worker-predict"]
    ids = system.accept(islice(seeds, 5))
    with system.supervised("worker-predict"):
        assert_all_answered(system, ids)
    assert deaf.returncode == EXIT_DEAF


def test_a_worker_that_is_stuck_when_it_shall_stop_ends_all_the_same(system: System) -> None:
    system.kill("worker-predict")
    command = [word.replace("predict_app", "stuck_app") for word in system.command("worker-predict")]
    system.launch("worker-predict", command)
    system.wait_for("worker-predict")
    stuck = system.running["worker-predict"]
    stuck.terminate()
    assert stuck.wait(10 * TIMES.watchdog * STUCK_LOOKS) == EXIT_DEAF


def test_wake_ups_that_come_five_times_in_any_order_change_nothing(
    system: System, seeds: Iterator[int]
) -> None:
    with system.frozen_child("worker-predict"):
        ids = system.accept(islice(seeds, 30))
        messages = ids * 5
        random.Random(16).shuffle(messages)  # noqa: S311 - any order will do, but always the same one
        queue = CeleryQueue(system.settings)
        assert all(queue.publish(JobKind.CLASSIFY, job_id) for job_id in messages)
    assert_all_answered(system, ids)


def test_two_maintainers_side_by_side_are_as_good_as_one(system: System, seeds: Iterator[int]) -> None:
    system.launch("maintain-2", system.command("maintain"))
    system.wait_for("maintain-2")
    with system.frozen_child("worker-predict"):
        ids = system.accept(islice(seeds, 30))
        with system.redis() as broker:
            broker.flushall()
    jobs = system.ended(ids)
    system.kill("maintain-2")
    assert {(job.state, job.attempt) for job in jobs} == {(JobState.SUCCEEDED, 1)}
