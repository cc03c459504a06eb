"""How much room is left where everything is kept."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

# Photos, logs and the database grow; a full disk stops all of them.
FEW_BYTES = 2_000_000_000
NO_BYTES = 200_000_000


@dataclass(frozen=True, slots=True)
class Disk:
    """The room on the disk of the data folder, in bytes."""

    free: int
    total: int

    @property
    def few(self) -> bool:
        """Whether somebody should make room soon."""
        return self.free < FEW_BYTES

    @property
    def full(self) -> bool:
        """Whether photos are refused soon."""
        return self.free < NO_BYTES


def room(folder: Path) -> Disk:
    """The room on the disk that holds `folder`, or would hold it."""
    there = next(path for path in (folder, *folder.parents) if path.is_dir())
    usage = shutil.disk_usage(there)
    return Disk(usage.free, usage.total)
