"""Signs of life: who works here, with which engine, in how much memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

import psutil
import structlog
from sqlalchemy import delete

from shared.clock import utc_now
from shared.database import Database
from shared.errors import HangtagError
from shared.tables import WorkerHeartbeat

logger = structlog.get_logger(__name__)
INTERVAL_SECONDS = 10.0


class Heartbeat:
    """Writes one row again and again from a thread of its own until stopped."""

    def __init__(self, database: Database, name: str, gpu: Callable[[], str | None] | None = None) -> None:
        """`gpu` measures how busy a GPU is; before each beat but the first, which shall not wait for it."""
        self._database = database
        self._name = name
        self._started_at = utc_now()
        self._stop = threading.Event()
        # A beat that is under way when the end comes would otherwise put the row back.
        self._row = threading.Lock()
        self._measure_gpu = gpu
        self._gpu: str | None = None
        self._facts: dict[str, str | int | None] = {}
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Say that we live now and from now on."""
        self.beat()
        self._thread.start()

    def describe(self, engine: str, device: str, note: str, serving: int) -> None:
        """Say which engine runs here and which version answers, and at once."""
        self._facts = {"engine": engine, "device": device[:200], "note": note[:500], "serving": serving}
        self.beat()

    def stop(self) -> None:
        """Stop for good, and take our row away: an orderly end is not a silence."""
        self._stop.set()
        try:
            with self._row, self._database.write() as session:
                session.execute(delete(WorkerHeartbeat).where(WorkerHeartbeat.name == self._name))
        except HangtagError as error:
            logger.warning("heartbeat_not_removed", error=error.message)

    def beat(self) -> None:
        """Write the row once, unless we were stopped; a database that is away is tried again next time."""
        row = WorkerHeartbeat(
            name=self._name,
            kind=self._name.partition("@")[0],
            resident_bytes=psutil.Process().memory_info().rss,
            started_at=self._started_at,
            seen_at=utc_now(),
            gpu=self._gpu[:200] if self._gpu else None,
            **self._facts,
        )
        try:
            with self._row, self._database.write() as session:
                if not self._stop.is_set():
                    session.merge(row)
        except HangtagError as error:
            logger.warning("heartbeat_not_written", error=error.message)

    def _run(self) -> None:
        while not self._stop.wait(INTERVAL_SECONDS):
            try:
                self._gpu = self._measure_gpu() if self._measure_gpu else None
                self.beat()
            except Exception:  # a worker that works must not fall silent over one odd row
                logger.exception("heartbeat_failed")


def forget_silent(database: Database, before: datetime) -> None:
    """Remove workers that have said nothing since `before`."""
    with database.write() as session:
        session.execute(delete(WorkerHeartbeat).where(WorkerHeartbeat.seen_at < before))
