"""Rescore: let two versions answer the same test photos, each through its own network."""

from __future__ import annotations

from typing import Any

import structlog
from sqlalchemy.orm import Session

from shared.datasets.store import Line
from shared.datasets.withdrawn import usable_lines
from shared.errors import ValidationError
from shared.jobs import store
from shared.jobs.states import JobKind, Split
from shared.models import evaluated, registry
from shared.models.comparison import compare
from shared.models.evaluated import Answers
from shared.tables import Job, ModelVersion
from worker.attempt import run_attempt
from worker.context import WorkerContext
from worker.lease import Lease
from worker.leftovers import forget_deleted_features
from worker.stopping import PlannedStop
from worker.training.photo_features import features_in

logger = structlog.get_logger(__name__)


def run_rescoring(context: WorkerContext, job_id: str, stop: PlannedStop) -> None:
    """Claim a comparison, carry it out and record how it ended; does nothing if it is not there to take."""
    run_attempt(context, JobKind.RESCORE, job_id, stop, _rescore)


def _rescore(context: WorkerContext, job: Job, lease: Lease) -> None:
    number = job.payload["dataset_version"]
    with context.database.read() as session:
        usable, _ = usable_lines(session, number)  # photos that were deleted since are gone
        versions = [registry.find(session, version) for version in job.payload["versions"]]
        waiting = [
            version
            for version in versions
            if number not in evaluated.dataset_versions(session, version.number)
        ]
    forget_deleted_features(context.settings, context.database)
    photos = usable[Split.TEST]
    answered = [(version, _answers(context, lease, version, number, photos)) for version in waiting]

    def write(session: Session) -> None:
        if store.renew(session, job.id, job.attempt):
            store.cancelled(session, job.id, job.attempt)
            return
        for version, answers in answered:
            evaluated.record(session, version.number, answers, version.classes)
        store.succeed(session, job.id, job.attempt, _result(session, job))

    context.database.transact(write)
    logger.info("versions_rescored", versions=job.payload["versions"], photos=len(photos))


def _answers(
    context: WorkerContext, lease: Lease, version: ModelVersion, dataset_version: int, photos: list[Line]
) -> Answers:
    """What a version answers for these photos, in full precision."""
    head = registry.load_head(context.blobs, version)
    features = features_in(context, registry.space_of(version), lease)
    seen = features.read([photo.digest for photo in photos])
    return Answers(dataset_version, photos, head.probabilities(seen))


def _result(session: Session, job: Job) -> dict[str, Any]:
    first, second = job.payload["versions"]
    found = compare(session, first, second)
    if found is None:
        raise ValidationError("These versions answered no test photo in common. Try again.")
    outcome = found.outcome
    counted = {name: getattr(outcome, name) for name in ("count", "fixed", "broken", "both_wrong", "p_value")}
    return {"versions": [first, second], "dataset_version": found.dataset_version, **counted}
