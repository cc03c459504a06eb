"""Removes leftovers: of uploads that died before their commit, and of photos that were deleted."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from functools import partial
from pathlib import PurePosixPath

import structlog
from sqlalchemy.orm import Session

from shared.blobs import LISTED_AT_ONCE, BlobStore
from shared.clock import utc_now
from shared.database import Database
from shared.models import registry
from shared.photos import deletion
from shared.photos import store as photos
from shared.settings import Settings
from worker.context import WorkerContext
from worker.training.feature_store import FeatureStore, features_folder

logger = structlog.get_logger(__name__)
# An upload takes seconds from its picture to its row; a day also covers clocks that differ by hours.
KEPT_FOR = timedelta(hours=24)
# Folder -> which of some digests there are in use. Heads stay: they are small.
USES: dict[str, Callable[[Session, Collection[str]], set[str]]] = {
    "photos": photos.digests_in_use,
    "thumbnails": photos.digests_in_use,
    "layers": registry.layers_in_use,  # tens of MB each: what trainings left that ended before their version
}


def sweep_blobs(database: Database, blobs: BlobStore) -> int:
    """Remove pictures, thumbnails and layers that are a day old and in use nowhere. Returns how many.

    An upload writes its picture anew even when there is one, so a picture that is sent again while we look
    is young, and stays.
    """
    before = utc_now() - KEPT_FOR
    removed = blobs.remove_unfinished(before)
    for folder, in_use in USES.items():
        for keys in blobs.keys_before(folder, before):
            with database.read() as session:
                used = in_use(session, {_digest(key) for key in keys})
            orphans = [key for key in keys if _digest(key) not in used]
            removed += sum(blobs.delete_if_before(key, before) for key in orphans)
    if removed:
        logger.info("orphaned_blobs_removed", count=removed)
    return removed


def remove_deleted(context: WorkerContext) -> int:
    """Remove pixels, thumbnails and features of photos that were deleted. Returns how many photos.

    Who deletes a photo removes its pixels at once; this is for features, and for those who died before that.
    """
    done = 0
    while True:
        with context.database.read() as session:
            digests = deletion.to_remove(session, LISTED_AT_ONCE)
        if not digests:
            return done
        gone = deletion.remove_stored(context.database, context.blobs, digests)
        _forget_features(context.settings, gone)
        context.database.transact(partial(deletion.removed, digests=digests))
        logger.info("deleted_photos_removed", count=len(gone))
        done += len(digests)


def forget_deleted_features(settings: Settings, database: Database) -> None:
    """Drop the features of all photos that were deleted from the stores of this machine.

    Maintenance does the same where it runs; a training worker may have stores of its own.
    """
    known: set[str] = set().union(
        *(store.digests() for store in FeatureStore.all_in(features_folder(settings)))
    )
    with database.read() as session:
        gone = deletion.deleted_among(session, known)
    _forget_features(settings, gone)


def _forget_features(settings: Settings, digests: Collection[str]) -> None:
    if digests:
        for store in FeatureStore.all_in(features_folder(settings)):
            store.remove(digests)


def _digest(key: str) -> str:
    return PurePosixPath(key).stem
