"""Following a training or a sweep to its end: a bar, curves, or a ranked table that changes as it goes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cli.client import TERMINAL_STATES, Client
from cli.terminal import bar, err

# Shorter than a long poll could be, so that the picture moves.
FOLLOW_SECONDS = 2
BLOCKS = "▁▂▃▄▅▆▇█"
# As many epochs as fit beside the figures in 80 columns.
CURVE_WIDTH = 48
CURVES = (
    ("accuracy", "training accuracy"),
    ("val_accuracy", "validation accuracy"),
    ("loss", "training loss"),
    ("val_loss", "validation loss"),
)
# Of a sweep's trials, so many fit on a screen; all of them are in the final table.
SHOWN_TRIALS = 12

Json = dict[str, Any]


def follow_with_bar(client: Client, job: Json) -> Json:
    """Show how far the job is, until it has ended."""
    with bar() as progress:
        task = progress.add_task("waiting", total=None)
        while job["state"] not in TERMINAL_STATES:
            job = client.job(job["id"], wait_seconds=FOLLOW_SECONDS)
            now = job["progress"]
            progress.update(
                task, description=now["stage"] or job["state"], completed=now["done"], total=now["total"]
            )
    return job


def follow_training(client: Client, job: Json) -> Json:
    """Draw the curves of a training until it has ended; into a pipe, a line for each epoch."""

    def look() -> tuple[RenderableType, list[str]]:
        epochs = client.get(f"/api/v1/trainings/{job['id']}/metrics")["epochs"]
        return _curves(epochs), [_epoch_line(epoch) for epoch in epochs]

    return _follow(client, job, look)


def follow_sweep(client: Client, job: Json) -> Json:
    """Show the best trials so far until the sweep has ended; into a pipe, a line for each trial."""

    def look() -> tuple[RenderableType, list[str]]:
        sweep = client.get(f"/api/v1/sweeps/{job['id']}")
        ended = [trial for trial in sweep["trials"] if trial["metrics"]]
        lines = [trial_line(trial, sweep["varied"]) for trial in sorted(ended, key=lambda t: t["number"])]
        return trial_table(sweep, SHOWN_TRIALS), lines

    return _follow(client, job, look)


def trial_table(sweep: Json, limit: int | None = None) -> Table:
    """The trials, best first, with what differs between them."""
    varied = sweep["varied"]
    columns = ("rank", "trial", *varied, "state", "validation", "95 %", "epoch", "curve", "version")
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for trial in sweep["trials"][:limit]:
        table.add_row(*("-" if cell is None else str(cell) for cell in _cells(trial, varied)))
    return table


def trial_line(trial: Json, varied: Sequence[str]) -> str:
    """One trained trial."""
    values = ", ".join(f"{name} {trial['parameters'][name]}" for name in varied)
    return f"trial {trial['number']}: {values}: validation accuracy {trial['metrics']['val_accuracy']:.3f}"


def sparkline(values: Sequence[float], width: int = CURVE_WIDTH) -> str:
    """Numbers as blocks of eight heights, from the least to the greatest; at most `width`, the last ones."""
    shown = values[-width:]
    if not shown:
        return ""
    low, spread = min(shown), (max(shown) - min(shown)) or 1.0
    return "".join(BLOCKS[round((value - low) / spread * (len(BLOCKS) - 1))] for value in shown)


def _follow(client: Client, job: Json, look: Callable[[], tuple[RenderableType, list[str]]]) -> Json:
    told: set[str] = set()
    with Live(console=err, auto_refresh=False, transient=False) as live:
        while True:
            picture, lines = look()
            if sys.stderr.isatty():
                live.update(Group(_headline(job), picture), refresh=True)
            else:
                _tell(lines, told)
            if job["state"] in TERMINAL_STATES:
                return job
            job = client.job(job["id"], wait_seconds=FOLLOW_SECONDS)


def _tell(lines: Sequence[str], told: set[str]) -> None:
    for line in lines:
        if line not in told:
            told.add(line)
            err.print(line)


def _headline(job: Json) -> Text:
    now = job["progress"]
    parts = [job["state"], now["stage"] or "", f"{now['done']}/{now['total']}" if now["total"] else ""]
    if now["eta_seconds"]:
        parts.append(f"about {now['eta_seconds']:.0f} s left")
    return Text("  ".join(filter(None, parts)), style="bold")


def _curves(epochs: Sequence[Json]) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, title in CURVES:
        values = [epoch[name] for epoch in epochs]
        if values:
            best = min(values) if name.endswith("loss") else max(values)
            table.add_row(title, sparkline(values), f"{values[-1]:.3f}", f"best {best:.3f}")
    return table


def _epoch_line(epoch: Json) -> str:
    return (
        f"epoch {epoch['epoch']}: accuracy {epoch['accuracy']:.3f}, loss {epoch['loss']:.3f}, "
        f"validation accuracy {epoch['val_accuracy']:.3f}, loss {epoch['val_loss']:.3f} "
        f"({epoch['seconds']:.1f} s)"
    )


def _cells(trial: Json, varied: Sequence[str]) -> list[object]:
    figures = trial["metrics"]
    measured: list[object] = [None, None, None, None]
    if figures:
        low, high = figures["interval"]
        measured = [
            f"{figures['val_accuracy']:.3f}",
            f"{low:.3f} to {high:.3f}",
            f"{figures['best_epoch']}/{figures['epochs']}",
            sparkline(figures["curve"], 16),
        ]
    values = [trial["parameters"][name] for name in varied]
    return [trial["rank"], trial["number"], *values, trial["state"], *measured, trial["model_version"]]
