"""What versions answered for test photos, photo by photo: for paired tests, confusion cells and mistakes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, delete, func, insert, select
from sqlalchemy.orm import Session

from shared.datasets.store import Line
from shared.errors import NotFoundError
from shared.tables import DatasetExample, EvaluatedPhoto, ModelVersion

# Rows per statement: bounds its parameters on both databases.
CHUNK = 1000
# The digest of a training photo, and the cosine of the angle between its features and those of another photo.
Neighbour = tuple[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Calibrated probabilities, (n, classes), for n test photos of a dataset version.

    `nearest` has the training photos most like a test photo, by its digest, as far as they were looked for.
    """

    dataset_version: int
    photos: Sequence[Line]
    probabilities: npt.NDArray[np.floating]
    nearest: Mapping[str, Sequence[Neighbour]] = field(default_factory=dict)


def record(session: Session, version: int, answers: Answers, classes: Sequence[str]) -> None:
    """Write down a version's answers. What was written for the same dataset version before is replaced."""
    session.execute(delete(EvaluatedPhoto).where(*_pair(version, answers.dataset_version)))
    best = answers.probabilities.argmax(axis=1)
    rows = [
        {
            "version": version,
            "dataset_version": answers.dataset_version,
            "digest": photo.digest,
            "truth": photo.label,
            "answer": classes[answer],
            "confidence": float(row[answer]),
            "nearest": answers.nearest.get(photo.digest),
        }
        for photo, answer, row in zip(answers.photos, best, answers.probabilities, strict=True)
    ]
    for start in range(0, len(rows), CHUNK):
        session.execute(insert(EvaluatedPhoto), rows[start : start + CHUNK])


def dataset_versions(session: Session, version: int) -> list[int]:
    """The dataset versions on whose test photos this version was evaluated photo by photo, newest first."""
    number = EvaluatedPhoto.dataset_version
    rows = session.scalars(select(number).where(EvaluatedPhoto.version == version).distinct())
    return sorted(rows, reverse=True)


def of(session: Session, version: int, dataset_version: int) -> list[EvaluatedPhoto]:
    """All answers of a version on the test photos of a dataset version, ordered by digest."""
    rows = select(EvaluatedPhoto).where(*_pair(version, dataset_version)).order_by(EvaluatedPhoto.digest)
    return list(session.scalars(rows))


def find(session: Session, version: int, digest: str) -> EvaluatedPhoto:
    """What a version answered for a photo, on the newest dataset version it was evaluated on.

    Raises:
        NotFoundError: it was not evaluated on this photo, or the photo was deleted.
    """
    found = session.scalars(
        select(EvaluatedPhoto)
        .where(EvaluatedPhoto.version == version, EvaluatedPhoto.digest == digest)
        .order_by(EvaluatedPhoto.dataset_version.desc())
        .limit(1)
    ).first()
    if found is None:
        raise NotFoundError(f"Version {version} was not evaluated on this photo.")
    return found


def cell(
    session: Session,
    version: int,
    dataset_version: int,
    truth: str | None = None,
    answer: str | None = None,
    *,
    offset: int = 0,
    limit: int = 60,
) -> tuple[list[EvaluatedPhoto], int]:
    """One page of the photos of one cell of the confusion matrix, surest first, and how many there are.

    None stands for any category; with neither, the photos that were answered wrongly.
    """
    wanted = [*_pair(version, dataset_version)]
    wanted += [EvaluatedPhoto.truth == truth] if truth else []
    wanted += [EvaluatedPhoto.answer == answer] if answer else []
    if not truth and not answer:
        wanted.append(EvaluatedPhoto.truth != EvaluatedPhoto.answer)
    total = session.scalar(select(func.count()).select_from(EvaluatedPhoto).where(*wanted)) or 0
    rows = session.scalars(
        select(EvaluatedPhoto)
        .where(*wanted)
        .order_by(EvaluatedPhoto.confidence.desc(), EvaluatedPhoto.digest)
        .offset(offset)
        .limit(limit)
    )
    return list(rows), total


def forget(session: Session, digests: Collection[str]) -> None:
    """Remove what versions answered for these photos: they were deleted."""
    tested = select(DatasetExample.dataset_version).where(DatasetExample.digest.in_(digests))
    session.execute(
        delete(EvaluatedPhoto).where(  # all three, so that the rows are found by their primary key
            EvaluatedPhoto.version.in_(select(ModelVersion.number)),
            EvaluatedPhoto.dataset_version.in_(tested),
            EvaluatedPhoto.digest.in_(digests),
        )
    )


def _pair(version: int, dataset_version: int) -> Iterable[ColumnElement[bool]]:
    return (EvaluatedPhoto.version == version, EvaluatedPhoto.dataset_version == dataset_version)
