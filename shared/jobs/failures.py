"""Failures as operators look after them: grouped by cause, tried again or discarded, one or all of a group.

A failure is a job that failed or is in quarantine. Its state never changes any more; what people decide is
noted beside it, and takes it out of the groups.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, func, select
from sqlalchemy.orm import Session

from shared import audit, batches
from shared.audit import Action
from shared.clock import utc_now
from shared.database import Database
from shared.errors import NotDiscardableError, NotInQuarantineError
from shared.jobs import handling, store
from shared.jobs.states import Handling, JobKind, JobState
from shared.tables import Attempt, Job, new_id

# One transaction's worth: short enough for a seller's upload to get in between on SQLite.
BATCH = 500
# How long one call goes on with a group: less than the patience of a reader, and of any proxy on the way.
CALL_SECONDS = 5.0

# What is done to one batch of failures, in the name of whom.
Deed = Callable[[Session, list[Job], str], None]


@dataclass(frozen=True, slots=True)
class Cause:
    """What failures have in common. Without a message: all of a kind with this code."""

    kind: JobKind
    error_code: str
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """The failures with one cause, up to the newest there is or up to a moment, and who deals with them."""

    cause: Cause
    by: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Dealt:
    """How many failures a call dealt with, how many it had no time for, and up to which moment it looked."""

    count: int
    left: int
    until: datetime


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Open failures with one cause, and the newest job among them as a sample."""

    cause: Cause
    count: int
    quarantined: int
    first_seen: datetime
    last_seen: datetime
    sample_id: str


def groups(session: Session, limit: int) -> list[FailureGroup]:
    """The open failures by cause, the largest group first."""
    count = func.count().label("count")
    query = (
        _figures(Job.kind, Job.error_code, Job.error_message)
        .group_by(Job.kind, Job.error_code, Job.error_message)
        .order_by(count.desc(), func.max(Job.id).desc())
        .limit(limit)
    )
    return [
        _group(Cause(row["kind"], row["error_code"], row["error_message"]), row)
        for row in session.execute(query).mappings()
    ]


def by_code(session: Session) -> list[FailureGroup]:
    """The open failures by kind and error code, whatever their messages, the largest group first."""
    count = func.count().label("count")
    query = _figures(Job.kind, Job.error_code).group_by(Job.kind, Job.error_code).order_by(count.desc())
    return [_group(Cause(row["kind"], row["error_code"]), row) for row in session.execute(query).mappings()]


def group(session: Session, cause: Cause, until: datetime | None = None) -> FailureGroup | None:
    """The open failures with this cause, those up to a moment if one is given; None when there are none."""
    row = session.execute(_figures().where(*_caused(cause, until))).mappings().one()
    return _group(cause, row) if row["count"] else None


def horizon(found: FailureGroup | None) -> datetime:
    """Up to when a group is dealt with. A clock that was set back must not hide its newest failures."""
    return max(utc_now(), found.last_seen) if found else utc_now()


def count_open(session: Session) -> int:
    """How many failures nobody has dealt with."""
    return int(session.execute(_figures()).mappings().one()["count"])


def codes(session: Session) -> list[str]:
    """Every error code that a job of ours has, in alphabetical order."""
    query = select(Job.error_code).where(Job.error_code.is_not(None)).distinct().order_by(Job.error_code)
    return [code for code in session.scalars(query) if code is not None]


def retry_all(database: Database, selection: Selection) -> Dealt:
    """Queue a new job for each selected failure. Asked twice, at the same time even, each gets just one.

    The dispatcher wakes the workers: it sends in bulk and, unlike a request, may wait for Redis.
    """
    return _in_batches(database, selection, _retry)


def discard_all(database: Database, selection: Selection) -> Dealt:
    """Note of each selected failure that it needs nothing more."""
    return _in_batches(database, selection, _discard)


def discard(session: Session, job_id: str, by: str) -> Job:
    """Note that a failure needs nothing more. Who does it first is the one who is noted.

    Raises:
        NotFoundError: unknown.
        NotDiscardableError: it has not failed, or was tried again.
    """
    job = store.find(session, job_id)
    session.refresh(job, with_for_update=True)
    stands = handling.of(job)
    if stands is None or stands is Handling.RETRIED:
        raise NotDiscardableError
    if stands is Handling.OPEN:
        _discard(session, [job], by)
    return job


def release(session: Session, job_id: str, by: str) -> Job:
    """Let a job out of quarantine: a new one does the same task.

    Raises:
        NotFoundError: unknown.
        NotInQuarantineError: it is in no quarantine.
    """
    if store.find(session, job_id).state is not JobState.QUARANTINED:
        raise NotInQuarantineError
    again = store.retry(session, job_id, retried_by=by)
    audit.record(session, by, Action.QUARANTINE_RELEASED, f"job {job_id}", {"as": again.id})
    return again


def attempts_of(session: Session, jobs: Iterable[Job]) -> dict[str, list[Attempt]]:
    """All runs of these jobs, first to last, by job."""
    ids = [job.id for job in jobs]
    runs: dict[str, list[Attempt]] = {job_id: [] for job_id in ids}
    query = select(Attempt).where(Attempt.job_id.in_(ids)).order_by(Attempt.job_id, Attempt.number)
    for run in session.scalars(query):
        runs[run.job_id].append(run)
    return runs


def _in_batches(database: Database, selection: Selection, deed: Deed) -> Dealt:
    # What fails again while this goes on must not be taken along, on and on.
    with database.read() as session:
        until = selection.until or horizon(group(session, selection.cause))
    chosen = select(Job).where(handling.is_open(), *_caused(selection.cause, until))
    deadline = time.monotonic() + CALL_SECONDS
    count = 0
    while True:
        with database.write() as session:
            # Locked in one order, so that two who press at the same time take turns and do nothing twice.
            jobs = list(session.scalars(chosen.order_by(Job.id).limit(BATCH).with_for_update()))
            deed(session, jobs, selection.by)
        count += len(jobs)
        if len(jobs) < BATCH:
            return Dealt(count, 0, until)
        if time.monotonic() >= deadline:
            break
    with database.read() as session:
        rest = group(session, selection.cause, until)
    return Dealt(count, rest.count if rest else 0, until)


def _retry(session: Session, jobs: list[Job], by: str) -> None:
    for job in jobs:
        job.retried_as = new_id()
        session.add(
            Job(
                id=job.retried_as,
                kind=job.kind,
                state=JobState.QUEUED,
                owner_id=job.owner_id,
                photo_id=job.photo_id,
                payload=handling.task_again(job, by),
            )
        )
    released = [job.id for job in jobs if job.state is JobState.QUARANTINED]
    if released:
        audit.record(session, by, Action.QUARANTINE_RELEASED, f"{len(released)} jobs", {"jobs": released})
    batches.follow(session, {job.id: job.retried_as for job in jobs if job.retried_as})


def _discard(_session: Session, jobs: list[Job], by: str) -> None:
    now = utc_now()
    for job in jobs:
        job.discarded_at, job.discarded_by = now, by


def _caused(cause: Cause, until: datetime | None) -> Iterator[ColumnElement[bool]]:
    yield Job.kind == cause.kind
    yield Job.error_code == cause.error_code
    if cause.message is not None:
        yield Job.error_message == cause.message
    if until is not None:
        yield Job.finished_at <= until


def _figures(*columns: Any) -> Select[Any]:
    return select(
        *columns,
        func.count().label("count"),
        func.count().filter(Job.state == JobState.QUARANTINED).label("quarantined"),
        func.min(Job.finished_at).label("first_seen"),
        func.max(Job.finished_at).label("last_seen"),
        func.max(Job.id).label("sample_id"),
    ).where(handling.is_open())


def _group(cause: Cause, row: RowMapping) -> FailureGroup:
    names = ("count", "quarantined", "first_seen", "last_seen", "sample_id")
    return FailureGroup(cause, *(row[name] for name in names))
