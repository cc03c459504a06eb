"""`hangtag models`: the versions, their accuracy, which of them serves; and one of them as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.client import connect, local_settings
from cli.terminal import err, print_json, print_table
from shared.models.starter import export_starter

app = typer.Typer(add_completion=False, invoke_without_command=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def models(context: typer.Context, as_json: AsJson = False) -> None:
    """List model versions, or export one."""
    if context.invoked_subcommand is not None:
        return
    with connect() as client:
        found = client.get("/api/v1/models")["versions"]
    if as_json:
        print_json(found)
        return
    print_table(
        ("version", "aliases", "test accuracy", "validation", "image size", "classes", "created"),
        (
            (
                version["number"],
                ", ".join(version["aliases"]) or None,
                _accuracy(version, "test"),
                _accuracy(version, "validation"),
                version["image_size"],
                len(version["classes"]),
                version["created_at"],
            )
            for version in found
        ),
    )


@app.command()
def export(
    number: Annotated[int, typer.Argument(help="The number of the version.")],
    directory: Annotated[Path, typer.Argument(help="The folder to write it to.")],
) -> None:
    """Write a version's head, its facts and its model card into a folder."""
    export_starter(local_settings(), number, directory)
    err.print(f"Version {number} is in {directory}.")


def _accuracy(version: dict[str, Any], split: str) -> str | None:
    figures = version["metrics"].get(split)
    if not figures:
        return None
    interval = figures.get("interval")
    spread = f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else ""
    return f"{figures['accuracy']:.3f}{spread}"
