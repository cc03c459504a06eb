"""The curves of a training in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean

from rich.table import Table

from hangtag_client import Epoch

BLOCKS = "▁▂▃▄▅▆▇█"
# What is left beside the figures in 80 columns.
CURVE_WIDTH = 30
CURVES = (
    ("accuracy", "training accuracy"),
    ("val_accuracy", "validation accuracy"),
    ("loss", "training loss"),
    ("val_loss", "validation loss"),
)


def curves(epochs: Sequence[Epoch]) -> Table:
    """A line for each figure: its course, its last value and its best."""
    table = Table.grid(padding=(0, 2))
    for name, title in CURVES:
        values = [float(getattr(epoch, name)) for epoch in epochs]
        if values:
            best = min(values) if name.endswith("loss") else max(values)
            where = epochs[values.index(best)].epoch
            table.add_row(title, sparkline(values), f"{values[-1]:.3f}", f"best {best:.3f}, epoch {where}")
    return table


def epoch_line(epoch: Epoch) -> str:
    """One epoch in a line."""
    return (
        f"epoch {epoch.epoch}: accuracy {epoch.accuracy:.3f}, loss {epoch.loss:.3f}, "
        f"validation accuracy {epoch.val_accuracy:.3f}, loss {epoch.val_loss:.3f} ({epoch.seconds:.1f} s)"
    )


def sparkline(values: Sequence[float], width: int = CURVE_WIDTH) -> str:
    """Numbers as blocks of eight heights, from the least to the greatest.

    Of more numbers than `width`, neighbours share a block that stands for their mean.
    """
    if not values:
        return ""
    count = min(width, len(values))
    bounds = [place * len(values) // count for place in range(count + 1)]
    shown = [fmean(values[start:end]) for start, end in pairwise(bounds)]
    low, spread = min(shown), (max(shown) - min(shown)) or 1.0
    return "".join(BLOCKS[round((value - low) / spread * (len(BLOCKS) - 1))] for value in shown)
