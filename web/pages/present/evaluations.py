"""A version's figures as a page shows them: shares with intervals, and the confusion matrix in shades."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from shared.models.evaluation import Evaluation, Interval
from shared.tables import ModelVersion
from web.pages.present.words import category_label, percent

# One shade per class of the style sheet; 0 is no colour at all.
SHADES = 8


@dataclass(frozen=True, slots=True)
class Whisker:
    """A share and its 95 % interval on a line, each from 0 at its beginning to 100 at its end."""

    at: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the confusion matrix: photos that were suggested as the category `name`."""

    name: str
    count: int
    shade: int
    right: bool
    spoken: str


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """All photos that truly are of the category `name`."""

    name: str
    label: str
    cells: list[Cell]
    total: int


@dataclass(frozen=True, slots=True)
class Matrix:
    """A confusion matrix: rows are the truth, columns what was suggested."""

    labels: list[str]
    rows: list[MatrixRow]
    column_totals: list[int]
    total: int


def interval_text(interval: Interval | None, digits: int = 0) -> str:
    """An interval as percentages."""
    if interval is None:
        return "–"
    low, high = interval
    return f"{low * 100:.{digits}f}–{percent(high, digits)}"


def whisker(share: float | None, interval: Interval | None, floor: float = 0) -> Whisker | None:
    """A share with its interval, ready to draw on a line from `floor` percent to 100."""
    if share is None or interval is None:
        return None
    at, low, high = (round((value * 100 - floor) / (100 - floor) * 100, 1) for value in (share, *interval))
    return Whisker(at, low, high)


def axis_floor(intervals: Iterable[Interval | None]) -> float:
    """Where a line that shows all these intervals begins: a round number of percent below the lowest."""
    lowest = min((interval[0] for interval in intervals if interval), default=0.0)
    return max(0.0, math.floor(lowest * 10 - 0.5) * 10.0)


def matrix(result: Evaluation) -> Matrix:
    """The confusion matrix, each cell shaded by its share of the row."""
    names = [row.category for row in result.per_class]
    labels = [category_label(name) for name in names]
    rows = [_row(names, labels, index, counts) for index, counts in enumerate(result.confusion)]
    columns = [sum(column) for column in zip(*result.confusion, strict=True)]
    return Matrix(labels, rows, columns, result.count)


def _row(names: list[str], labels: list[str], index: int, counts: list[int]) -> MatrixRow:
    total = sum(counts)
    cells = [
        Cell(
            name=names[column],
            count=count,
            shade=_shade(count, total),
            right=column == index,
            spoken=f"{count} of {total} {labels[index]} photos were suggested as {labels[column]}",
        )
        for column, count in enumerate(counts)
    ]
    return MatrixRow(names[index], labels[index], cells, total)


def _shade(count: int, total: int) -> int:
    """At least the first shade for a single photo: rare mistakes must be visible too."""
    return math.ceil(count / total * SHADES) if count else 0


def lineage_facts(version: ModelVersion) -> list[tuple[str, str, bool]]:
    """Where a version comes from: label, value, and whether the value is code."""
    lineage = version.lineage
    facts: list[tuple[str, Any, bool]] = [
        ("Made by", lineage.get("person"), False),
        ("Code commit", lineage.get("code_commit"), True),
        ("Dataset version", lineage.get("dataset_version"), False),
        ("Dataset digest", lineage.get("dataset_digest"), True),
        ("Base weights digest", version.base_digest, True),
        ("Head digest", version.head_digest, True),
        ("Feature space", version.feature_space, True),
        ("Seed", lineage.get("seed", lineage.get("parameters", {}).get("seed")), False),
        ("Best epoch", lineage.get("best_epoch"), False),
        ("Engine", lineage.get("engine"), False),
    ]
    return [(label, str(value), code) for label, value, code in facts if value is not None]
