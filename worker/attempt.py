"""One attempt at a long job: claim it, keep its lease while it is worked on, record how it ended."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from sqlalchemy.orm import Session

from shared.errors import CancelledError, HangtagError, LeaseLostError, TransientError
from shared.jobs import store
from shared.jobs.states import JobKind
from shared.tables import Job
from worker.context import WorkerContext
from worker.job_log import JobLogTail
from worker.lease import Lease
from worker.stopping import PlannedStop, WorkerStoppingError

logger = structlog.get_logger(__name__)
NOUNS = {
    JobKind.TRAIN: "training",
    JobKind.SWEEP: "sweep",
    JobKind.REPORT: "report",
    JobKind.QUANTIZE: "quantization",
    JobKind.RESCORE: "rescoring",
    JobKind.IMAGENET: "imagenet",
    JobKind.TRY: "try",
}
Work = Callable[[WorkerContext, Job, Lease], None]


def run_attempt(context: WorkerContext, kind: JobKind, job_id: str, stop: PlannedStop, work: Work) -> None:
    """Claim a job and carry it out with `work`, which ends it when it succeeds; else record what happened.

    Does nothing if the job is not there to take. When this worker is asked to stop, the job goes back to the
    queue and its attempt does not count.
    """
    if stop.requested:
        return
    with context.database.write() as session:
        claimed = store.claim(session, kind, context.name, 1, job_id)
    if not claimed:
        return
    job = claimed[0]
    structlog.contextvars.bind_contextvars(job_id=job.id, attempt=job.attempt)
    with JobLogTail(context.database, job.id, job.attempt):
        _carry_out(context, kind, job, stop, work)


def _carry_out(context: WorkerContext, kind: JobKind, job: Job, stop: PlannedStop, work: Work) -> None:
    try:
        with Lease(context.database, job.id, job.attempt, stop) as lease:
            logger.info(f"{NOUNS[kind]}_begins", worker=context.name)
            work(context, job, lease)
    except LeaseLostError:
        logger.warning("lease_lost")
    except CancelledError:
        result = {"stop_reason": "cancelled"}
        _record(context, lambda session: store.cancelled(session, job.id, job.attempt, result))
    except WorkerStoppingError:
        _record(context, lambda session: store.release(session, job.id, job.attempt))
        logger.info(f"{NOUNS[kind]}_given_back")
    except Exception as error:
        logger.exception(f"{NOUNS[kind]}_failed")
        known = (
            error if isinstance(error, HangtagError) else TransientError(f"{type(error).__name__}: {error}")
        )
        _record(context, lambda session: store.fail(session, job.id, job.attempt, known))


def _record(context: WorkerContext, change: Callable[[Session], object]) -> None:
    try:
        context.database.transact(change)
    except LeaseLostError:
        logger.warning("lease_lost")
