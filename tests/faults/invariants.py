"""What has to hold for every photo that was accepted, whatever died in between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import func, select

from shared.blobs import BlobStore, photo_key
from shared.database import Database
from shared.errors import BlobMissingError
from shared.jobs.states import TERMINAL, JobState
from shared.tables import Job, Photo, Prediction

# What people decide about a job after its end is noted in its row; all else stays as it is.
DECISIONS = {"retried_as", "discarded_at", "discarded_by"}
TOLD = [column.key for column in Job.__table__.columns if column.key not in DECISIONS]


def violations(database: Database, blobs: BlobStore, accepted: Iterable[str]) -> list[str]:
    """A sentence for everything that does not hold. `accepted` are the ids of all jobs that got a 202."""
    jobs = _jobs(database)
    return [
        *_unfinished(jobs, accepted),
        *_unanswered(database, jobs),
        *_answered_twice(database),
        *_without_blob(database, blobs),
    ]


def terminal_rows(database: Database) -> dict[str, dict[str, Any]]:
    """What every job that has ended says."""
    return {
        job.id: {name: getattr(job, name) for name in TOLD}
        for job in _jobs(database).values()
        if job.state in TERMINAL
    }


def changed(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> list[str]:
    """A sentence for every ended job that says something else now."""
    return [
        f"job {job_id} had ended and changed" for job_id, row in before.items() if after.get(job_id) != row
    ]


def _jobs(database: Database) -> dict[str, Job]:
    with database.read() as session:
        return {job.id: job for job in session.scalars(select(Job))}


def _unfinished(jobs: dict[str, Job], accepted: Iterable[str]) -> Iterator[str]:
    for job_id in accepted:
        if job_id not in jobs:
            yield f"job {job_id} was accepted and is gone"
        elif jobs[job_id].state not in TERMINAL:
            yield f"job {job_id} was accepted and is {jobs[job_id].state}"
    yield from (f"job {job.id} still runs" for job in jobs.values() if job.state is JobState.RUNNING)


def _unanswered(database: Database, jobs: dict[str, Job]) -> Iterator[str]:
    """Every job that succeeded says what the one prediction of its photo and version says."""
    with database.read() as session:
        known = {(row.photo_id, row.model_version): row for row in session.scalars(select(Prediction))}
    for job in jobs.values():
        if job.state is not JobState.SUCCEEDED or job.photo_id is None:
            continue
        told = job.result or {}
        row = known.get((job.photo_id, told.get("model_version", 0)))
        if row is None or (row.category, row.confidence) != (told["category"], told["confidence"]):
            yield f"job {job.id} tells another answer than the prediction of its photo"


def _answered_twice(database: Database) -> Iterator[str]:
    twice = (
        select(Prediction.photo_id, Prediction.model_version)
        .group_by(Prediction.photo_id, Prediction.model_version)
        .having(func.count() > 1)
    )
    with database.read() as session:
        for photo_id, version in session.execute(twice):
            yield f"photo {photo_id} has several answers of version {version}"


def _without_blob(database: Database, blobs: BlobStore) -> Iterator[str]:
    with database.read() as session:
        digests = session.scalars(select(Photo.digest).distinct()).all()
    for digest in digests:
        try:
            blobs.get(photo_key(digest))
        except BlobMissingError:
            yield f"the pixels of photo {digest} are gone"
