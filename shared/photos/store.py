"""All photo SQL."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.database import insert_if_absent
from shared.errors import NotFoundError
from shared.photos.intake import PreparedPhoto, display_name
from shared.tables import DatasetExample, Example, Photo


def ensure(session: Session, owner_id: str, prepared: PreparedPhoto, name: str | None) -> Photo:
    """The owner's photo row for these pixels, made if it is new. The blob must be stored already."""
    insert_if_absent(
        session,
        Photo,
        owner_id=owner_id,
        digest=prepared.digest,
        width=prepared.width,
        height=prepared.height,
        size=len(prepared.data),
        name=display_name(name),
    )
    same_pixels = select(Photo).where(Photo.owner_id == owner_id, Photo.digest == prepared.digest)
    return session.scalars(same_pixels).one()


def find(session: Session, photo_id: str, owner_id: str | None = None) -> Photo:
    """The photo with this id; with `owner_id`, only if it is theirs.

    Raises:
        NotFoundError: unknown, or somebody else's.
    """
    photo = session.get(Photo, photo_id)
    if photo is None or (owner_id is not None and photo.owner_id != owner_id):
        raise NotFoundError("There is no photo with this id.")
    return photo


def digests_in_use(session: Session, digests: Collection[str]) -> set[str]:
    """Those of `digests` whose pixels a photo, an example or a dataset version refers to."""
    return {
        digest
        for table in (Photo, Example, DatasetExample)
        for digest in session.scalars(select(table.digest).where(table.digest.in_(digests)).distinct())
    }
