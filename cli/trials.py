"""The trials of a sweep in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from cli.curves import sparkline
from cli.terminal import text_table
from hangtag_client import Sweep, Trial

# A curve beside the figures of a trial.
CURVE_WIDTH = 16


def trial_table(sweep: Sweep, limit: int | None = None) -> Table:
    """The trials, best first, with what differs between them."""
    columns = ("rank", "trial", *sweep.varied, "validation accuracy", "epoch", "version", "curve")
    return text_table(
        columns, [_cells(trial, sweep.varied) for trial in sweep.trials[:limit]], cut=[*sweep.varied, "curve"]
    )


def trial_line(trial: Trial, varied: Sequence[str]) -> str:
    """One trained trial; nothing of one that was not trained yet."""
    if trial.metrics is None:
        return ""
    values = ", ".join(f"{name} {trial.parameters[name]}" for name in varied)
    return f"trial {trial.number}: {values}: validation accuracy {trial.metrics.val_accuracy:.3f}"


def _cells(trial: Trial, varied: Sequence[str]) -> list[str]:
    values = [str(trial.parameters[name]) for name in varied]
    rank = "-" if trial.rank is None else str(trial.rank)
    return [rank, str(trial.number), *values, *_figures(trial)]


def _figures(trial: Trial) -> list[str]:
    version = "-" if trial.model_version is None else str(trial.model_version)
    found = trial.metrics
    if found is None:
        return [trial.state, "-", version, ""]
    low, high = found.interval
    accuracy = f"{found.val_accuracy:.3f} ({low:.3f} to {high:.3f})"
    return [accuracy, f"{found.best_epoch}/{found.epochs}", version, sparkline(found.curve, CURVE_WIDTH)]
