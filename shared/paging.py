"""Lists page by page: newest first, each page beginning after the last row of the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

Row = TypeVar("Row")
# An id, which is ordered by time, or a number that is counted up.
Cursor = TypeVar("Cursor", str, int)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row, Cursor]):
    """Rows, newest first, and where the next page begins (None at the end)."""

    items: list[Row]
    next_cursor: Cursor | None


def newest_first(
    session: Session,
    query: Select[Row],
    key: InstrumentedAttribute[Cursor],
    cursor: Cursor | None,
    limit: int,
) -> Page[Row, Cursor]:
    """One page of a query for rows of a table. `cursor` is the `key` of the last row of the page before."""
    query = query.order_by(key.desc()).limit(limit + 1)
    if cursor is not None:
        query = query.where(key < cursor)
    rows = list(session.scalars(query))
    return Page(rows[:limit], getattr(rows[limit - 1], key.key) if len(rows) > limit else None)
