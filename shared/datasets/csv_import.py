"""Imports a table of photos and labels as examples: columns photo, label and, if wanted, split."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.blobs import BlobStore
from shared.database import Database
from shared.datasets import labels
from shared.datasets.labels import IMPORTED, NAMED
from shared.datasets.splits import split_of
from shared.errors import PhotoError, ValidationError
from shared.jobs.states import Split
from shared.photos.decoder import Decoder
from shared.photos.deletion import deleted_among
from shared.tables import DatasetExample, Example, Photo

# Lines per transaction: short for sellers who write at the same time.
CHUNK = 100
# A table this long takes hours to decode; split it, so that a mistake in it is found before.
MAX_LINES = 100_000
DIGEST = re.compile(r"^[0-9a-f]{64}$")
PHOTO_ID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")

Report = Callable[[int, int], None]


@dataclass(slots=True)
class CsvReport:
    """What an import of a table did. Lines count from 1, the header included."""

    added: int = 0
    relabelled: int = 0
    unchanged: int = 0
    errors: list[tuple[int, str]] = field(default_factory=list)  # line, what is wrong with it


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    photo: str
    label: str
    split: Split | None


class _LineError(Exception):
    """What is wrong with one line, in a sentence."""


class CsvImport:
    """One import. A `folder` allows paths below it; without one a line names a photo by digest or id."""

    def __init__(
        self, database: Database, blobs: BlobStore, source: str, decoder: Decoder | None, folder: Path | None
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._name = source
        self._decoder = decoder
        self._folder = folder.resolve() if folder else None

    def run(self, text: str, report: Report = lambda done, total: None) -> CsvReport:
        """Make an example of every line that is in order; the others are listed and change nothing.

        A photo that is an example already takes the new label; it never changes sides. A new one without a
        side lands on the one that its digest decides.

        Raises:
            ValidationError: the text is no such table.
        """
        result = CsvReport()
        rows = _rows(text)
        for start in range(0, len(rows), CHUNK):
            self._take(rows[start : start + CHUNK], result)
            report(min(start + CHUNK, len(rows)), len(rows))
        return result

    def _take(self, rows: list[tuple[int, dict[str, str]]], result: CsvReport) -> None:
        found: list[tuple[_Line, str]] = []
        for number, row in rows:
            try:
                line = _line(number, row)
                found.append((line, self._digest(line.photo)))
            except _LineError as error:
                result.errors.append((number, str(error)))
        with self._database.write() as session:
            for line, digest in found:
                try:
                    self._record(session, line, digest, result)
                except _LineError as error:
                    result.errors.append((line.number, str(error)))
        result.errors.sort()

    def _digest(self, photo: str) -> str:
        """The digest of the photo a line names; a file is decoded and stored.

        Raises:
            _LineError: there is no such photo, or it cannot be read.
        """
        if DIGEST.match(photo) or PHOTO_ID.match(photo):
            with self._database.read() as session:
                return _known_digest(session, photo)
        if self._folder is None or self._decoder is None:
            raise _LineError(f"{photo[:80]!r} is neither the SHA-256 of a photo nor its id.")
        path = (self._folder / photo).resolve()
        if not path.is_relative_to(self._folder) or not path.is_file():
            raise _LineError(f"There is no file {photo[:80]!r} below the folder of the table.")
        try:
            prepared = self._decoder.prepare(path.read_bytes())
        except PhotoError as error:
            raise _LineError(error.message) from error
        prepared.store(self._blobs)
        return prepared.digest

    def _record(self, session: Session, line: _Line, digest: str, result: CsvReport) -> None:
        example, made = session.get(Example, digest), False
        if example is None:
            source = self._source(session, line, example, digest)
            split = line.split or split_of(digest)
            example, made = labels.ensure(session, digest, line.label, source, split)
        if made:
            result.added += 1
        elif line.split is not None and line.split is not example.split:
            raise _LineError(
                f"This photo is on the {example.split.value} side, and a photo never changes sides."
            )
        elif example.label == line.label:
            labels.keep(example, self._source(session, line, example, digest))
            result.unchanged += 1
        else:
            example.source = self._source(session, line, example, digest)
            example.label = line.label
            result.relabelled += 1

    def _source(self, session: Session, line: _Line, known: Example | None, digest: str) -> str:
        """Where a label comes from, and so what it lives as long as: a file that was brought along for ever,
        a photo that the table only names until nobody has it."""
        named = bool(DIGEST.match(line.photo) or PHOTO_ID.match(line.photo))
        imported = known is not None and known.source.startswith(IMPORTED)
        theirs = named and not imported and _somebody_has(session, digest)
        return f"{NAMED if theirs else IMPORTED}{self._name}"[:200]


def _rows(text: str) -> list[tuple[int, dict[str, str]]]:
    """Line numbers and cells of the table.

    Raises:
        ValidationError: it has no header with `photo` and `label`, other columns, or too many lines.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), restkey="", strict=True)
    try:
        names = [name.strip().lower() for name in reader.fieldnames or []]
        if not {"photo", "label"} <= set(names) or set(names) - {"photo", "label", "split"}:
            raise ValidationError("The first line has to name the columns: photo,label or photo,label,split.")
        reader.fieldnames = names
        rows = [(reader.line_num, row) for row in _until(reader)]
    except csv.Error as error:
        raise ValidationError(f"Line {reader.line_num} is no CSV: {error}.") from error
    return [(number, {name: (row.get(name) or "").strip() for name in names}) for number, row in rows]


def _until(reader: csv.DictReader[str]) -> Iterator[dict[str, str]]:
    for count, row in enumerate(reader):
        if count == MAX_LINES:
            raise ValidationError(f"The table has more than {MAX_LINES:,} lines. Split it into several.")
        yield row


def _line(number: int, row: dict[str, str]) -> _Line:
    try:
        label = labels.checked_label(row["label"])
    except ValidationError as error:
        raise _LineError(error.message) from error
    split = row.get("split", "")
    if split and split not in list(Split):
        raise _LineError(f"{split[:40]!r} is no side; write train, validation or test, or nothing.")
    if not row["photo"]:
        raise _LineError("The photo is missing.")
    return _Line(number, row["photo"], label, Split(split) if split else None)


def _known_digest(session: Session, photo: str) -> str:
    column = Photo.digest if DIGEST.match(photo) else Photo.id
    digest = session.scalar(select(Photo.digest).where(column == photo).limit(1))
    if digest is None and DIGEST.match(photo):
        for table in (Example, DatasetExample):
            digest = digest or session.scalar(select(table.digest).where(table.digest == photo).limit(1))
    if digest is None or deleted_among(session, [digest]):
        raise _LineError(f"There is no photo {photo}.")
    return digest


def _somebody_has(session: Session, digest: str) -> bool:
    return session.scalar(select(Photo.id).where(Photo.digest == digest).limit(1)) is not None
