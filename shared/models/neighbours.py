"""The training photos that look most like another photo to the network of a version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.datasets import store
from shared.models.evaluated import Neighbour
from shared.photos import deletion
from shared.tables import DatasetExample, ModelVersion


@dataclass(frozen=True, slots=True)
class LabelledNeighbour:
    """A training photo, the label it was learned with, and how alike it is, at most 1."""

    digest: str
    label: str
    similarity: float


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
