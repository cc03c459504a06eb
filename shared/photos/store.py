"""All photo SQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from shared.database import insert_if_absent, insert_missing
from shared.errors import NotFoundError
from shared.photos.intake import PreparedPhoto, display_name
from shared.tables import DatasetExample, DeletedPhoto, Example, Photo, new_id


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """What the row of a photo says about its blob, without the pixels themselves."""

    digest: str
    width: int
    height: int
    size: int
    name: str

    @classmethod
    def of(cls, prepared: PreparedPhoto, name: str | None) -> StoredPhoto:
        """The facts of a photo whose blob is stored."""
        size = len(prepared.data)
        return cls(prepared.digest, prepared.width, prepared.height, size, display_name(name))


def ensure(session: Session, owner_id: str, prepared: PreparedPhoto, name: str | None) -> tuple[Photo, bool]:
    """The owner's photo row for these pixels, and whether it is new. The blob must be stored already."""
    stored = StoredPhoto.of(prepared, name)
    row = insert_if_absent(session, Photo, owner_id=owner_id, **asdict(stored))
    if row is not None:
        return row, True
    return ensure_all(session, owner_id, [stored])[stored.digest], False


def ensure_all(session: Session, owner_id: str, stored: Sequence[StoredPhoto]) -> dict[str, Photo]:
    """The owner's photo rows for these pixels by digest, made where they are new.

    They stay until the transaction ends: who deletes one of them waits, so that a job can be added for it.
    """
    known: dict[str, Photo] = {}
    while missing := {photo.digest: photo for photo in stored if photo.digest not in known}:
        # A second round only when one was deleted between these two statements.
        rows = [{"id": new_id(), "owner_id": owner_id, **asdict(photo)} for photo in missing.values()]
        insert_missing(session, Photo, rows)
        same_pixels = select(Photo).where(Photo.owner_id == owner_id, Photo.digest.in_(missing))
        kept = session.scalars(same_pixels.with_for_update(read=True, key_share=True))
        known.update((photo.digest, photo) for photo in kept)
    return known


def find(session: Session, photo_id: str, owner_id: str | None = None) -> Photo:
    """The photo with this id; with `owner_id`, only if it is theirs.

    Raises:
        NotFoundError: unknown, or somebody else's.
    """
    photo = session.get(Photo, photo_id)
    if photo is None or (owner_id is not None and photo.owner_id != owner_id):
        raise NotFoundError("There is no photo with this id.")
    return photo


def names(session: Session, ids: Collection[str]) -> dict[str, str]:
    """What these photos are called, by id; those that were deleted are left out."""
    rows = session.execute(select(Photo.id, Photo.name).where(Photo.id.in_(ids)))
    return {photo_id: name for photo_id, name in rows}  # noqa: C416 - dict() has no type for rows


def digests_in_use(session: Session, digests: Collection[str]) -> set[str]:
    """Those of `digests` whose pixels a photo, an example or a dataset version refers to.

    A dataset version goes on naming what was deleted, and keeps nobody from removing it.
    """
    deleted = exists().where(DeletedPhoto.digest == DatasetExample.digest)
    listed = select(DatasetExample.digest).where(DatasetExample.digest.in_(digests), ~deleted)
    return needed(session, digests) | set(session.scalars(listed.distinct()))


def needed(session: Session, digests: Collection[str]) -> set[str]:
    """Those of `digests` that somebody's photo, or an example of the present, refers to."""
    return {
        digest
        for table in (Photo, Example)
        for digest in session.scalars(select(table.digest).where(table.digest.in_(digests)).distinct())
    }
