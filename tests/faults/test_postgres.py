"""PostgreSQL that goes away and comes back: F8, F9; X6, X7."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import httpx
import pytest

from shared.blobs import BlobStore
from shared.jobs.states import JobState
from tests.faults.conftest import MakeSystem
from tests.faults.invariants import violations
from tests.faults.postgres import Postgres, own_postgres
from tests.faults.system import System, as_json
from tests.faults.times import TIMES
from tests.processes import wait_until

PROCESSES = ("redis", "web", "worker-predict", "maintain")


@pytest.fixture(scope="module")
def server(short_tmp: Path) -> Iterator[Postgres]:
    """A PostgreSQL that only these tests use."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(short_tmp))
    with own_postgres(short_tmp / "own-pg") as started:
        yield started


@pytest.fixture(scope="module")
def system(make_system: MakeSystem, server: Postgres) -> Iterator[System]:
    """A system on that PostgreSQL. None of its processes is ever started twice here."""
    made = make_system(HANGTAG_DATABASE_URL=server.create("hangtag"))
    made.start(*PROCESSES)
    pids = {name: made.running[name].pid for name in PROCESSES}
    yield made
    assert {name: made.running[name].pid for name in PROCESSES if made.alive(name)} == pids
    made.close()


def assert_promise_kept(system: System, ids: list[str]) -> None:
    """Every accepted photo has its one answer."""
    assert {job.state for job in system.ended(ids)} == {JobState.SUCCEEDED}
    with system.database() as database:
        assert violations(database, BlobStore(system.settings.blob_url), ids) == []


def test_without_its_database_it_takes_nothing_says_when_to_come_back_and_heals_by_itself(
    system: System, server: Postgres, seeds: Iterator[int]
) -> None:
    before = system.accept(islice(seeds, 20))

    def ask(client: httpx.Client) -> list[httpx.Response]:
        return [
            system.upload(next(seeds), client=client),
            client.get(f"/api/v1/jobs/{before[0]}"),
            client.get("/api/v1/jobs"),
        ]

    server.stop_at_once()
    end = time.monotonic() + TIMES.postgres_down
    with system.api() as client:
        answers = ask(client)
        while time.monotonic() < end:
            answers += ask(client)
        live, ready = client.get("/healthz"), client.get("/readyz")
    for answer in answers:
        assert (answer.status_code, as_json(answer)["code"]) == (503, "database_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    assert (live.status_code, ready.status_code) == (200, 503)
    assert as_json(ready)["checks"]["database"]["ok"] is False
    server.start()
    with system.api() as client:
        wait_until(lambda: client.get("/readyz").status_code == 200, 15, "it is ready again")
    assert_promise_kept(system, before + system.accept(islice(seeds, 5)))


def upload_until(system: System, seeds: Iterator[int], stop: threading.Event) -> list[str]:
    """Send photos one after the other, each again with its key until it is taken. Returns their jobs."""
    ids = []
    with system.api() as client:
        while not stop.is_set():
            seed = next(seeds)
            answer = system.upload(seed, f"key-{seed}", client)
            while answer.status_code == 503:
                answer = system.upload(seed, f"key-{seed}", client)
            assert answer.status_code == 202, answer.text
            ids.append(str(as_json(answer)["job"]["id"]))
    return ids


def test_an_immediate_restart_under_load_loses_no_accepted_photo(
    system: System, server: Postgres, seeds: Iterator[int]
) -> None:
    stop = threading.Event()
    ids = []
    with ThreadPoolExecutor(1) as pool:
        uploads = pool.submit(upload_until, system, seeds, stop)
        for _ in range(3):
            taken = next(seeds)
            server.stop_at_once()
            server.start()
            answer = system.upload(taken, f"key-{taken}")
            assert answer.status_code == 202
            ids.append(str(as_json(answer)["job"]["id"]))
        stop.set()
        ids += uploads.result()
    assert_promise_kept(system, ids)


def test_a_database_process_killed_while_answers_are_written_leaves_whole_answers_or_none(
    system: System, server: Postgres, seeds: Iterator[int]
) -> None:
    with system.frozen_child("worker-predict"):
        ids = system.accept(islice(seeds, 60))
    wait_until(lambda: system.count(ids, JobState.SUCCEEDED), 30, "answers are written")
    server.backends("hangtag")[0].kill()
    wait_until(lambda: _answers(server), 15, "PostgreSQL has restarted its processes")
    assert_promise_kept(system, ids)


def _answers(server: Postgres) -> bool:
    try:
        server.backends("hangtag")
    except Exception:  # noqa: BLE001 - however it says that it is not there yet
        return False
    return True
