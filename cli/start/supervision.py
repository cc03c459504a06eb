"""The process manager seen from `hangtag run`: start it, hear what happens, stop it."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.start.supervisor_config import REDIS_STOP_SECONDS, log_file, processes, write
from shared.settings import Settings

# Over the sum of what supervisor itself waits before it kills.
STOP_MARGIN_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Change:
    """A process went into a state: starting, running, backoff, stopping, stopped, exited or fatal."""

    process: str
    state: str
    pid: int | None
    exit_status: int | None


class Supervision:
    """The running process manager and the changes it tells of."""

    def __init__(self, settings: Settings, lock: int) -> None:
        config = write(settings)
        self._stop_seconds = _stop_seconds(settings)
        # Its own session: a Ctrl-C in the terminal reaches `hangtag run` alone, which then stops everything
        # in order. The copy of the lock keeps the data folder taken until the last process is gone.
        self._manager = subprocess.Popen(
            [sys.executable, "-m", "cli.start.supervisord", str(config), str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=_append(log_file(settings, "supervisor")),
            start_new_session=True,
            pass_fds=(lock,),
        )
        self._changes: queue.SimpleQueue[Change | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True, name="process-changes").start()

    def next_change(self, timeout: float | None = None) -> Change | None:
        """Wait for the next change. None: the time is over, or the process manager is gone (see `alive`)."""
        try:
            return self._changes.get(timeout=timeout)
        except queue.Empty:
            return None

    @property
    def alive(self) -> bool:
        """Whether the process manager runs."""
        return self._manager.poll() is None

    def stop(self) -> bool:
        """Stop all processes in order and wait for their end. False: the manager did not end in time."""
        if self.alive:
            self._manager.terminate()
        try:
            self._manager.wait(self._stop_seconds + STOP_MARGIN_SECONDS)
        except subprocess.TimeoutExpired:
            self._manager.kill()  # its children get SIGTERM from the system then
            self._manager.wait()
            return False
        return True

    def _read(self) -> None:
        assert self._manager.stdout is not None  # noqa: S101 - we asked for a pipe
        for line in self._manager.stdout:
            self._changes.put(_change(line))
        self._manager.wait()
        self._changes.put(None)


def _change(line: bytes) -> Change:
    fields: dict[str, Any] = json.loads(line)
    return Change(fields["process"], fields["state"], fields["pid"] or None, fields["exit_status"])


def _stop_seconds(settings: Settings) -> int:
    together = max(process.stop_seconds for process in processes(settings))
    return together + REDIS_STOP_SECONDS


def _append(path: Path) -> int:
    path.parent.mkdir(exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)


def last_lines(path: Path, count: int = 15) -> str:
    """The end of a log, for a message about a process that does not start."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-count:])
    except OSError:
        return "(no log yet)"
