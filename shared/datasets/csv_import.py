"""Imports a table of photos and labels as examples: columns photo, label and, if wanted, split."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.blobs import BlobStore
from shared.database import Database
from shared.datasets import labels, store
from shared.datasets.labels import IMPORTED, NAMED
from shared.errors import PhotoError, ValidationError
from shared.jobs.states import Split
from shared.photos import store as photos
from shared.photos.decoder import Decoder
from shared.tables import Example, Photo

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
        lines: list[_Line] = []
        for number, row in rows:
            with _listed(result, number):
                lines.append(_line(number, row))
        with self._database.read() as session:
            named = _named(session, [line.photo for line in lines])
        found: list[tuple[_Line, str]] = []
        for line in lines:
            with _listed(result, line.number):
                found.append((line, self._digest(line.photo, named)))
        with self._database.write() as session:
            known = _Known.about(session, found)
            for line, digest in found:
                with _listed(result, line.number):
                    self._record(session, line, digest, known, result)
        result.errors.sort()

    def _digest(self, photo: str, named: Mapping[str, str]) -> str:
        """The digest of the photo a line names; a file is decoded and stored.

        Raises:
            _LineError: there is no such photo, or it cannot be read.
        """
        if _is_name(photo):
            if photo not in named:
                raise _LineError(f"There is no photo {photo}.")
            return named[photo]
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

    def _record(self, session: Session, line: _Line, digest: str, known: _Known, result: CsvReport) -> None:
        example = known.examples.get(digest)
        side = example.split if example else known.sides[digest]
        if line.split not in (None, side):
            raise _LineError(f"This photo is on the {side.value} side, and a photo never changes sides.")
        source = self._source(line, example, digest in known.held)
        if example is None:
            known.examples[digest], made = labels.ensure(session, digest, line.label, source, side)
            if made:
                result.added += 1
            else:  # somebody made it at this moment
                self._record(session, line, digest, known, result)
        elif example.label == line.label:
            labels.keep(example, source)
            result.unchanged += 1
        else:
            example.label, example.source = line.label, source
            result.relabelled += 1

    def _source(self, line: _Line, known: Example | None, held: bool) -> str:
        """Where a label comes from, and so what it lives as long as: a file that was brought along for ever,
        a photo that the table only names until nobody has it."""
        imported = known is not None and known.source.startswith(IMPORTED)
        theirs = _is_name(line.photo) and not imported and held
        return f"{NAMED if theirs else IMPORTED}{self._name}"[:200]


@dataclass(frozen=True, slots=True)
class _Known:
    """What there is about the photos of some lines."""

    examples: dict[str, Example]
    sides: dict[str, Split]  # of those that are no examples yet
    held: set[str]  # somebody has these photos

    @classmethod
    def about(cls, session: Session, found: list[tuple[_Line, str]]) -> _Known:
        examples = store.known_examples(session, {digest for _, digest in found})
        wanted: dict[str, Split | None] = {}
        for line, digest in found:
            if digest not in examples:
                wanted.setdefault(digest, line.split)
        of_somebody = select(Photo.digest).where(Photo.digest.in_({digest for _, digest in found}))
        return cls(examples, store.landing_sides(session, wanted), set(session.scalars(of_somebody)))


@contextmanager
def _listed(result: CsvReport, number: int) -> Iterator[None]:
    """What is wrong with a line goes into the report."""
    try:
        yield
    except _LineError as error:
        result.errors.append((number, str(error)))


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


def _is_name(photo: str) -> bool:
    return bool(DIGEST.match(photo) or PHOTO_ID.match(photo))


def _named(session: Session, cells: list[str]) -> dict[str, str]:
    """The digests of the photos that are there, by the digest or id that a line names."""
    digests = [cell for cell in cells if DIGEST.match(cell)]
    by_id = select(Photo.id, Photo.digest).where(
        Photo.id.in_([cell for cell in cells if PHOTO_ID.match(cell)])
    )
    found = {digest: digest for digest in photos.digests_in_use(session, digests)}
    return found | {row.id: row.digest for row in session.execute(by_id)}
