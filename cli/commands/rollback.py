"""`hangtag rollback`: the version that answered before answers again."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.server import connect
from cli.terminal import err, print_json

app = typer.Typer(add_completion=False)


@app.command()
def rollback(
    reason: Annotated[str, typer.Option(help="Why; kept in the history.")] = "Rolled back.",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Go back to the version that answered before."""
    with connect() as client:
        version = client.rollback(reason)
    if as_json:
        print_json(version.as_json())
    else:
        err.print(f"Version {version.number} is the champion again.")
