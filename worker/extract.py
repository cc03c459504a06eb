"""Features of dataset photos: what is cached is read, what is missing goes through the engine once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from shared.errors import BlobMissingError, HangtagError, PhotoGoneError, TransientError, ValidationError
from shared.jobs.store import Progress
from worker.engines.engine import Engine
from worker.pixels import Pixels, Read, decoded_chunks
from worker.training.feature_store import FeatureStore

DECODE_THREADS = 2
# Seconds between progress reports: fresh for a person, rare for the database.
REPORT_SECONDS = 1.0
# Photos per append to the feature store: one fsync for each.
CHUNK = 32


def ensure_features(
    engine: Engine,
    features: FeatureStore,
    read: Read,
    digests: Sequence[str],
    report: Callable[[Progress], None],
) -> None:
    """Compute and keep the features of those photos that have none in this store; `read` gives their pixels.

    Raises:
        ValidationError: a photo of the dataset cannot be read any more; the message names it.
        PhotoGoneError: one is gone, because it was deleted meanwhile or lost; the message names it.
        TransientError: the photo storage does not answer.
        LeaseLostError, CancelledError, WorkerStoppingError: raised by `report`; what was computed is kept.
    """
    missing = features.missing(digests)
    started = time.monotonic()
    reported = float("-inf")
    done = 0
    with ThreadPoolExecutor(DECODE_THREADS, thread_name_prefix="decode") as pool:
        for decoded in decoded_chunks(pool, read, missing, CHUNK):
            part = missing[done : done + len(decoded)]
            pixels = [readable(digest, item) for digest, item in zip(part, decoded, strict=True)]
            features.append(part, engine.features(np.stack(pixels)))
            done += len(decoded)
            now = time.monotonic()
            if now - reported >= REPORT_SECONDS or done == len(missing):
                reported = now
                eta = (now - started) / done * (len(missing) - done)
                report(Progress("features", done, len(missing), round(eta, 1)))


def readable(digest: str, item: Pixels | HangtagError) -> Pixels:
    """The pixels of a dataset's photo.

    Raises:
        ValidationError: it cannot be read any more; the message names it.
        PhotoGoneError: it is gone. The next attempt loads the list anew, without photos that were deleted.
        TransientError: the photo storage does not answer.
    """
    if isinstance(item, BlobMissingError):
        raise PhotoGoneError(
            f"The file of photo {digest[:12]} of the dataset is gone. Unless somebody deleted the photo, "
            "restore the file or import the photo again."
        )
    if isinstance(item, TransientError):
        raise item
    if isinstance(item, HangtagError):
        raise ValidationError(f"Photo {digest[:12]} of the dataset cannot be read: {item.message}")
    return item
