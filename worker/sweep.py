"""Removes pictures that no row refers to: what uploads left that died before their commit."""

from __future__ import annotations

from datetime import timedelta
from pathlib import PurePosixPath

import structlog

from shared.blobs import BlobStore
from shared.clock import utc_now
from shared.database import Database
from shared.photos import store as photos

logger = structlog.get_logger(__name__)
# An upload takes seconds from its picture to its row; a day also covers clocks that differ by hours.
KEPT_FOR = timedelta(hours=24)
FOLDERS = ("photos", "thumbnails")


def sweep_blobs(database: Database, blobs: BlobStore) -> int:
    """Remove pictures and thumbnails that are a day old and in use nowhere. Returns how many it removed.

    An upload writes its picture anew even when there is one, so a picture that is sent again while we look
    is young, and stays.
    """
    before = utc_now() - KEPT_FOR
    removed = blobs.remove_unfinished(before)
    for folder in FOLDERS:
        for keys in blobs.keys_before(folder, before):
            used = _in_use(database, keys)
            orphans = [key for key in keys if _digest(key) not in used]
            removed += sum(blobs.delete_if_before(key, before) for key in orphans)
    if removed:
        logger.info("orphaned_blobs_removed", count=removed)
    return removed


def _in_use(database: Database, keys: list[str]) -> set[str]:
    with database.read() as session:
        return photos.digests_in_use(session, {_digest(key) for key in keys})


def _digest(key: str) -> str:
    return PurePosixPath(key).stem
