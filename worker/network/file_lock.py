"""One process at a time, across processes that know of each other only through the data folder."""

from __future__ import annotations

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger(__name__)


@contextmanager
def file_lock(path: Path, purpose: str) -> Iterator[None]:
    """Hold the lock file `path`, waiting for whoever has it; the log says that it waits to do `purpose`.

    The system lets go of the lock when the process ends, however it ends. The file itself stays, since
    removing it would let two processes hold two different files of the same name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("waiting for another process to %s", purpose)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
