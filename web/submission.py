"""Accepting a photo: bytes to the store, one transaction, commit, wake-up. In this order, always."""

from __future__ import annotations

from shared.jobs import store
from shared.jobs.states import JobKind
from shared.photos import intake
from shared.photos import store as photos
from shared.tables import Job, Photo
from web.services import Services


def submit_photo(services: Services, owner_id: str, data: bytes, filename: str | None) -> tuple[Job, Photo]:
    """Store a photo and queue its classification. When this returns, the job will run.

    Raises:
        PhotoError: the picture cannot be used.
        StorageFullError: there is no room left.
        DatabaseUnavailableError: the database does not answer; nothing was accepted.
    """
    prepared = intake.prepare(data)
    prepared.store(services.blobs)
    with services.database.write() as session:
        photo = photos.ensure(session, owner_id, prepared, filename)
        job = store.create(session, JobKind.CLASSIFY, owner_id=owner_id, photo_id=photo.id)
    services.queue.publish(job.kind, job.id)
    return job, photo
