"""The epochs that a training has told of."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.tables import TrainingEpoch


def epochs_of(session: Session, job_id: str) -> list[TrainingEpoch]:
    """The epochs of a training, first to last; where an attempt ran one again, its figures count."""
    rows = session.scalars(
        select(TrainingEpoch)
        .where(TrainingEpoch.job_id == job_id)
        .order_by(TrainingEpoch.epoch, TrainingEpoch.attempt)
    )
    return list({row.epoch: row for row in rows}.values())
