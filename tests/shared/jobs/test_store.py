"""Job rows: claims, leases, fences and ends, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from shared.clock import utc_now
from shared.database import Database
from shared.errors import (
    AlreadyFinishedError,
    LeaseLostError,
    NotFoundError,
    NotRetryableError,
    PhotoCorruptError,
    QuarantinedError,
    TransientError,
)
from shared.jobs import batch, store, upkeep
from shared.jobs.states import JobKind, JobState
from shared.jobs.store import Progress
from shared.tables import Job
from tests.factories import add_failures, add_job, add_user


def claim(database: Database, limit: int = 10, worker: str = "w1") -> list[Job]:
    with database.write() as session:
        return store.claim(session, JobKind.CLASSIFY, worker, limit)


def look(database: Database, job: Job) -> Job:
    with database.read() as session:
        return store.find(session, job.id)


def lose_workers(database: Database) -> list[JobState]:
    """All running attempts have been silent for too long."""
    with database.write() as session:
        return [state for _, state in upkeep.reap(session, upkeep.signs_of_life(session))]


def test_a_claim_counts_the_attempt_and_takes_the_oldest_first(database: Database) -> None:
    jobs = [add_job(database) for _ in range(3)]
    claimed = claim(database, limit=2)
    assert [job.id for job in claimed] == [job.id for job in jobs[:2]]
    assert [job.attempt for job in claimed] == [1, 1]
    assert look(database, jobs[2]).state is JobState.QUEUED


def test_a_claim_leaves_other_kinds_and_jobs_that_are_not_due(database: Database) -> None:
    add_job(database, JobKind.TRAIN)
    later = add_job(database)
    with database.write() as session:
        future = utc_now() + timedelta(minutes=1)
        session.execute(update(Job).where(Job.id == later.id).values(run_after=future, attempt=1))
    assert claim(database) == []


def test_workers_that_claim_at_once_never_get_the_same_job(database: Database) -> None:
    jobs = {add_job(database).id for _ in range(40)}
    with ThreadPoolExecutor(4) as pool:
        rounds = pool.map(lambda n: claim(database, limit=3, worker=f"w{n}"), range(20))
        claimed = [job.id for batch in rounds for job in batch]
    assert sorted(claimed) == sorted(jobs)


def test_a_job_whose_worker_died_is_claimed_alone_and_its_neighbours_after_it(database: Database) -> None:
    suspects = [add_job(database), add_job(database)]
    claim(database)
    lose_workers(database)
    fresh = [add_job(database), add_job(database)]
    batches = [[job.id for job in claim(database)] for _ in range(4)]
    assert batches == [[suspects[0].id], [suspects[1].id], [job.id for job in fresh], []]


def test_a_job_that_failed_before_does_not_join_the_batch_of_older_ones(database: Database) -> None:
    failed = add_job(database)
    claim(database)
    fresh = [add_job(database), add_job(database)]
    with database.write() as session:
        store.fail(session, failed.id, 1, TransientError())
        session.execute(update(Job).where(Job.id == failed.id).values(run_after=utc_now()))
    assert [job.id for job in claim(database)] == [job.id for job in fresh]
    assert [(job.id, job.attempt) for job in claim(database)] == [(failed.id, 2)]


def test_a_job_let_out_of_quarantine_is_claimed_alone_from_its_first_attempt_on(database: Database) -> None:
    before = add_job(database)
    (held,) = add_failures(database, state=JobState.QUARANTINED)
    with database.write() as session:
        released = store.retry(session, held.id, retried_by="Ada")
    after = add_job(database)
    batches = [[job.id for job in claim(database)] for _ in range(3)]
    assert batches == [[before.id, after.id], [released.id], []]


def test_a_job_given_back_joins_batches_as_if_never_taken(database: Database) -> None:
    jobs = [add_job(database), add_job(database)]
    claim(database)
    with database.write() as session:
        store.release(session, jobs[0].id, 1)
        store.release(session, jobs[1].id, 1)
    assert [job.attempt for job in claim(database)] == [1, 1]


def test_a_cancelled_job_that_is_given_back_ends_cancelled(database: Database) -> None:
    job = add_job(database)
    claim(database)
    with database.write() as session:
        store.request_cancel(session, job.id)
    with database.write() as session:
        store.release(session, job.id, 1)
    assert look(database, job).state is JobState.CANCELLED


def test_success_ends_the_job_and_its_attempt(database: Database) -> None:
    job = add_job(database)
    claim(database)
    with database.write() as session:
        store.succeed(session, job.id, 1, {"category": "hat"})
    ended = look(database, job)
    assert (ended.state, ended.result) == (JobState.SUCCEEDED, {"category": "hat"})
    assert ended.finished_at is not None
    with database.read() as session:
        assert [run.outcome for run in store.attempts(session, job.id)] == ["succeeded"]


Write = Callable[[Session, str], Any]
LATE_WRITES: dict[str, Write] = {
    "renew": lambda session, job_id: store.renew(session, job_id, 1),
    "succeed": lambda session, job_id: store.succeed(session, job_id, 1, {}),
    "fail": lambda session, job_id: store.fail(session, job_id, 1, PhotoCorruptError()),
    "cancelled": lambda session, job_id: store.cancelled(session, job_id, 1),
    "release": lambda session, job_id: store.release(session, job_id, 1),
}


@pytest.mark.parametrize("name", LATE_WRITES)
def test_a_worker_that_lost_its_lease_cannot_write_any_more(database: Database, name: str) -> None:
    job = add_job(database)
    claim(database)
    lose_workers(database)
    claim(database, worker="w2")
    with pytest.raises(LeaseLostError), database.write() as session:
        LATE_WRITES[name](session, job.id)
    now = look(database, job)
    assert (now.state, now.attempt, now.lease_owner) == (JobState.RUNNING, 2, "w2")


def test_a_job_that_takes_three_workers_down_is_quarantined(database: Database) -> None:
    job = add_job(database)
    states = []
    for _ in range(3):
        claim(database)
        states += lose_workers(database)
    assert states == [JobState.QUEUED, JobState.QUEUED, JobState.QUARANTINED]
    assert look(database, job).error_code == "worker_crashed"
    assert claim(database) == []


def test_a_transient_error_waits_and_comes_back_until_attempts_are_used_up(database: Database) -> None:
    job = add_job(database)
    for attempt in (1, 2, 3):
        claim(database)
        with database.write() as session:
            store.fail(session, job.id, attempt, TransientError("The engine stumbled."))
        now = look(database, job)
        if attempt < 3:
            assert now.state is JobState.QUEUED
            assert now.run_after > utc_now()
            with database.write() as session:
                session.execute(update(Job).values(run_after=utc_now()))
    assert (now.state, now.error_message) == (JobState.FAILED, "The engine stumbled.")


SUCCESSES: dict[str, Write] = {
    "alone": lambda session, job_id: store.succeed(session, job_id, 2, {}),
    "in a batch": lambda session, job_id: batch.succeed(
        session, batch.held(session, [(job_id, 2)]).values(), {job_id: {}}
    ),
}


@pytest.mark.parametrize("name", SUCCESSES)
def test_a_job_that_succeeds_after_an_error_shows_that_error_only_at_its_attempt(
    database: Database, name: str
) -> None:
    job = add_job(database)
    claim(database)
    with database.write() as session:
        store.fail(session, job.id, 1, TransientError("The engine stumbled."))
        session.execute(update(Job).values(run_after=utc_now()))
    claim(database)
    with database.write() as session:
        SUCCESSES[name](session, job.id)
    now = look(database, job)
    assert (now.state, now.error_code, now.error_message) == (JobState.SUCCEEDED, None, None)
    with database.read() as session:
        assert [run.error_message for run in store.attempts(session, job.id)] == [
            "The engine stumbled.",
            None,
        ]


def test_a_permanent_error_ends_the_job_at_once(database: Database) -> None:
    job = add_job(database)
    claim(database)
    with database.write() as session:
        assert store.fail(session, job.id, 1, PhotoCorruptError()) is JobState.FAILED
    assert look(database, job).error_code == "image_corrupt"


def test_a_planned_stop_gives_the_attempt_back(database: Database) -> None:
    job = add_job(database)
    claim(database)
    with database.write() as session:
        store.release(session, job.id, 1)
    assert look(database, job).attempt == 0
    assert [again.attempt for again in claim(database)] == [1]


def test_cancelling_a_queued_job_ends_it_at_once(database: Database) -> None:
    job = add_job(database)
    with database.write() as session:
        assert store.request_cancel(session, job.id).state is JobState.CANCELLED
    assert claim(database) == []


def test_cancelling_a_running_job_is_told_to_its_worker(database: Database) -> None:
    job = add_job(database)
    claim(database)
    with database.write() as session:
        assert store.request_cancel(session, job.id).state is JobState.RUNNING
    with database.write() as session:
        assert store.renew(session, job.id, 1, Progress("training", 1, 9))


def test_a_cancelled_job_of_a_dead_worker_ends_cancelled(database: Database) -> None:
    job = add_job(database)
    claim(database)
    with database.write() as session:
        store.request_cancel(session, job.id)
    assert lose_workers(database) == [JobState.CANCELLED]


def test_cancelling_what_has_ended_is_refused(database: Database) -> None:
    job = add_job(database)
    claim(database)
    with database.write() as session:
        store.succeed(session, job.id, 1, {})
    with pytest.raises(AlreadyFinishedError), database.write() as session:
        store.request_cancel(session, job.id)


def test_a_retry_is_a_new_job_and_the_old_one_keeps_its_state(database: Database) -> None:
    job = add_job(database, payload={"x": 1})
    with database.write() as session:
        store.request_cancel(session, job.id)
    with database.write() as session:
        again = store.retry(session, job.id)
    assert again.payload == {"x": 1, "retry_of": job.id, "retried_by": "hangtag"}
    assert look(database, again).state is JobState.QUEUED
    assert look(database, job).state is JobState.CANCELLED


def test_its_owner_cannot_take_a_job_out_of_quarantine_and_somebody_who_sees_all_jobs_can(
    database: Database,
) -> None:
    owner = add_user(database).id
    (held,) = add_failures(database, state=JobState.QUARANTINED, owner_id=owner)
    with pytest.raises(QuarantinedError), database.write() as session:
        store.retry(session, held.id, owner, retried_by="Sam")
    with database.write() as session:
        released = store.retry(session, held.id, retried_by="Ada")
    assert released.payload == {"retry_of": held.id, "released_by": "Ada"}
    with database.write() as session:
        assert store.retry(session, held.id, owner, retried_by="Sam").id == released.id


def test_what_succeeded_or_still_runs_cannot_be_retried(database: Database) -> None:
    job = add_job(database)
    with pytest.raises(NotRetryableError), database.write() as session:
        store.retry(session, job.id)


def test_somebody_elses_job_looks_like_an_unknown_one(database: Database) -> None:
    owner, other = add_user(database, "Ann"), add_user(database, "Bob")
    job = add_job(database, owner_id=owner.id)
    with database.read() as session:
        assert store.find(session, job.id, owner.id).id == job.id
        with pytest.raises(NotFoundError) as theirs:
            store.find(session, job.id, other.id)
        with pytest.raises(NotFoundError) as unknown:
            store.find(session, "00000000-0000-7000-8000-000000000000", other.id)
    assert theirs.value.message == unknown.value.message


def test_pages_follow_each_other_newest_first_without_gaps(database: Database) -> None:
    ids = [add_job(database).id for _ in range(5)]
    seen: list[str] = []
    cursor = None
    with database.read() as session:
        while True:
            page = store.page(session, cursor=cursor, limit=2)
            seen += [job.id for job in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
    assert seen == ids[::-1]
