"""Many photos for `hangtag classify`: sent in batches, followed until each has its outcome."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.client import Client

# Decoding as many takes the server some ten seconds; it answers after that.
PHOTOS = 200
# Held in memory here while they are sent.
BYTES = 100 * 1024 * 1024
POLL_SECONDS = 0.5
UNFINISHED = ("queued", "running")

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Group:
    """Files that are sent together, and the field of the form they go into."""

    field: str
    files: list[Path]


def grouped(files: list[Path]) -> Iterator[Group]:
    """Photos in batches of a size the server takes in quickly; a zip is a batch by itself."""
    photos: list[Path] = []
    size = 0
    for file in files:
        if is_zip(file):
            yield Group("archive", [file])
            continue
        bytes_here = file.stat().st_size
        if photos and (len(photos) == PHOTOS or size + bytes_here > BYTES):
            yield Group("photo", photos)
            photos, size = [], 0
        photos.append(file)
        size += bytes_here
    if photos:
        yield Group("photo", photos)


def is_zip(file: Path) -> bool:
    """Whether a file is meant as an archive."""
    return file.suffix.lower() == ".zip"


def classify_batch(client: Client, group: Group, wait: int, advance: Advance) -> list[dict[str, Any]]:
    """Send one batch and follow it. The items as the API has them, in the order of the files.

    Gives up when nothing was answered for `wait` seconds; what waits then goes on without us.
    """
    sent = [(file.name, file.read_bytes()) for file in group.files]
    found = client.send_batch(group.field, sent)
    done = 0
    last_news = time.monotonic()
    while True:
        now_done = sum(item["state"] not in UNFINISHED for item in found["items"])
        if now_done > done:
            advance(now_done - done)
            done, last_news = now_done, time.monotonic()
        if found["batch"]["finished"] or time.monotonic() - last_news > wait:
            items: list[dict[str, Any]] = found["items"]
            return items
        time.sleep(POLL_SECONDS)
        found = client.get(f"/api/v1/batches/{found['batch']['id']}")
