"""The epochs that a training has told of."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, select
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


def best_accuracies(session: Session, job_ids: Collection[str]) -> dict[str, float]:
    """The best validation accuracy of each of these trainings that has told of one, by the same rule."""
    newest_first = func.row_number().over(
        partition_by=(TrainingEpoch.job_id, TrainingEpoch.epoch), order_by=TrainingEpoch.attempt.desc()
    )
    told = (
        select(TrainingEpoch.job_id, TrainingEpoch.val_accuracy, newest_first.label("place"))
        .where(TrainingEpoch.job_id.in_(job_ids))
        .subquery()
    )
    best = func.max(told.c.val_accuracy).label("best")
    rows = session.execute(select(told.c.job_id, best).where(told.c.place == 1).group_by(told.c.job_id))
    return {row.job_id: row.best for row in rows}
