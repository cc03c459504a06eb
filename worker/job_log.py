"""Keeps the last lines of this process's log with the job it works on."""

from __future__ import annotations

import logging
import threading
from collections import deque
from types import TracebackType
from typing import Self

from shared.database import Database
from shared.errors import HangtagError
from shared.jobs import log
from shared.log_context import short_lines

logger = logging.getLogger(__name__)
# As often as a page that is open looks; nothing is written while nothing is logged.
WRITE_SECONDS = 2.5


class JobLogTail(logging.Handler):
    """Inside a `with` block, what is logged goes to the job's row too, after what earlier attempts logged."""

    def __init__(self, database: Database, job_id: str, attempt: int) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(short_lines())
        self._database = database
        self._job_id = job_id
        self._attempt = attempt
        self._lines: deque[str] = deque(maxlen=log.MAX_LINES)
        self._changed = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="job-log", daemon=True)

    def __enter__(self) -> Self:
        try:
            with self._database.read() as session:
                self._lines.extend(log.lines(session, self._job_id))
        except HangtagError as error:  # the job matters more than its log
            logger.warning("the lines of earlier attempts cannot be read: %s", error.message)
        logging.getLogger().addHandler(self)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        logging.getLogger().removeHandler(self)
        self._over.set()
        self._thread.join()
        self._write()

    def emit(self, record: logging.LogRecord) -> None:
        """Take the lines of one record; the handler's lock is held."""
        try:
            self._lines.extend(self.format(record).splitlines())
        except Exception:  # noqa: BLE001 - as every handler: a line that cannot be told ends no job
            self.handleError(record)
        self._changed = True

    def _keep(self) -> None:
        while not self._over.wait(WRITE_SECONDS):
            self._write()

    def _write(self) -> None:
        """Write what there is; a database that is away gets it the next time."""
        self.acquire()
        latest, changed, self._changed = list(self._lines), self._changed, False
        self.release()
        if not changed:
            return
        try:
            with self._database.write() as session:
                log.keep(session, self._job_id, self._attempt, latest)
        except HangtagError:
            self._changed = True
