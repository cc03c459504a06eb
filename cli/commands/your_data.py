"""`hangtag data`: everything that is yours, taken along or deleted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.server import connect
from cli.terminal import err, print_json
from shared.errors import SettingsError, ValidationError

app = typer.Typer(add_completion=False, no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def data() -> None:
    """Save or delete everything that is yours."""


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="The zip to write.", show_default=False)],
    force: Annotated[bool, typer.Option("--force", help="Replace the file if there is one.")] = False,
) -> None:
    """Save your photos and what is known about them as a zip."""
    if file.is_file() and not force:
        raise ValidationError(f"{file} exists already. Name another file, or say --force to replace it.")
    with connect() as client:
        size = client.save_my_data(file)
    err.print(f"{file}: {size / 2**20:.1f} MB", markup=False)


@app.command()
def delete(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete your photos and everything about them, for good."""
    if not yes:
        _confirm()
    with connect() as client:
        deleted = client.delete_my_data()
    if as_json:
        print_json(deleted.as_json())
    else:
        err.print(f"Deleted: {deleted.photos} photos, {deleted.batches} batches.")


def _confirm() -> None:
    if not sys.stdin.isatty():
        raise SettingsError("There is no terminal to ask on. Say --yes if all your photos shall be deleted.")
    typer.confirm("Delete all your photos and everything about them? Nobody can bring them back.", abort=True)
