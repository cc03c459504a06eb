"""Looks after the jobs that requests of this process wait for: one query for all of them, not one each."""

from __future__ import annotations

import threading
import time

import structlog
from sqlalchemy import select

from shared.database import Database
from shared.jobs.bell import Bell, Hears
from shared.jobs.states import ACTIVE
from shared.tables import Job

logger = structlog.get_logger(__name__)
# Each waiting request holds a server thread; more than this many at once are answered without waiting.
MAX_WAITERS = 12
# Workers ring when they have answered photos. Other ends, and rings that got lost, are found this soon.
LOOK_SECONDS = 0.25
# Without Redis nobody rings. A lone photo is answered within a tenth of a second, a training after minutes:
# the pause between two looks is a tenth of how long the last one who came has waited, within bounds.
PAUSE_SHARE = 0.1
SHORTEST_PAUSE_SECONDS = 0.02


class JobWatch:
    """Lets threads wait for the ends of jobs. A thread of its own looks, while anybody waits."""

    def __init__(self, database: Database, bell: Bell) -> None:
        self._database = database
        self._bell = bell
        self._places = threading.BoundedSemaphore(MAX_WAITERS)
        self._lock = threading.Lock()
        self._waiting: dict[threading.Event, str] = {}
        self._last_came = 0.0
        self._looker: threading.Thread | None = None

    def wait(self, job_id: str, seconds: float) -> bool:
        """Return when the job has ended, or cannot be looked at, or after `seconds`.

        False, and at once, when too many wait already.
        """
        if not self._places.acquire(blocking=False):
            return False
        ended = threading.Event()
        try:
            self._enter(ended, job_id)
            ended.wait(seconds)
        finally:
            with self._lock:
                self._waiting.pop(ended, None)
            self._places.release()
        return True

    def close(self) -> None:
        """Let everybody go, and return when nobody uses the database any more."""
        with self._lock:
            for event in self._waiting:
                event.set()
            looker = self._looker
        if looker is not None:
            looker.join()

    def _enter(self, ended: threading.Event, job_id: str) -> None:
        with self._lock:
            self._waiting[ended] = job_id
            self._last_came = time.monotonic()
            if self._looker is None:
                looker = threading.Thread(target=self._look, name="job-watch", daemon=True)
                looker.start()
                self._looker = looker  # it waits for our lock before it looks

    def _look(self) -> None:
        try:
            self._look_while_anybody_waits()
        except Exception:
            logger.exception("job_watch_failed")
            self._let_go()

    def _let_go(self) -> None:
        """Let everybody look for themselves; the next one to come starts a new thread."""
        with self._lock:
            if self._looker is threading.current_thread():
                self._looker = None
            for event in self._waiting:
                event.set()

    def _look_while_anybody_waits(self) -> None:
        with self._bell.listening() as hears:
            while waiting := self._still_waiting():
                ended = self._ended(set(waiting.values()))
                for event, job_id in waiting.items():
                    if job_id in ended:
                        event.set()
                self._pause(hears)

    def _pause(self, hears: Hears) -> None:
        """Until a worker rings, or somebody has to look without that."""
        if not hears(LOOK_SECONDS):
            passed = time.monotonic() - self._last_came
            time.sleep(min(max(SHORTEST_PAUSE_SECONDS, PAUSE_SHARE * passed), LOOK_SECONDS))

    def _still_waiting(self) -> dict[threading.Event, str]:
        """Who waits for which job; when it is nobody, the next one to come starts a new thread."""
        with self._lock:
            waiting = {event: job_id for event, job_id in self._waiting.items() if not event.is_set()}
            if not waiting:
                self._looker = None
            return waiting

    def _ended(self, job_ids: set[str]) -> set[str]:
        """Those that wait and run no more. All, when nobody can tell: who waits looks again, and sees why."""
        active = select(Job.id).where(Job.id.in_(job_ids), Job.state.in_(ACTIVE))
        try:
            with self._database.read() as session:
                return job_ids - set(session.scalars(active))
        except Exception as error:  # noqa: BLE001 - this thread looks for others, who must not wait in vain
            logger.warning("jobs_not_watched", error=repr(error))
            return job_ids
