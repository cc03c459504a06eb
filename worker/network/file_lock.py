"""One process at a time, across processes that know of each other only through the data folder."""

from __future__ import annotations

import fcntl
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

# Between two looks at a lock of somebody else who works for minutes.
POLL_SECONDS = 1.0

log = logging.getLogger(__name__)


@contextmanager
def file_lock(path: Path, purpose: str, check: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the lock file `path`, waiting for whoever has it; the log says that it waits to do `purpose`.

    `check` is called every second while waiting; what it raises ends the wait and comes out of here.

    The system lets go of the lock when the process ends, however it ends. The file itself stays, since
    removing it would let two processes hold two different files of the same name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("waiting for another process to %s", purpose)
            _wait(file, check)
        yield


def _wait(file: IO[str], check: Callable[[], None] | None) -> None:
    if check is None:
        fcntl.flock(file, fcntl.LOCK_EX)
        return
    while True:
        check()
        time.sleep(POLL_SECONDS)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        return
