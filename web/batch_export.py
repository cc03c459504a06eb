"""The outcome of a batch as a file: JSON lines for programs, CSV for spreadsheets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from flask import Response

from shared import batches
from shared.batches import Item
from web import row_files
from web.auth import identity
from web.row_files import CSV
from web.services import services

COLUMNS = (
    "name",
    "state",
    "category",
    "confidence",
    "decision",
    "model_version",
    "photo_id",
    "job_id",
    "error_code",
    "error_message",
)


def export(batch_id: str, kind: str) -> Response:
    """The outcome of a batch as a file of this content type."""
    with services().database.read() as session:
        batch = batches.find(session, batch_id, identity().owner_filter)
        items = batches.items(session, batch.id)
    lines, suffix = (csv_lines(items), "csv") if kind == CSV else (json_lines(items), "jsonl")
    response = Response(lines, content_type=f"{kind}; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="batch-{batch.id}.{suffix}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def json_lines(items: Iterable[Item]) -> Iterator[str]:
    """One JSON object per file."""
    return row_files.json_lines(map(_row, items))


def csv_lines(items: Iterable[Item]) -> Iterator[str]:
    """A line of titles, one line per file."""
    return row_files.csv_lines(COLUMNS, map(_row, items))


def _row(item: Item) -> dict[str, Any]:
    result = (item.job.result if item.job else None) or {}
    known = {
        **result,
        "name": item.name,
        "state": item.state.value,
        "photo_id": item.job.photo_id if item.job else None,
        "job_id": item.job.id if item.job else None,
        "error_code": item.error_code,
        "error_message": item.error_message,
    }
    return {column: known.get(column) for column in COLUMNS}
