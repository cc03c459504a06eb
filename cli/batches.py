"""Many photos for `hangtag classify`: sent in batches, followed until each has its outcome."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from cli.following import watching
from hangtag_client import BatchAnswer, Client
from hangtag_client.photos import grouped

POLL_SECONDS = 0.5
UNFINISHED = ("queued", "running")

Advance = Callable[[int, int], None]


def groups(files: list[Path]) -> Iterator[list[Path]]:
    """Files that are sent together, in their order; a zip goes alone."""
    for zipped, run in itertools.groupby(files, is_zip):
        together = list(run)
        yield from ([file] for file in together) if zipped else grouped(together)


def is_zip(file: Path) -> bool:
    """Whether a file is meant as an archive."""
    return file.suffix.lower() == ".zip"


def send(client: Client, files: list[Path]) -> BatchAnswer:
    """Send one group."""
    zipped = len(files) == 1 and is_zip(files[0])
    return client.create_batch_from_zip(files[0]) if zipped else client.create_batch(files)


def follow(client: Client, found: BatchAnswer, advance: Advance, wait: float | None = None) -> BatchAnswer:
    """Watch a batch to its end, telling how many of how many are done.

    Gives up when nothing was answered for `wait` seconds; what waits then goes on without us.
    """
    done, last_news = 0, time.monotonic()
    with watching(f"Batch {found.batch.id}", f"hangtag batches show {found.batch.id} --watch"):
        while True:
            now_done = sum(item.state not in UNFINISHED for item in found.items)
            if now_done > done:
                done, last_news = now_done, time.monotonic()
            advance(done, len(found.items))
            late = wait is not None and time.monotonic() - last_news > wait
            if found.batch.finished or late:
                return found
            time.sleep(POLL_SECONDS)
            found = client.batch(found.batch.id)
