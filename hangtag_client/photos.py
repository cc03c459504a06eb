"""Files on this machine: photos found, read and grouped for sending; downloads written whole."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

# A photo as a caller may give it: its bytes, or where its file is.
PhotoSource = bytes | str | Path
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
# Taking in as many takes the server some ten seconds. It allows 1,000 photos and 250 MiB.
PHOTOS_PER_BATCH = 200
BYTES_PER_BATCH = 100 * 1024 * 1024


def photos_below(folder: Path) -> list[Path]:
    """The photos of a folder and the folders in it, in the order of their names.

    Raises:
        ValueError: there are none.
    """
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise ValueError(f"There are no photos ({', '.join(SUFFIXES)}) in {folder}.")
    return found


def grouped(files: Sequence[Path]) -> Iterator[list[Path]]:
    """Files in groups that the server takes in quickly."""
    group: list[Path] = []
    size = 0
    for file in files:
        more = file.stat().st_size
        if group and (len(group) == PHOTOS_PER_BATCH or size + more > BYTES_PER_BATCH):
            yield group
            group, size = [], 0
        group.append(file)
        size += more
    if group:
        yield group


def names_together(photos: Sequence[PhotoSource]) -> list[str | None]:
    """What photos that are sent together are called: files by their path below the folder they share."""
    paths = [None if isinstance(photo, bytes) else Path(photo).absolute() for photo in photos]
    folders = [path.parent for path in paths if path]
    shared = os.path.commonpath(folders) if folders else ""
    return [path.relative_to(shared).as_posix() if path else None for path in paths]


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to be written that appears under its name when it is whole."""
    unfinished = path.with_name(f"{path.name}.part")
    try:
        with unfinished.open("wb") as file:
            yield file
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
