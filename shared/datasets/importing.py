"""Imports a folder `train/ validation/ test/` of category folders as examples."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.orm import Session

from shared.blobs import BlobStore
from shared.database import Database
from shared.datasets import labels, store
from shared.datasets.labels import IMPORTED
from shared.errors import PhotoError, ValidationError
from shared.jobs.states import Split
from shared.photos.decoder import Decoder
from shared.photos.intake import PreparedPhoto

# Photos per transaction: short for sellers who write at the same time, long enough to be quick.
CHUNK = 32
PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})

Report = Callable[[int, int], None]


@dataclass(slots=True)
class ImportReport:
    """What an import found. File names are relative to the imported folder.

    `counts` and `others` are of the dataset version, which has all examples there are; `others` of them are
    not in this folder.
    """

    imported: int = 0
    already_known: int = 0
    others: int = 0
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    duplicates: list[tuple[str, str]] = field(default_factory=list)  # file, what it repeats
    unreadable: list[tuple[str, str]] = field(default_factory=list)  # file, why
    other_side: list[tuple[str, str]] = field(default_factory=list)  # file, the side its photo stays on
    dataset_version: int = 0
    dataset_digest: str = ""


@dataclass(frozen=True, slots=True)
class _Candidate:
    path: Path
    name: str
    split: Split
    label: str


def import_folder(
    database: Database, blobs: BlobStore, directory: Path, report: Report = lambda done, total: None
) -> ImportReport:
    """Store every photo below `directory`, make examples of them and freeze a dataset version.

    Running it again adds only what is new. `report` is called with photos done and photos in all.
    A file that cannot be read, or repeats a photo, is listed in the answer and does not stop the import.

    Raises:
        ValidationError: the folder has not the expected shape, or the result cannot be trained on.
    """
    candidates = _find(directory)
    result = ImportReport()
    names: dict[str, str] = {}
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as pool, closing(Decoder(cores)) as decoder:
        for start in range(0, len(candidates), CHUNK):
            chunk = candidates[start : start + CHUNK]
            prepared = list(pool.map(lambda item: _prepare(decoder, blobs, item), chunk))
            with database.write() as session:
                _record(session, list(zip(chunk, prepared, strict=True)), names, result, str(directory))
            report(start + len(chunk), len(candidates))
    with database.write() as session:
        version = store.freeze(session)
    result.dataset_version, result.dataset_digest = version.number, version.digest
    result.counts = version.counts
    total = sum(sum(here.values()) for here in version.counts.values())
    result.others = total - result.imported - result.already_known
    return result


def _find(directory: Path) -> list[_Candidate]:
    missing = [split.value for split in Split if not (directory / split).is_dir()]
    if missing:
        raise ValidationError(
            f"{directory} has no folder {', '.join(missing)}. Hangtag imports train/, validation/ and test/, "
            "each with one folder per category."
        )
    return [
        _Candidate(path, str(path.relative_to(directory)), split, label)
        for split in Split
        for folder, label in _category_folders(directory / split)
        for path in sorted(folder.iterdir())
        if path.is_file() and path.suffix.lower() in PHOTO_SUFFIXES
    ]


def _category_folders(side: Path) -> list[tuple[Path, str]]:
    """The category folders of a side, with labels. Hidden ones are some tool's, like .ipynb_checkpoints."""
    folders = [path for path in sorted(side.iterdir()) if path.is_dir() and not path.name.startswith(".")]
    return [(folder, _label_of(folder)) for folder in folders]


def _label_of(folder: Path) -> str:
    try:
        return labels.checked_label(folder.name)
    except ValidationError as error:
        name = f"{folder.parent.name}/{folder.name}"
        raise ValidationError(f"{error.message} Rename the folder {name!r}.") from error


def _prepare(decoder: Decoder, blobs: BlobStore, candidate: _Candidate) -> PreparedPhoto | PhotoError:
    try:
        prepared = decoder.prepare(candidate.path.read_bytes())
    except PhotoError as error:
        return error
    prepared.store(blobs)
    return prepared


def _record(
    session: Session,
    items: list[tuple[_Candidate, PreparedPhoto | PhotoError]],
    names: dict[str, str],
    result: ImportReport,
    source: str,
) -> None:
    source = f"{IMPORTED}{source}"[:200]
    wanted = [(photo.digest, item.split) for item, photo in items if isinstance(photo, PreparedPhoto)]
    known = store.known_examples(session, [digest for digest, _ in wanted])
    sides = store.landing_sides(session, dict(reversed(wanted)))  # of files that repeat, the first counts
    for candidate, photo in items:
        if isinstance(photo, PhotoError):
            result.unreadable.append((candidate.name, photo.message))
            continue
        if photo.digest in names:
            result.duplicates.append((candidate.name, names[photo.digest]))
            continue
        names[photo.digest] = candidate.name
        example, made = known.get(photo.digest), False
        if example is None:
            side = sides[photo.digest]
            example, made = labels.ensure(session, photo.digest, candidate.label, source, side)
        if made:
            result.imported += 1
        else:
            result.already_known += 1
            labels.keep(example, source)
        if example.split is not candidate.split:
            result.other_side.append((candidate.name, example.split.value))
