"""The training photos that look most like another photo to the network of a version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.datasets import store
from shared.datasets.sides import TrainingPhotos
from shared.datasets.withdrawn import withdrawn
from shared.jobs.states import Split
from shared.models.evaluated import Neighbour
from shared.photos import deletion
from shared.tables import DatasetExample, ModelVersion


@dataclass(frozen=True, slots=True)
class LabelledNeighbour:
    """A training photo, the label it was learned with, and how alike it is, at most 1."""

    digest: str
    label: str
    similarity: float


def training_photos(session: Session, version: ModelVersion) -> TrainingPhotos:
    """The photos a version learned from that were not deleted since; none when it was made elsewhere."""
    dataset = store.with_digest(session, version.lineage["dataset_digest"])
    if dataset is None:
        return TrainingPhotos(())
    gone = withdrawn(session, dataset.number)
    lines = store.lines(session, dataset.number, Split.TRAIN)
    return TrainingPhotos(tuple(line for line in lines if line.digest not in gone))


def labelled(
    session: Session, version: ModelVersion, nearest: Sequence[Neighbour]
) -> list[LabelledNeighbour]:
    """Those of these training photos of a version that were not deleted since, in the given order."""
    dataset = store.with_digest(session, version.lineage["dataset_digest"])
    if dataset is None:
        return []
    digests = [digest for digest, _ in nearest]
    rows = session.execute(
        select(DatasetExample.digest, DatasetExample.label).where(
            DatasetExample.dataset_version == dataset.number, DatasetExample.digest.in_(digests)
        )
    )
    labels = {row.digest: row.label for row in rows}
    gone = deletion.deleted_among(session, digests)
    return [
        LabelledNeighbour(digest, labels[digest], similarity)
        for digest, similarity in nearest
        if digest in labels and digest not in gone
    ]
