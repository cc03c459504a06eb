"""Keeps one attempt's lease alive through steps that cannot report progress, for a bounded time."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

import structlog

from shared.database import Database
from shared.errors import CancelledError, HangtagError, LeaseLostError
from shared.jobs import store
from shared.jobs.store import Progress
from worker.stopping import PlannedStop

logger = structlog.get_logger(__name__)
RENEW_SECONDS = 15.0
# Building an engine took under two minutes on two cores; much longer is a hang, and the lease shall end.
MAX_KEPT_SECONDS = 900.0


class Lease:
    """The right of one attempt to work on a job.

    `report` renews it with progress. Inside a `with` block a thread renews it as well, so that a step
    that is silent for minutes keeps it; a step silent for longer than `MAX_KEPT_SECONDS` does not.
    Both `report` and `check` say, by raising, when to stop.
    """

    def __init__(self, database: Database, job_id: str, attempt: int, stop: PlannedStop) -> None:
        self._database = database
        self.job_id = job_id
        self.attempt = attempt
        self._progress: Progress | None = None
        self._lost: HangtagError | None = None
        self._stop = stop
        self._over = threading.Event()
        self._last_report = time.monotonic()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def report(self, progress: Progress) -> None:
        """Note progress and renew.

        Raises:
            LeaseLostError: another attempt owns the job.
            CancelledError: the job was asked to stop.
            WorkerStoppingError: this worker was asked to stop.
        """
        self._last_report = time.monotonic()
        self._progress = progress
        self._renew()
        self.check()

    def check(self) -> None:
        """Raise what `report` raises, without touching the database."""
        if self._lost is not None:
            raise self._lost
        self._stop.check()

    def _renew(self) -> None:
        # Done twice, a renewal says the same: a database that restarts at this moment costs no attempt.
        try:
            cancel = self._database.transact(
                lambda session: store.renew(session, self.job_id, self.attempt, self._progress)
            )
        except LeaseLostError as error:
            self._lost = error
        else:
            if cancel:
                self._lost = CancelledError()

    def _keep(self) -> None:
        while not self._over.wait(RENEW_SECONDS) and self._lost is None:
            if time.monotonic() - self._last_report > MAX_KEPT_SECONDS:
                logger.error("step_hangs", job_id=self.job_id, seconds=MAX_KEPT_SECONDS)
                return
            try:
                self._renew()
            except HangtagError as error:
                logger.warning("lease_not_renewed", job_id=self.job_id, error=error.message)
