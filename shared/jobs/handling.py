"""Where a failure stands with the people who look after it. The job's state says nothing about that."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, text

from shared.jobs.states import Handling, JobState
from shared.tables import OPEN_FAILURE, Job

# Ends that somebody has to look at.
FAILURES = (JobState.FAILED, JobState.QUARANTINED)
# What a retry adds to the task it repeats; the next retry says its own.
RETRY_NOTES = ("retry_of", "retried_by", "released_by")


def is_open() -> ColumnElement[bool]:
    """A failure nobody has dealt with, in the words of the index over them."""
    return and_(text(OPEN_FAILURE))


def stands(handling: Handling) -> ColumnElement[bool]:
    """Jobs that failed and stand like this."""
    conditions = {
        Handling.OPEN: is_open(),
        Handling.RETRIED: Job.retried_as.is_not(None),
        Handling.DISCARDED: and_(Job.retried_as.is_(None), Job.discarded_at.is_not(None)),
    }
    return and_(Job.state.in_(FAILURES), conditions[handling])


def of(job: Job) -> Handling | None:
    """Where this job stands; None when it did not fail."""
    if job.state not in FAILURES:
        return None
    if job.retried_as is not None:
        return Handling.RETRIED
    return Handling.OPEN if job.discarded_at is None else Handling.DISCARDED


def task_again(job: Job, by: str) -> dict[str, Any]:
    """The task of a job for the one that takes its place, with who asked for it."""
    task = {name: value for name, value in job.payload.items() if name not in RETRY_NOTES}
    note = "released_by" if job.state is JobState.QUARANTINED else "retried_by"
    return {**task, "retry_of": job.id, note: by}
