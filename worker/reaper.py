"""Takes jobs back from attempts that were silent for a whole lease, counted by this process's own clock."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from shared.clock import utc_now
from shared.database import Database
from shared.jobs import store, upkeep
from shared.jobs.upkeep import SignOfLife

logger = structlog.get_logger(__name__)
# Short beside the shortest lease, so that a dead worker's photos wait little longer than that.
LOOK_SECONDS = 2.0
# Time between two looks beyond this does not count as silence: while we were paused, or the database was
# away, nobody could have noticed or written a sign of life.
LONGEST_STEP_SECONDS = 2 * LOOK_SECONDS


class Reaper:
    """Remembers for how long each running attempt has been silent. Several may run side by side."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._last_look: float | None = None
        self._silent_for: dict[SignOfLife, float] = {}

    def look(self) -> None:
        """Count the silence of all attempts; take the jobs of those back that were silent for too long."""
        with self._database.read() as session:
            signs = upkeep.signs_of_life(session)
        self._silent_for = self._from_rows(signs) if self._last_look is None else self._counted_on(signs)
        self._last_look = self._clock()
        self._reap([sign for sign, silence in self._silent_for.items() if _too_long(sign, silence)])

    def _from_rows(self, signs: list[SignOfLife]) -> dict[SignOfLife, float]:
        """What the rows say at our start, believed for half a lease at most.

        Without it the end of a maintainer would make every silence begin anew; with more of it a clock that
        was set meanwhile could take a job from a worker that renews in time.
        """
        now = utc_now()
        return {
            sign: _between(0.0, (now - sign.at).total_seconds(), store.LEASE_SECONDS[sign.kind] / 2)
            for sign in signs
            if sign.at is not None
        }

    def _counted_on(self, signs: list[SignOfLife]) -> dict[SignOfLife, float]:
        assert self._last_look is not None  # noqa: S101 - tells the type checker what the caller knows
        passed = min(self._clock() - self._last_look, LONGEST_STEP_SECONDS)
        before = self._silent_for
        return {sign: before[sign] + passed if sign in before else 0.0 for sign in signs}

    def _reap(self, silent: list[SignOfLife]) -> None:
        if not silent:
            return
        with self._database.write() as session:
            reaped = upkeep.reap(session, silent)
        for job_id, state in reaped:
            logger.warning("lease_expired", job_id=job_id, state=state.value)


def _too_long(sign: SignOfLife, silence: float) -> bool:
    return silence >= store.LEASE_SECONDS[sign.kind]


def _between(low: float, value: float, high: float) -> float:
    return max(low, min(value, high))
