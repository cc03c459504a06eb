"""Ends many attempts in one transaction, each behind the same fence as one alone (`shared.jobs.store`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select, tuple_, update
from sqlalchemy.orm import Session

from shared.clock import utc_now
from shared.errors import ConflictError
from shared.jobs.states import JobState, may_move
from shared.tables import Attempt, Job
from shared.webhooks import outbox


def held(session: Session, attempts: Collection[tuple[str, int]]) -> dict[str, Job]:
    """Those of the (job id, attempt) pairs that still hold their job, by job id.

    The rows stay locked to the end of the transaction, so what was held stays held. They are locked
    in the order of their ids: two who want the same rows wait for each other, and never in a circle.
    """
    numbers = dict(attempts)
    rows = session.scalars(
        select(Job)
        .where(Job.id.in_(numbers), Job.state == JobState.RUNNING)
        .order_by(Job.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {job.id: job for job in rows if job.attempt == numbers[job.id]}


def succeed(session: Session, jobs: Collection[Job], results: Mapping[str, dict[str, Any]]) -> None:
    """End jobs that `held` gave in this transaction with their results, by job id."""
    if not may_move(JobState.RUNNING, JobState.SUCCEEDED):
        raise ConflictError("A running job cannot become succeeded.")
    now = utc_now()
    pairs = [(job.id, job.attempt) for job in jobs]
    session.execute(
        update(Attempt)
        .where(tuple_(Attempt.job_id, Attempt.number).in_(pairs))
        .values(ended_at=now, outcome=JobState.SUCCEEDED.value),
        execution_options={"synchronize_session": False},
    )
    for job in jobs:
        job.state, job.finished_at, job.result = JobState.SUCCEEDED, now, results[job.id]
        job.lease_owner = job.lease_until = job.eta_seconds = None
        job.error_code = job.error_message = None  # what went wrong before stays with the attempts
        job.done = job.total
    session.flush()
    outbox.jobs_ended(session, [job.id for job in jobs])
