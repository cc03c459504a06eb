"""Examples of old dataset versions whose photos were deleted since.

A dataset version is an immutable list, but nothing may learn from a deleted photo. The rule: a training on
such a version goes on without those examples, and its lineage says how many they were; when the rest is no
dataset any more (a side is empty, a category has no training photos), it is refused.
"""

from __future__ import annotations

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from shared.datasets import store
from shared.datasets.store import Line
from shared.errors import ValidationError
from shared.jobs.states import Split
from shared.tables import DatasetExample, DeletedPhoto, Example


def withdrawn(session: Session, number: int) -> set[str]:
    """The digests in a dataset version whose photos were deleted and are no examples again."""
    again = exists().where(Example.digest == DatasetExample.digest)
    query = select(DatasetExample.digest).join(DeletedPhoto, DeletedPhoto.digest == DatasetExample.digest)
    return set(session.scalars(query.where(DatasetExample.dataset_version == number, ~again)))


def usable_lines(session: Session, number: int) -> tuple[dict[Split, list[Line]], int]:
    """The examples of a dataset version that may still be learned from, by side, and how many may not.

    Raises:
        ValidationError: what is left cannot be trained on.
    """
    gone = withdrawn(session, number)
    lines = {
        split: [line for line in store.lines(session, number, split) if line.digest not in gone]
        for split in Split
    }
    if gone:
        try:
            store.require_trainable([line for side in lines.values() for line in side])
        except ValidationError as error:
            raise ValidationError(
                f"{len(gone)} photos of dataset version {number} were deleted; what is left is not enough. "
                f"{error.message} Make a new dataset version and train on that."
            ) from error
    return lines, len(gone)
