"""Accepting a photo: bytes to the store, one transaction, commit, wake-up. In this order, always."""

from __future__ import annotations

from sqlalchemy.orm import Session

from shared.jobs import store
from shared.jobs.states import JobKind, JobState
from shared.photos import predictions
from shared.photos import store as photos
from shared.photos.intake import PreparedPhoto
from shared.tables import Job, Photo
from web.services import Services


def submit_photo(services: Services, owner_id: str, data: bytes, filename: str | None) -> tuple[Job, Photo]:
    """Store a photo and queue its classification. When this returns, the job will run.

    Raises:
        PhotoError: the picture cannot be used.
        StorageFullError: there is no room left.
        DatabaseUnavailableError: the database does not answer; nothing was accepted.
    """
    prepared = prepare_photo(services, data)
    with services.database.write() as session:
        job, photo = accept(session, owner_id, prepared, filename)
    wake(services, job)
    return job, photo


def prepare_photo(services: Services, data: bytes) -> PreparedPhoto:
    """Decode a photo and put our picture of it into the store, before any row points at it.

    Raises:
        PhotoError: the picture cannot be used.
        StorageFullError: there is no room left.
    """
    prepared = services.decoder.prepare(data)
    prepared.store(services.blobs)
    return prepared


def accept(
    session: Session, owner_id: str, prepared: PreparedPhoto, filename: str | None
) -> tuple[Job, Photo]:
    """The rows of an accepted photo. What the champion has answered before is answered at once."""
    photo = photos.ensure(session, owner_id, prepared, filename)
    known = predictions.champions_results(session, [photo.id]).get(photo.id)
    if known is not None:
        return store.create_answered(
            session, JobKind.CLASSIFY, owner_id=owner_id, photo_id=photo.id, result=known
        ), photo
    return store.create(session, JobKind.CLASSIFY, owner_id=owner_id, photo_id=photo.id), photo


def wake(services: Services, job: Job) -> None:
    """Send the wake-up of a committed job that waits. What gets lost is sent again by the dispatcher."""
    if job.state is JobState.QUEUED:
        services.queue.publish(job.kind, job.id)
