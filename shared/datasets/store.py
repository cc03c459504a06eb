"""All dataset SQL."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import and_, func, insert, select
from sqlalchemy.orm import Session

from shared.database import insert_if_absent
from shared.datasets.splits import split_of
from shared.errors import NotFoundError, ValidationError
from shared.jobs.states import Split
from shared.tables import MAX_INTEGER, DatasetExample, DatasetVersion, Example

# Fewer categories than two leave nothing to tell apart.
MIN_CLASSES = 2


@dataclass(frozen=True, slots=True)
class Line:
    """One example of a dataset version: the digest of a stored photo, its label and its side."""

    digest: str
    label: str
    split: Split


def known_examples(session: Session, digests: Iterable[str]) -> dict[str, Example]:
    """The examples there already are for these photos."""
    rows = session.scalars(select(Example).where(Example.digest.in_(list(digests))))
    return {row.digest: row for row in rows}


def landing_sides(session: Session, wanted: Mapping[str, Split | None]) -> dict[str, Split]:
    """The side on which each photo becomes an example: where a dataset version has it already, so that none
    is both learned from and measured with; else the wanted one; else what its digest decides."""
    rows = session.execute(
        select(DatasetExample.digest, DatasetExample.split)
        .where(DatasetExample.digest.in_(wanted))
        .order_by(DatasetExample.dataset_version)
    )
    before = {row.digest: row.split for row in rows}
    return {digest: before.get(digest) or side or split_of(digest) for digest, side in wanted.items()}


def freeze(session: Session) -> DatasetVersion:
    """Make a dataset version of all examples; the same examples give the same version again.

    Raises:
        ValidationError: a split is empty, or there are fewer than two categories.
    """
    rows = session.execute(select(Example.digest, Example.label, Example.split).order_by(Example.digest))
    lines = [Line(*row) for row in rows]
    require_trainable(lines)
    digest = content_digest(lines)
    known = with_digest(session, digest)
    if known is not None:
        return known
    classes = sorted({line.label for line in lines})
    version = insert_if_absent(
        session, DatasetVersion, digest=digest, classes=classes, counts=split_counts(lines)
    )
    if version is None:  # somebody made it at this moment
        return session.scalars(select(DatasetVersion).where(DatasetVersion.digest == digest)).one()
    session.execute(
        insert(DatasetExample),
        [
            {
                "dataset_version": version.number,
                "digest": line.digest,
                "label": line.label,
                "split": line.split,
            }
            for line in lines
        ],
    )
    return version


def find(session: Session, number: int) -> DatasetVersion:
    """The dataset version with this number.

    Raises:
        NotFoundError: there is none.
    """
    version = session.get(DatasetVersion, number) if 0 < number <= MAX_INTEGER else None
    if version is None:
        raise NotFoundError(
            f"There is no dataset version {number}. Import photos with: hangtag dataset import DIR"
        )
    return version


def with_digest(session: Session, digest: str) -> DatasetVersion | None:
    """The dataset version of exactly these contents, if this installation has it."""
    return session.scalar(select(DatasetVersion).where(DatasetVersion.digest == digest))


def latest(session: Session) -> DatasetVersion:
    """The newest dataset version.

    Raises:
        NotFoundError: nothing was imported yet.
    """
    version = session.scalar(select(DatasetVersion).order_by(DatasetVersion.number.desc()).limit(1))
    if version is None:
        raise NotFoundError("There is no dataset yet. Import photos with: hangtag dataset import DIR")
    return version


def versions(session: Session) -> list[DatasetVersion]:
    """All dataset versions, newest first."""
    return list(session.scalars(select(DatasetVersion).order_by(DatasetVersion.number.desc())))


def lines(session: Session, number: int, split: Split, limit: int | None = None) -> list[Line]:
    """The examples of one side of a dataset version, by digest; the first `limit` if that is given."""
    rows = session.execute(
        select(DatasetExample.digest, DatasetExample.label, DatasetExample.split)
        .where(DatasetExample.dataset_version == number, DatasetExample.split == split)
        .order_by(DatasetExample.digest)
        .limit(limit)
    )
    return [Line(*row) for row in rows]


def photos(
    session: Session, number: int, label: str, split: Split | None = None, *, offset: int = 0, limit: int
) -> tuple[list[Line], int]:
    """One page of the photos of a category in a dataset version, by digest, and how many there are."""
    wanted = [DatasetExample.dataset_version == number, DatasetExample.label == label]
    if split is not None:
        wanted.append(DatasetExample.split == split)
    total = session.scalar(select(func.count()).select_from(DatasetExample).where(*wanted)) or 0
    rows = session.execute(
        select(DatasetExample.digest, DatasetExample.label, DatasetExample.split)
        .where(*wanted)
        .order_by(DatasetExample.digest)
        .offset(offset)
        .limit(limit)
    )
    return [Line(*row) for row in rows], total


def samples(session: Session, number: int, per_category: int) -> dict[str, list[Line]]:
    """The first photos of every category in a dataset version, by digest."""
    place = func.row_number().over(partition_by=DatasetExample.label, order_by=DatasetExample.digest)
    placed = (
        select(DatasetExample.digest, DatasetExample.label, DatasetExample.split, place.label("place"))
        .where(DatasetExample.dataset_version == number)
        .subquery()
    )
    rows = session.execute(
        select(placed.c.digest, placed.c.label, placed.c.split)
        .where(placed.c.place <= per_category)
        .order_by(placed.c.digest)
    )
    found: dict[str, list[Line]] = defaultdict(list)
    for row in rows:
        found[row.label].append(Line(*row))
    return found


def among(session: Session, number: int, digests: Collection[str]) -> dict[str, Line]:
    """The lines of these photos in a dataset version, by digest."""
    rows = session.execute(
        select(DatasetExample.digest, DatasetExample.label, DatasetExample.split).where(
            DatasetExample.dataset_version == number, DatasetExample.digest.in_(digests)
        )
    )
    return {row.digest: Line(*row) for row in rows}


def unfrozen(session: Session) -> int:
    """How many examples the newest dataset version lacks, knows under another label, or has and are gone."""
    newest = session.scalar(select(func.max(DatasetVersion.number)))
    same = and_(
        DatasetExample.dataset_version == newest,
        DatasetExample.digest == Example.digest,
        DatasetExample.label == Example.label,
    )
    known = select(DatasetExample.digest).where(same).exists()
    new = session.scalar(select(func.count()).select_from(Example).where(~known)) or 0
    still = select(Example.digest).where(Example.digest == DatasetExample.digest).exists()
    gone = (
        select(func.count())
        .select_from(DatasetExample)
        .where(DatasetExample.dataset_version == newest, ~still)
    )
    return new + (session.scalar(gone) or 0)


def holds(session: Session, digest: str) -> bool:
    """Whether this photo is an example, or is in any dataset version."""
    return any(
        session.scalar(select(table.digest).where(table.digest == digest).limit(1)) is not None
        for table in (Example, DatasetExample)
    )


def content_digest(lines: Iterable[Line]) -> str:
    """The SHA-256 of the ordered list of examples: equal data, equal digest."""
    hasher = hashlib.sha256()
    for line in sorted(lines, key=lambda line: line.digest):
        hasher.update(f"{line.digest}\t{line.label}\t{line.split.value}\n".encode())
    return hasher.hexdigest()


def split_counts(lines: Iterable[Line]) -> dict[str, dict[str, int]]:
    """How many examples each label has in each split."""
    counter = Counter((line.split.value, line.label) for line in lines)
    counts: dict[str, dict[str, int]] = {split.value: {} for split in Split}
    for (split, label), number in sorted(counter.items()):
        counts[split][label] = number
    return counts


def require_trainable(lines: Collection[Line]) -> None:
    """Refuse a list of examples that cannot be trained on.

    Raises:
        ValidationError: a split is empty, there are fewer than two categories, or one has no training photos.
    """
    empty = [split.value for split in Split if all(line.split is not split for line in lines)]
    if empty:
        raise ValidationError(f"The dataset has no photos in: {', '.join(empty)}. Import some first.")
    if len({line.label for line in lines}) < MIN_CLASSES:
        raise ValidationError("The dataset has only one category. Import photos of at least two.")
    trained = {line.label for line in lines if line.split is Split.TRAIN}
    untrained = sorted({line.label for line in lines} - trained)
    if untrained:
        raise ValidationError(f"These categories have no training photos: {', '.join(untrained)}.")
