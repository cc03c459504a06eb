"""Reads and decodes stored photos on threads while the engine works on the ones before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from shared.blobs import BlobStore, photo_key
from shared.errors import HangtagError, PhotoCorruptError
from shared.photos.intake import DECODE_ERRORS
from shared.photos.pixels import read_pixels

Pixels = npt.NDArray[np.uint8]
# Chunks decoded ahead of the engine: enough that it never waits, few enough to bound memory.
AHEAD = 3


def decoded_chunks(
    pool: ThreadPoolExecutor, blobs: BlobStore, digests: Sequence[str], image_size: int, chunk: int
) -> Iterator[list[Pixels | HangtagError]]:
    """The pixels of `digests` in their order, `chunk` at a time; a photo that cannot be read is its error."""
    pending: list[Future[Pixels | HangtagError]] = []
    position = 0
    while position < len(digests) or pending:
        while position < len(digests) and len(pending) < AHEAD * chunk:
            pending.append(pool.submit(_decode, blobs, digests[position], image_size))
            position += 1
        ready, pending = pending[:chunk], pending[chunk:]
        yield [future.result() for future in ready]


def _decode(blobs: BlobStore, digest: str, image_size: int) -> Pixels | HangtagError:
    try:
        return read_pixels(blobs.get(photo_key(digest)), image_size)
    except HangtagError as error:
        return error
    except DECODE_ERRORS:
        return PhotoCorruptError("The stored photo is damaged. Please upload it again.")
