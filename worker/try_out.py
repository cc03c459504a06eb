"""Try: what some versions, trained or diagnostic, answer for one photo. Nobody but who asked sees it."""

from __future__ import annotations

from typing import Any

import numpy as np

from shared.errors import NotFoundError
from shared.jobs import store
from shared.jobs.states import JobKind
from shared.jobs.store import Progress
from shared.models import registry
from shared.models.answer import top_k
from shared.tables import Job, ModelVersion, Photo
from worker.attempt import run_attempt
from worker.context import WorkerContext
from worker.engines.choose import load_engine
from worker.lease import Lease
from worker.pixels import stored_pixels
from worker.stopping import PlannedStop

# As many as ImageNet's results are usually told with.
TOLD = 5


def run_try(context: WorkerContext, job_id: str, stop: PlannedStop) -> None:
    """Claim a try-out, carry it out and record how it ended; does nothing if it is not there to take."""
    run_attempt(context, JobKind.TRY, job_id, stop, _try)


def _try(context: WorkerContext, job: Job, lease: Lease) -> None:
    with context.database.read() as session:
        photo = session.get(Photo, job.photo_id)
        versions = [registry.find(session, number) for number in job.payload["versions"]]
    if photo is None:
        raise NotFoundError("The photo was deleted.")
    answers = []
    for place, version in enumerate(versions):
        lease.report(Progress("versions", place, len(versions)))
        answers.append(_answer(context, lease, version, photo.digest))
    with context.database.write() as session:
        if store.renew(session, job.id, job.attempt):
            store.cancelled(session, job.id, job.attempt)
            return
        store.succeed(session, job.id, job.attempt, {"photo_id": photo.id, "answers": answers})


def _answer(context: WorkerContext, lease: Lease, version: ModelVersion, digest: str) -> dict[str, Any]:
    """What one version says, in full precision. No features are kept: the photo may be deleted any moment."""
    head = registry.load_head(context.blobs, version)
    space = registry.space_of(version)
    engine = load_engine(context.settings, space, lambda *_: lease.check(), check=lease.check)
    pixels = stored_pixels(context.blobs, space.image_size)(digest)
    probabilities = head.probabilities(engine.features(pixels[np.newaxis]))[0]
    return {"model_version": version.number, **top_k(probabilities, version.classes, TOLD).model_dump()}
