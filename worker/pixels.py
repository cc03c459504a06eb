"""Reads and decodes stored photos on threads while the engine works on the ones before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from shared.blobs import BlobStore, photo_key
from shared.errors import HangtagError, PhotoCorruptError
from shared.photos.intake import DECODE_ERRORS
from shared.photos.pixels import read_pixels

Pixels = npt.NDArray[np.uint8]
# From a photo's digest to its pixels. What it raises is said of this photo alone.
Read = Callable[[str], Pixels]
# Chunks decoded ahead of the engine: enough that it never waits, few enough to bound memory.
AHEAD = 3


def stored_pixels(blobs: BlobStore, image_size: int) -> Read:
    """Reads stored photos as they are, in the size the network takes."""
    return lambda digest: read_pixels(blobs.get(photo_key(digest)), image_size)


def decoded_chunks(
    pool: ThreadPoolExecutor, read: Read, digests: Sequence[str], chunk: int
) -> Iterator[list[Pixels | HangtagError]]:
    """What `read` gives for `digests`, in order, `chunk` at a time; an unreadable photo is its error."""
    pending: list[Future[Pixels | HangtagError]] = []
    position = 0
    while position < len(digests) or pending:
        while position < len(digests) and len(pending) < AHEAD * chunk:
            pending.append(pool.submit(decode, read, digests[position]))
            position += 1
        ready, pending = pending[:chunk], pending[chunk:]
        yield [future.result() for future in ready]


def decode(read: Read, digest: str) -> Pixels | HangtagError:
    """The pixels of one photo, or the error that says why there are none."""
    try:
        return read(digest)
    except HangtagError as error:
        return error
    except DECODE_ERRORS:
        return PhotoCorruptError("The stored photo is damaged. Please upload it again.")
