"""Two transactions that do the same, the second while the first is not committed yet."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.database import Database

T = TypeVar("T")
U = TypeVar("U")
WAITING = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


def overlapping(database: Database, first: Callable[[Session], T], second: Callable[[], U]) -> tuple[T, U]:
    """What both answer: `first` commits once `second`, in a transaction of its own, has ended or waits.

    On SQLite the second always waits, because one writes at a time.
    """
    with ThreadPoolExecutor(1) as pool:
        with database.write() as session:
            one = first(session)
            other = pool.submit(second)
            while not other.done() and not _somebody_waits(database):
                pass
        return one, other.result()


def both(database: Database, work: Callable[[Session], T]) -> tuple[T, T]:
    """What the same work answers in two transactions that overlap."""
    return overlapping(database, work, lambda: _write(database, work))


def _write(database: Database, work: Callable[[Session], T]) -> T:
    with database.write() as session:
        return work(session)


def _somebody_waits(database: Database) -> bool:
    if database.url.startswith("sqlite"):
        return True
    with database.read() as session:
        return bool(session.scalar(text(WAITING)))
