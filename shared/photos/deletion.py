"""Deleting photos: their rows in one transaction, then what is stored outside the database.

The transaction leaves a `DeletedPhoto` for every picture nobody else has. From then on nothing answers for
the photo any more; removing blobs and features is done again until it has succeeded, whoever dies in between.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import and_, delete, func, select, update
from sqlalchemy.orm import Session

from shared import idempotency
from shared.blobs import BlobStore, photo_key, thumbnail_key
from shared.clock import utc_now
from shared.database import Database, insert_missing
from shared.datasets import labels
from shared.errors import PhotoDeletedError
from shared.jobs.handling import FAILURES
from shared.jobs.states import JobState
from shared.models import evaluated
from shared.overview import hours
from shared.photos import store as photos
from shared.tables import Batch, DeletedPhoto, Job, Listing, Photo, Review, WebhookEndpoint
from shared.webhooks import outbox

# Photos per transaction: short for sellers who write at the same time.
CHUNK = 100
# A statement has room for some ten thousand values; this many are quick.
ASKED_AT_ONCE = 1000
# Who is said to have dealt with the failures of photos that are gone.
DISCARDED_BY = "hangtag"
JOB_MESSAGE = "Its photo was deleted."


def delete_photo(session: Session, photo_id: str, owner_id: str | None = None) -> str:
    """Take one photo and all that was derived from it out of the database. Returns its digest.

    Its jobs stay, without the picture and its answer; those that wait or run are cancelled.

    Raises:
        NotFoundError: unknown, or somebody else's.
    """
    photo = photos.find(session, photo_id, owner_id)
    _delete(session, [photo])
    idempotency.forget_photo(session, photo.owner_id, photo.id)
    return photo.digest


def delete_some_of(session: Session, owner_id: str) -> list[str]:
    """Take up to a chunk of somebody's photos out of the database. Returns their digests; none at the end.

    Answers that are kept for repeated requests name these photos, so they go first.
    """
    idempotency.forget_all_of(session, owner_id)
    found = list(session.scalars(select(Photo).where(Photo.owner_id == owner_id).limit(CHUNK)))
    _delete(session, found)
    return [photo.digest for photo in found]


def delete_some_reviews_of(session: Session, owner_id: str) -> int:
    """Take up to a chunk of what somebody said as a reviewer out of the database. Returns how much.

    It labels these photos no more; reviews of their own photos have gone with the photos.
    """
    theirs = select(Review.id, Photo.digest).join(Photo).where(Review.reviewer_id == owner_id).limit(CHUNK)
    found = session.execute(theirs).all()
    session.execute(delete(Review).where(Review.id.in_([row.id for row in found])))
    for digest in sorted({row.digest for row in found}):
        labels.settle(session, digest)
    return len(found)


def delete_traces_of(session: Session, owner_id: str) -> int:
    """Remove what is left of somebody who has no photos any more: listings, photo jobs, batches, answers,
    webhooks with all that waits for them.

    Trainings stay: versions name them as their origin, and they hold nothing of the person's photos.
    Returns how many batches there were.
    """
    theirs = list(session.scalars(delete(Batch).where(Batch.owner_id == owner_id).returning(Batch.id)))
    session.execute(delete(Listing).where(Listing.owner_id == owner_id))  # takes the choices with it
    session.execute(delete(WebhookEndpoint).where(WebhookEndpoint.owner_id == owner_id))
    idempotency.forget_all_of(session, owner_id)
    gone = and_(Job.owner_id == owner_id, Job.error_code == PhotoDeletedError.code)
    hours.changed(session, gone)
    session.execute(delete(Job).where(gone))
    return len(theirs)


def remove_stored(database: Database, blobs: BlobStore, digests: Collection[str]) -> list[str]:
    """Remove the pixels and thumbnails of deleted photos. Returns the digests that nobody has.

    A picture that was sent again since is written anew, and stays.
    """
    with database.read() as session:
        needed = photos.needed(session, digests)
        rows = session.scalars(select(DeletedPhoto).where(DeletedPhoto.digest.in_(set(digests) - needed)))
        deleted = {row.digest: row.deleted_at for row in rows}
    for digest, moment in deleted.items():
        for key in (photo_key(digest), thumbnail_key(digest)):
            blobs.delete_if_before(key, moment)
    return list(deleted)


def to_remove(session: Session, limit: int) -> list[str]:
    """Digests of deleted photos of which something may still be stored."""
    query = select(DeletedPhoto.digest).where(DeletedPhoto.removed_at.is_(None))
    return list(session.scalars(query.order_by(DeletedPhoto.deleted_at).limit(limit)))


def removed(session: Session, digests: Collection[str]) -> None:
    """Note that nothing of these is stored any more, or that somebody has them again."""
    session.execute(update(DeletedPhoto).where(DeletedPhoto.digest.in_(digests)).values(removed_at=utc_now()))


def deleted_among(session: Session, digests: Collection[str]) -> set[str]:
    """Those of `digests` that were deleted and that nobody has again."""
    gone: set[str] = set()
    ordered = sorted(digests)
    for start in range(0, len(ordered), ASKED_AT_ONCE):
        part = ordered[start : start + ASKED_AT_ONCE]
        found = set(session.scalars(select(DeletedPhoto.digest).where(DeletedPhoto.digest.in_(part))))
        gone |= found - photos.needed(session, found)
    return gone


def _delete(session: Session, found: Sequence[Photo]) -> None:
    ids = [photo.id for photo in found]
    # Whoever adds a job for one of them at this moment comes first, or finds the photo gone.
    session.execute(select(Photo.id).where(Photo.id.in_(ids)).with_for_update())
    _end_jobs(session, ids)
    digests = {photo.digest for photo in found}
    session.execute(delete(Photo).where(Photo.id.in_(ids)))  # takes predictions and reviews with it
    for digest in digests:
        labels.settle(session, digest)  # what only the owner of this photo said is no example any more
    now = utc_now()
    free = digests - photos.needed(session, digests)
    evaluated.forget(session, free)
    insert_missing(session, DeletedPhoto, [{"digest": digest, "deleted_at": now} for digest in free])
    session.execute(
        update(DeletedPhoto).where(DeletedPhoto.digest.in_(free)).values(deleted_at=now, removed_at=None)
    )


def _end_jobs(session: Session, photo_ids: Sequence[str]) -> None:
    """Stop what waits or runs, and take picture and answer out of what has ended."""
    now = utc_now()
    about = Job.photo_id.in_(photo_ids)
    waiting = list(
        session.scalars(select(Job.id).where(about, Job.state == JobState.QUEUED).with_for_update())
    )
    outbox.forget_answers(session, select(Job.id).where(about))
    ends: dict[JobState, dict[str, Any]] = {
        JobState.QUEUED: {"state": JobState.CANCELLED, "finished_at": now, "cancel_requested_at": now},
        JobState.RUNNING: {"cancel_requested_at": func.coalesce(Job.cancel_requested_at, now)},
    }
    for state, values in ends.items():
        session.execute(update(Job).where(about, Job.state == state).values(values))
    hours.changed(session, about)
    nobodys = (about, Job.state.in_(FAILURES), Job.retried_as.is_(None), Job.discarded_at.is_(None))
    session.execute(update(Job).where(*nobodys).values(discarded_at=now, discarded_by=DISCARDED_BY))
    session.execute(
        update(Job)
        .where(about)
        .values(photo_id=None, result=None, error_code=PhotoDeletedError.code, error_message=JOB_MESSAGE)
    )
    outbox.jobs_ended(session, waiting)
