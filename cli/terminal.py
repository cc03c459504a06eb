"""What the commands print: tables for people, JSON for programs, bars for what takes its time."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from shared.clock import utc_now
from shared.models.confidence import SUGGEST_AT, SURE_AT

# Into a file or a pipe nothing is cut or folded.
PIPE_WIDTH = 400
GAP = 2
# A column that is cut keeps so much.
LEAST = 8
UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


class Paper(Console):
    """A terminal, file or pipe."""

    def on_broken_pipe(self) -> None:
        """The reader has gone, as with `| head`: end, by the way that all errors take."""
        raise BrokenPipeError


# Results go to stdout; everything about how it went goes to stderr, so that pipes stay clean.
out = Paper(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPE_WIDTH)
err = Paper(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """Print a value for programs."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, cut: Sequence[str] = (), empty: str = ""
) -> None:
    """Print rows for people; None is shown as a dash.

    On a terminal that is too narrow, the columns named in `cut` give way. `empty` says on stderr what to do
    when there are no rows.
    """
    cells = [["-" if cell is None else str(cell) for cell in row] for row in rows]
    if not cells and empty:
        err.print(empty)
        return
    out.print(text_table(columns, cells, cut=cut))


def text_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, cut: Sequence[str] = ()) -> Table:
    """A table without lines whose rows have one line each."""
    widths = [max(map(cell_len, column)) for column in zip(columns, *rows, strict=True)]
    _narrow(widths, [columns.index(name) for name in cut], out.width - GAP * (len(columns) - 1))
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name, width in zip(columns, widths, strict=True):
        table.add_column(_cut(name, width), no_wrap=True, min_width=width)
    for row in rows:
        table.add_row(*(Text(_cut(cell, width)) for cell, width in zip(row, widths, strict=True)))
    return table


def print_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Print names and values below each other; what is None is left out."""
    table = Table.grid(padding=(0, GAP))
    for name, value in facts:
        if value is not None:
            table.add_row(name, Text(str(value)))
    out.print(table)


def moment(when: datetime | str | None) -> str | None:
    """A moment, to the second."""
    if when is None:
        return None
    return (datetime.fromisoformat(when) if isinstance(when, str) else when).strftime("%Y-%m-%d %H:%M:%S UTC")


def ago(when: datetime | str | None) -> str | None:
    """How long ago a moment was, for a list on a terminal; the moment itself anywhere else."""
    if when is None or not out.is_terminal:
        return moment(when)
    past = datetime.fromisoformat(when) if isinstance(when, str) else when
    seconds = max(0, round((utc_now() - past).total_seconds()))
    count, unit = next(((seconds // size, unit) for size, unit in UNITS if seconds >= size), (seconds, "s"))
    return f"{count} {unit} ago"


def bar() -> Progress:
    """A progress bar that counts things and disappears when it is done. Without a terminal there is none."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )


def confidence_in_words(confidence: float) -> str:
    """The words that sellers see, with the figure beside them."""
    words = "Sure" if confidence >= SURE_AT else "Likely" if confidence >= SUGGEST_AT else "Please choose"
    return f"{words} ({confidence:.2f})"


def _narrow(widths: list[int], places: Sequence[int], room: int) -> None:
    """Take from the widest of the columns that may be cut until all fit."""
    while sum(widths) > room and places:
        widest = max(places, key=lambda place: widths[place])
        if widths[widest] <= LEAST:
            return
        widths[widest] -= 1


def _cut(text: str, width: int) -> str:
    """The text in so many cells: the end of a path, of anything else the beginning."""
    if cell_len(text) <= width:
        return text
    if "/" not in text:
        return set_cell_size(text, width - 1) + "…"
    while cell_len(text) >= width:
        text = text[1:]
    return "…" + text
