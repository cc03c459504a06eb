"""Waiting for a job within a request, bounded in time and in how many requests may wait at once."""

from __future__ import annotations

import time

from shared.jobs import store
from shared.jobs.states import TERMINAL
from shared.tables import Job
from web.services import Services

MAX_WAIT_SECONDS = 60
# The first looks are quick, for a lone photo is answered within a fraction of a second.
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.25
GROWTH = 1.3


def wait_until_terminal(services: Services, job_id: str, owner_id: str | None, seconds: float) -> Job:
    """The job once it has ended, or as it stands after `seconds`, or at once when too many wait already.

    Raises:
        NotFoundError: unknown, or somebody else's.
    """
    job = _look(services, job_id, owner_id)
    if seconds <= 0 or job.state in TERMINAL or not services.waiters.acquire(blocking=False):
        return job
    try:
        return _poll(services, job, owner_id, time.monotonic() + min(seconds, MAX_WAIT_SECONDS))
    finally:
        services.waiters.release()


def _poll(services: Services, job: Job, owner_id: str | None, deadline: float) -> Job:
    pause = FIRST_PAUSE_SECONDS
    while job.state not in TERMINAL and time.monotonic() < deadline:
        time.sleep(min(pause, max(0.0, deadline - time.monotonic())))
        pause = min(LONGEST_PAUSE_SECONDS, pause * GROWTH)
        job = _look(services, job.id, owner_id)
    return job


def _look(services: Services, job_id: str, owner_id: str | None) -> Job:
    with services.database.read() as session:
        return store.find(session, job_id, owner_id)
