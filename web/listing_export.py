"""Listings as files: CSV for spreadsheets, JSON lines for programs, written row by row."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

from flask import Response, stream_with_context

from shared.clock import rfc3339
from shared.database import Database
from shared.listings import store
from shared.listings.suggestion import suggestions
from shared.tables import CategoryChoice, Listing

ROWS_AT_ONCE = 200
COLUMNS = (
    "id",
    "title",
    "category",
    "corrected",
    "suggested",
    "confidence",
    "model_version",
    "photos",
    "created_at",
    "chosen_at",
)
# A cell that begins with one of these is a formula to spreadsheets, and a formula can call other programs.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
Row = dict[str, Any]


def export(database: Database, kind: str, **filters: Any) -> Response:
    """A file of all listings that match, as `csv` or `jsonl`."""
    mimetype, write = FORMATS[kind]
    response = Response(stream_with_context(write(_rows(database, filters))), mimetype=mimetype)
    response.headers["Content-Disposition"] = f'attachment; filename="listings.{kind}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def safe_cell(value: object) -> object:
    """A cell no spreadsheet takes for a formula: an apostrophe goes in front of what could be one."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _rows(database: Database, filters: dict[str, Any]) -> Iterator[Row]:
    cursor = None
    while True:
        with database.read() as session:
            page = store.page(session, cursor=cursor, limit=ROWS_AT_ONCE, **filters)
            ids = [listing.id for listing in page.items]
            suggested, photos = suggestions(session, ids), store.photos(session, ids)
            choices = store.choices(session, ids)
        for listing in page.items:
            row = _row(listing, choices.get(listing.id, []), len(photos.get(listing.id, [])))
            now = suggested.get(listing.id)
            if listing.chosen is None and now is not None:
                row |= {
                    "suggested": now.answer.category,
                    "confidence": round(now.answer.confidence, 4),
                    "model_version": now.model_version,
                }
            yield row
        cursor = page.next_cursor
        if cursor is None:
            return


def _row(listing: Listing, choices: list[CategoryChoice], photos: int) -> Row:
    """One listing; what was suggested is what stood there at the last choice."""
    last = choices[0] if choices else None
    confidence = last.confidence if last else None
    values = (
        listing.id,
        listing.title,
        listing.chosen,
        listing.corrected,
        last.suggested if last else None,
        None if confidence is None else round(confidence, 4),
        last.model_version if last else None,
        photos,
        rfc3339(listing.created_at),
        rfc3339(listing.chosen_at),
    )
    return dict(zip(COLUMNS, values, strict=True))


def _csv(rows: Iterator[Row]) -> Iterator[str]:
    yield _csv_line(COLUMNS)
    for row in rows:
        yield _csv_line([safe_cell(value) for value in row.values()])


def _csv_line(cells: Any) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()


def _json_lines(rows: Iterator[Row]) -> Iterator[str]:
    for row in rows:
        yield json.dumps(row, ensure_ascii=False) + "\n"


Writer = Callable[[Iterator[Row]], Iterator[str]]
FORMATS: dict[str, tuple[str, Writer]] = {
    "csv": ("text/csv", _csv),
    "jsonl": ("application/jsonl", _json_lines),
}
