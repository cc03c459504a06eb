"""Waiting for a job within a request, bounded in time and in how many requests may wait at once."""

from __future__ import annotations

from shared.jobs import store
from shared.jobs.states import TERMINAL
from shared.tables import Job
from web.services import Services

MAX_WAIT_SECONDS = 60


def wait_until_terminal(services: Services, job_id: str, owner_id: str | None, seconds: float) -> Job:
    """The job once it has ended, or as it stands after `seconds`, or at once when too many wait already.

    Raises:
        NotFoundError: unknown, or somebody else's.
    """
    job = _look(services, job_id, owner_id)
    if seconds <= 0 or job.state in TERMINAL:
        return job
    return wait_for_end(services, job_id, seconds) or job


def wait_for_end(services: Services, job_id: str, seconds: float) -> Job | None:
    """A job that had not ended yet, once it has or after `seconds`. None: too many wait already.

    Raises:
        NotFoundError: it is gone.
    """
    waited = services.watch.wait(job_id, min(seconds, MAX_WAIT_SECONDS))
    return _look(services, job_id) if waited else None


def _look(services: Services, job_id: str, owner_id: str | None = None) -> Job:
    with services.database.read() as session:
        return store.find(session, job_id, owner_id)
