"""Rows as files: CSV for spreadsheets, JSON lines for programs, written row by row."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

JSON_LINES, CSV = "application/jsonl", "text/csv"
# A spreadsheet takes a cell that begins like this for a formula, and a formula can call other programs.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
Row = Mapping[str, Any]


def json_lines(rows: Iterable[Row]) -> Iterator[str]:
    """One JSON object per row."""
    for row in rows:
        yield json.dumps(row, ensure_ascii=False) + "\n"


def csv_lines(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    """A line of titles, one line per row. What could be read as a formula gets an apostrophe before it."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for cells in chain((columns,), ([row[column] for column in columns] for row in rows)):
        writer.writerow([_harmless(cell) for cell in cells])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell
