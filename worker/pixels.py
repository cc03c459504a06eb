"""Reads and decodes stored photos on threads while the engine works on the ones before."""

from __future__ import annotations

import itertools
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
    """What `read` gives for `digests`, in order, `chunk` at a time; an unreadable photo is its error.

    The first chunks are being decoded when this returns, before anybody asks for them.
    """

    def submit(digest: str) -> Future[Pixels | HangtagError]:
        return pool.submit(decode, read, digest)

    first = [submit(digest) for digest in digests[: AHEAD * chunk]]
    return _in_order(first, iter(digests[AHEAD * chunk :]), submit, chunk)


def _in_order(
    pending: list[Future[Pixels | HangtagError]],
    others: Iterator[str],
    submit: Callable[[str], Future[Pixels | HangtagError]],
    chunk: int,
) -> Iterator[list[Pixels | HangtagError]]:
    while pending:
        ready, pending = pending[:chunk], pending[chunk:]
        pending += [submit(digest) for digest in itertools.islice(others, len(ready))]
        yield [future.result() for future in ready]


def decode(read: Read, digest: str) -> Pixels | HangtagError:
    """The pixels of one photo, or the error that says why there are none."""
    try:
        return read(digest)
    except HangtagError as error:
        return error
    except DECODE_ERRORS:
        return PhotoCorruptError("The stored photo is damaged. Please upload it again.")
