"""The outcome of a batch as a file: JSON lines for programs, CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from shared.batches import Item

JSON_LINES, CSV = "application/jsonl", "text/csv"
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
# A spreadsheet takes a cell that begins like this for a formula, and runs it.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def json_lines(items: Iterable[Item]) -> Iterator[str]:
    """One JSON object per file."""
    for item in items:
        yield json.dumps(_row(item), ensure_ascii=False) + "\n"


def csv_lines(items: Iterable[Item]) -> Iterator[str]:
    """A line of titles, one line per file. What could be read as a formula gets an apostrophe before it."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for cells in (COLUMNS, *(_row(item).values() for item in items)):
        writer.writerow([_harmless(cell) for cell in cells])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


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


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell
