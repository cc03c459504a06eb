"""What operators watch: waiting, its age, running, workers; on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from shared.clock import utc_now
from shared.database import Database
from shared.jobs import figures, store
from shared.jobs.figures import QueueFigures
from shared.jobs.states import JobKind
from shared.tables import Job, WorkerHeartbeat
from tests.factories import add_failures, add_job


def queue(database: Database, kind: JobKind = JobKind.CLASSIFY) -> QueueFigures:
    with database.read() as session:
        (found,) = [each for each in figures.queues(session) if each.kind is kind]
    return found


def add_worker(database: Database, name: str, silent: timedelta = timedelta()) -> None:
    now = utc_now()
    kind = name.partition("@")[0]
    with database.write() as session:
        session.add(
            WorkerHeartbeat(name=name, kind=kind, resident_bytes=1, started_at=now, seen_at=now - silent)
        )


def test_an_empty_queue_has_no_age(database: Database) -> None:
    assert queue(database) == QueueFigures(JobKind.CLASSIFY, "predict", 0, 0, 0, None, 0)


def test_what_waits_is_counted_with_its_age_and_apart_from_what_runs(database: Database) -> None:
    oldest = utc_now() - timedelta(minutes=5)
    jobs = [add_job(database) for _ in range(3)]
    add_job(database, JobKind.TRAIN)
    add_failures(database)
    with database.write() as session:
        session.execute(update(Job).where(Job.id == jobs[0].id).values(created_at=oldest))
        store.claim(session, JobKind.CLASSIFY, "w", 1, jobs[2].id)
    found = queue(database)
    assert (found.waiting, found.oldest, found.running) == (2, oldest, 1)
    assert queue(database, JobKind.TRAIN).waiting == 1


def test_what_pauses_after_an_error_is_told_apart(database: Database) -> None:
    jobs = [add_job(database) for _ in range(2)]
    with database.write() as session:
        later = utc_now() + timedelta(minutes=1)
        session.execute(update(Job).where(Job.id == jobs[0].id).values(run_after=later, attempt=1))
    assert (queue(database).waiting, queue(database).delayed) == (2, 1)


def test_only_workers_that_were_heard_of_lately_count(database: Database) -> None:
    add_worker(database, "predict@a")
    add_worker(database, "predict@b", silent=timedelta(minutes=1))
    add_worker(database, "maintain@a")
    assert queue(database).workers == 1
    with database.read() as session:
        assert [worker.name for worker in figures.workers(session)] == [
            "maintain@a",
            "predict@a",
            "predict@b",
        ]
