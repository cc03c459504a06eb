"""`hangtag promote`: another version answers sellers from now on."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.client import connect
from cli.terminal import err, print_json

app = typer.Typer(add_completion=False)


@app.command()
def promote(
    number: Annotated[int, typer.Argument(help="The number of the version.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the history.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Let a model version answer sellers."""
    with connect() as client:
        version = client.put("/api/v1/aliases/champion", {"version": number, "reason": reason})
    if as_json:
        print_json(version)
    else:
        err.print(f"Version {version['number']} is the champion and answers sellers now.")
