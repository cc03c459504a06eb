"""`hangtag migrate`: the database at the tables of this release, for servers that start in parts."""

from __future__ import annotations

import typer

from cli.local import local_settings
from cli.terminal import err
from shared.migrate import upgrade
from shared.models.starter import ensure_starter

app = typer.Typer(add_completion=False)


@app.command()
def migrate() -> None:
    """Bring the database to the tables of this release, and register the starter version if it has none."""
    settings = local_settings()
    err.print(f"The database is at revision {upgrade(settings)}.")
    number = ensure_starter(settings)
    if number is not None:
        err.print(f"The starter version is registered as version {number} and answers sellers.")
