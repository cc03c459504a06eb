"""All job SQL: create, claim, renew, finish, cancel, reap, list.

Every write of a running attempt is fenced by (job id, attempt): what a worker writes after it lost its
lease matches no row and raises LeaseLostError, so its whole transaction is rolled back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, text, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from shared import batches
from shared.clock import utc_now
from shared.errors import (
    AlreadyFinishedError,
    ConflictError,
    HangtagError,
    LeaseLostError,
    NotFoundError,
    NotRetryableError,
    PhotoDeletedError,
    QuarantinedError,
    TransientError,
)
from shared.jobs.backoff import MAX_BACKOFF_SECONDS, backoff
from shared.jobs.handling import stands, task_again
from shared.jobs.outcome import Outcome
from shared.jobs.states import ACTIVE, TERMINAL, Handling, JobKind, JobState, may_move
from shared.paging import Page, newest_first
from shared.tables import HELD_IN_QUARANTINE, Attempt, Job
from shared.webhooks import outbox

# A batch of photos takes about a second on two cores; thirty times that is a dead worker.
LEASE_SECONDS = {kind: 30 if kind is JobKind.CLASSIFY else 90 for kind in JobKind}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a running attempt is. `eta_seconds` is None while nothing is known."""

    stage: str
    done: int
    total: int
    eta_seconds: float | None = None


def create(
    session: Session,
    kind: JobKind,
    *,
    owner_id: str | None = None,
    photo_id: str | None = None,
    payload: dict[str, Any] | None = None,
) -> Job:
    """Add a queued job. The caller commits first and publishes the wake-up afterwards."""
    job = Job(
        kind=kind,
        state=JobState.QUEUED,
        owner_id=owner_id,
        photo_id=photo_id,
        payload=payload or {},
        last_dispatch_at=utc_now(),
    )
    session.add(job)
    session.flush()
    return job


def create_answered(
    session: Session, kind: JobKind, *, owner_id: str, photo_id: str, result: dict[str, Any]
) -> Job:
    """Add a job whose result is known already: it has succeeded from the start, without any attempt."""
    now = utc_now()
    job = Job(
        kind=kind,
        state=JobState.SUCCEEDED,
        owner_id=owner_id,
        photo_id=photo_id,
        payload={},
        created_at=now,
        started_at=now,
        finished_at=now,
        result=result,
    )
    session.add(job)
    session.flush()
    outbox.jobs_ended(session, [job.id])
    return job


def find(session: Session, job_id: str, owner_id: str | None = None) -> Job:
    """The job with this id; with `owner_id`, only if it is theirs.

    Raises:
        NotFoundError: unknown, or somebody else's.
    """
    job = session.get(Job, job_id)
    if job is None or (owner_id is not None and job.owner_id != owner_id):
        raise NotFoundError("There is no job with this id.")
    return job


def page(
    session: Session,
    *,
    owner_id: str | None = None,
    state: JobState | None = None,
    kind: JobKind | None = None,
    error_code: str | None = None,
    handled: Handling | None = None,
    outcome: Outcome | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Job, str]:
    """One page of jobs, newest first. `cursor` is the last id of the page before."""
    query = select(Job)
    if owner_id is not None:
        query = query.where(Job.owner_id == owner_id)
    if state is not None:
        query = query.where(Job.state == state)
    if kind is not None:
        query = query.where(Job.kind == kind)
    if error_code is not None:
        query = query.where(Job.error_code == error_code)
    if handled is not None:
        query = query.where(stands(handled))
    if outcome is not None:
        query = query.where(*outcome.conditions())
    return newest_first(session, query, Job.id, cursor, limit)


def quarantined(session: Session, photo_id: str) -> Job | None:
    """The classification of this photo that is in quarantine, if there is one that nobody has released."""
    held = select(Job).where(Job.photo_id == photo_id, text(HELD_IN_QUARANTINE), Job.kind == JobKind.CLASSIFY)
    return session.scalars(held.order_by(Job.id.desc()).limit(1)).first()


def attempts(session: Session, job_id: str) -> list[Attempt]:
    """All runs of a job, first to last."""
    return list(session.scalars(select(Attempt).where(Attempt.job_id == job_id).order_by(Attempt.number)))


def claim(
    session: Session, kind: JobKind, worker: str, limit: int, job_id: str | None = None, fresh: bool = False
) -> list[Job]:
    """Take up to `limit` queued jobs of a kind, or just `job_id`. The claim itself counts the attempt.

    A job whose last attempt did not end well, or that was let out of quarantine, is taken alone, so that it
    takes no neighbours down with it; with `fresh`, it is left where it is. Rows that
    another worker is taking are skipped on PostgreSQL; SQLite has one writer at a time, so there are none.
    """
    now = utc_now()
    waiting = (
        select(Job.id, Job.attempt, Job.payload)
        .where(Job.state == JobState.QUEUED, Job.kind == kind, Job.attempt == 0 if fresh else due(now))
        .order_by(Job.run_after, Job.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    if job_id is not None:
        waiting = waiting.where(Job.id == job_id)
    found = session.execute(waiting).all()
    if not found:
        return []
    suspects = {row.id for row in found if row.attempt or "released_by" in row.payload}
    oldest = found[0].id
    alone = oldest in suspects and not fresh
    ids = [oldest] if alone else [row.id for row in found if row.id not in suspects]
    claimed = session.scalars(
        update(Job)
        .where(Job.id.in_(ids), Job.state == JobState.QUEUED)
        .values(
            state=JobState.RUNNING,
            attempt=Job.attempt + 1,
            lease_owner=worker,
            lease_until=now + timedelta(seconds=LEASE_SECONDS[kind]),
            started_at=func.coalesce(Job.started_at, now),
            heartbeat_at=now,
        )
        .returning(Job),
        execution_options={"synchronize_session": False, "populate_existing": True},
    ).all()
    session.add_all(Attempt(job_id=job.id, number=job.attempt, worker=worker) for job in claimed)
    return sorted(claimed, key=lambda job: ids.index(job.id))


def renew(session: Session, job_id: str, attempt: int, progress: Progress | None = None) -> bool:
    """Prolong the lease by a whole term and note the progress. Returns whether the job shall be cancelled.

    Raises:
        LeaseLostError: another attempt owns the job.
    """
    now = utc_now()
    job = _held(session, job_id, attempt)
    job.lease_until = now + timedelta(seconds=LEASE_SECONDS[job.kind])
    job.heartbeat_at = now
    if progress is not None:
        job.stage, job.done, job.total = progress.stage, progress.done, progress.total
        job.eta_seconds = progress.eta_seconds
    return job.cancel_requested_at is not None


def succeed(session: Session, job_id: str, attempt: int, result: dict[str, Any]) -> None:
    """End the job with its result. What went wrong before stays with the attempts.

    Raises:
        LeaseLostError: another attempt owns the job.
    """
    _end_attempt(session, job_id, attempt, JobState.SUCCEEDED)
    changes = {"done": Job.total, "eta_seconds": None, "error_code": None, "error_message": None}
    _move(session, job_id, attempt, JobState.SUCCEEDED, result=result, **changes)


def cancelled(session: Session, job_id: str, attempt: int, result: dict[str, Any] | None = None) -> None:
    """End a running job that was asked to stop; `result` tells what was done until then.

    Raises:
        LeaseLostError: another attempt owns the job.
    """
    _end_attempt(session, job_id, attempt, JobState.CANCELLED)
    _move(session, job_id, attempt, JobState.CANCELLED, result=result)


def fail(session: Session, job_id: str, attempt: int, error: HangtagError) -> JobState:
    """Record an error: transient ones go back to the queue while attempts are left, others end the job.

    Raises:
        LeaseLostError: another attempt owns the job.
    """
    job = _held(session, job_id, attempt)
    again = isinstance(error, TransientError) and attempt < job.max_attempts
    state = JobState.QUEUED if again else JobState.FAILED
    _end_attempt(session, job_id, attempt, "retried" if again else state, error.message)
    changes: dict[str, Any] = {"error_code": error.code, "error_message": error.message[:500]}
    if again:
        changes["run_after"] = utc_now() + backoff(attempt)
        changes["last_dispatch_at"] = None
    _move(session, job_id, attempt, state, **changes)
    return state


def release(session: Session, job_id: str, attempt: int) -> None:
    """Give a job back because this worker stops in an orderly way; the attempt is not used up.

    Raises:
        LeaseLostError: another attempt owns the job.
    """
    if _held(session, job_id, attempt).cancel_requested_at is not None:
        cancelled(session, job_id, attempt)
        return
    held = session.get(Attempt, (job_id, attempt))
    if held is not None:
        session.delete(held)
    _move(session, job_id, attempt, JobState.QUEUED, attempt=attempt - 1, last_dispatch_at=None)


def request_cancel(session: Session, job_id: str, owner_id: str | None = None) -> Job:
    """Ask a job to stop: a queued one ends at once, a running one at its next batch.

    Raises:
        NotFoundError: unknown, or somebody else's.
        AlreadyFinishedError: it has ended.
    """
    job = find(session, job_id, owner_id)
    now = utc_now()
    ended = _rows(
        session,
        update(Job)
        .where(Job.id == job_id, Job.state == JobState.QUEUED)
        .values(state=JobState.CANCELLED, finished_at=now, cancel_requested_at=now),
    )
    asked = ended or _rows(
        session,
        update(Job)
        .where(Job.id == job_id, Job.state == JobState.RUNNING)
        .values(cancel_requested_at=func.coalesce(Job.cancel_requested_at, now)),
    )
    if not asked:
        raise AlreadyFinishedError
    if ended:
        outbox.jobs_ended(session, [job_id])
    session.refresh(job)
    return job


def retry(session: Session, job_id: str, owner_id: str | None = None, *, retried_by: str = "hangtag") -> Job:
    """Queue a new job with the same task. The old one keeps its state: terminal states never change.

    Whoever asks again gets that new job while it waits, runs or has succeeded; if it failed too, it is the
    one that is tried again. Out of quarantine a job is only let by somebody who may see everybody's jobs
    (no `owner_id`): a photo that takes workers down must not do so again whenever its owner likes.

    Raises:
        NotFoundError: unknown, or somebody else's.
        NotRetryableError: it succeeded, or has not ended.
        QuarantinedError: it is in quarantine, and its owner asks.
        PhotoDeletedError: there is nothing left to look at.
    """
    job = find(session, job_id, owner_id)
    session.refresh(job, with_for_update=True)  # two who ask at the same time shall get the same new job
    if job.retried_as is not None:
        newer = find(session, job.retried_as)
        hopeful = newer.state in ACTIVE or newer.state is JobState.SUCCEEDED
        return newer if hopeful else retry(session, newer.id, owner_id, retried_by=retried_by)
    if job.state not in TERMINAL - {JobState.SUCCEEDED}:
        raise NotRetryableError
    if job.state is JobState.QUARANTINED and owner_id is not None:
        raise QuarantinedError
    if job.error_code == PhotoDeletedError.code:
        raise PhotoDeletedError
    payload = task_again(job, retried_by)
    again = create(session, job.kind, owner_id=job.owner_id, photo_id=job.photo_id, payload=payload)
    job.retried_as = again.id
    batches.follow(session, {job.id: again.id})
    return again


def lose(session: Session, job: Job) -> JobState:
    """Take a job back from a worker that is gone: to the queue, or out of it after the last attempt."""
    _end_attempt(session, job.id, job.attempt, "worker_lost", "The worker stopped without an answer.")
    if job.cancel_requested_at is not None:
        _move(session, job.id, job.attempt, JobState.CANCELLED)
        return JobState.CANCELLED
    if job.attempt < job.max_attempts:
        _move(session, job.id, job.attempt, JobState.QUEUED, last_dispatch_at=None)
        return JobState.QUEUED
    message = "Hangtag broke down on this every time it tried. Ask an administrator to look at it."
    error = {"error_code": "worker_crashed", "error_message": message}
    _move(session, job.id, job.attempt, JobState.QUARANTINED, **error)
    return JobState.QUARANTINED


def due(now: datetime) -> ColumnElement[bool]:
    """Whose turn it is. Only a job that was tried before ever waits, and never longer than the cap: a
    `run_after` beyond that was written before the clock was set back."""
    beyond = now + timedelta(seconds=2 * MAX_BACKOFF_SECONDS)
    return or_(Job.attempt == 0, Job.run_after <= now, Job.run_after > beyond)


def waiting(session: Session) -> dict[JobKind, tuple[int, datetime | None]]:
    """Per kind: how many jobs wait, and since when the oldest does."""
    rows = session.execute(
        select(Job.kind, func.count(), func.min(Job.created_at))
        .where(Job.state == JobState.QUEUED)
        .group_by(Job.kind)
    )
    return {kind: (count, oldest) for kind, count, oldest in rows}


def counts(session: Session) -> dict[tuple[JobKind, JobState], int]:
    """How many jobs there are of each kind in each state."""
    rows = session.execute(select(Job.kind, Job.state, func.count()).group_by(Job.kind, Job.state))
    return {(kind, state): count for kind, state, count in rows}


def _fence(job_id: str, attempt: int) -> tuple[ColumnElement[bool], ...]:
    return (Job.id == job_id, Job.attempt == attempt, Job.state == JobState.RUNNING)


def _held(session: Session, job_id: str, attempt: int) -> Job:
    job = session.scalar(select(Job).where(*_fence(job_id, attempt)).with_for_update())
    if job is None:
        raise LeaseLostError
    return job


def _move(session: Session, job_id: str, held: int, state: JobState, **changes: Any) -> None:
    if not may_move(JobState.RUNNING, state):
        raise ConflictError(f"A running job cannot become {state.value}.")
    finished_at = utc_now() if state in TERMINAL else None
    values = {"state": state, "lease_owner": None, "lease_until": None, "finished_at": finished_at, **changes}
    if not _rows(session, update(Job).where(*_fence(job_id, held)).values(**values)):
        raise LeaseLostError
    if finished_at is not None:
        outbox.jobs_ended(session, [job_id])


def _rows(session: Session, statement: Any) -> int:
    result = session.execute(statement)
    assert isinstance(result, CursorResult)  # noqa: S101 - tells the type checker what an UPDATE returns
    return result.rowcount


def _end_attempt(
    session: Session, job_id: str, attempt: int, outcome: str, message: str | None = None
) -> None:
    row = session.get(Attempt, (job_id, attempt))
    if row is not None:
        row.ended_at, row.outcome = utc_now(), str(outcome)
        row.error_message = message[:500] if message else None
