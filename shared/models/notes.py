"""What people write down about versions: added, never changed or removed."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.errors import ValidationError
from shared.models import registry
from shared.tables import VersionNote

MAX_NOTE_CHARACTERS = 2000


def add(session: Session, number: int, author: str, text: str) -> VersionNote:
    """Write a note beside a version.

    Raises:
        NotFoundError: there is no such version.
        ValidationError: the note is empty or too long.
    """
    text = text.strip()
    if not 1 <= len(text) <= MAX_NOTE_CHARACTERS:
        raise ValidationError(f"A note has 1 to {MAX_NOTE_CHARACTERS:,} characters.")
    note = VersionNote(version=registry.find(session, number).number, author=author, text=text)
    session.add(note)
    session.flush()
    return note


def of(session: Session, number: int) -> list[VersionNote]:
    """The notes about a version, newest first."""
    rows = select(VersionNote).where(VersionNote.version == number).order_by(VersionNote.id.desc())
    return list(session.scalars(rows))
