"""Imagenet: bring the untouched network's own 1000 labels in, as a version that can only be looked at."""

from __future__ import annotations

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.jobs import store
from shared.jobs.states import JobKind
from shared.jobs.store import Progress
from shared.models import registry
from shared.models.feature_space import FeatureSpace
from shared.tables import Job, ModelVersion
from worker.attempt import run_attempt
from worker.context import WorkerContext
from worker.lease import Lease
from worker.network.imagenet_top import ImagenetTop, imagenet_top
from worker.stopping import PlannedStop

logger = structlog.get_logger(__name__)


def run_imagenet(context: WorkerContext, job_id: str, stop: PlannedStop) -> None:
    """Claim the job, carry it out and record how it ended; does nothing if it is not there to take."""
    run_attempt(context, JobKind.IMAGENET, job_id, stop, _bring_in)


def _bring_in(context: WorkerContext, job: Job, lease: Lease) -> None:
    lease.report(Progress("reading", 0, 1))
    top = imagenet_top(context.settings, lambda *_: lease.check())
    registry.store_head(context.blobs, top.head)
    space = FeatureSpace(context.settings.base_weights_digest, job.payload["image_size"])

    def write(session: Session) -> int | None:
        if store.renew(session, job.id, job.attempt):
            store.cancelled(session, job.id, job.attempt)
            return None
        version = _known(session, top, space) or registry.add(session, _new(top, space, job.id))
        store.succeed(session, job.id, job.attempt, {"model_version": version.number})
        return version.number

    number = context.database.transact(write)
    if number is not None:
        logger.info("diagnostic_version", model_version=number)


def _new(top: ImagenetTop, space: FeatureSpace, job_id: str) -> registry.NewVersion:
    lineage = {"files": top.files, "base_digest": space.base_digest}
    return registry.NewVersion(top.labels, space, top.head.digest, {}, lineage, job_id, diagnostic=True)


def _known(session: Session, top: ImagenetTop, space: FeatureSpace) -> ModelVersion | None:
    """The version that an earlier job made of the same files."""
    same = (ModelVersion.head_digest == top.head.digest, ModelVersion.feature_space == space.key)
    return session.scalars(select(ModelVersion).where(ModelVersion.diagnostic, *same)).first()
