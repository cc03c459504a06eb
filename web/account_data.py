"""Exporting and deleting everything that belongs to one person."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, cast

import structlog
from flask import Response
from sqlalchemy.orm import Session

from shared import audit, owned
from shared.audit import Action
from shared.blobs import photo_key
from shared.clock import utc_now
from shared.errors import BlobMissingError, HangtagError
from shared.photos import deletion
from web.auth import identity
from web.services import Services, services

logger = structlog.get_logger(__name__)
README = """What Hangtag keeps of yours.

photos/            your photos, as Hangtag keeps them: JPEG, upright, without metadata
photos.jsonl       one line per photo; "file" is its place in this archive
jobs.jsonl         one line per job
predictions.jsonl  one line per answer of a model version for a photo
listings.jsonl     one line per listing, with its photos and every choice of a category
reviews.jsonl      one line per answer of a reviewer about a photo of yours, and per answer that you gave
batches.jsonl      one line per batch, with the files that were sent
webhooks.jsonl     one line per address that is told when something ends
missing.txt        only if a photo's file was gone from the storage
"""


@dataclass(frozen=True, slots=True)
class Deleted:
    """How much was deleted."""

    photos: int
    batches: int
    reviews: int  # that they gave


def delete_photo(services: Services, photo_id: str, owner_id: str | None, *, by: str) -> None:
    """Delete one photo: its rows, then its pixels. Maintenance removes features, and what fails here.

    Raises:
        NotFoundError: unknown, or somebody else's.
    """

    def work(session: Session) -> str:
        digest = deletion.delete_photo(session, photo_id, owner_id)
        audit.record(session, by, Action.DELETED, f"photo {photo_id}")
        return digest

    digest = services.database.transact(work)
    _remove_pixels(services, [digest])


def delete_everything(services: Services, owner_id: str, *, by: str) -> Deleted:
    """Delete all photos of somebody and what came of them, some at a time; done again, it goes on."""
    count = 0
    while digests := services.database.transact(lambda session: deletion.delete_some_of(session, owner_id)):
        count += len(digests)
        _remove_pixels(services, digests)
    reviews = 0
    while some := services.database.transact(
        lambda session: deletion.delete_some_reviews_of(session, owner_id)
    ):
        reviews += some

    def work(session: Session) -> int:
        batches = deletion.delete_traces_of(session, owner_id)
        said = {"photos": count, "batches": batches, "reviews": reviews}
        audit.record(session, by, Action.DELETED, f"everything of {by}", said)
        return batches

    return Deleted(count, services.database.transact(work), reviews)


def export_everything(services: Services, owner_id: str) -> Iterator[bytes]:
    """A zip archive of all that belongs to somebody, in pieces: no more than a photo is in memory at once."""
    outlet, now = _Outlet(), utc_now()
    with zipfile.ZipFile(cast("IO[bytes]", outlet), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_entry("README.txt", now), README)
        missing: list[str] = []
        for photo in owned.photos(services.database, owner_id):
            try:
                data = services.blobs.get(photo_key(photo.digest))
            except BlobMissingError:
                missing.append(photo.id)
                continue
            entry = _entry(owned.photo_file(photo), photo.created_at)
            archive.writestr(entry, data, zipfile.ZIP_STORED)  # JPEGs do not shrink
            yield outlet.taken()
        for name, lines in owned.lines(services.database, owner_id).items():
            with archive.open(_entry(f"{name}.jsonl", now), "w") as file:
                for line in lines:
                    file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
                    yield outlet.taken()
        if missing:
            archive.writestr(_entry("missing.txt", now), "\n".join(missing) + "\n")
    yield outlet.taken()


def _entry(name: str, made: datetime) -> zipfile.ZipInfo:
    """A file of the archive, dated as zip archives are: in the time of the place where they are made."""
    entry = zipfile.ZipInfo(name, made.astimezone().timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _remove_pixels(services: Services, digests: list[str]) -> None:
    """Remove pixels at once; the rows are gone already, so whatever fails here is for maintenance."""
    try:
        deletion.remove_stored(services.database, services.blobs, digests)
    except HangtagError as error:
        logger.warning("pixels_not_removed", count=len(digests), code=error.code)


class _Outlet(io.RawIOBase):
    """Takes what a zip archive writes and gives it on; it cannot be gone back in."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        """That is all that can be done with it."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # an archive writes bytes
        """Take some bytes."""
        self._parts.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        """What was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


def export_response() -> Response:
    """The archive of whoever asks, streamed."""
    user = identity().user
    with services().database.write() as session:
        audit.record(session, user.name, Action.EXPORTED, f"everything of {user.name}")
    chunks = export_everything(services(), user.id)
    response = Response(chunks, content_type="application/zip")
    response.headers["Content-Disposition"] = 'attachment; filename="hangtag-data.zip"'
    response.headers["Cache-Control"] = "private, no-store"
    return response
