"""Keeps the history of attempts from growing for ever: there is one row, and more, for each photo."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, tuple_
from sqlalchemy.orm import Session

from shared.database import Database
from shared.tables import Attempt

# One transaction's worth: milliseconds, so that an upload on SQLite hardly waits.
BATCH = 1000


def prune_attempts(database: Database, before: datetime) -> int:
    """Remove attempts that ended before `before`, some at a time. Returns how many. Jobs stay as they are."""
    removed = 0
    while (count := database.transact(lambda session: _prune(session, before))) == BATCH:
        removed += count
    return removed + count


def _prune(session: Session, before: datetime) -> int:
    old = select(Attempt.job_id, Attempt.number).where(Attempt.ended_at < before).limit(BATCH)
    pairs = [tuple(row) for row in session.execute(old)]
    if pairs:
        session.execute(delete(Attempt).where(tuple_(Attempt.job_id, Attempt.number).in_(pairs)))
    return len(pairs)
