"""`hangtag overview`: what needs somebody, how everything stands and what was done."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from cli.outcome import Status
from cli.server import connect
from cli.terminal import out, print_json, print_table
from hangtag_client import Overview

app = typer.Typer(add_completion=False)
MARKS = {"bad": "[red]✗[/]", "warn": "[yellow]![/]", "decide": "[blue]?[/]"}


@app.command()
def overview(
    window: Annotated[Literal["24h", "7d", "30d"], typer.Option(help="How far back to look.")] = "24h",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what needs you, the queues and what was done. Ends with 1 when something is broken."""
    with connect() as client:
        found = client.overview(window)
    if as_json:
        print_json(found.as_json())
    else:
        _print(found)
    if any(matter.level == "bad" for matter in found.matters):
        raise typer.Exit(Status.FAILED)


def _print(found: Overview) -> None:
    for matter in found.matters:
        out.print(f"{MARKS[matter.level]} ", end="")
        out.print(matter.text, markup=False)
    if not found.matters:
        out.print("[green]✓[/] All is well.")
    done = found.done
    print_table(
        ("queue", "waiting", "running", "workers"),
        ([queue[name] for name in ("kind", "waiting", "running", "workers")] for queue in found.queues),
    )
    total = done["total"]
    print_table(
        ("window", "answered", "failed", "quarantined", "asked", "median", "95 % within"),
        [
            (
                *(done["window"], total["answered"], total["failed"], total["quarantined"], total["asked"]),
                *(_seconds(total["median_seconds"]), _seconds(total["p95_seconds"])),
            )
        ],
    )
    print_table(
        ("category", "answered", "share", "in training", "asked", "decided", "corrected"),
        (
            (
                *(row["category"], row["answered"], _percent(row["mix"]), _percent(row["trained_mix"])),
                *(row["asked"], row["decided"], row["corrected"]),
            )
            for row in done["categories"]
        ),
    )


def _seconds(value: float | None) -> str | None:
    return None if value is None else f"{value:.2g} s" if value < 1 else f"{value:,.1f} s"


def _percent(value: float | None) -> str | None:
    return None if value is None else f"{value:.0%}"
