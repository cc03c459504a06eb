"""`hangtag data`: everything that is yours, taken along or deleted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.client import connect
from cli.terminal import err

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="The zip to write.", show_default=False)],
) -> None:
    """Save your photos and what is known about them as a zip."""
    with connect() as client:
        size = client.download("/api/v1/account/data", file)
    err.print(f"{file}: {size / 2**20:.1f} MB")


@app.command()
def delete(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete your photos and everything about them, for good."""
    if not yes:
        typer.confirm(
            "Delete all your photos and everything about them? Nobody can bring them back.", abort=True
        )
    with connect() as client:
        deleted = client.delete("/api/v1/account/data")
    err.print(f"Deleted: {deleted['photos']} photos, {deleted['batches']} batches.")
