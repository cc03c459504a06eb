"""What pages read beyond what the stores offer: names for ids."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.errors import NotFoundError
from shared.jobs.states import JobKind
from shared.tables import MAX_INTEGER, BatchItem, Job, Photo


def photos_of(session: Session, jobs: Iterable[Job]) -> dict[str, Photo]:
    """The photos these jobs are about, by id."""
    ids = {job.photo_id for job in jobs if job.photo_id}
    return {photo.id: photo for photo in session.scalars(select(Photo).where(Photo.id.in_(ids)))}


def batch_names(session: Session, jobs: Iterable[Job]) -> dict[str, str]:
    """What the batches that these jobs were sent in call their files, folders included, by job."""
    ids = [job.id for job in jobs]
    rows = session.execute(select(BatchItem.job_id, BatchItem.name).where(BatchItem.job_id.in_(ids)))
    return {job_id: name for job_id, name in rows if job_id}


def newest_jobs_of(session: Session, photos: Iterable[Photo]) -> dict[str, Job]:
    """The newest classification of each of these photos, by photo."""
    ids = [photo.id for photo in photos]
    rows = session.scalars(
        select(Job).where(Job.photo_id.in_(ids), Job.kind == JobKind.CLASSIFY).order_by(Job.id)
    )
    return {job.photo_id: job for job in rows if job.photo_id}


def jobs_of(session: Session, ids: Iterable[str]) -> dict[str, Job]:
    """The jobs with these ids, by id."""
    return {job.id: job for job in session.scalars(select(Job).where(Job.id.in_(list(ids))))}


def database_integer(text: str) -> int:
    """A number from an address, cut to what every database takes.

    Raises:
        ValueError: it is none.
    """
    return max(-MAX_INTEGER, min(int(text), MAX_INTEGER))


def moment_in_address(name: str) -> datetime | None:
    """The moment that the address names, if it names one.

    Raises:
        NotFoundError: that is none, or it lacks its time zone.
    """
    value = request.args.get(name)
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not 1970 <= moment.year < 9999:
        raise NotFoundError(f"{value[:40]!r} is no moment. Write one like 2026-11-24T08:00:00Z.")
    return moment
