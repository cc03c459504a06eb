"""A lease tells the work when to stop, and why."""

from __future__ import annotations

import pytest
from sqlalchemy import event, text, update
from sqlalchemy.orm import Session

from shared.clock import utc_now
from shared.database import Database
from shared.errors import CancelledError, LeaseLostError
from shared.jobs import store
from shared.jobs.states import JobKind
from shared.jobs.store import Progress
from shared.tables import Job
from tests.factories import add_job
from worker.lease import Lease
from worker.stopping import PlannedStop, WorkerStoppingError

HALF = Progress("training", 1, 2)


@pytest.fixture
def stop() -> PlannedStop:
    return PlannedStop()


@pytest.fixture
def lease(database: Database, stop: PlannedStop) -> Lease:
    job = add_job(database, JobKind.TRAIN)
    with database.write() as session:
        store.claim(session, JobKind.TRAIN, "w1", 1)
    return Lease(database, job.id, 1, stop)


def test_a_report_renews_the_lease_and_notes_the_progress(database: Database, lease: Lease) -> None:
    with database.write() as session:
        session.execute(update(Job).values(lease_until=utc_now()))
    lease.report(HALF)
    lease.check()
    with database.read() as session:
        job = store.find(session, lease.job_id)
    assert job.lease_until is not None
    assert job.lease_until > utc_now()
    assert (job.stage, job.done, job.total) == ("training", 1, 2)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_report_during_which_the_connection_breaks_is_repeated(database: Database, lease: Lease) -> None:
    def end_our_connection(session: Session) -> None:
        event.remove(Session, "before_commit", end_our_connection)
        pid = session.scalar(text("SELECT pg_backend_pid()"))
        with database.engine.connect() as another:
            another.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})

    event.listen(Session, "before_commit", end_our_connection)
    lease.report(HALF)
    lease.check()
    with database.read() as session:
        assert store.find(session, lease.job_id).stage == "training"


def test_a_stopping_worker_is_told_at_the_next_check_and_still_holds_the_job(
    database: Database, lease: Lease, stop: PlannedStop
) -> None:
    stop.request()
    with pytest.raises(WorkerStoppingError):
        lease.check()
    with pytest.raises(WorkerStoppingError):
        lease.report(HALF)
    with database.write() as session:
        store.release(session, lease.job_id, 1)


def test_a_cancel_is_told_at_the_next_report_even_when_the_worker_stops(
    database: Database, lease: Lease, stop: PlannedStop
) -> None:
    with database.write() as session:
        store.request_cancel(session, lease.job_id)
    stop.request()
    with pytest.raises(CancelledError):
        lease.report(HALF)
    with pytest.raises(CancelledError):
        lease.check()


def test_a_lost_lease_is_told_at_the_next_report(database: Database, lease: Lease) -> None:
    with database.write() as session:
        store.release(session, lease.job_id, 1)
    with pytest.raises(LeaseLostError):
        lease.report(HALF)
