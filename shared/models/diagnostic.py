"""The untouched ImageNet network as a version that can only be looked at.

Xception as it was published ends in 1000 ImageNet labels on the same 2048 features that our heads start from.
Seen on one's own photos, they show why a head has to be trained.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.database import take_turn
from shared.jobs import store
from shared.jobs.states import ACTIVE, JobKind
from shared.tables import Job, ModelVersion

# What ImageNet's top was trained on (Chollet 2017, section 4.1).
IMAGE_SIZE = 299
LABEL_COUNT = 1000


def version(session: Session) -> ModelVersion | None:
    """The newest diagnostic version, if there is one."""
    newest = select(ModelVersion).where(ModelVersion.diagnostic).order_by(ModelVersion.number.desc())
    return session.scalars(newest.limit(1)).first()


def latest_job(session: Session) -> Job | None:
    """The last job that was to bring the untouched network in, however it stands."""
    newest = select(Job).where(Job.kind == JobKind.IMAGENET).order_by(Job.id.desc())
    return session.scalars(newest.limit(1)).first()


def request(session: Session, owner_id: str) -> Job:
    """The job that brings the untouched network in: a new one, or the one that is on its way."""
    take_turn(session, JobKind.IMAGENET.value)
    latest = latest_job(session)
    if latest is not None and latest.state in ACTIVE:
        return latest
    return store.create(session, JobKind.IMAGENET, owner_id=owner_id, payload={"image_size": IMAGE_SIZE})
