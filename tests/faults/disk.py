"""A disk so small that it can be filled to the last byte."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

BLOCK = 4096


class SmallDisk:
    """A mounted file system in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self) -> None:
        """Leave no room, not even for one byte."""
        with self._filler.open("ab", buffering=0) as file:
            for size in (BLOCK, 1):
                with suppress(OSError):
                    while file.write(b"\0" * size):
                        pass

    def free(self) -> None:
        """Give the room back."""
        self._filler.unlink()


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[SmallDisk]:
    """Mount a disk of this size on a folder, unmount it at the end."""
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("Only root may mount a small disk.")
    options = f"size={mebibytes}m"
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"A small disk cannot be mounted here: {error}")
    try:
        yield SmallDisk(folder)
    finally:
        # Lazy: a process that is just ending may still have a file open.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
