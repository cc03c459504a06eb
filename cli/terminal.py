"""What the commands print: tables for people, JSON for programs, bars for what takes its time."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

# Results go to stdout; everything about how it went goes to stderr, so that pipes stay clean.
# Into a file or a pipe nothing is cut or folded at 80 columns.
PIPE_WIDTH = 400
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPE_WIDTH)
err = Console(stderr=True, highlight=False, soft_wrap=True)

# Design, "Confidence in words": from which probability on the network may sound certain.
SURE = 0.9
LIKELY = 0.7


def print_json(value: Any) -> None:
    """Print a value for programs."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows for people; None is shown as a dash."""
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*("-" if cell is None else str(cell) for cell in row))
    out.print(table)


def bar() -> Progress:
    """A progress bar that counts things and disappears when it is done."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
    )


def confidence_in_words(confidence: float) -> str:
    """The words that sellers see, with the figure beside them."""
    words = "Sure" if confidence >= SURE else "Likely" if confidence >= LIKELY else "Please choose"
    return f"{words} ({confidence:.2f})"
