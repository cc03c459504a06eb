"""Trying a job again, for the API and the page alike."""

from __future__ import annotations

from sqlalchemy.orm import Session

from shared import quotas
from shared.jobs import store
from shared.jobs.states import JobKind
from shared.tables import Job
from web.auth import identity, require_say_in
from web.services import services


def try_again(session: Session, job_id: str) -> Job:
    """The job that takes the place of this one. A training counts like one that is started.

    Raises:
        NotFoundError: unknown, or somebody else's.
        InsufficientScopeError: it is a training, for example, and whoever asks may start none.
        NotRetryableError: it succeeded, or has not ended.
        QuarantinedError: it is in quarantine, and its owner asks.
        PhotoDeletedError: there is nothing left to look at.
        TrainingQuotaError: as many trainings of its owner as may be wait or run.
    """
    known = identity()
    require_say_in(store.find(session, job_id, known.owner_filter))
    again = store.retry(session, job_id, known.owner_filter, retried_by=known.user.name)
    if again.kind in (JobKind.TRAIN, JobKind.SWEEP) and again.owner_id is not None:
        # It is there already; when that is one too many, the transaction takes it back.
        quotas.require_room_for_training(session, services().settings, again.owner_id, more=0)
    return again
