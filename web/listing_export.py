"""Listings as files, read page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from flask import Response, stream_with_context

from shared.clock import rfc3339
from shared.database import Database
from shared.listings import store
from shared.listings.suggestion import suggestions
from shared.tables import CategoryChoice, Listing
from web.row_files import CSV, JSON_LINES, csv_lines, json_lines

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
Row = dict[str, Any]


def export(database: Database, kind: str, **filters: Any) -> Response:
    """A file of all listings that match, as `csv` or `jsonl`."""
    mimetype, write = FORMATS[kind]
    response = Response(stream_with_context(write(_rows(database, filters))), mimetype=mimetype)
    response.headers["Content-Disposition"] = f'attachment; filename="listings.{kind}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


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
    return csv_lines(COLUMNS, rows)


FORMATS: dict[str, tuple[str, Callable[[Iterator[Row]], Iterator[str]]]] = {
    "csv": (CSV, _csv),
    "jsonl": (JSON_LINES, json_lines),
}
