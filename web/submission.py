"""Accepting a photo: bytes to the store, one transaction, commit, wake-up. In this order, always."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from shared.jobs import store
from shared.jobs.states import JobKind, JobState
from shared.listings import store as listings
from shared.models import registry
from shared.photos import predictions
from shared.photos import store as photos
from shared.photos.intake import PreparedPhoto
from shared.tables import Job, Photo
from web.services import Services, services


@dataclass(frozen=True, slots=True)
class Place:
    """Where a photo goes: into a listing, to a position among its photos or after the last."""

    listing_id: str
    position: int | None = None


def submit_photo(
    services: Services, owner_id: str, data: bytes, filename: str | None, place: Place | None = None
) -> tuple[Job, Photo]:
    """Store a photo and queue its classification. When this returns, the job will run.

    Raises:
        PhotoError: the picture cannot be used.
        NotFoundError: the listing it shall be added to is unknown, or somebody else's.
        ValidationError: that listing is full.
        StorageFullError: there is no room left.
        StorageUnavailableError: the photo storage does not answer; nothing was accepted.
        DatabaseUnavailableError: the database does not answer; nothing was accepted.
    """
    prepared = prepare_photo(services, data)
    with services.database.write() as session:
        job, photo = accept(session, owner_id, prepared, filename, place)
    wake(services, job)
    return job, photo


def prepare_photo(services: Services, data: bytes) -> PreparedPhoto:
    """Decode a photo and put our picture of it into the store, before any row points at it.

    Raises:
        PhotoError: the picture cannot be used.
        StorageFullError: there is no room left.
        StorageUnavailableError: the photo storage does not answer; nothing was accepted.
    """
    prepared = services.decoder.prepare(data)
    prepared.store(services.blobs)
    return prepared


def accept(
    session: Session,
    owner_id: str,
    prepared: PreparedPhoto,
    filename: str | None,
    place: Place | None = None,
) -> tuple[Job, Photo]:
    """The rows of an accepted photo. What is known of it already, the champion's answer or that it takes
    workers down, is told at once.

    Raises:
        QuotaExceededError: the owner has sent too many within a day, or too many wait.
        StorageQuotaError: the owner's photos fill what one person may use.
        NotFoundError: the listing it shall be added to is unknown, or somebody else's.
        ValidationError: that listing is full.
    """
    services().room.require(session, services().settings, owner_id, [len(prepared.data)])
    photo, is_new = photos.ensure(session, owner_id, prepared, filename)
    if place is not None:
        listing = listings.find(session, place.listing_id, owner_id, change=True)
        listings.add_photo(session, listing, photo, place.position)
    known = None if is_new else _known_job(session, owner_id, photo)
    return known or store.create(session, JobKind.CLASSIFY, owner_id=owner_id, photo_id=photo.id), photo


def _known_job(session: Session, owner_id: str, photo: Photo) -> Job | None:
    """The job of a photo that was sent before, when its end is known already."""
    known = predictions.champions_results(session, [photo.id]).get(photo.id)
    if known is not None:
        return store.create_answered(
            session, JobKind.CLASSIFY, owner_id=owner_id, photo_id=photo.id, result=known
        )
    return store.quarantined(session, photo.id)


def accept_try(
    session: Session, owner_id: str, prepared: PreparedPhoto, filename: str | None, number: int
) -> Job:
    """The rows of a photo on which a version is tried, beside the champion.

    Raises:
        NotFoundError: there is no such version.
        QuotaExceededError: the owner has sent too many within a day, or too many wait.
        StorageQuotaError: the owner's photos fill what one person may use.
    """
    services().room.require(session, services().settings, owner_id, [len(prepared.data)])
    tried, champion = registry.find(session, number), registry.champion(session)
    versions = dict.fromkeys([tried.number, *([champion.number] if champion else [])])
    photo, _ = photos.ensure(session, owner_id, prepared, filename)
    payload = {"versions": list(versions)}
    return store.create(session, JobKind.TRY, owner_id=owner_id, photo_id=photo.id, payload=payload)


def wake(services: Services, job: Job) -> None:
    """Send the wake-up of a committed job that waits. What gets lost is sent again by the dispatcher."""
    if job.state is JobState.QUEUED:
        services.queue.publish(job.kind, job.id)
