"""Requests wait for jobs together: each is told of the end of its own."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import NoReturn

import pytest
from sqlalchemy import delete

from shared.clock import utc_now
from shared.database import Database
from shared.jobs import bell
from shared.jobs.bell import Bell
from shared.jobs.states import JobState
from shared.settings import Settings
from shared.tables import Job
from tests.factories import add_job
from tests.processes import wait_until
from tests.web.test_query_counts import counted
from web import job_watch
from web.job_watch import MAX_WAITERS, JobWatch

# Far more than anything here takes; who waits as long has waited in vain.
LONG = 60.0


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(MAX_WAITERS + 1) as pool:
        yield pool


@pytest.fixture
def watch(database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobWatch]:
    """One whose bell is heard however long Redis is kept from answering."""
    monkeypatch.setattr(bell, "ANSWER_SECONDS", LONG / 3)
    watch = JobWatch(database, Bell(settings))
    yield watch
    watch.close()


def end(database: Database, job: Job) -> None:
    with database.write() as session:
        row = session.get_one(Job, job.id)
        row.state, row.finished_at = JobState.CANCELLED, utc_now()


def broken(*_: object) -> NoReturn:
    """What somebody calls who runs out of something."""
    raise RuntimeError("can't start new thread")


def test_each_waits_for_its_own_job_and_one_query_looks_for_all(
    database: Database, watch: JobWatch, pool: ThreadPoolExecutor
) -> None:
    jobs = [add_job(database) for _ in range(MAX_WAITERS)]
    waiting = [pool.submit(watch.wait, job.id, LONG) for job in jobs]
    with counted(database.engine) as sent:
        wait_until(lambda: len(sent) > 2, LONG, "somebody looks")
        for job, waits in zip(jobs, waiting, strict=True):
            assert not waits.done()
            end(database, job)
            assert waits.result(LONG)
    looks = [statement for statement in sent if statement.startswith("SELECT job.id \nFROM job")]
    assert all("IN (" in look for look in looks)


def test_one_too_many_is_told_at_once_and_a_place_that_is_free_again_is_taken(
    database: Database, watch: JobWatch, pool: ThreadPoolExecutor
) -> None:
    job = add_job(database)

    def waits() -> bool:
        return watch.wait(job.id, LONG)

    # Who comes while we hold the last place, to see whether it is free, tries again.
    waiting = [pool.submit(wait_until, waits, LONG, "a place is free") for _ in range(MAX_WAITERS)]

    def refused() -> bool:
        return not watch.wait(job.id, 0.01)

    wait_until(refused, LONG, "all places are taken")
    end(database, job)
    for waiter in waiting:
        waiter.result(LONG)
    assert watch.wait(job.id, LONG)


def test_a_job_that_is_deleted_is_waited_for_no_more(
    database: Database, watch: JobWatch, pool: ThreadPoolExecutor
) -> None:
    job = add_job(database)
    waits = pool.submit(watch.wait, job.id, LONG)
    with database.write() as session:
        session.execute(delete(Job).where(Job.id == job.id))
    assert waits.result(LONG)


def test_a_ring_has_an_ended_job_seen_at_once(
    database: Database,
    watch: JobWatch,
    settings: Settings,
    pool: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(job_watch, "LOOK_SECONDS", LONG)
    job = add_job(database)
    with counted(database.engine) as sent:
        waits = pool.submit(watch.wait, job.id, LONG)
        wait_until(lambda: len(sent) > 1, LONG, "it was looked at, and again when Redis had heard us")
    end(database, job)
    Bell(settings).ring()
    assert waits.result(LONG / 2)
    Bell(settings).ring()  # lets the thread go that looks


def test_without_redis_the_end_of_a_job_is_seen_all_the_same(
    database: Database, settings: Settings, tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    silent = dataclasses.replace(settings, redis_url=f"redis+socket://{tmp_path}/nobody.sock")
    watch = JobWatch(database, Bell(silent))
    job = add_job(database)
    waits = pool.submit(watch.wait, job.id, LONG)
    end(database, job)
    assert waits.result(LONG / 2)
    watch.close()


def test_nobody_waits_for_what_cannot_be_looked_at(settings: Settings, pool: ThreadPoolExecutor) -> None:
    watch = JobWatch(Database("sqlite:////nowhere/at.db"), Bell(settings))
    waits: Future[bool] = pool.submit(watch.wait, "1", LONG)
    assert waits.result(LONG)


def test_after_a_thread_that_could_not_start_the_next_one_looks(
    database: Database, watch: JobWatch, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = add_job(database)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", broken)
        with pytest.raises(RuntimeError, match="can't start"):
            watch.wait(job.id, LONG)
    end(database, job)
    assert pool.submit(watch.wait, job.id, LONG).result(LONG / 2)


def test_a_thread_that_broke_down_lets_everybody_go_and_the_next_one_looks(
    database: Database, watch: JobWatch, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = add_job(database)
    with monkeypatch.context() as patched:
        patched.setattr(Bell, "listening", broken)
        assert pool.submit(watch.wait, job.id, LONG).result(LONG / 2)
    waits = pool.submit(watch.wait, job.id, LONG)
    end(database, job)
    assert waits.result(LONG / 2)


def test_after_the_time_that_was_asked_for_one_waits_no_more(
    database: Database, watch: JobWatch, pool: ThreadPoolExecutor
) -> None:
    waits = pool.submit(watch.wait, add_job(database).id, 0.1)
    assert wait([waits], LONG).done == {waits}
