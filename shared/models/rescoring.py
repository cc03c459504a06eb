"""Having two versions answer the same test photos, so that they can be compared photo by photo.

A training judges the champion on its own test photos where both share a feature space. Elsewhere, and for
versions that were evaluated on other photos, a job lets both answer: `worker.rescore`.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.database import take_turn
from shared.datasets import store as datasets
from shared.errors import ConflictError
from shared.jobs import store
from shared.jobs.states import ACTIVE, JobKind, Split
from shared.models import registry
from shared.tables import DatasetVersion, Job, ModelVersion

# Of the newest jobs; older ones explain nothing that a page shows.
LOOKED_AT = 50


def request(session: Session, a: int, b: int, owner_id: str) -> Job:
    """The job that lets both versions answer the same test photos: a new one, or the one on its way.

    Raises:
        NotFoundError: a version is unknown.
        DiagnosticVersionError: one of them was not trained for these categories.
        ConflictError: they are the same, or no dataset version has test photos to compare them on.
    """
    first, second = registry.find_trained(session, a), registry.find_trained(session, b)
    if a == b:
        raise ConflictError("Choose two different versions.")
    take_turn(session, JobKind.RESCORE.value)
    found = latest_job(session, a, b)
    if found is not None and found.state in ACTIVE:
        return found
    dataset = dataset_for(session, first, second)
    if dataset is None:
        raise ConflictError(
            "There are no test photos to compare these versions on. Import labelled photos, then make a "
            "dataset version."
        )
    payload = {"versions": [a, b], "dataset_version": dataset.number}
    return store.create(session, JobKind.RESCORE, owner_id=owner_id, payload=payload)


def latest_job(session: Session, a: int, b: int) -> Job | None:
    """The last job that compared these two, in either order, however it stands."""
    newest = select(Job).where(Job.kind == JobKind.RESCORE).order_by(Job.id.desc()).limit(LOOKED_AT)
    return next((job for job in session.scalars(newest) if set(job.payload["versions"]) == {a, b}), None)


def dataset_for(session: Session, a: ModelVersion, b: ModelVersion) -> DatasetVersion | None:
    """Whose test photos to compare on: what `b` was made from, else what `a` was, else the newest one.

    Photos never change sides, so no version has learned from the test photos of any dataset version.
    """
    known = [version for version in datasets.versions(session) if _tested(version)]
    for made in (b, a):
        digest = made.lineage.get("dataset_digest")
        own = next((version for version in known if version.digest == digest), None)
        if own is not None:
            return own
    return next(iter(known), None)


def _tested(version: DatasetVersion) -> bool:
    return any(version.counts.get(Split.TEST.value, {}).values())
