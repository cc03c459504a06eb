"""What a request sends as a batch, for the API and the page alike."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from flask import request
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from shared import batches
from shared.errors import BatchFilesMissingError, TooManyPartsError, ValidationError
from shared.photos.archive import MAX_INFLATED_BYTES, MAX_MEMBERS, Member, read_archive
from shared.photos.intake import display_path
from shared.photos.store import StoredPhoto
from web.auth import identity
from web.batch_submission import store_photos, wake
from web.idempotency import fingerprint, once, recall
from web.services import services

# The photos and the form around them.
MAX_REQUEST_BYTES = MAX_INFLATED_BYTES + 1024 * 1024
MAX_PARTS = MAX_MEMBERS + 10
HASHED_AT_ONCE = 1024 * 1024


def receive() -> tuple[str, bool]:
    """Take in what the present request sends. Returns the batch's id, and whether it was taken in before.

    Raises:
        BatchFilesMissingError: there is nothing in the request.
        ArchiveError: the archive cannot be used.
        TooManyPartsError: there are more photos than one batch may have.
        StorageFullError: there is no room left.
        QuotaExceededError: with these the person would have sent too many, or too many would wait.
        StorageQuotaError: these do not fit into what one person may use.
    """
    photos = [file for file in request.files.getlist("photo") if file.filename]
    archives = [file for file in request.files.getlist("archive") if file.filename]
    _check_parts(photos, archives)
    parts = fingerprint(*(_digest(file) for file in (*photos, *archives)))
    first = recall(parts)
    replayed = first is not None
    if first is None:
        sent = store_photos(services(), read_archive(archives[0].stream) if archives else _members(photos))
        first, replayed = once(parts, lambda session: _accept(session, sent))
        if not replayed:
            wake(services(), first["batch_id"])
    return str(first["batch_id"]), replayed


def _accept(session: Session, sent: list[batches.Sent]) -> dict[str, Any]:
    owner_id = identity().user.id
    sizes = [item.content.size for item in sent if isinstance(item.content, StoredPhoto)]
    refused = len(sent) - len(sizes)
    services().room.require(session, services().settings, owner_id, sizes, refused)
    return {"batch_id": batches.create(session, owner_id, sent).id}


def _check_parts(photos: list[FileStorage], archives: list[FileStorage]) -> None:
    if not photos and not archives:
        raise BatchFilesMissingError
    if archives and (photos or len(archives) > 1):
        raise ValidationError("Send either photos or one zip archive in a request.")
    if len(photos) > MAX_MEMBERS:
        raise TooManyPartsError(
            f"At most {MAX_MEMBERS:,} photos fit in one batch. Please send fewer at once."
        )


def _members(photos: list[FileStorage]) -> Iterator[Member]:
    for file in photos:
        yield Member(display_path(file.filename), file.read())


def _digest(file: FileStorage) -> bytes:
    """What a file is to the idempotency key: its name and its bytes."""
    hasher = hashlib.sha256((file.filename or "").encode() + b"\0")
    while part := file.stream.read(HASHED_AT_ONCE):
        hasher.update(part)
    file.stream.seek(0)
    return hasher.digest()
